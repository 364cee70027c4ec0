package command_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"

	_ "github.com/mor-gateway/caddy-mor-gateway/caddyfile"
)

// asCaddy makes the test binary a caddy: statuses and error lines are those
// of the whole program.
const asCaddy = "MOR_GATEWAY_TEST_AS_CADDY"

func init() {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		os.Exit(0)
	}
}

// outcome is what a run of caddy came to.
type outcome struct {
	status      int
	out, errOut string
}

func runCaddy(t *testing.T, stdin string, env []string, args ...string) outcome {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	home := t.TempDir()
	cmd.Env = append([]string{asCaddy + "=1", "HOME=" + home, "PATH=" + os.Getenv("PATH")}, env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// runCommand runs a command in this process, which is a hundred times faster.
func runCommand(stdin, name string, args ...string) outcome {
	cmd := &cobra.Command{Use: name}
	caddycmd.Commands()[name].CobraFunc(cmd)
	var out, errOut bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	status := 0
	if err := cmd.Execute(); err != nil {
		if _, scanErr := fmt.Sscanf(err.Error(), "exiting with status %d", &status); scanErr != nil {
			status = 1
		}
	}
	return outcome{status, out.String(), errOut.String()}
}

// withKey sets the variable with the key, or makes it empty.
func withKey(t *testing.T, key string) {
	t.Helper()
	t.Setenv("MOR_API_SECRET_KEY", key)
}

func writeFile(t *testing.T, text string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const (
	action      = "/billing/api/did_details_update"
	envKey      = "MOR_API_SECRET_KEY=secret"
	exampleHash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // the documentation's
	checkURL    = "https://mor.example" + action
	stripped    = ": the newline after the key was stripped\n"
)

// mor-hash prints the hash and nothing else, or says in one line what is
// wrong and ends with 2.
func TestHashCommand(t *testing.T) {
	key, twoLines, blank := writeFile(t, "secret\n"), writeFile(t, "secret\nother\n"), writeFile(t, " \n")
	wide := writeFile(t, "\xff\xfes\x00e\x00c\x00r\x00e\x00t\x00\r\x00\n\x00")
	spaced, crlf := writeFile(t, "  secret\t"), writeFile(t, "secret\r\n")
	for _, tt := range []struct {
		name, stdin string
		key         string
		args        []string
		out, errOut string // a status of 2 if out is empty
	}{
		{"environment", "", "secret", []string{"--did-id", "6511"}, exampleHash + "\n", ""},
		{"leading zeros are hashed", "", "secret", []string{"--did-id", "06511"}, contract.Hash("06511", "secret") + "\n", ""},
		{"file", "", "", []string{"--did-id", "6511", "--secret-file", key}, exampleHash + "\n", "mor-hash: " + key + stripped},
		{"file with CRLF", "", "", []string{"--did-id", "6511", "--secret-file", crlf}, exampleHash + "\n", "mor-hash: " + crlf + stripped},
		{"file before environment", "", "x", []string{"--did-id", "6511", "--secret-file", key}, exampleHash + "\n", "mor-hash: " + key + stripped},
		{"white space", "", "", []string{"--did-id", "6511", "--secret-file", spaced}, exampleHash + "\n", "mor-hash: " + spaced + ": the white space around the key was stripped, as MOR does\n"},
		{"standard input", "secret", "", []string{"--did-id", "6511", "--secret-file", "-"}, exampleHash + "\n", ""},
		{"byte order mark", "\ufeffsecret", "", []string{"--did-id", "6511", "--secret-file", "-"}, "", "mor-hash: standard input begins with a byte order mark; save the key as UTF-8 without one\n"},
		{"UTF-16", "", "", []string{"--did-id", "6511", "--secret-file", wide}, "", "mor-hash: " + wide + " is UTF-16 text, as > writes it in older Windows shells; save the key as UTF-8 without a byte order mark\n"},
		{"quotes", "", `"secret"`, []string{"--did-id", "6511"}, contract.Hash("6511", `"secret"`) + "\n", "mor-hash: MOR_API_SECRET_KEY is in quotes, which count as part of the key (an --env-file keeps them); remove them, unless the key in MOR has them too\n"},
		{"two lines", "", "", []string{"--did-id", "6511", "--secret-file", twoLines}, "", "mor-hash: " + twoLines + " has more than one line; put each key in its own file\n"},
		{"empty key", "", "", []string{"--did-id", "6511", "--secret-file", blank}, "", "mor-hash: " + blank + " is empty; put the API Secret Key there (MOR does not work with an empty one)\n"},
		{"no file", "", "", []string{"--did-id", "6511", "--secret-file", "/nonexistent"}, "", "mor-hash: the key cannot be read: open /nonexistent: no such file or directory\n"},
		{"no key", "", "", []string{"--did-id", "6511"}, "", "mor-hash: no key: give --secret-file, or set MOR_API_SECRET_KEY\n"},
		{"no did_id", "", "secret", nil, "", "mor-hash: --did-id is missing; see caddy help mor-hash\n"},
		{"did_id is a number", "", "secret", []string{"--did-id", "+37060000000"}, "", "mor-hash: --did-id is not a positive decimal integer; give the id that MOR gave the DID, not its phone number\n"},
		{"did_id is 0", "", "secret", []string{"--did-id", "00"}, "", "mor-hash: --did-id is not a positive decimal integer; give the id that MOR gave the DID, not its phone number\n"},
		{"key as an argument", "", "", []string{"--did-id", "6511", "secret"}, "", "mor-hash: unexpected argument; use flags such as --did-id 6511, and never put the key on the command line; see caddy help mor-hash\n"},
		{"unknown flag", "", "secret", []string{"--did-id", "6511", "--key=secret"}, "", "mor-hash: unknown flag: --key; see caddy help mor-hash\n"},
		{"flag without value", "", "secret", []string{"--did-id"}, "", "mor-hash: flag needs an argument: --did-id; see caddy help mor-hash\n"},
		{"user without URL", "", "secret", []string{"--did-id", "1", "--user", "a"}, "", "mor-hash: --user and --set need --url\n"},
		{"URL without user", "", "secret", []string{"--did-id", "1", "--url", "https://mor.example"}, "", "mor-hash: --url needs --user\n"},
		{"no URL", "", "secret", []string{"--did-id", "1", "--user", "a", "--url", "mor.example/billing"}, "", "mor-hash: --url needs an address such as https://mor.example/billing\n"},
		{"URL with a query", "", "secret", []string{"--did-id", "1", "--user", "a", "--url", "https://mor.example/billing?u=a"}, "", "mor-hash: --url needs an address without a password, a query or a fragment\n"},
		{"set twice", "", "secret", []string{"--did-id", "1", "--user", "a", "--url", "https://mor.example", "--set", "x=1", "--set", "x=2"}, "", "mor-hash: --set: x is already given\n"},
		{"set without name", "", "secret", []string{"--did-id", "1", "--user", "a", "--url", "https://mor.example", "--set", "=1"}, "", "mor-hash: --set needs name=value, with a name of letters, digits and _\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withKey(t, tt.key)
			got := runCommand(tt.stdin, "mor-hash", tt.args...)
			want := outcome{0, tt.out, tt.errOut}
			if tt.out == "" {
				want.status = 2
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// The printed command, run by a real shell and curl, is a request that the
// gateway accepts and that has the values that were given.
func TestHashCommandPrintsARequest(t *testing.T) {
	testkit.Tool(t, "curl")
	sh := testkit.Tool(t, "sh")
	withKey(t, "secret")
	seen := make(chan url.Values, 1)
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		seen <- r.Form
		_, _ = io.WriteString(w, testkit.Success)
	})
	s := testkit.Serve(t, `http://127.0.0.1:{$SITE} {
		log
		mor_gateway secret
		reverse_proxy {$MOR}
	}`, "MOR", upstream.Addr)
	addr := s.Addr("SITE")
	for _, base := range []string{"http://" + addr + "/billing", "http://" + addr + "/billing/", "http://" + addr + action} {
		const comment = `it's "a" & $b; 50% +1 \ é @x`
		got := runCommand("", "mor-hash", "--did-id", "6511", "--url", base, "--user", "o'neil @ co", "--set", "comment="+comment, "--set", "call_limit=10")
		if got.status != 0 || got.errOut != "" {
			t.Fatalf("%+v", got)
		}
		out, err := exec.Command(sh, "-c", got.out).Output()
		if err != nil || !strings.Contains(string(out), "<success>") {
			t.Fatalf("%s answered with %q, %v", got.out, out, err)
		}
		form := <-seen
		if form.Get("u") != "o'neil @ co" || form.Get("comment") != comment || form.Get("call_limit") != "10" || len(form) != 5 {
			t.Errorf("MOR got %v", form)
		}
	}
	s.Settle(3)
}

// What mor-check prints, its statuses, and that it never prints a right hash
// or a key unasked.
func TestCheckCommand(t *testing.T) {
	wrong := contract.Hash("6511", "secret\n")
	one := writeFile(t, `http://mor.example {
		mor_gateway {
			secret {env.MOR_API_SECRET_KEY}
			reseller shop shop-key
			mode monitor
		}
		handle_errors {
			mor_gateway {
				secret {env.MOR_API_SECRET_KEY}
				reseller shop shop-key
				mode monitor
			}
			reverse_proxy 127.0.0.1:1
		}
	}`)
	two := writeFile(t, `
	http://a.example, http://b.example:8080 {
		mor_gateway k1
		reverse_proxy 127.0.0.1:1
	}
	:8081 {
		mor_gateway k2
		reverse_proxy 127.0.0.1:1
	}
	http://c.example {
		mor_gateway {env.NO_SUCH_KEY}
		reverse_proxy 127.0.0.1:1
	}`)
	none := writeFile(t, `http://x {
		respond ok
	}`)
	broken := writeFile(t, `http://x {
		mor_gateway {
			secert k
		}
	}`)
	body := writeFile(t, `{"u":"admin","did_id":6511,"hash":"`+exampleHash+`"}`)
	for _, tt := range []struct {
		name, stdin string
		key         string
		args        []string
		status      int
		want        []string // in the output, or the whole of the errors if the status is 2
	}{
		{"right", "", "secret", []string{checkURL + "?u=admin&did_id=6511&hash=" + exampleHash}, 0, []string{"pass         hash is the SHA-1 of did_id", `u            "admin"  (query)`, "verdict:  accepted\n"}},
		{"right JSON", "", "secret", []string{"--content-type", "application/json", "--data", "@" + body, checkURL}, 0, []string{`did_id       "6511"  (JSON)`, "verdict:  accepted\n"}},
		{"right form", "u=admin&did_id=6511&hash=" + exampleHash, "secret", []string{"--data", "@-", checkURL}, 0, []string{"(form)", "verdict:  accepted\n"}},
		{"whole request", "POST " + action + " HTTP/1.1\nHost: m\nContent-Length: 65\n\nu=admin&did_id=6511&hash=" + exampleHash + "\n", "secret", []string{"--request", "-"}, 0, []string{"(form)", "verdict:  accepted\n"}},
		{"request without a length", "POST " + action + " HTTP/1.1\nHost: m\n\nu=admin\n", "secret", []string{"--request", "-"}, 3, []string{"note:     the text after the head is not part", "access_denied", "  none"}},
		{"not HTTP", "hello\n", "secret", []string{"--request", "-"}, 3, []string{"refused by the HTTP server", "status:   400"}},
		{"no path", "", "secret", []string{"https://mor.example?did_details_update"}, 0, []string{"verdict:  not checked\n", "forwarded unchecked"}},
		{"fragment", "", "secret", []string{checkURL + "?u=admin&did_id=6511&hash=" + exampleHash + "#x"}, 0, []string{"verdict:  accepted\n"}},
		{"other path", "", "secret", []string{"https://mor.example/billing/callc/main"}, 0, []string{"verdict:  not checked\n", "forwarded unchecked"}},
		{"other path, JSON", "", "secret", []string{"--json", "https://mor.example/billing/callc/main"}, 0, []string{`"accepted": false`, `"action": false`, `"verdict": "not checked"`}},
		{"newline", "", "secret", []string{checkURL + "?u=admin&did_id=6511&hash=" + wrong}, 3, []string{"fail         hash is the SHA-1 of did_id", "not reached  did_id is a positive", "hint:     newline: ", "status:   200", "<error>Incorrect hash</error>"}},
		{"cut at &", "", "secret", []string{checkURL + "?u=admin"}, 3, []string{"hint:     hash_missing: ", "note:     quote the URL: the shell ends a command at &\n"}},
		{"GET", "", "secret", []string{"--method", "GET", checkURL + "?u=admin"}, 3, []string{"get_disabled", "GET Requests are disabled"}},
		{"PUT", "", "secret", []string{"--method", "PUT", checkURL}, 3, []string{"fail         method is POST or GET", "allow:    POST", "status:   405"}},
		{"ambiguous", "", "secret", []string{checkURL + "?u=a&u=b"}, 3, []string{"hint:     query: u: given more than once with different values", "status:   400"}},
		{"terminal escapes", "", "secret", []string{checkURL + "?u=%1b[31m"}, 3, []string{`"\x1b[31m"`}},

		{"monitor, other reseller's key", "", "secret", []string{"--config", one, checkURL + "?u=admin&did_id=1&hash=" + contract.Hash("1", "shop-key")}, 3, []string{`hint:     other_key: the hash was made with the key of reseller "shop"`, "note:     the mode is monitor"}},
		{"one site twice", "", "secret", []string{"--config", one, checkURL + "?u=shop&did_id=1&hash=" + contract.Hash("1", "shop-key")}, 0, []string{"accepted"}},
		{"site by host", "", "", []string{"--config", two, "--site", "a.example", checkURL + "?u=a&did_id=1&hash=" + contract.Hash("1", "k1")}, 0, []string{"accepted"}},
		{"site by URL", "", "", []string{"--config", two, "--site", "http://B.example:8080", checkURL + "?u=a&did_id=1&hash=" + contract.Hash("1", "k1")}, 0, []string{"accepted"}},
		{"site by port", "", "", []string{"--config", two, "--site", ":8081", checkURL + "?u=a&did_id=1&hash=" + contract.Hash("1", "k2")}, 0, []string{"accepted"}},

		{"several sites", "", "", []string{"--config", two, checkURL}, 2, []string{"mor-check: several sites have a mor_gateway; pick one with --site", "a.example", "b.example", ":8081", "c.example"}},
		{"no such site", "", "", []string{"--config", two, "--site", "x.example", checkURL}, 2, []string{"mor-check: no site with a mor_gateway has the address of --site; the sites are"}},
		{"wrong port", "", "", []string{"--config", two, "--site", "a.example:8080", checkURL}, 2, []string{"no site with"}},
		{"key is missing", "", "", []string{"--config", two, "--site", "c.example", checkURL}, 2, []string{"secrets", "{env.NO_SUCH_KEY}: the variable is not set"}},
		{"no gateway", "", "", []string{"--config", none, checkURL}, 2, []string{"has no mor_gateway"}},
		{"broken config", "", "", []string{"--config", broken, checkURL}, 2, []string{":3", "unknown subdirective"}},
		{"no config", "", "", []string{"--config", "/nonexistent", checkURL}, 2, []string{"the config cannot be read: open /nonexistent"}},
		{"config and key", "", "", []string{"--config", one, "--secret-file", "k", checkURL}, 2, []string{"give --config or --secret-file"}},
		{"site without config", "", "secret", []string{"--site", "a", checkURL}, 2, []string{"--site needs --config"}},
		{"no key", "", "", []string{checkURL}, 2, []string{"no key: give --secret-file, or set MOR_API_SECRET_KEY"}},
		{"no URL", "", "secret", nil, 2, []string{"give one URL, or --request; see caddy help mor-check"}},
		{"two URLs", "", "secret", []string{checkURL, checkURL}, 2, []string{"give one URL"}},
		{"no scheme", "", "secret", []string{"mor.example" + action}, 2, []string{"the address must begin with http:// or https://"}},
		{"space", "", "secret", []string{checkURL + "?a b"}, 2, []string{"write %20"}},
		{"request and URL", "", "secret", []string{"--request", "-", checkURL}, 2, []string{"--request is a whole request"}},
		{"two inputs", "", "", []string{"--request", "-", "--secret-file", "-"}, 2, []string{"only one of"}},
		{"unknown flag", "", "secret", []string{"--verbose", checkURL}, 2, []string{"mor-check: unknown flag: --verbose; see caddy help mor-check\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withKey(t, tt.key)
			got := runCommand(tt.stdin, "mor-check", tt.args...)
			text, none := got.out, got.errOut
			if tt.status == 2 {
				text, none = got.errOut, got.out
				if strings.Count(text, "mor-check: ") != 1 || strings.Contains(text, "Error:") || strings.Contains(text, "Usage:") {
					t.Errorf("not one line of error: %q", text)
				}
			}
			if got.status != tt.status || none != "" {
				t.Errorf("status %d, want %d: %+v", got.status, tt.status, got)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in %q", want, text)
				}
			}
			secrets := []string{"shop-key", "k1", "k2", "\x1b"}
			if tt.status == 3 {
				secrets = append(secrets, exampleHash, contract.Hash("1", "secret"))
			}
			if secret := testkit.FindAny(got.out+got.errOut, secrets); secret != "" {
				t.Errorf("%q is in %+v", secret, got)
			}
		})
	}

	withKey(t, "secret")
	for _, args := range [][]string{
		{checkURL}, {checkURL + "?u=admin&did_id=6511"}, {checkURL + "?hash=" + wrong}, {checkURL + "?u=admin", "--data", "did_id=6511"}, {"https://mor.example/?u=admin"},
	} {
		if got := runCommand("", "mor-check", args...); strings.Contains(got.out, "quote the URL") {
			t.Errorf("%v: %s", args, got.out)
		}
	}
	got := runCommand("", "mor-check", "--show-expected", checkURL+"?u=admin&did_id=6511&hash="+wrong)
	if got.status != 3 || !strings.Contains(got.out, "expected: "+exampleHash+"\n") {
		t.Errorf("with --show-expected: %+v", got)
	}
}

// The whole program ends with the statuses that the help promises, and cobra
// and Caddy's log add nothing to the one line of an error.
func TestCommandStatuses(t *testing.T) {
	const noKey = ": no key: give --secret-file, or set MOR_API_SECRET_KEY\n"
	const badFlag = ": unknown flag: --x; see caddy help "
	for _, tt := range []struct {
		env    []string
		args   []string
		status int
		errOut string
	}{
		{[]string{envKey}, []string{"mor-hash", "--did-id", "6511"}, 0, ""},
		{nil, []string{"mor-hash", "--did-id", "6511"}, 2, "mor-hash" + noKey},
		{[]string{envKey}, []string{"mor-hash", "--x"}, 2, "mor-hash" + badFlag + "mor-hash\n"},
		{[]string{envKey}, []string{"mor-check", checkURL + "?u=a&did_id=6511&hash=" + exampleHash}, 0, ""},
		{[]string{envKey}, []string{"mor-check", checkURL}, 3, ""},
		{nil, []string{"mor-check", checkURL}, 2, "mor-check" + noKey},
		{[]string{envKey}, []string{"mor-report", "/dev/null"}, 0, ""},
		{nil, []string{"mor-report", "/dev/null"}, 2, "mor-report" + noKey},
		{[]string{envKey}, []string{"mor-check", "--x"}, 2, "mor-check" + badFlag + "mor-check\n"},
	} {
		t.Run(strings.Join(append(tt.args, tt.env...), " "), func(t *testing.T) {
			if got := runCaddy(t, "", tt.env, tt.args...); got.status != tt.status || got.errOut != tt.errOut || (got.out == "") != (tt.status == 2) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// On a terminal there are colours, unless NO_COLOR is set.
func TestCheckCommandColours(t *testing.T) {
	script := testkit.Tool(t, "script") // of util-linux: gives a program a terminal
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, noColour := range []string{"", "1"} {
		cmd := exec.Command(script, "-qec", "'"+self+"' mor-check "+checkURL, "/dev/null")
		cmd.Env = []string{asCaddy + "=1", envKey, "NO_COLOR=" + noColour, "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "TERM=xterm"}
		out, _ := cmd.Output()
		if !strings.Contains(string(out), "access_denied") {
			t.Fatalf("output %q", out)
		}
		if got := strings.Contains(string(out), "\x1b["); got != (noColour == "") {
			t.Errorf("NO_COLOR=%q: colours are %v", noColour, got)
		}
	}
}

// The help has what a newcomer needs, however it is asked for; and a shell
// completes the flags.
func TestCommandHelp(t *testing.T) {
	for name, wants := range map[string][]string{
		"mor-hash":   {"--secret-file", "MOR_API_SECRET_KEY", "EXIT STATUS", "EXAMPLES", "--set"},
		"mor-report": {"--config", "--site", "--secret-file", "MOR_API_SECRET_KEY", "--since", "--until", "--html", "--json", "NO_COLOR", "EXIT STATUS", "EXAMPLES"},
		"mor-check":  {"--config", "--site", "--request", "--show-expected", "NO_COLOR", "EXIT STATUS", "EXAMPLES"},
	} {
		help := runCaddy(t, "", nil, "help", name)
		for _, want := range wants {
			if !strings.Contains(help.out, want) {
				t.Errorf("help %s has no %s", name, want)
			}
		}
		if flag := runCaddy(t, "", nil, name, "--help"); flag != help || help.status != 0 {
			t.Errorf("%s --help is not help %s", name, name)
		}
		if got := runCaddy(t, "", nil, "__complete", name, "--secret"); !strings.HasPrefix(got.out, "--secret-file\t") {
			t.Errorf("%s --secret is completed to %q", name, got.out)
		}
	}
}
