package caddyfile

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
)

// key is a key in plain text, to make sure that no message repeats it.
const key = "Tr0ub4dor"

// adapt adapts a Caddyfile with one site that has the directive.
func adapt(t *testing.T, directive string) ([]byte, error) {
	t.Helper()
	out, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("http://127.0.0.1:9080 {\n"+directive+"\nreverse_proxy 127.0.0.1:9\n}\n"), map[string]any{"filename": "Caddyfile"})
	return out, err
}

// handlerIn returns the JSON of the first mor_gateway in a config.
func handlerIn(t *testing.T, config any) map[string]any {
	t.Helper()
	switch c := config.(type) {
	case map[string]any:
		if c["handler"] == "mor_gateway" {
			return c
		}
		for _, v := range c {
			if h := handlerIn(t, v); h != nil {
				return h
			}
		}
	case []any:
		for _, v := range c {
			if h := handlerIn(t, v); h != nil {
				return h
			}
		}
	}
	return nil
}

func TestDirective(t *testing.T) {
	for name, tc := range map[string]struct{ directive, want string }{
		"short form":           {`mor_gateway {env.A}`, `{"handler":"mor_gateway","secrets":["{env.A}"]}`},
		"short form, two keys": {`mor_gateway {env.A} {env.B}`, `{"handler":"mor_gateway","secrets":["{env.A}","{env.B}"]}`},
		"block": {`mor_gateway {
			secret {env.A}
		}`, `{"handler":"mor_gateway","secrets":["{env.A}"]}`},
		"everything": {`mor_gateway {
			secret {env.A} {file./b}
			reseller Reseller1 {env.C}
			reseller "reseller 2" {env.D} {env.E}
			users admin "the accountant"
			allow_get
			mode monitor
			max_body 128KiB
		}`, `{"allow_get":true,"handler":"mor_gateway","max_body":131072,"mode":"monitor","resellers":{"Reseller1":["{env.C}"],"reseller 2":["{env.D}","{env.E}"]},"secrets":["{env.A}","{file./b}"],"users":["admin","the accountant"]}`},
		"matcher": {`mor_gateway /billing/* {env.A}`, `{"handler":"mor_gateway","secrets":["{env.A}"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := adapt(t, tc.directive)
			if err != nil {
				t.Fatal(err)
			}
			var config any
			if err := json.Unmarshal(out, &config); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(handlerIn(t, config))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestWrongDirective makes each mistake with a key nearby. The message names
// the line and what to write, and no key.
func TestWrongDirective(t *testing.T) {
	for name, tc := range map[string]struct{ directive, line, want string }{
		"no key":                 {"mor_gateway", ":2", "write: secret {env.MOR_API_SECRET_KEY}"},
		"no key in block":        {"mor_gateway {\nallow_get\n}", ":", "write: secret {env.MOR_API_SECRET_KEY}"},
		"short form with block":  {"mor_gateway " + key + " {\nallow_get\n}", ":3", "the short form takes no block"},
		"secret without key":     {"mor_gateway {\nsecret\n}", ":3", "write: secret <key>..."},
		"empty key":              {"mor_gateway {\nsecret \"\"\n}", ":3", "a value is empty"},
		"empty short key":        {`mor_gateway ""`, ":2", "a value is empty"},
		"secret twice":           {"mor_gateway {\nsecret " + key + "\nsecret " + key + "\n}", ":4", "is repeated"},
		"unknown subdirective":   {"mor_gateway {\nsecrte " + key + "\n}", ":3", "use secret, reseller, users, allow_get, mode or max_body"},
		"key on its own line":    {"mor_gateway {\n" + key + "\n}", ":3", "unknown subdirective"},
		"reseller without key":   {"mor_gateway {\nsecret " + key + "\nreseller " + key + "\n}", ":4", "write: reseller <username> <key>..."},
		"reseller twice":         {"mor_gateway {\nsecret " + key + "\nreseller A " + key + "\nreseller a " + key + "\n}", ":5", "this reseller is repeated"},
		"users without names":    {"mor_gateway {\nsecret " + key + "\nusers\n}", ":4", "write: users <username>..."},
		"allow_get with a value": {"mor_gateway {\nsecret " + key + "\nallow_get " + key + "\n}", ":4", "write: allow_get"},
		"bad mode":               {"mor_gateway {\nsecret " + key + "\nmode " + key + "\n}", ":4", "write: mode enforce|monitor"},
		"two modes":              {"mor_gateway {\nsecret " + key + "\nmode monitor enforce\n}", ":4", "write: mode enforce|monitor"},
		"bad size":               {"mor_gateway {\nsecret " + key + "\nmax_body " + key + "\n}", ":4", "not a size from 1B to 1GiB"},
		"no size":                {"mor_gateway {\nsecret " + key + "\nmax_body 0\n}", ":4", "not a size from 1B to 1GiB"},
		"size too large":         {"mor_gateway {\nsecret " + key + "\nmax_body 2GiB\n}", ":4", "not a size from 1B to 1GiB"},
		"size with a space":      {"mor_gateway {\nsecret " + key + "\nmax_body 64 KiB\n}", ":4", "write: max_body <size>, for example 64KiB, without a space"},
		"half a placeholder":     {"mor_gateway {\nsecret " + key + " {env." + key + "\n}", ":3", "key 2 on this line looks like a placeholder"},
		"path as a key":          {"mor_gateway {\nsecret " + key + "\nreseller a b /run/" + key + "\n}", ":4", "key 2 on this line looks like the path of a file; write {file./path}"},
		"users with a comma":     {"mor_gateway {\nsecret " + key + "\nusers admin, bob\n}", ":4", "separate usernames with spaces"},
		"users by placeholder":   {"mor_gateway {\nsecret " + key + "\nusers {env.HOME}\n}", ":4", "placeholders only for keys"},
		"key before reseller":    {"mor_gateway {\nsecret " + key + "\nreseller {env.HOME} " + key + "\n}", ":4", "placeholders only for keys"},
		"nested block":           {"mor_gateway {\nsecret " + key + " {\n" + key + "\n}\n}", ":", "secret takes no block"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := adapt(t, tc.directive)
			if err == nil {
				t.Fatalf("adapted to %s", out)
			}
			for _, want := range []string{tc.want, "Caddyfile" + tc.line} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), key) {
				t.Errorf("%q repeats a key", err)
			}
		})
	}
}

// TestWrongConfig has what only Provision and Validate can know. The message
// names the place in the JSON config and what to write, and no key.
func TestWrongConfig(t *testing.T) {
	t.Setenv("MOR_EMPTY", " \n")
	for name, tc := range map[string]struct {
		handler caddymodule.Handler
		want    string
	}{
		"no key":                  {caddymodule.Handler{}, "secrets: no key"},
		"unset variable":          {caddymodule.Handler{Secrets: []string{key, "{env.MOR_UNSET}"}}, "secrets[1]: {env.MOR_UNSET}: the variable is not set"},
		"blank variable":          {caddymodule.Handler{Secrets: []string{"{env.MOR_EMPTY}"}}, "secrets[0]: {env.MOR_EMPTY} is empty"},
		"missing file":            {caddymodule.Handler{Secrets: []string{"{file./does/not/exist}"}}, "secrets[0]: {file./does/not/exist}: the file cannot be read: no such file or directory"},
		"unknown placeholder":     {caddymodule.Handler{Secrets: []string{"{envv.MOR}"}}, "secrets[0]: looks like a placeholder"},
		"key beside placeholder":  {caddymodule.Handler{Secrets: []string{key + "{env.MOR_UNSET}"}}, "secrets[0]: looks like a placeholder"},
		"open placeholder":        {caddymodule.Handler{Secrets: []string{"{env.HOME"}}, "secrets[0]: looks like a placeholder"},
		"placeholder and a brace": {caddymodule.Handler{Secrets: []string{"{env.HOME}}"}}, "secrets[0]: looks like a placeholder"},
		"bare placeholder":        {caddymodule.Handler{Secrets: []string{key, "env.HOME"}}, "secrets[1]: looks like a placeholder"},
		"bare file":               {caddymodule.Handler{Secrets: []string{"file./run/x"}}, "secrets[0]: looks like a placeholder"},
		"shell variable":          {caddymodule.Handler{Secrets: []string{"$MOR_API_SECRET_KEY"}}, "secrets[0]: looks like a placeholder"},
		"name of a variable":      {caddymodule.Handler{Secrets: []string{"HOME"}}, "secrets[0]: is the name of a variable; write {env.NAME}"},
		"empty key":               {caddymodule.Handler{Secrets: []string{""}}, "secrets[0]: the key, or a placeholder in it, is empty"},
		"reseller without key":    {caddymodule.Handler{Secrets: []string{key}, Resellers: map[string][]string{"a": nil}}, "no key; give the reseller's API Secret Key"},
		"reseller with empty key": {caddymodule.Handler{Secrets: []string{key}, Resellers: map[string][]string{"a": {key, "{env.MOR_UNSET}"}}}, "[1]: {env.MOR_UNSET}: the variable is not set"},
		"reseller twice":          {caddymodule.Handler{Secrets: []string{key}, Resellers: map[string][]string{"a": {key}, "A": {key}}}, "the username is repeated"},
		"reseller without name":   {caddymodule.Handler{Secrets: []string{key}, Resellers: map[string][]string{" ": {key}}}, "the username is empty"},
		"bad mode":                {caddymodule.Handler{Secrets: []string{key}, Mode: key}, "mode: must be enforce or monitor"},
		"negative size":           {caddymodule.Handler{Secrets: []string{key}, MaxBody: -1}, "max_body: must be a number of bytes from 1 to"},
		"huge size":               {caddymodule.Handler{Secrets: []string{key}, MaxBody: 1 << 40}, "max_body: must be a number of bytes from 1 to"},
		"user by placeholder":     {caddymodule.Handler{Secrets: []string{key}, Users: []string{"admin", "{env." + key + "}"}}, "users[1]: looks like a placeholder"},
		"reseller by placeholder": {caddymodule.Handler{Secrets: []string{key}, Resellers: map[string][]string{"{env." + key + "}": {key}}}, "the username looks like a placeholder"},
		"blank user":              {caddymodule.Handler{Secrets: []string{key}, Users: []string{"admin", " "}}, "users[1]: is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
			defer cancel()
			err := tc.handler.Provision(ctx)
			if err == nil {
				err = tc.handler.Validate()
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), key) {
				t.Errorf("%q repeats a key", err)
			}
		})
	}
}
