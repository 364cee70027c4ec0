package command_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// request is a request as it goes over the wire, and what a log leaves of it.
type request struct {
	method, target, contentType, body string
	// logged is the verdict by an access log, where it cannot be the gateway's.
	logged string
}

// mixedRequests are what a MOR gets: right and wrong, in each style that
// clients have, for the method and for others.
func mixedRequests(n int) []request {
	r := rand.New(rand.NewPCG(7, 7))
	query := func(user, didID, hash string) string {
		return "u=" + url.QueryEscape(user) + "&did_id=" + didID + "&hash=" + hash
	}
	odd := []string{"&call_limit=x", "&call_limit=-5", "&active_from=1700000000000", "&active_from=20&active_till=10", "&u=other", "&call_limit[]=1", "&call_limit", "&comment=%zz", "&comment=%ff", "&comment=\xe4",
		"&comment=\"quoted\"", `&comment=a\b`, "&comment=%22x%22", "&x=a;call_limit=1", "&x=a;b", "&grace_time=1%0a", "&_method=put", "&call_limit=", "&comment=%E2%82%AC", "&comment=it's"}
	var all []request
	for range n {
		id := fmt.Sprint(6000 + r.IntN(500))
		right := query("admin", id, contract.Hash(id, "secret"))
		q := request{method: "POST"}
		switch r.IntN(16) {
		case 0, 1, 2:
			q.target = action + "?" + right
		case 3:
			q.method, q.target = "GET", action+"?"+right
		case 4:
			q.target = action + "?" + right + odd[r.IntN(len(odd))]
		case 5:
			q.target = action + "?" + query("acme", id, contract.Hash(id, "acme's own"))
		case 6:
			q.target = action + "?" + query("initech", id, contract.Hash(id, "secret\n"))
		case 7:
			q.target = action + "?" + query([]string{"shop", "Shop", "a b", "<b>", `"`, "é", "%"}[r.IntN(7)], id, contract.Hash(id, "shop-key"))
		case 8:
			q.target, q.contentType, q.body, q.logged = action, "application/x-www-form-urlencoded", right, "in_body"
		case 9:
			q.target, q.contentType, q.logged = action, "application/json", "in_body"
			q.body = fmt.Sprintf(`{"u":"admin","did_id":%s,"hash":%q}`, id, contract.Hash(id, "secret"))
		case 10: // the log has the half that is right
			q.target, q.contentType, q.body, q.logged = action+"?"+right, "application/x-www-form-urlencoded", "call_limit=x", "accepted"
		case 11:
			q.method, q.target = []string{"HEAD", "PUT", "DELETE", "PATCH"}[r.IntN(4)], action+"?"+right
		case 12:
			q.target = []string{"/billing//api/did_details_update", "/billing/api/did%5Fdetails_update", "/billing/api/did_details_update.xml", "/billing/api/did_details_update/5", "/billing/api/did_details_update;x"}[r.IntN(5)] + "?" + right
		case 13:
			q.method, q.target = "GET", "/billing/api/did_terminate?u=admin&dids_id="+id+"&hash="+contract.Hash(id, "secret")
		case 14:
			q.method, q.target = "GET", "/billing/callc/main?did_details_update"
		case 15:
			q.method, q.target = "GET", action+"?u=admin"
		}
		all = append(all, q)
	}
	return all
}

// send sends the requests one after the other.
func send(t *testing.T, addr string, requests []request) {
	t.Helper()
	for _, q := range requests {
		head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: mor.example\r\nConnection: close\r\nUser-Agent: \"te\\st\"\r\n", q.method, q.target)
		if q.contentType != "" {
			head += "Content-Type: " + q.contentType + "\r\n"
		}
		if q.body != "" || q.method != "GET" && q.method != "HEAD" {
			head += fmt.Sprintf("Content-Length: %d\r\n", len(q.body))
		}
		conn := testkit.Connect(t, addr)
		conn.Send(head + "\r\n" + q.body)
		conn.Answer(q.method)
		conn.Close()
	}
}

// runServer starts a program that serves on the address until the function
// that it returns is called, which lets it write its log to the end.
func runServer(t *testing.T, addr, name string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(testkit.Tool(t, name), args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	dir := t.TempDir()
	cmd.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TZ=Asia/Kolkata"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
	}
	t.Cleanup(stop)
	testkit.Eventually(t, name+" serves", func() bool {
		select {
		case <-done:
			t.Fatalf("%s ended: %s", name, out.String())
		default:
		}
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return stop
}

func writeIn(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // servers read it as others
		t.Fatal(err)
	}
	return path
}

// servers write an access log of what they are sent.
var servers = map[string]func(t *testing.T, dir, addr string) (stop func()){
	"apache2": func(t *testing.T, dir, addr string) func() {
		user := ""
		if os.Getuid() == 0 {
			user = "User www-data\nGroup www-data\n"
		}
		conf := fmt.Sprintf(`ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/pid
Listen %[2]s
ServerName mor.example
%[3]sLoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
ErrorLog %[1]s/error.log
LogFormat "%%v:%%p %%h %%l %%u %%t \"%%r\" %%>s %%b \"%%{Referer}i\" \"%%{User-Agent}i\"" vhost_combined
CustomLog %[1]s/access.log vhost_combined
RewriteEngine on
RewriteRule ^ - [R=204,L]
`, dir, addr, user)
		return runServer(t, addr, "apache2", "-f", writeIn(t, dir, "conf", conf), "-DFOREGROUND")
	},
	"nginx": func(t *testing.T, dir, addr string) func() {
		conf := fmt.Sprintf(`daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events {}
http {
	access_log %[1]s/access.log combined;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		location / { return 200 "ok"; }
	}
}
`, dir, addr)
		return runServer(t, addr, "nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", writeIn(t, dir, "conf", conf))
	},
	"caddy": func(t *testing.T, dir, addr string) func() {
		conf := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n}\nhttp://%s {\n\tlog {\n\t\toutput file %s/access.log\n\t}\n\trespond ok\n}\n", addr[strings.LastIndex(addr, ":"):], dir)
		return runServer(t, addr, "caddy", "run", "--adapter", "caddyfile", "--config", writeIn(t, dir, "Caddyfile", conf))
	},
}

// reported is what a test looks at of a report.
type reported struct {
	Requests, Accepted, Refused int
	NotJudged                   int `json:"not_judged"`
	Lines                       struct{ All, Unknown, Unreadable int }
	Verdicts                    []struct {
		Name     string
		Requests int
	}
	Unjudged []struct {
		Reason   string
		Requests int
	}
	Stopped []struct {
		User, Verdict, Hint string
		Requests            int
	}
	Methods []struct {
		Method    string
		Requests  int
		RightHash int `json:"right_hash"`
	}
	SeenTwice  int `json:"seen_twice"`
	Suggestion string
}

func (r *reported) counts() map[string]int {
	counts := map[string]int{"accepted": r.Accepted}
	for _, v := range r.Verdicts {
		counts[v.Name] = v.Requests
	}
	for _, u := range r.Unjudged {
		counts[u.Reason] = u.Requests
	}
	return counts
}

func reportOf(t *testing.T, config, log string) *reported {
	t.Helper()
	got := runCommand("", "mor-report", "--json", "--config", config, log)
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	r := new(reported)
	if err := json.Unmarshal([]byte(got.out), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// The logs of Apache, nginx and Caddy give the same report, which is what the
// running gateway decides, except where a log has not got what it decides by.
func TestReportAgreesWithTheGateway(t *testing.T) {
	requests := mixedRequests(2000)
	gateway := "\tmor_gateway {\n\t\tsecret secret\n\t\treseller shop shop-key\n\t}\n"
	config := writeFile(t, "http://x {\n"+gateway+"}")

	// The gateway, with a log that has all, and one as the examples have it.
	dir := t.TempDir()
	c := testkit.Serve(t, fmt.Sprintf(`{
	log own {
		output file %[1]s/own.log
		include http.handlers.mor_gateway
	}
}
http://:{$FULL} {
	log {
		output file %[1]s/access.log
	}
%[2]s	respond ok
}
http://:{$REDACTED} {
	log {
		output file %[1]s/own.log
		format filter {
			request>uri regexp [?&;=%%#].* ?REDACTED
			request>headers delete
		}
	}
%[2]s	respond ok
}`, dir, gateway))
	send(t, c.Addr("FULL"), requests)
	if err := os.Truncate(filepath.Join(dir, "own.log"), 0); err != nil { // until here
		t.Fatal(err)
	}
	send(t, c.Addr("REDACTED"), requests)
	c.Stop()
	want := make(map[string]int)
	decided := make(map[string]int)
	log, err := os.ReadFile(filepath.Join(dir, "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if len(lines) != len(requests) {
		t.Fatalf("the gateway has logged %d of %d requests", len(lines), len(requests))
	}
	for i, line := range lines {
		var entry struct {
			Verdict string `json:"mor_verdict"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Verdict == "" {
			continue
		}
		decided[entry.Verdict]++
		if logged := requests[i].logged; logged != "" {
			entry.Verdict = logged
		}
		want[entry.Verdict]++
	}
	if len(want) < 8 {
		t.Fatalf("too few verdicts: %v", want)
	}

	var first *reported
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			dir, addr := t.TempDir(), testkit.FreeAddr(t)
			if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // servers write as others
				t.Fatal(err)
			}
			stop := start(t, dir, addr)
			send(t, addr, requests)
			stop()
			r := reportOf(t, config, filepath.Join(dir, "access.log"))
			if got := r.counts(); !maps.Equal(got, want) {
				t.Errorf("the report has %v,\nthe gateway decides %v", got, want)
			}
			if r.Lines.All != len(requests) || r.Lines.Unknown+r.Lines.Unreadable != 0 {
				t.Errorf("lines %+v", r.Lines)
			}
			if len(r.Methods) != 1 || r.Methods[0].Method != "did_terminate" || r.Methods[0].Requests != r.Methods[0].RightHash {
				t.Errorf("other methods %+v", r.Methods)
			}
			r.Lines.All = 0
			if first == nil {
				first = r
			} else if !reflect.DeepEqual(first, r) {
				t.Errorf("another report than the other servers' logs give:\n%+v\n%+v", r, first)
			}
		})
	}

	t.Run("the gateway's own log", func(t *testing.T) {
		r := reportOf(t, config, filepath.Join(dir, "own.log"))
		if got := r.counts(); !maps.Equal(got, decided) {
			t.Errorf("the report has %v,\nthe gateway decided %v", got, decided)
		}
		if r.SeenTwice != r.Refused {
			t.Errorf("%d lines seen twice, %d refused", r.SeenTwice, r.Refused)
		}
	})
	t.Run("the gateway's access log", func(t *testing.T) {
		r := reportOf(t, config, filepath.Join(dir, "access.log"))
		if got := r.counts(); !maps.Equal(got, decided) {
			t.Errorf("the report has %v,\nthe gateway decided %v", got, decided)
		}
	})
}
