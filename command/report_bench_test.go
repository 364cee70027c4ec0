package command_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// writeBenchLog writes an access log of at least so many bytes, as nginx writes
// it, in which one line of a hundred is for the method. Of so many users, each
// with a right hash or a wrong one.
func writeBenchLog(w io.Writer, size int64, every, users int, right bool) {
	r := rand.New(rand.NewPCG(1, 1))
	agents := []string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
		"curl/7.88.1",
	}
	paths := []string{
		"/billing/callc/main", "/billing/images/icons/edit.png", "/billing/stats/call_list?date_from=2026-10-01&page=7",
		"/billing/javascripts/prototype.js?1476", "/billing/users/list?s_username=a%20b", "/billing/accounting/invoices?s=%2Fx",
	}
	at := time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)
	out := bufio.NewWriterSize(w, 1<<20)
	for n, line := int64(0), 0; n < size; line++ {
		at = at.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
		request, agent := "GET "+paths[r.IntN(len(paths))], agents[r.IntN(len(agents))]
		if line%every == 0 {
			id := fmt.Sprint(r.IntN(100_000))
			hash := fmt.Sprintf("%040x", r.Uint64())
			if right {
				hash = contract.Hash(id, "secret")
			}
			user := line / every
			if users > 0 {
				user = r.IntN(users)
			}
			request = fmt.Sprintf("POST %s?u=user%d&did_id=%s&call_limit=10&hash=%s", action, user, id, hash)
		}
		m, _ := fmt.Fprintf(out, "10.0.%d.%d - - [%s] \"%s HTTP/1.1\" 200 %d \"https://mor.example.com/billing/callc/main\" \"%s\"\n",
			r.IntN(256), r.IntN(256), at.Format("02/Jan/2006:15:04:05 -0700"), request, r.IntN(50_000), agent)
		n += int64(m)
	}
	_ = out.Flush()
}

// timeOf runs a program and returns how long it took, by the clock and on all
// cores, and how much memory it had, in bytes.
func timeOf(b *testing.B, stdin io.Reader, env string, name string, args ...string) (took, cpu time.Duration, memory int64) {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = []string{env, "LC_ALL=C", "HOME=" + b.TempDir()}
	cmd.Stdin = stdin
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	took = time.Since(start)
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// BenchmarkReport compares mor-report with grep, which only counts the lines,
// on a log of 1 GB. See docs/evidence.md.
func BenchmarkReport(b *testing.B) {
	caddy, err := testkit.Build(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, right := range []bool{true, false} {
		b.Run(fmt.Sprintf("1 GB, 1 in 100, hashes right: %v", right), func(b *testing.B) {
			log := filepath.Join(b.TempDir(), "access.log")
			f, err := os.Create(log)
			if err != nil {
				b.Fatal(err)
			}
			writeBenchLog(f, 1_000_000_000, 100, 200, right)
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
			var grep, report, grepCPU, reportCPU time.Duration
			var memory int64
			n := 0
			for b.Loop() {
				took, cpu, _ := timeOf(b, nil, "", "grep", "-c", "did_details_update", log)
				grep, grepCPU = grep+took, grepCPU+cpu
				took, cpu, used := timeOf(b, nil, envKey, caddy, "mor-report", log)
				report, reportCPU = report+took, reportCPU+cpu
				memory = max(memory, used)
				n++
			}
			b.ReportMetric(grep.Seconds()/float64(n), "grep-s/op")
			b.ReportMetric(report.Seconds()/float64(n), "report-s/op")
			b.ReportMetric(report.Seconds()/grep.Seconds(), "ratio")
			b.ReportMetric(reportCPU.Seconds()/grepCPU.Seconds(), "CPU-ratio")
			b.ReportMetric(float64(memory)/(1<<20), "MiB")
		})
	}
	for _, bm := range []struct {
		name string
		log  func(io.Writer)
	}{
		{"10 million users", func(w io.Writer) { writeBenchLog(w, 2_450_000_000, 1, 0, false) }},
		{"one line of 1 GiB", func(w io.Writer) {
			for range 1 << 10 {
				_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
			}
		}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var memory int64
			for b.Loop() {
				r, w := io.Pipe()
				go func() { bm.log(w); w.Close() }()
				_, _, used := timeOf(b, r, envKey, caddy, "mor-report", "-")
				memory = max(memory, used)
			}
			b.ReportMetric(float64(memory)/(1<<20), "MiB")
		})
	}
}
