// Package proof proves the gateway against real Rails: a large corpus and a generator send requests through
// Caddy to a Rails application that records what it saw, and an oracle judges the record by MOR's contract.
package proof

import (
	"flag"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

var (
	flagN      = flag.Int("proof.n", 20_000, "how many requests to generate")
	flagSeed   = flag.Uint64("proof.seed", 0, "seed of the generator; 0 takes one from the clock")
	flagFor    = flag.Duration("proof.for", 0, "generate rounds of -proof.n requests for so long")
	flagReplay = flag.String("proof.replay", "", "a request in base64, for TestReplay")
	flagSite   = flag.String("proof.site", "main", "the configuration that TestReplay sends it to")
)

// world is what the tests share: Rails in MOR's place, and the ways to it.
type world struct {
	mor     *rails
	gateway target // what is proved
	naive   target // the control: a gateway that reads with the standard library
	direct  target // the other control: no gateway
}

var start = sync.OnceValues(func() (*world, error) {
	dir, err := os.MkdirTemp("", "proof")
	if err != nil {
		return nil, err
	}
	w := &world{}
	atEnd = append(atEnd, func() { os.RemoveAll(dir) })
	if w.mor, err = startRails(dir); err != nil {
		return nil, err
	}
	atEnd = append(atEnd, w.mor.stop)
	if w.gateway, err = startGateway(w.mor.addr); err != nil {
		return nil, err
	}
	atEnd = append(atEnd, func() { caddy.Stop() })
	w.naive = startNaive(w.mor.addr)
	w.direct = target{name: "no gateway", addr: map[string]string{}, single: true}
	for name := range sites {
		w.direct.addr[name] = w.mor.addr
	}
	return w, nil
})

var atEnd []func()

// begin returns the world, started by the first test that needs it.
func begin(t *testing.T) *world {
	t.Helper()
	needTools(t)
	w, err := start()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, end := range slices.Backward(atEnd) {
		end()
	}
	os.Exit(code)
}
