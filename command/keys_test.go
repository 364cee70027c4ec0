package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

// The module and both commands say the same of a key that cannot be meant, and
// of one that is doubtful.
func TestTheCommandsReadKeysAsTheModule(t *testing.T) {
	for name, tt := range map[string]struct {
		key, says string
		doubt     bool // the key is taken
	}{
		"UTF-16":             {"\xff\xfes\x00e\x00c\x00r\x00e\x00t\x00\r\x00\n\x00", " is UTF-16 text, as > writes it in older Windows shells; save the key as UTF-8 without a byte order mark", false},
		"without a mark":     {"\x00s\x00e\x00c\x00r\x00e\x00t\x00\n", " is UTF-16 text, as > writes it in older Windows shells; save the key as UTF-8 without a byte order mark", false},
		"byte order mark":    {"\ufeffsecret\n", " begins with a byte order mark; save the key as UTF-8 without one", false},
		"empty":              {"\n", " is empty; put the API Secret Key there (MOR does not work with an empty one)", false},
		"two lines":          {"secret\nother\n", " has more than one line; put each key in its own file", false},
		"quotes":             {"'secret'", " is in quotes, which count as part of the key (an --env-file keeps them); remove them, unless the key in MOR has them too", true},
		"environment file":   {"KEY=secret", " begins with NAME=, like a line of an environment file; keep only the key there, unless the key in MOR begins that way too", true},
		"no-break space":     {"secret\u00a0", " has an invisible character, such as a no-break space; retype the key, unless the key in MOR has it too", true},
		"Latin-1":            {"secr\xe4t", " is not UTF-8; save it as UTF-8, unless the key in MOR is not UTF-8 either", true},
		"nothing is strange": {"secret key, of MOR's", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			withKey(t, "")
			file := writeFile(t, tt.key)
			placeholder := "{file." + file + "}"
			config := writeFile(t, "http://mor.example {\n\tmor_gateway "+placeholder+"\n\trespond ok\n}\n")
			for _, run := range []struct {
				name, says string
				taken      int // exit status
				args       []string
			}{
				{"mor-hash", file + tt.says, 0, []string{"--did-id", "6511", "--secret-file", file}},
				{"mor-check", file + tt.says, 3, []string{"--secret-file", file, checkURL}},
				{"mor-check", "secrets[0]: " + placeholder + tt.says, 3, []string{"--config", config, checkURL}},
			} {
				got := runCommand("", run.name, run.args...)
				want, status := run.name+": "+run.says+"\n", run.taken
				if tt.says == "" {
					want = ""
				}
				if !tt.doubt {
					status = 2
				}
				if got.status != status || got.errOut != want {
					t.Errorf("%s %v: status %d, %q, want %d, %q", run.name, run.args, got.status, got.errOut, status, want)
				}
			}
			got := runCaddy(t, "", nil, "validate", "--config", config, "--adapter", "caddyfile")
			if (got.status == 0) != tt.doubt || !strings.Contains(got.errOut, "secrets[0]: "+placeholder+tt.says) && tt.says != "" {
				t.Errorf("validate: %+v", got)
			}
		})
	}
}

// A pipeline that has no keys can check a Caddyfile with caddy adapt, which
// reads neither the environment nor files for them.
func TestAdaptNeedsNoKeys(t *testing.T) {
	const site = "http://mor.example {\n\tmor_gateway {\n\t\tsecret {env.NO_SUCH_KEY} {file./nonexistent/key}\n\t\treseller shop {file.{$CREDENTIALS_DIRECTORY:/nonexistent}/shop}\n\t}\n\trespond ok\n}\n"
	config := writeFile(t, site)
	without := runCaddy(t, "", nil, "adapt", "--config", config)
	with := runCaddy(t, "", []string{"NO_SUCH_KEY=sesame"}, "adapt", "--config", config)
	if without.status != 0 || with != without || !strings.Contains(without.out, `"{env.NO_SUCH_KEY}"`) || !strings.Contains(without.out, `"{file./nonexistent/shop}"`) {
		t.Errorf("without keys %+v, with keys %+v", without, with)
	}
	if got := runCaddy(t, "", nil, "validate", "--config", config, "--adapter", "caddyfile"); got.status == 0 {
		t.Errorf("validate without keys: %+v", got)
	}
	broken := writeFile(t, strings.Replace(site, "secret", "secert", 1))
	if got := runCaddy(t, "", nil, "adapt", "--config", broken); got.status == 0 || !strings.Contains(got.errOut, ":3") {
		t.Errorf("a mistake: %+v", got)
	}
}

// Keys that systemd hands over are found before the unit runs, in the folder
// that the variable names, by mor-check as by caddy validate.
func TestCheckWithCredentials(t *testing.T) {
	folder := t.TempDir()
	for name, key := range map[string]string{"mor_api_secret_key": "secret\n", "shop": "shop-key\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	resellers := filepath.Join(t.TempDir(), "resellers")
	if err := os.WriteFile(resellers, []byte("reseller shop {file.{$CREDENTIALS_DIRECTORY:/run/credentials/none}/shop}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := writeFile(t, "http://mor.example {\n\tmor_gateway {\n\t\tsecret {file.{$CREDENTIALS_DIRECTORY:/run/credentials/none}/mor_api_secret_key}\n\t\timport "+resellers+"\n\t}\n\trespond ok\n}\n")
	env := []string{"CREDENTIALS_DIRECTORY=" + folder}
	for key, status := range map[string]int{"secret": 0, "shop-key": 0, "other": 3} {
		url := checkURL + "?u=shop&did_id=6511&hash=" + contract.Hash("6511", key)
		if got := runCaddy(t, "", env, "mor-check", "--config", config, url); got.status != status || got.errOut != "" {
			t.Errorf("%s: %+v", key, got)
		}
	}
	if got := runCaddy(t, "", env, "validate", "--config", config, "--adapter", "caddyfile"); got.status != 0 {
		t.Errorf("validate: %+v", got)
	}
	const missing = "{file./run/credentials/none/mor_api_secret_key}: the file cannot be read"
	if got := runCaddy(t, "", nil, "mor-check", "--config", config, checkURL); got.status != 2 || !strings.Contains(got.errOut, missing) {
		t.Errorf("without the variable: %+v", got)
	}
	if got := runCaddy(t, "", nil, "validate", "--config", config, "--adapter", "caddyfile"); got.status == 0 || !strings.Contains(got.errOut, missing) {
		t.Errorf("validate without the variable: %+v", got)
	}
}
