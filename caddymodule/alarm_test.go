package caddymodule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// A client that sends the key itself is told of once for each user, wherever
// the key stands. The key is in no line.
func TestAlarms(t *testing.T) {
	const key = "sesame-that-is-long-enough"
	t.Setenv("ADMIN_KEY", key)
	t.Setenv("SHOP_KEY", "shop-"+key)
	const form, json = "application/x-www-form-urlencoded", "application/json"
	const parameter, asHash = "a client sends the parameter API_Secret_Key", "a client sends the API Secret Key itself as the hash"
	right := "did_id=1&hash=" + contract.Hash("1", key)
	for _, tt := range []struct {
		name, query, kind, body string
		want                    string
	}{
		{"in the query", right + "&API_Secret_Key=" + key, "", "", parameter},
		{"in lower case", right + "&api_secret_key=", "", "", parameter},
		{"another value", right + "&API_Secret_Key=%2B", "", "", parameter},
		{"in a form", right, form, "comment=&API_Secret_Key=" + key, parameter},
		{"in JSON", right, json, `{"API_Secret_Key":"` + key + `"}`, parameter},
		{"in a part", right, "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"API_Secret_Key\"\r\n\r\n" + key + "\r\n--x--\r\n", parameter},
		{"refused", "did_id=1&API_Secret_Key=" + key, "", "", parameter},
		{"another name", right + "&API_Secret_Kez=" + key, "", "", ""},
		{"inside JSON", right, json, `{"x":{"API_Secret_Key":"` + key + `"}}`, ""},
		{"as hash", "did_id=1&hash=" + key, "", "", asHash},
		{"a reseller's, as hash", "did_id=1&hash=shop-" + key, "", "", asHash},
		{"after did_id", "did_id=1&hash=1" + key, "", "", asHash},
		{"in quotes", "did_id=1&hash=%22" + key + "%22", "", "", asHash},
		{"in JSON, as hash", "", json, `{"did_id":1,"hash":"` + key + `"}`, asHash},
		{"a wrong hash", "did_id=1&hash=" + contract.Hash("1", "x"), "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testkit.Serve(t, `http://:{$SITE} {
				mor_gateway {
					secret {env.ADMIN_KEY}
					reseller shop {env.SHOP_KEY}
				}
				respond ok
			}`)
			users := []string{"admin", "ADMIN", "other", "admin"}
			for _, user := range users {
				testkit.Ask(t, "POST", "http://"+s.Addr("SITE")+action+"?u="+user+"&"+tt.query, tt.body, "Content-Type", tt.kind)
			}
			testkit.Eventually(t, "all requests told of", func() bool {
				return len(s.Logged("request accepted"))+len(s.Logged("request refused")) == len(users)
			})
			var told []string
			for line := range strings.Lines(s.Log()) {
				if strings.Contains(line, "a client sends") {
					told = append(told, line)
				}
				if strings.Contains(line, "sesame") {
					t.Errorf("the key is in %s", line)
				}
			}
			if tt.want == "" {
				if len(told) != 0 {
					t.Errorf("told %q", told)
				}
				return
			}
			if len(told) != 2 || !strings.Contains(told[0], `"user":"admin"`) || !strings.Contains(told[1], `"user":"other"`) {
				t.Fatalf("told %q", told)
			}
			level := `"level":"warn"`
			if tt.want == asHash {
				level = `"level":"error"`
				for _, line := range s.Logged("request refused") {
					if !strings.HasPrefix(fmt.Sprint(line["hint"]), "key_as_hash: ") {
						t.Errorf("hint %v", line["hint"])
					}
				}
			}
			for _, line := range told {
				if !strings.Contains(line, tt.want) || !strings.Contains(line, level) || !strings.Contains(line, "change the key") {
					t.Errorf("told %s", line)
				}
			}
		})
	}
}
