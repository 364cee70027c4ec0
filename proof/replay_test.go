package proof

import (
	"encoding/base64"
	"testing"
)

// TestReplay sends one request, which a failure of another test has printed, and tells everything about it.
func TestReplay(t *testing.T) {
	if *flagReplay == "" {
		t.Skip("no -proof.replay")
	}
	request, err := base64.StdEncoding.DecodeString(*flagReplay)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := sites[*flagSite]; !known {
		t.Fatalf("no site %q", *flagSite)
	}
	w := begin(t)
	t.Logf("request to %s:\n%q", *flagSite, request)
	for _, to := range []target{w.direct, w.naive, w.gateway} {
		reply := to.fireOne(shot{site: *flagSite, bytes: request, odd: true})
		t.Logf("%s: %s", to.name, reply)
		records, err := w.mor.settled()
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			if rec.Target == "/proof/last" {
				continue
			}
			t.Logf("  reached MOR: %s %q", rec.Method, rec.Target)
			for _, run := range rec.Runs {
				t.Logf("    %s: %s %v", run.Reading, run.Method, run.Params)
			}
			for _, breach := range sites[*flagSite].breaches(rec) {
				t.Logf("    breach: %s", breach)
				if to.name == w.gateway.name {
					t.Errorf("BYPASS: %s", breach)
				}
			}
		}
	}
}
