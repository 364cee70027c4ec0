package corpus

import (
	"fmt"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

// fromContract returns the cases of the contract's table, as every style of client writes them.
func fromContract() []Case {
	var all []Case
	for _, c := range contract.Cases() {
		for _, style := range contract.Styles {
			r := contract.Write(style, c.Params)
			head := "POST " + action
			if r.Query != "" {
				head += "?" + r.Query
			}
			head += " HTTP/1.1\r\nHost: mor.example\r\n"
			if r.Body != "" {
				head += fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", r.ContentType, len(r.Body))
			}
			expect, answer := Accepted, c.Want
			switch c.Want {
			case "":
			case contract.Ambiguous:
				expect, answer = Refused, "400"
			default:
				expect = Refused
			}
			all = append(all, Case{
				File: "internal/contract", Name: c.Name + "/" + style, Expect: expect, Answer: answer, Site: c.Site,
				before: []byte(head), after: []byte("\r\n" + r.Body),
			})
		}
	}
	return all
}
