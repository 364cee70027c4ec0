// Bench measures, on loopback, what the gateway costs in place: the CPU time of the server's process for each request,
// against a Caddy without the gateway.
//
// The server has the last core for itself; the load generator and the stand-in for MOR share the first. What is compared
// gets load in slices of 80 ms, in random order, so that a machine that changes its speed does not decide. All servers are
// started anew many times. A ratio is that of all slices of one start; the table has the mean of all starts and twice
// its standard error. The control is a second plain site: where it is off by more than 0.01, the machine is too noisy,
// and there is no table.
//
// Run it with ./xcaddy.sh bench.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"time"
)

var (
	caddy  = flag.String("caddy", "", "`file` of a Caddy with the gateway, which bench/run builds")
	starts = flag.Int("starts", 16, "how often the servers are started")
	rounds = flag.Int("rounds", 25, "slices of load for each site after a start")
)

const slice = 80 * time.Millisecond

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	flag.Parse()
	if *caddy == "" || flag.NArg() > 0 || *starts < 2 || *rounds < 1 {
		log.Fatal("run it with ./xcaddy.sh bench; -starts must be at least 2, -rounds at least 1, and there are no other arguments")
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	upstream, err := startUpstream()
	if err != nil {
		return err
	}
	var results []*result
	for _, c := range comparisons {
		if c.sides[0] == mor && !haveMOR() {
			fmt.Fprintln(os.Stderr, "Not measured: what a refusal saves MOR. Debian: libapache2-mod-passenger ruby-actionpack ruby-railties ruby-activerecord ruby-sqlite3")
			continue
		}
		results = append(results, &result{comparison: c})
	}
	for n := range *starts {
		fmt.Fprintf(os.Stderr, "Start %d of %d\n", n+1, *starts)
		for _, r := range results {
			if err := r.measure(upstream); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	table, err := report(results)
	if err != nil {
		return err
	}
	fmt.Print(table)
	return nil
}

// result is a comparison and what it came to, start by start.
type result struct {
	comparison
	cpu    [][]float64 // microseconds of CPU time for each request, by side
	memory [][]float64 // resident, in MiB, by side
}

// measure starts the servers of a comparison and puts them under load.
func (r *result) measure(upstream string) error {
	servers := make(map[string]*server)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	loads := make([]*load, len(r.sides))
	for i, side := range r.sides {
		if servers[side.program] == nil {
			begin := func() (*server, error) { return start(programs()[side.program], upstream) }
			if side.program == mor.program {
				begin = startMOR
			}
			s, err := begin()
			if err != nil {
				return err
			}
			servers[side.program] = s
		}
		s := servers[side.program]
		l, err := newLoad(s, s.addr[side.site], r.request, r.answer)
		if err != nil {
			return err
		}
		defer l.close()
		loads[i] = l
		if _, err := l.run(5 * slice); err != nil { // to warm up
			return err
		}
	}
	used, served := make([]time.Duration, len(loads)), make([]int, len(loads))
	for range *rounds {
		for _, i := range rand.Perm(len(loads)) {
			before := loads[i].server.cpu()
			n, err := loads[i].run(slice)
			if err != nil {
				return err
			}
			used[i] += loads[i].server.cpu() - before
			served[i] += n
		}
	}
	if r.cpu == nil {
		r.cpu, r.memory = make([][]float64, len(loads)), make([][]float64, len(loads))
	}
	for i := range loads {
		r.cpu[i] = append(r.cpu[i], float64(used[i].Nanoseconds())/1e3/float64(served[i]))
		r.memory[i] = append(r.memory[i], loads[i].server.memory())
	}
	return nil
}
