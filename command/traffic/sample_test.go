package traffic_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

const path = "/billing/api/did_details_update"

// hash is the right hash of a DID under a key.
func hash(didID, key string) string {
	sum := sha1.Sum([]byte(didID + key))
	return hex.EncodeToString(sum[:])
}

// sampleLog is the access log of a MOR with the key "secret", as Apache writes
// it: a month of an office and three resellers' programs.
func sampleLog() string {
	var b strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)
	line := func(t time.Time, client, request string) {
		fmt.Fprintf(&b, "%s - - [%s] \"%s HTTP/1.1\" 200 148 \"-\" \"-\"\n", client, t.Format("02/Jan/2006:15:04:05 -0700"), request)
	}
	did := func() string { return fmt.Sprint(6000 + r.IntN(900)) }
	for hour := range 24 * 28 {
		t := start.Add(time.Duration(hour) * time.Hour)
		busy := t.Hour() >= 7 && t.Hour() < 19 && t.Weekday()%6 != 0
		minute := func() time.Time { return t.Add(time.Duration(r.IntN(3600)) * time.Second) }
		for range 6 {
			line(minute(), fmt.Sprintf("203.0.113.%d", r.IntN(200)), "GET /billing/callc/main")
		}
		if !busy {
			continue
		}
		for range 4 + r.IntN(5) {
			id := did()
			line(minute(), "198.51.100.7", fmt.Sprintf("POST %s?u=admin&did_id=%s&call_limit=%d&hash=%s", path, id, r.IntN(50), hash(id, "secret")))
		}
		for range r.IntN(5) {
			id := did()
			line(minute(), fmt.Sprintf("192.0.2.%d", 10+r.IntN(2)), fmt.Sprintf("GET %s?u=globex&did_id=%s&call_limit=20&hash=%s", path, id, hash(id, "secret")))
		}
		if hour > 24*14 {
			for range r.IntN(4) {
				id := did()
				line(minute(), "192.0.2.77", fmt.Sprintf("POST %s?u=acme&did_id=%s&call_limit=5&hash=%s", path, id, hash(id, "acme's own")))
			}
		}
		if r.IntN(3) == 0 {
			id := did()
			line(minute(), "198.51.100.90", fmt.Sprintf("POST %s?u=initech&did_id=%s&call_limit=5&hash=%s", path, id, hash(id, "secret\n")))
		}
		if r.IntN(12) == 0 {
			id := did()
			line(minute(), "198.51.100.7", fmt.Sprintf("POST %s?u=admin&did_id=%s&active_till=1793000000000&hash=%s", path, id, hash(id, "secret")))
		}
		if r.IntN(10) == 0 {
			line(minute(), "192.0.2.200", "POST "+path)
		}
		if r.IntN(9) == 0 {
			id := did()
			line(minute(), "198.51.100.7", fmt.Sprintf("GET /billing/api/did_terminate?dids_id=%s&u=admin&hash=%s", id, hash(id, "secret")))
		}
		if r.IntN(20) == 0 {
			line(minute(), "198.51.100.7", "GET /billing/api/user_balance_get?username=acme")
		}
	}
	return b.String()
}
