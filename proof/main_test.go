// Package proof proves the gateway against real Rails: a large corpus and a generator send requests through
// Caddy to a Rails application that records what it saw, and an oracle judges the record by MOR's contract.
package proof

import (
	"flag"
	"testing"
)

var (
	flagN      = flag.Int("proof.n", 20_000, "how many requests to generate")
	flagSeed   = flag.Uint64("proof.seed", 0, "seed of the generator; 0 takes one from the clock")
	flagFor    = flag.Duration("proof.for", 0, "generate rounds of -proof.n requests for so long")
	flagWorld  = flag.String("proof.world", "", "the one server to run MOR's stand-in on, such as apache")
	flagReplay = flag.String("proof.replay", "", "a request in base64, for TestReplay")
	flagSite   = flag.String("proof.site", "main", "the configuration that TestReplay sends it to")
)

// world is Rails in MOR's place, under one of the servers, and the ways to it.
type world struct {
	server  server
	mor     *rails
	gateway target // what is proved
	naive   target // the control: a gateway that reads with the standard library
	direct  target // the other control: no gateway
}

// begin starts the world that the flag names, or else that of puma.
func begin(t *testing.T) *world {
	t.Helper()
	return beginWith(t, chosen(t, servers)[0])
}

// beginWith starts a world, which ends with the test.
func beginWith(t *testing.T, s server) *world {
	t.Helper()
	needTools(t)
	w := &world{server: s, mor: s.start(t)}
	w.gateway = startGateway(t, w.mor.addr)
	w.naive = startNaive(t, w.mor.addr)
	w.direct = direct(w.mor.addr)
	return w
}

func direct(mor string) target {
	to := target{name: "no gateway", addr: map[string]string{}, single: true}
	for name := range sites {
		to.addr[name] = mor
	}
	return to
}
