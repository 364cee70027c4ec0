package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// server is a running Caddy.
type server struct {
	cmd  *exec.Cmd
	dir  string
	addr map[string]string // by site
}

const morAnswer = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<page>\n  <status>\n    <success>DID details successfully updated</success>\n  </status>\n</page>\n"

// startUpstream starts the stand-in for MOR, in this process, and binds the process to the first core.
func startUpstream() (addr string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { //nolint:gosec // on loopback, for itself
			w.Header()["Content-Type"] = []string{"text/xml; charset=utf-8"}
			_, _ = w.Write([]byte(morAnswer))
		}))
	}()
	return l.Addr().String(), exec.Command("taskset", "-a", "-p", "-c", "0", strconv.Itoa(os.Getpid())).Run()
}

// start starts a program on the last core and waits until its sites answer. A connection of the load may have taken
// one of their ports meanwhile: then it tries again with others.
func start(p program, upstream string) (s *server, err error) {
	for range 3 {
		if s, err = startOnce(p, upstream); err == nil {
			break
		}
	}
	return s, err
}

func startOnce(p program, upstream string) (*server, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, addr: make(map[string]string)}
	var text strings.Builder
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&text, "import %s/caddyfile/log.caddy\n{\nadmin off\npersist_config off\nauto_https off\n%s\n}\n", here, p.log)
	page := strings.Replace(morAnswer, "<success>DID details successfully updated</success>", refused, 1)
	fill := strings.NewReplacer("$upstream", upstream, "$page", strings.ReplaceAll(page, `"`, `\"`))
	for name, site := range p.sites {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		s.addr[name] = l.Addr().String()
		_ = l.Close()
		fmt.Fprintf(&text, "http://%s {\n%s\n}\n", s.addr[name], fill.Replace(site))
	}
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	s.cmd = exec.Command("taskset", "-c", strconv.Itoa(runtime.NumCPU()-1), *caddy, "run", "--config", file, "--adapter", "caddyfile") //nolint:gosec // the command's own
	s.cmd.Env = append(append(os.Environ(), "MOR_API_SECRET_KEY=secret", "HOME="+dir), p.env...)
	logged, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer logged.Close()
	s.cmd.Stderr = logged
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// await waits until all sites answer.
func (s *server) await() error {
	for _, addr := range s.addr {
		for tries := 0; ; tries++ {
			c, err := net.DialTimeout("tcp", addr, time.Second)
			if err == nil {
				_ = c.Close()
				break
			}
			if tries == 250 {
				return fmt.Errorf("the server does not answer on %s: %w", addr, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	ended := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	ended.Stop()
	_ = os.RemoveAll(s.dir)
}

// cpu returns the CPU time that the process and all that come from it have used: the scheduler's own count, in
// nanoseconds.
func (s *server) cpu() (sum time.Duration) {
	for pid := range s.processes() {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, file := range files {
			text, _ := os.ReadFile(file) // a thread may have ended
			first, _, _ := strings.Cut(string(text), " ")
			ns, _ := strconv.ParseInt(first, 10, 64)
			sum += time.Duration(ns)
		}
	}
	if sum == 0 {
		log.Fatal("the kernel has no /proc/PID/task/*/schedstat")
	}
	return sum
}

// processes returns the server's process and all that come from it.
func (s *server) processes() map[int]bool {
	ours := map[int]bool{s.cmd.Process.Pid: true}
	if s.addr["mor"] == "" {
		return ours // a Caddy is one
	}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for grown := true; grown; {
		grown = false
		for _, file := range files {
			text, _ := os.ReadFile(file)
			_, rest, _ := strings.Cut(string(text), ") ")
			var state string
			var parent int
			_, _ = fmt.Sscan(rest, &state, &parent)
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if ours[parent] && !ours[pid] {
				ours[pid], grown = true, true
			}
		}
	}
	return ours
}

// memory returns the resident memory of the process and all that come from it, in MiB.
func (s *server) memory() (sum float64) {
	for pid := range s.processes() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // a process may have ended
		_, after, _ := strings.Cut(string(text), "VmRSS:")
		var kb float64
		_, _ = fmt.Sscan(after, &kb)
		sum += kb / 1024
	}
	return sum
}
