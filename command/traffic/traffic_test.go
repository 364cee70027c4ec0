package traffic_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/command/traffic"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// policy is that of a gateway with the key "secret" and a reseller "shop".
func policy() *validation.Policy {
	return &validation.Policy{
		Keys:    validation.NewKeys([]string{"secret"}, map[string][]string{"shop": {"shop-key"}}),
		MaxBody: caddymodule.DefaultMaxBody,
	}
}

// report reads logs and returns the report, and its three forms as one text.
func report(t *testing.T, c *traffic.Collector, logs ...string) (*traffic.Report, string) {
	t.Helper()
	for i, log := range logs {
		if err := c.Read(fmt.Sprintf("log %d", i), strings.NewReader(log)); err != nil {
			t.Fatal(err)
		}
	}
	r := c.Report(new(caddymodule.Handler))
	var b strings.Builder
	for _, write := range []error{r.WriteText(&b, false), r.WriteHTML(&b), r.WriteJSON(&b)} {
		if write != nil {
			t.Fatal(write)
		}
	}
	return r, b.String()
}

// access is a line of an access log.
func access(request string) string {
	return `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "` + request + ` HTTP/1.1" 200 148` + "\n"
}

// whole is a target with all that the method needs, right for the key.
func whole(user, didID, key string) string {
	return path + "?u=" + user + "&did_id=" + didID + "&hash=" + hash(didID, key)
}

// A line by itself: what becomes of it, and why.
func TestJudge(t *testing.T) {
	right := whole("admin", "6511", "secret")
	for _, tt := range []struct {
		name, request, want, hint string
	}{
		{"accepted", "POST " + right, "accepted", ""},
		{"reseller", "POST " + whole("Shop", "1", "shop-key"), "accepted", ""},
		{"another address form", "POST http://mor" + right, "accepted", ""},
		{"suffix", "POST /billing//api/did_details_update.xml?u=admin&did_id=6511&hash=" + hash("6511", "secret"), "accepted", ""},
		{"newline hashed", "POST " + path + "?u=admin&did_id=6511&hash=" + hash("6511", "secret\n"), "incorrect_hash", "newline"},
		{"another reseller's key", "POST " + whole("admin", "1", "shop-key"), "incorrect_hash", "other_key"},
		{"no key explains it", "POST " + whole("admin", "1", "?"), "incorrect_hash", "no_match"},
		{"user blank", "POST " + path + "?u=&did_id=1&hash=" + hash("1", "secret"), "access_denied", "u_missing"},
		{"call_limit", "POST " + right + "&call_limit=x", "call_limit_format", "not_digits"},
		{"milliseconds", "POST " + right + "&active_from=1700000000000", "active_from_invalid", "milliseconds"},
		{"did_id", "POST " + whole("admin", "x1", "secret"), "did_not_found", "not_digits"},
		{"GET", "GET " + right, "get_disabled", ""},
		{"GET without a user", "GET " + path, "access_denied", "u_missing"},
		{"HEAD", "HEAD " + right, "method_not_allowed", ""},
		{"PUT", "PUT " + path, "method_not_allowed", ""},
		{"twice", "POST " + right + "&u=bob", "ambiguous", "query: u: " + validation.OddRepeated.String()},
		{"bad escape, no hash", "POST " + path + "?u=%zz", "ambiguous", "query: " + validation.OddEscape.String()},
		{"spelled otherwise", "POST /billing/api/did%5Fdetails_update?u=admin&did_id=6511&hash=" + hash("6511", "secret"), "accepted", ""},
		{"a ; in the path", "POST /billing/api/did_details_update;x?u=a", "ambiguous", "target: " + validation.OddPath.String()},
		{"a space in the target", "POST " + path + "?u=a b", "refused by the HTTP server", ""},
		{"a bad escape in the path", "POST /billing/api/did_details_update/%zz", "refused by the HTTP server", ""},
		{"no method of HTTP", "B=AD " + path, "refused by the HTTP server", ""},
		{"no parameters", "POST " + path, "in_body", ""},
		{"no hash", "POST " + path + "?u=admin&did_id=6511", "in_body", ""},
		{"no user", "POST " + path + "?did_id=6511&hash=" + hash("6511", "secret"), "in_body", ""},
		{"redacted", "POST " + path + "?REDACTED", "redacted", ""},
		{"another method", "GET /billing/api/did_terminate?dids_id=6511", "", ""},
		{"another path", "GET /billing/callc/main?x=did_details_update", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := report(t, traffic.New(policy()), access(tt.request))
			got := ""
			hint := ""
			switch {
			case r.Accepted == 1:
				got = "accepted"
			case r.Refused == 1:
				got, hint = r.Stopped[0].Verdict, r.Stopped[0].HintName()
				if r.Stopped[0].ToDo == "" {
					t.Error("nothing to do")
				}
			case r.NotJudged == 1:
				got = r.Unjudged[0].Reason
			}
			if got != tt.want || hint != tt.hint {
				t.Errorf("%s %q, want %s %q", got, hint, tt.want, tt.hint)
			}
		})
	}
}

// All that is refused has something to do about it, in the words of the
// document.
func TestMend(t *testing.T) {
	gateway := func(verdict, hint string) string {
		return fmt.Sprintf(`{"ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"request refused","verdict":%q,"user":"x","hint":%q}`+"\n", verdict, hint)
	}
	for v := validation.Undecided; v < validation.NumVerdicts; v++ {
		if v == validation.Accepted {
			continue
		}
		r, _ := report(t, traffic.New(policy()), gateway(v.String(), ""))
		if len(r.Stopped) != 1 || r.Stopped[0].ToDo == "" {
			t.Errorf("%v: nothing to do: %+v", v, r.Stopped)
		}
	}
	for odd := validation.NoReason + 1; odd <= validation.OddPartType; odd++ {
		oddity := validation.Oddity{Reason: odd, Source: validation.InQuery, Name: validation.User}.String()
		r, _ := report(t, traffic.New(policy()), gateway("ambiguous", oddity))
		if todo := r.Stopped[0].ToDo; todo == "" || todo == oddity || strings.Contains(todo, "`") {
			t.Errorf("%s: %q", oddity, todo)
		}
	}
}

// One request counts once, also where the access log and the gateway's own log
// tell of it.
func TestCountedOnce(t *testing.T) {
	accessLine := func(verdict string) string {
		return `{"ts":1795771815,"logger":"http.log.access","msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST","uri":"` + path + `?REDACTED"},"status":200,"mor_verdict":"` + verdict + `"}` + "\n"
	}
	own := func(level, message, verdict string) string {
		return `{"level":"` + level + `","ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"` + message + `","verdict":"` + verdict + `","user":"acme","method":"POST","client_ip":"192.0.2.7","hint":""}` + "\n"
	}
	for _, tt := range []struct {
		name                     string
		log                      string
		accepted, refused, twice int64
		user                     string
	}{
		{"access log alone", accessLine("accepted") + accessLine("accepted") + accessLine("get_disabled"), 2, 1, 0, ""},
		{"both, at INFO", accessLine("accepted") + own("info", "request refused", "get_disabled") + accessLine("get_disabled"), 1, 1, 1, "acme"},
		{"both, at DEBUG", own("debug", "request accepted", "accepted") + accessLine("accepted") + own("info", "request refused", "get_disabled") + accessLine("get_disabled"), 1, 1, 2, "acme"},
		{"the gateway's log alone", own("debug", "request accepted", "accepted") + own("info", "request would be refused", "get_disabled"), 1, 1, 0, "acme"},
		{"beside a log without a gateway", access("POST "+whole("admin", "1", "secret")) + own("info", "request refused", "get_disabled"), 1, 1, 0, "acme"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := report(t, traffic.New(policy()), tt.log)
			if r.Accepted != tt.accepted || r.Refused != tt.refused || r.SeenTwice != tt.twice || r.NotJudged != 0 {
				t.Errorf("accepted %d, refused %d, seen twice %d, not judged %d", r.Accepted, r.Refused, r.SeenTwice, r.NotJudged)
			}
			if len(r.Stopped) != 1 || r.Stopped[0].User != tt.user || r.Stopped[0].Requests != tt.refused {
				t.Errorf("stopped %+v", r.Stopped)
			}
			if n := total(r); n != r.Requests {
				t.Errorf("the timeline has %d of %d requests", n, r.Requests)
			}
		})
	}
}

func total(r *traffic.Report) (n int64) {
	for _, s := range r.Timeline {
		n += s.Accepted + s.Refused + s.NotJudged
	}
	return n
}

// Where MOR's answer is known, the report says so; where it is not, it says
// that.
func TestAnswers(t *testing.T) {
	refused := `{"ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"request would be refused","verdict":"get_disabled","user":"acme","method":"GET","client_ip":"192.0.2.7","hint":""}` + "\n"
	success := strings.Replace(strings.Replace(refused, "request would be refused", "MOR accepts what the gateway would refuse", 1), "}", `,"mor":"success"}`, 1)
	lacking := strings.NewReplacer("get_disabled", "incorrect_hash", `"hint":""`, `"hint":"no_match: none of the usual mistakes"`).Replace(refused) +
		strings.NewReplacer("get_disabled", "incorrect_hash", `"hint":""`, `"hint":"key_lacking: add a reseller"`).Replace(success)
	drifted := `{"ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"MOR refuses a hash that is right here: ...","verdict":"accepted","user":"shop","mor":"incorrect_hash"}` + "\n"
	r, text := report(t, traffic.New(policy()), refused+success+refused+success+refused+drifted+lacking)
	if r.Refused != 4 || r.Stopped[0].Accepted != 2 || r.Stopped[1].Accepted != 1 {
		t.Errorf("%+v", r.Stopped)
	}
	if len(r.Answers) != 3 || r.Answers[0].MOR != "success" || r.Answers[0].Requests != 2 || r.Answers[1].MOR != "incorrect_hash" || r.Answers[1].ToDo == "" || r.Answers[2].ToDo != "add a reseller" {
		t.Errorf("%+v", r.Answers)
	}
	const unknown = "does not show whether MOR accepted these requests"
	if strings.Contains(text, unknown) {
		t.Error("the report says that MOR's answers are not known")
	}
	if _, text = report(t, traffic.New(policy()), access("POST "+whole("admin", "1", "secret"))); !strings.Contains(text, unknown) {
		t.Error("the report does not say that MOR's answers are not known")
	}
}

func TestMethods(t *testing.T) {
	right := hash("6511", "secret")
	r, _ := report(t, traffic.New(policy()),
		access("GET /billing/api/did_terminate?dids_id=6511&u=admin&hash="+right)+
			access("GET /billing/api/did_terminate?dids_id=6512&u=admin&hash="+right)+
			access("POST /billing//api//did_terminate.xml")+
			access("GET /billing/api/did_subscription_stop?did_id=1&u=shop&hash="+hash("1", "shop-key"))+
			access("GET /billing/api/did_subscription_stop?did_id=1&u=admin&hash="+hash("1", "shop-key"))+
			access("GET /billing/api/user_balance_get?id=6511&hash="+right)+
			access("GET /billing/api/v2/calls")+
			access("GET /billing/api/"))
	want := []traffic.Method{{"did_terminate", 3, 1}, {"did_subscription_stop", 2, 1}, {"user_balance_get", 1, 1}, {"v2", 1, 0}}
	if !slices.Equal(r.Methods, want) || r.Requests != 0 {
		t.Errorf("%+v", r.Methods)
	}
}

// stray is a line of Caddy's access log about what the edge would refuse.
func stray(request, why string) string {
	method, target, _ := strings.Cut(request, " ")
	return `{"ts":1795771815,"logger":"http.log.access","msg":"handled request","request":{"client_ip":"192.0.2.7","method":"` + method + `","uri":"` + target + `"},"status":200,"mor_user":"admin","mor_edge":"` + why + `"}` + "\n"
}

func TestEdge(t *testing.T) {
	at := time.Unix(1795771815, 0)
	r, text := report(t, traffic.New(policy()),
		strings.Repeat(stray("POST "+whole("admin", "1", "secret"), "over http"), 3)+
			strings.Repeat(stray("GET /billing/api/user_balance_get?id=1", "not open to strangers"), 2)+
			stray("GET /billing/callc/login", "not open to strangers")+
			access("POST "+whole("admin", "1", "secret")))
	want := []traffic.Stray{
		{"192.0.2.7", "admin", "over http", "did_details_update", 3, at, at},
		{"192.0.2.7", "admin", "not open to strangers", "user_balance_get", 2, at, at},
		{"192.0.2.7", "admin", "not open to strangers", "", 1, at, at},
	}
	if !slices.Equal(r.Edge, want) || r.Accepted != 4 || len(r.Methods) != 1 {
		t.Errorf("%+v, %d accepted, %+v", r.Edge, r.Accepted, r.Methods)
	}
	if !strings.Contains(text, "What the edge would also refuse") || !strings.Contains(text, "user_balance_get") {
		t.Error("the report does not show it")
	}
	if _, text = report(t, traffic.New(policy()), access("POST "+whole("admin", "1", "secret"))); strings.Contains(text, "the edge") {
		t.Error("the report speaks of the edge for no reason")
	}
}

func TestPeriod(t *testing.T) {
	line := func(at string) string {
		return `192.0.2.7 - - [` + at + `] "POST ` + whole("admin", "1", "secret") + ` HTTP/1.1" 200 1` + "\n"
	}
	log := line("27/Nov/2026:09:00:00 +0000") + line("27/Nov/2026:09:59:59 +0000") + line("27/Nov/2026:12:00:00 +0200") + line("27/Nov/2026:06:00:00 -0500") +
		`"POST ` + whole("admin", "1", "secret") + ` HTTP/1.1" 200 1` + "\n"
	c := traffic.New(policy())
	c.Since, c.Until = time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC), time.Date(2026, 11, 27, 11, 0, 0, 0, time.UTC)
	r, _ := report(t, c, log)
	if r.Accepted != 2 || r.Lines.Outside != 2 || r.Lines.Timeless != 1 {
		t.Errorf("%d in the period, %+v", r.Accepted, r.Lines)
	}
	if r, _ = report(t, traffic.New(policy()), log); r.Accepted != 5 || r.Lines.Timeless != 0 || total(r) != 4 {
		t.Errorf("%d without a period, %+v, timeline %d", r.Accepted, r.Lines, total(r))
	}
}

// A log that breaks off counts as far as it goes.
func TestBroken(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(strings.Repeat(access("POST "+whole("admin", "1", "secret")), 1000)))
	w.Close()
	r, _ := report(t, traffic.New(policy()), z.String())
	if r.Accepted != 1000 || r.Logs[0].Broken != "" {
		t.Errorf("%+v", r.Logs)
	}
	r, text := report(t, traffic.New(policy()), z.String()[:z.Len()-8], "nothing\nof a log\n", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST /billing/api/did_det`)
	if r.Accepted == 0 || r.Logs[0].Broken == "" || !r.Logs[1].Strange || r.Lines.Unreadable != 1 || r.Lines.Unknown != 2 {
		t.Errorf("%+v %+v", r.Logs, r.Lines)
	}
	for _, want := range []string{"log 0 breaks off, and only the part before that was read: unexpected EOF", "log 1 has no line in a known format"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if err := traffic.New(policy()).Read("x", strings.NewReader("\xfd7zXZ\x00")); err == nil || !strings.Contains(err.Error(), "xz -dc") {
		t.Error(err)
	}
}

// However many users, reasons, methods and times there are, what is kept is
// bounded, what is frequent stays, and the sums are right.
func TestBounded(t *testing.T) {
	const many = 60_000
	var b strings.Builder
	for i := range many {
		at := time.Date(2000, 1, 1, i, i, 0, 0, time.UTC)
		if i%2 == 0 {
			at = at.AddDate(0, i%2000, 0)
		}
		fmt.Fprintf(&b, "192.0.2.7 - - [%s] \"POST %s?u=user%d&did_id=1&hash=%040x HTTP/1.1\" 200 1\n", at.Format("02/Jan/2006:15:04:05 -0700"), path, i, i)
		fmt.Fprintf(&b, "192.0.2.7 - - [%s] \"GET /billing/api/method%d HTTP/1.1\" 200 1\n", at.Format("02/Jan/2006:15:04:05 -0700"), i)
		b.WriteString(stray("GET /", fmt.Sprint("why", i)))
		if i%20 == 0 {
			b.WriteString(access("POST " + path + "?u=frequent&did_id=1&hash=" + hash("1", "?")))
		}
	}
	r, text := report(t, traffic.New(policy()), b.String())
	if r.Refused != many+many/20 || total(r) != r.Requests || r.Stopped[0].User != "frequent" {
		t.Errorf("%d refused, timeline %d, first %+v", r.Refused, total(r), r.Stopped[0])
	}
	sum := r.Others
	for _, s := range r.Stopped {
		sum += s.Requests
	}
	if sum != r.Refused || r.Stopped[0].Requests < many/20*9/10 {
		t.Errorf("the rows have %d of %d requests, the first %d", sum, r.Refused, r.Stopped[0].Requests)
	}
	if len(r.Stopped) > 1000 || len(r.Users) > 1000 || len(r.Methods) > 1000 || len(r.Edge) > 1000 || len(r.Timeline) > 60 || len(text) > 3<<20 {
		t.Errorf("%d rows, %d users, %d methods, %d spans, %d bytes", len(r.Stopped), len(r.Users), len(r.Methods), len(r.Timeline), len(text))
	}
	if !strings.Contains(text, "a table was full") {
		t.Error("the report does not say what is left out")
	}
}

// The data have the names that the help documents, and no null for a list.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	r, _ := report(t, traffic.New(policy()), "")
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") {
		t.Errorf("null in %s", b.String())
	}
	var any map[string]any
	if err := json.Unmarshal(b.Bytes(), &any); err != nil {
		t.Fatal(err)
	}
}
