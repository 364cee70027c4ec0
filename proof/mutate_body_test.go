package proof

import (
	"fmt"
	"slices"
	"strings"
)

// Mutations of JSON and multipart, and of what a body is taken for.

// jsonName writes a key in some odd way.
func (g generator) jsonName(name string) string {
	at := g.IntN(len(name) + 1)
	switch g.IntN(14) {
	case 0:
		return `"` + strings.ToUpper(name) + `"`
	case 1, 2:
		i := g.IntN(max(1, len(name)))
		if name == "" {
			break
		}
		return fmt.Sprintf(`"%s\u%04x%s"`, name[:i], name[i], name[i+1:])
	case 3:
		return `"` + strings.Replace(name, "_", pick(g, `\_`, `\u005F`, `\x5f`, `\137`, "-", " "), 1) + `"`
	case 4:
		return `"` + name[:at] + pick(g, `\u0000`, "\x00", ` `, `\t`, `[]`, `]`, "\ufeff", `\ud800`, "\xff", `\`, `\ `, "\u200b", `\u200b`, "\n") + name[at:] + `"`
	case 5:
		return pick(g, name, "'"+name+"'", "`"+name+"`", `"`+name, name+`"`, `""`+name+`""`)
	case 6:
		return `"[` + name + `]"`
	case 7:
		return `"` + strings.NewReplacer("s", "ſ", "k", "K", "i", "ı").Replace(name) + `"`
	}
	return `"` + name + `"`
}

// jsonValue writes a value as something that is, or looks like, it.
func (g generator) jsonValue(value string) string {
	switch g.IntN(12) {
	case 0:
		return pick(g, "null", "true", "false", "[]", "{}", "-0", "0", "5.0", "5e0", "5E+0", "1e400", "NaN", "Infinity", "05", "+5", ".5", "5.", "0x5", "5_000", `""`, "1e2", "-5", "6511")
	case 1:
		return "[" + literal(value) + "]"
	case 2:
		return `{"a":` + literal(value) + "}"
	case 3:
		return value
	case 4:
		return literal(value) + pick(g, " ", "\t", "\n", "/**/", "//\n", "\x00", "\x0b")
	case 5:
		return "[" + literal(value) + pick(g, ",]", "", "]]", "}")
	}
	return literal(value)
}

// partOf writes a part whose head some read differently.
func (g generator) partOf(name, value, boundary string) pair {
	const disposition = "Content-Disposition: form-data; "
	p := pair{name: name, value: value}
	quoted := `name="` + name + `"`
	switch g.IntN(24) {
	case 0:
		p.head = disposition + `name="x"; ` + quoted
	case 1:
		p.head = disposition + quoted + `; name="x"`
	case 2:
		p.head = disposition + `name="x; name=` + name + `"`
	case 3:
		p.head = disposition + pick(g, "name="+name, "name='"+name+"'", "NAME="+name, "name ="+name, "name= "+name, `name = "`+name+`"`, "name*=utf-8''"+name, `name="`+name, "name="+name+`"`)
	case 4:
		p.head = disposition + quoted + pick(g, `; filename="a"`, `; filename=""`, `; filename=a`, `; filename*=utf-8''a`, `;filename="x"; `+quoted, `; x="`, `; x`, ";", `; filename="a\"; name=\"x"`)
	case 5:
		p.head = disposition + `filename="a; name=` + name + `"; name="x"`
	case 6:
		p.head = "X: " + disposition + quoted + "\r\n" + disposition + `name="x"`
	case 7:
		p.head = disposition + `name="x"` + pick(g, "\r\n ", "\r\n\t", "\n", "\r", "\r\n\x0b") + pick(g, "; ", "") + quoted
	case 8:
		p.head = "Content-ID: " + name
	case 9:
		p.head = strings.ToLower(disposition) + quoted
	case 10:
		p.head = disposition + `name="` + pick(g, " ", "[", "\\", "%20", "\x00", "\"", "\t", "\u00a0") + name + `"`
	case 11:
		p.head = disposition + `name="` + name + pick(g, " ", "]", "[]", "\\", "%00", "\x00", "\"\"", "\t", ".x") + `"`
	case 12:
		p.head = disposition + quoted + "\r\n" + pick(g, "Content-Type: text/plain", "Content-Type: text/plain; charset=utf-16", "Content-Type: application/json", "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable",
			"Content-Type: multipart/mixed; boundary=c", "Content-Length: 1", "Content-Disposition: form-data; name=\"x\"", "X-Own: 1", "Content-Type: text/plain; charset=iso-8859-1", " folded", "Content-Encoding: gzip")
	case 13:
		p.head = pick(g, "Content-Type: text/plain\r\n", "X: y\r\n", "X\r\n", ": \r\n", "\r\n") + disposition + quoted
	case 14:
		p.head = "Content-Disposition:" + pick(g, "form-data;", " form-data;", "  FORM-DATA ; ", " attachment; ", " form-data ", "\tform-data;\t") + quoted
	case 15:
		p.value = value + pick(g, "\r", "\n", "\r\n", " ", "\x00", "\r\n\r\n", "\r\n--", "--"+boundary)
	case 16:
		p = pair{name: "comment", value: "x" + pick(g, "--", "\n--", "\r--", "\r\n--", "\r\n --") + boundary + pick(g, "\r\n", "\n", " \r\n", "--\r\n", "\r\n\r\n") + disposition + quoted + "\r\n\r\n" + value}
	case 17:
		p.separator = pick(g, "\n", "\r", "", "\r\n\r\n", " \r\n")
	}
	return p
}

// jsonOddity changes the whole of a JSON body.
func (g generator) jsonOddity(d *draft) {
	if d.kind != jsonBody {
		return
	}
	object := members(d.body)
	switch g.IntN(8) {
	case 0:
		object = pick(g, "\ufeff", " ", "\n", "/**/", "//\n", "\x00", "[", ")]}',\n", "\x0b") + object
	case 1:
		object += pick(g, " ", "\n", "\x00", "x", "]", object, "{\"call_limit\":-5}", "//", "/**/", ",", "\xff")
	case 2:
		object = "[" + object + "]"
	case 3:
		object = strings.Replace(object, ":", pick(g, "::", "=>", " : ", "/**/:", "=", ":\x00"), 1)
	case 4:
		object = strings.TrimSuffix(object, "}") + pick(g, "", ",}", "}}", "]", ",\"x\":"+strings.Repeat("[", 99+g.IntN(4))+strings.Repeat("]", 101)+"}")
	case 5:
		object = strings.ReplaceAll(object, `"`, `'`)
	case 6:
		object = pick(g, `{"api":`, `{"_json":`, `{"x":{"y":`, `{"did_details_update":`) + object + "}"
	case 7:
		object = strings.Replace(object, `"u"`, `"call_limit":-5,"u"`, 1)
	}
	d.kind, d.raw = rawBody, object
}

// partOddity changes the boundaries of a multipart body, or what is around the parts.
func (g generator) partOddity(d *draft) {
	if d.kind != multipartBody {
		return
	}
	body := parts(d.body, d.boundary)
	first := "--" + d.boundary
	evil := "--" + d.boundary + "\r\nContent-Disposition: form-data; name=\"call_limit\"\r\n\r\n-5\r\n"
	switch g.IntN(11) {
	case 0:
		body = pick(g, "\r\n", "\n", "x\r\n", "\r\n\r\n", " ", "call_limit=-5&", "--\r\n", "\x00") + body
	case 1:
		body += pick(g, evil, evil+first+"--\r\n", "x", "\r\n", "&call_limit=-5", "\x00")
	case 2:
		body = strings.TrimSuffix(body, pick(g, "\r\n", "--\r\n", first+"--\r\n"))
	case 3:
		body = strings.Replace(body, first+"\r\n", first+pick(g, " \r\n", "\n", "\t\r\n", "x\r\n", "\r\n\r\n", "--\r\n"), 1)
	case 4:
		body = strings.ReplaceAll(body, "\r\n", "\n")
	case 5:
		d.types = []string{"multipart/form-data; boundary=" + pick(g, `"`+d.boundary+`"`, d.boundary+"; boundary=c", "c; boundary="+d.boundary, d.boundary+",c", d.boundary+" ", `"`+d.boundary, "'"+d.boundary+"'", d.boundary+"; charset=utf-8", `"\`+d.boundary+`"`, strings.ToUpper(d.boundary), "boundary="+d.boundary, "x_Boundary="+d.boundary, d.boundary+"=boundary", d.boundary+"; charset=utf-16", d.boundary+"; charset=windows-1252", ";"+d.boundary, d.boundary+";;")}
	case 6:
		d.types = []string{pick(g, "multipart/form-data; x=y; boundary=", "multipart/mixed; boundary=", "multipart/form-data;boundary=", "MULTIPART/FORM-DATA; boundary=", "multipart/form-data; BOUNDARY=", "multipart/form-data, boundary=", "multipart/form-data; boundary =", "multipart/form-data boundary=", "multipart/x; boundary=") + d.boundary}
	case 7:
		at := strings.LastIndex(body, first)
		body = body[:at] + evil + body[at:]
	case 8:
		at := strings.LastIndex(body, first)
		body = body[:at] + "--" + strings.ToUpper(d.boundary) + evil[len(first):] + body[at:]
	case 9:
		body = strings.Replace(body, first, first+"--\r\n"+first, 1)
	case 10: // two boundaries, one the other's end, each framing something else
		outer := "x_boundary=" + d.boundary
		body = strings.ReplaceAll(body, first, "--"+outer) + pick(g, "", evil+first+"--\r\n")
		if at := strings.LastIndex(body, "--"+outer); g.chance(50) {
			body = body[:at] + "--" + outer + "\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\nx\r\n" + evil + first + "--\r\n" + body[at:]
		}
		d.types = []string{"multipart/form-data; boundary=" + pick(g, outer, `"`+outer+`"`)}
	}
	d.kind, d.raw = rawBody, body
}

var contentTypes = []string{
	"application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain", "", " ",
	"text/x-json", "application/jsonrequest", "application/vnd.api+json", "application/xml", "text/xml; charset=utf-8", "application/x-yaml",
	"multipart/mixed; boundary=b", "multipart/related; boundary=b", "application/json; charset=utf-8; x=y", "application/json;", "application/json, text/plain",
	"text/plain, application/json", "application/x-www-form-urlencoded, application/json", "application/json; charset=utf-16", "application/json; charset=utf-7", "application/json; charset=iso-8859-1", "application/json;;charset=utf8", "application/x-www-form-urlencoded; charset=windows-1251",
	"APPLICATION/JSON", "application/ json", "application/json\t", "application/json\x0b", "application/json\u00a0", `"application/json"`, "application/x-www-form-urlencoded; charset=iso-8859-1",
	"application/x-www-form-urlencoded; boundary=b", "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"b\"", "*/*", "application/*", "json", "application/octet-stream", "application/json;charset=\"utf-8\"",
}

// retype gives the body another type.
func (g generator) retype(d *draft) {
	switch g.IntN(6) {
	case 0:
		d.types = nil
	case 1:
		d.types = append(slices.Clone(d.types), pick(g, contentTypes...))
	case 2:
		d.types = append([]string{pick(g, contentTypes...)}, d.types...)
	case 3:
		if len(d.types) > 0 {
			d.types = []string{pick(g, strings.ToUpper(d.types[0]), d.types[0]+";", d.types[0]+", x/y", " "+d.types[0], strings.ReplaceAll(d.types[0], "/", " / "), d.types[0]+"; charset=latin1")}
		}
	default:
		d.types = []string{pick(g, contentTypes...)}
	}
}

// polyglot makes a body that can be read in two formats.
func (g generator) polyglot(d *draft) {
	evil := joined([]pair{g.disguised(pick(g, "call_limit", "u", "did_id", "_method", "active_till"), pick(g, "-5", "", "1", "put"))})
	body := string(d.bodyBytes())
	quoted := strings.Trim(literal(body), `"`)
	switch g.IntN(6) {
	case 0:
		d.raw = `{"call_limit":-5,"x":"&` + quoted + `&"}`
	case 1:
		d.raw = strings.TrimSuffix(body, "}") + `,"x":"&` + evil + `&"}`
	case 2:
		d.raw = body + "&" + evil
	case 3:
		d.raw = evil + "&x=" + body
	case 4:
		d.raw = "--b\r\nContent-Disposition: form-data; name=\"call_limit\"\r\n\r\n-5\r\n--b--\r\n&" + body
	case 5:
		d.raw = pick(g, "<call_limit>-5</call_limit>", "<hash><call_limit>-5</call_limit></hash>", "---\ncall_limit: -5\n", "call_limit=-5\r\n.\r\n")
	}
	d.kind = rawBody
}
