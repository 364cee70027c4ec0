package validation

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestRegressions has what fuzzing and audits found: each was accepted once.
func TestRegressions(t *testing.T) {
	const (
		cd        = "Content-Disposition: form-data; name="
		multipart = "multipart/form-data; boundary=XyZ"
	)
	body := func(head string) string { return "--XyZ\r\n" + head + "\r\n\r\n&call_limit=-5&\r\n--XyZ--\r\n" }
	testReadings(t, []reading{
		// Rack 1 knows multipart and boundary in lower case only, and reads
		// the body as a form otherwise.
		{query: valid, contentType: "Multipart/Form-Data; boundary=XyZ", body: body(cd + `"comment"`), want: OddMediaType},
		{query: valid, contentType: "multipart/form-data; Boundary=XyZ", body: body(cd + `"comment"`), want: OddCharset},
		// To all Racks the space is part of the boundary.
		{query: valid, contentType: "multipart/form-data; boundary=XyZ ; charset=utf-8", body: body(cd + `"comment"`), want: OddBoundary},
		// Rack 1 needs white space before name=, Rack 3.1 lower case: others
		// name the part text/plain[].
		{query: valid, contentType: multipart, body: body(`Content-Disposition: form-data;name="comment"`), want: OddPartHeader},
		{query: valid, contentType: multipart, body: body(`Content-Disposition: form-data; NAME="comment"`), want: OddPartHeader},
		// Without quotes the name goes on in the next line for Rack 1.
		{query: valid, contentType: multipart, body: body(cd + "comment\r\nContent-Type: text/plain"), want: OddPartHeader},
		// Without quotes Rack 2 ends a name at a bracket, others don't.
		{query: valid, contentType: multipart, body: body(cd + "x[comment]"), want: OddPartHeader},
		{query: valid, contentType: multipart, body: body(cd + `"x[comment]"`)},
		// Rack 3.1 doesn't look for a name in a line of more than 1,536 bytes.
		{query: valid, contentType: multipart, body: body(cd + `"comment"` + strings.Repeat(" ", 1600)), want: OddPartHeader},
		{query: valid, contentType: multipart, body: body("Content-Disposition:" + strings.Repeat(" ", 1600) + `form-data; name="comment"`), want: OddPartHeader},
		{query: valid, contentType: multipart, body: body("Content-Type: text/plain; charset=utf-8\r\n" + cd + "comment")},
	})
}

// TestGrammarNamesEveryReason keeps the package comment complete.
func TestGrammarNamesEveryReason(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("reason.go")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`(?m)^\t(Odd\w+):`).FindAllSubmatch(code, -1)
	if len(reasons) != int(numReasons)-1 {
		t.Fatalf("%d reasons found, there are %d", len(reasons), numReasons-1)
	}
	for _, reason := range reasons {
		if !regexp.MustCompile(string(reason[1]) + `\b`).Match(doc) {
			t.Errorf("the grammar has no rule %s", reason[1])
		}
	}
}
