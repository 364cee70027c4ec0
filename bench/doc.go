// Bench measures, on loopback, what the gateway costs in place: CPU time of the server's process for each request,
// requests per second, and memory, against the same Caddy without it.
//
// The server has the last core for itself; wrk, the load generator, and the stand-in for MOR share the first. Each
// request is sent to each of the servers that are compared for some seconds, one server behind the other, in turns:
// A B, then B A, then A B. A ratio is that of two neighbours in time, so that a machine that gets slower or faster
// does not decide; the table has the median of all turns and the smallest and largest. For each turn all servers are
// started anew, since two processes of the same program differ a little, too: how much, the row of the second plain
// Caddy says. A difference smaller than its spread is none.
//
// Run it with ./xcaddy.sh bench, which needs wrk. With Ruby, Rails and puma there too (Debian: ruby-actionpack,
// ruby-railties, puma) it also measures what a refused request would have cost MOR.
package main
