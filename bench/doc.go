// Bench measures, on loopback, what the gateway costs in place: CPU time of the server's process for each request,
// requests per second, and memory, against the same Caddy without it.
//
// The server has the last core for itself; wrk, the load generator, and the stand-in for MOR share the first. What is
// compared are sites of one and the same process: two processes of the very same program and configuration differ by
// more than the gateway costs, for as long as they live. In each turn a request is sent to each of the sites for a
// second, and then to each again in the opposite order (A B C C B A), so that a machine that gets slower or faster does not decide; a
// ratio is that of one turn. The table has the median of all turns, and the range of the middle half of them. Each turn
// has a new process. How much is chance, the row of the second plain site says.
//
// Memory is measured with a process for each.
//
// Run it with ./xcaddy.sh bench, which needs wrk. With Ruby, Rails and puma there too (Debian: ruby-actionpack,
// ruby-railties, puma) it also measures what a refused request would have cost MOR.
package main
