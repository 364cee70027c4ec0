package contract

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/url"
	"strings"
)

// Request is what a client sends to the action, with POST.
type Request struct {
	Query, ContentType, Body string
}

// Styles are the ways in which clients send parameters, as the documentation and public clients have them.
var Styles = []string{"query", "form", "JSON", "multipart"}

// Write returns the request of a client with one of the styles.
func Write(style string, params []Param) Request {
	switch style {
	case "query":
		return Request{Query: encoded(params)}
	case "form":
		return Request{ContentType: "application/x-www-form-urlencoded", Body: encoded(params)}
	case "JSON":
		return Request{ContentType: "application/json", Body: object(params)}
	case "multipart":
		return Request{ContentType: "multipart/form-data; boundary=" + boundary, Body: parts(params)}
	}
	panic("no client writes " + style)
}

func encoded(params []Param) string {
	var pairs []string
	for _, p := range params {
		pairs = append(pairs, p.Name+"="+url.QueryEscape(p.Value))
	}
	return strings.Join(pairs, "&")
}

func object(params []Param) string {
	var members []string
	for _, p := range params {
		members = append(members, literal(p.Name)+":"+literal(p.Value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func literal(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always can be
	return strings.TrimSuffix(out.String(), "\n")
}

const boundary = "XyZ"

func parts(params []Param) string {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	_ = w.SetBoundary(boundary)
	for _, p := range params {
		_ = w.WriteField(p.Name, p.Value)
	}
	_ = w.Close()
	return out.String()
}
