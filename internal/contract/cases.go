package contract

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Case is the documentation's example with some parameters changed, and what must come of it.
type Case struct {
	Name   string
	Site   string // of Sites
	Params []Param
	Want   string // MOR's message, or Ambiguous; empty if the request is accepted
}

// Ambiguous is the answer to a request that two readers could take for different ones.
const Ambiguous = "Ambiguous request"

// Param is a parameter of a request.
type Param struct{ Name, Value string }

// Cases returns all cases: of each range of the table, of each text, of the order of the checks, and those that are
// written down one by one. Their names are unique.
func Cases() []Case {
	var all []Case
	for _, c := range Checks {
		if c.holds == nil {
			all = append(all, c.rangeCases()...)
		}
	}
	return slices.Concat(all, textCases(), orderCases(), rows, userRows)
}

// absent, as a value, takes a parameter out of the example.
const absent = "(absent)"

// row makes a case of the documentation's example; pairs are names and values to change. The hash is right for the
// DID unless it is among them.
func row(name, want string, pairs ...string) Case {
	params := []Param{{"u", "admin"}, {"did_id", "6511"}, {"hash", ""}}
	ownHash := false
	for pair := range slices.Chunk(pairs, 2) {
		ownHash = ownHash || pair[0] == "hash"
		at := slices.IndexFunc(params, func(p Param) bool { return p.Name == pair[0] })
		if at < 0 {
			params = append(params, Param{pair[0], pair[1]})
		} else {
			params[at].Value = pair[1]
		}
	}
	if !ownHash {
		params[2].Value = Hash(strings.TrimPrefix(params[1].Value, absent), "secret")
	}
	params = slices.DeleteFunc(params, func(p Param) bool { return p.Value == absent })
	return Case{name, "main", params, want}
}

// onSite gives cases another site.
func onSite(name string, cases ...Case) []Case {
	for i := range cases {
		cases[i].Site = name
	}
	return cases
}

// blanks are no values.
var blanks = []string{"", " ", "  ", "\t", "\n", " \t\n\v\f\r"}

// integers are decimal ones. Arithmetic tells which are in a range.
var integers = []string{
	"0", "1", "5", "999", "6511",
	"00", "000", "007", "0005", "0006511", "0001700000000", strings.Repeat("0", 400) + "5",
	"1700000000", "1700000000000", // now, in seconds and in milliseconds
	"4294967296", "18446744073709551616", // 0 to who counts in 32 or 64 bits
	strings.Repeat("9", 30), strings.Repeat("9", 400),
}

// oddities are no decimal integers.
var oddities = []string{
	"-1", "-0", "-5", "-6511", "+1", "+5", "+6511", "\u22125",
	"5.0", "1.5", "6511.0", "1700000000.5", "1,5",
	"5e0", "1e3", "6e3", "1e9",
	"0x5", "0x1F", "0x196f", "1_000", "1,000", "2024-01-01", "2026-01-01",
	"x", "abc", "unlimited", "6511x", "6511abc", "6511' OR 1=1",
	" 5", "5 ", " 6511", " 1700000000",
	"5\n", "5\nx", "5\n6", "x\n5", "6511\n", "1700000000\nx", // a pattern may be anchored to lines
	"5\x00", "6511\x00",
	"\uff15", "\uff16\uff15\uff11\uff11", "\u0665", "\u0666\u0665", // digits of Unicode
	"\u00a0", // white space of Unicode
}

// rangeCases are the borders of a range, and what is no value or no decimal integer.
func (c Check) rangeCases() []Case {
	none := ""
	if c.Required {
		none = c.Message
	}
	cases := []Case{row(c.Param+" missing", none, c.Param, absent)}
	add := func(value, want string) {
		if slices.Contains(Texts, c.Param) && hasControl(value) {
			want = Ambiguous
		}
		cases = append(cases, row(c.Param+" "+quoted(value), want, c.Param, value))
	}
	for _, text := range blanks {
		add(text, none)
	}
	last := strconv.FormatInt(c.Max, 10)
	borders := []string{strconv.FormatInt(c.Min, 10), last, "000" + last, strconv.FormatInt(c.Max-1, 10), strconv.FormatInt(c.Max+1, 10)}
	if c.Max == 0 {
		borders = borders[:1]
	}
	seen := map[string]bool{}
	for _, text := range slices.Concat(borders, integers) {
		want, n := "", decimal(text)
		if n.Cmp(big.NewInt(c.Min)) < 0 || c.Max > 0 && n.Cmp(big.NewInt(c.Max)) > 0 {
			want = c.Message
		}
		if !seen[text] {
			add(text, want)
		}
		seen[text] = true
	}
	for _, text := range oddities {
		add(text, c.Message)
	}
	return cases
}

// textCases put control characters in each text, and show that MOR alone judges texts without a check.
func textCases() []Case {
	var cases []Case
	for _, name := range Texts {
		at := slices.IndexFunc(Checks, func(c Check) bool { return c.Param == name })
		if at >= 0 && Checks[at].holds == nil {
			continue // among the cases of its range
		}
		for _, text := range []string{"admin\x00", "adm\x00in", "ad\tmin", "ad\r\nmin", "admin\n", "admin\x7f", "\t", "3\x00", "5\n", "1\n2", "\x015"} {
			cases = append(cases, row(name+" "+quoted(text), Ambiguous, name, text))
		}
		for _, text := range []string{"-1", "-3", "3", "5", "12", "abc", "none", ""} {
			if at < 0 {
				cases = append(cases, row(name+" "+quoted(text), "", name, text))
			}
		}
	}
	return cases
}

// orderCases fail two checks each: the first is the answer.
func orderCases() []Case {
	var cases []Case
	for i, first := range Checks {
		for _, second := range Checks[i+1:] {
			if wrong := slices.Concat(second.failed(), first.failed()); first.Param != "" && second.Param != "" {
				cases = append(cases, row("first "+first.Message+", then "+second.Message, first.Message, wrong...))
			}
		}
	}
	return cases
}

// failed returns names and values that fail the check.
func (c Check) failed() []string {
	if c.holds == nil {
		return []string{c.Param, "x"}
	}
	return c.wrong
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// quoted names a value, a long one by its length.
func quoted(text string) string {
	const long = 40
	if len(text) > long {
		return fmt.Sprintf("%q... of %d", text[:1], len(text))
	}
	return strconv.QuoteToASCII(text)
}
