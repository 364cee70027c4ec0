package proof

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

// A mutation changes a draft where readers may differ. It may leave it valid, make it worse, or hide
// something in it that only some readers find.
type mutation struct {
	weight int
	apply  func(generator, *draft)
}

var mutations = []mutation{
	{12, generator.smuggle},
	{3, generator.repeat},
	{2, generator.move},
	{4, generator.separate},
	{3, generator.respell},
	{2, generator.reorder},
	{4, generator.retype},
	{2, generator.polyglot},
	{2, generator.remethod},
	{2, generator.repath},
	{3, generator.header},
	{2, generator.reframe},
	{3, generator.garble},
	{1, generator.splice},
	{2, generator.jsonOddity},
	{3, generator.partOddity},
}

func (g generator) mutate(d *draft) {
	total := 0
	for _, m := range mutations {
		total += m.weight
	}
	n := g.IntN(total)
	for _, m := range mutations {
		if n -= m.weight; n < 0 {
			m.apply(g, d)
			return
		}
	}
}

// smuggle puts a bad value into the request, in disguise.
func (g generator) smuggle(d *draft) {
	name := pick(g, contract.Guarded...)
	value := g.bad(name)
	if g.chance(15) {
		value = g.good(name) // not bad, but perhaps another one
	}
	if d.kind == noBody && g.chance(40) {
		d.kind = pick(g, formBody, jsonBody, multipartBody)
		d.types = [][]string{formBody: nil, jsonBody: {"application/json"}, multipartBody: {"multipart/form-data; boundary=" + d.boundary}}[d.kind]
	}
	if d.kind == noBody || g.chance(35) {
		d.query = g.inserted(d.query, g.disguised(name, value))
		return
	}
	switch d.kind {
	case formBody:
		d.body = g.inserted(d.body, g.disguised(name, value))
	case jsonBody:
		d.body = g.inserted(d.body, pair{name: g.jsonName(name), value: g.jsonValue(value)})
	case multipartBody:
		d.body = g.inserted(d.body, g.partOf(name, value, d.boundary))
	case rawBody:
		at := g.IntN(len(d.raw) + 1)
		d.raw = d.raw[:at] + pick(g, "&", ";", "\n", "") + joined([]pair{g.disguised(name, value)}) + d.raw[at:]
	}
}

func (g generator) inserted(pairs []pair, p pair) []pair {
	return slices.Insert(slices.Clone(pairs), g.IntN(len(pairs)+1), p)
}

// disguised writes a pair for a query or a form, with its name spelled, or the pair placed, in some odd way.
func (g generator) disguised(name, value string) pair {
	p := pair{name: g.disguise(name), value: g.escaped(value)}
	switch g.IntN(14) {
	case 0:
		p.bare = true
	case 1:
		p.separator = pick(g, ";", "& ", "&;", "; ", "&amp;", "%26", "\n", "&\x00", "&&", ",", "|")
	case 2: // after another pair, after a separator that only some know
		p.name = pick(g, "comment=a", "x", "comment=", "x=%3B") + pick(g, ";", "; ", "%26", "%3B", "%00&", "\x00&", "&%00", "&+", "&%20", "#&", "?", "&amp;", "%0A", "%0D%0A") + p.name
	case 3:
		p.value += pick(g, ";x", ";x=1", "%00", "\x00", "#", "%0A", "%20", "+", "%zz", "%", "%FF", ",5", "&", ";")
	case 4:
		p.value = pick(g, ";", "%3B", "%00", "%0A", "%20", "+", "\t", "%09") + p.value
	}
	return p
}

func (g generator) disguise(name string) string {
	switch g.IntN(22) {
	case 0:
		return "[" + name + "]"
	case 1:
		return strings.Repeat(pick(g, "[", "]", "%5B", "%5b", "%%35%42"), 1+g.IntN(2)) + name
	case 2:
		return name + pick(g, "]", "]]", "%5D", "[]", "%5B%5D", "[x]", "[", "[][a]", "]x", "[]x", "[[]]")
	case 3:
		return pick(g, " ", "+", "%20", "%09", "\t", "%0A", "%0D", "%0B", "%0C", "%00", "\x00", "%EF%BB%BF", "%C2%A0", "%E2%80%8B", "\r\n", "\n", "%85", "\x7f") + name
	case 4:
		return name + pick(g, " ", "+", "%20", "%09", "%0A", "%00", "\x00", "%00x", "%FF", ".", ".x", "%2E", "'", "%27", "%3D", "%26")
	case 5:
		return pick(g, " [", "[ ", "+[", "%20%5B", "[+", "[%00") + name
	case 6:
		return strings.ToUpper(name)
	case 7:
		return strings.ReplaceAll(name, "_", pick(g, "-", ".", " ", "+", "%20", "%5F", "%5f", "%255F", "__", "%E2%80%BF", "%EF%BC%BF", "%_", "_%00"))
	case 8, 9, 10:
		return g.percent(name, 50)
	case 11:
		return g.percent(name, 100)
	case 12:
		return strings.ReplaceAll(g.percent(name, 60), "%", "%25")
	}
	return name
}

// percent escapes some of the bytes; now and then the digits of the escapes too, which Rack::UTF8Sanitizer undoes.
func (g generator) percent(s string, share int) string {
	var out strings.Builder
	twice := g.chance(8)
	for i := range len(s) {
		switch {
		case !g.chance(share):
			out.WriteByte(s[i])
		case twice:
			digits := fmt.Sprintf("%02X", s[i])
			fmt.Fprintf(&out, "%%%%%02x%%%02x", digits[0], digits[1])
		case g.chance(50):
			fmt.Fprintf(&out, "%%%02X", s[i])
		default:
			fmt.Fprintf(&out, "%%%02x", s[i])
		}
	}
	return out.String()
}

// escaped encodes a value so that it may be in a target, mostly.
func (g generator) escaped(value string) string {
	if g.chance(5) {
		return g.percent(value, 100)
	}
	var out strings.Builder
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("%&+#", c) >= 0 {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

// repeat gives a parameter twice, with another value or the same, in the same place or the other.
func (g generator) repeat(d *draft) {
	from := d.query
	if len(from) == 0 || len(d.body) > 0 && g.chance(60) {
		from = d.body
	}
	if len(from) == 0 {
		return
	}
	p := pick(g, from...)
	if g.chance(70) {
		p.value = pick(g, "", "5", "-5", "x", "null", "0", p.value+"0")
	}
	if d.kind == noBody || g.chance(30) {
		p.name, p.head = strings.Trim(p.name, `"`), ""
		p.value = g.escaped(strings.Trim(p.value, `"`))
		d.query = g.inserted(d.query, p)
	} else if d.kind != rawBody {
		d.body = g.inserted(d.body, p)
	}
}

// move takes a pair from the query to a form, or back.
func (g generator) move(d *draft) {
	if d.kind != formBody && d.kind != noBody {
		return
	}
	if len(d.query) > 0 && g.chance(50) {
		i := g.IntN(len(d.query))
		d.kind = formBody
		d.body = append(d.body, d.query[i])
		d.query = slices.Delete(slices.Clone(d.query), i, i+1)
	} else if len(d.body) > 0 {
		i := g.IntN(len(d.body))
		d.query = append(d.query, d.body[i])
		d.body = slices.Delete(slices.Clone(d.body), i, i+1)
	}
}

// separate changes the text between two pairs.
func (g generator) separate(d *draft) {
	pairs := d.query
	separators := []string{";", "; ", ";;", "&;", ";&", "&&", "%26", "&amp;", "&#38;", "&%20", "&+", "&%00", "#", "?", ",", "&=&", "&x&"}
	switch {
	case d.kind == formBody && g.chance(60):
		pairs = d.body
		separators = append(separators, "& ", "&\t", "&\n", "\n", "\r\n", "&\x00", "\x00", "&\r\n", " &")
	case d.kind == jsonBody && g.chance(60):
		pairs = d.body
		separators = []string{",,", " , ", ",/**/", ",//x\n", "\n,\n", ";", ",\x0b", ",\u00a0", ",\ufeff", "", ",\x00", "},{"}
	case d.kind == multipartBody && g.chance(60):
		pairs = d.body
		separators = []string{"\n", "", "\r", "\r\n\r\n", "\r\n ", "\r\n--", "\r\n--" + d.boundary + " ", "\r\n--" + d.boundary + "--\r\n", "--" + d.boundary + "\r\n"}
	}
	if len(pairs) > 0 {
		pairs[g.IntN(len(pairs))].separator = pick(g, separators...)
	}
}

// respell spells the name or the value of a pair that is there in another way.
func (g generator) respell(d *draft) {
	pairs, inBody := d.query, len(d.body) > 0 && g.chance(60)
	if inBody {
		pairs = d.body
	}
	if len(pairs) == 0 {
		return
	}
	p := &pairs[g.IntN(len(pairs))]
	switch {
	case inBody && d.kind == jsonBody:
		p.name = g.jsonName(strings.Trim(p.name, `"`))
		if g.chance(50) {
			p.value = g.jsonValue(strings.Trim(p.value, `"`))
		}
	case inBody && d.kind == multipartBody:
		*p = g.partOf(p.name, p.value, d.boundary)
	case g.chance(70):
		p.name = g.disguise(p.name)
	default:
		p.value = g.percent(p.value, 30)
	}
}

func (g generator) reorder(d *draft) {
	g.Shuffle(len(d.query), func(i, k int) { d.query[i], d.query[k] = d.query[k], d.query[i] })
	g.Shuffle(len(d.body), func(i, k int) { d.body[i], d.body[k] = d.body[k], d.body[i] })
}
