package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// machine runs the processes that are measured.
type machine struct {
	options
	cores    int
	upstream string // address of the stand-in for MOR

	mu        sync.Mutex
	processes map[string]*process
}

// process is a running server.
type process struct {
	cmd   *exec.Cmd
	done  chan struct{}
	sites map[string]string // address by name
	warm  map[string]bool   // by site
	log   string
}

const morAnswer = `<?xml version="1.0" encoding="UTF-8"?>
<page>
  <status>
    <success>DID details successfully updated</success>
  </status>
</page>
`

// sites are the sites that are measured. $upstream is the stand-in for MOR, $page what MOR answers a wrong hash.
var sites = map[string]string{
	"plain":    "reverse_proxy $upstream",
	"again":    "reverse_proxy $upstream",
	"respond":  `respond "$page"`,
	"gateway":  "mor_gateway {env.MOR_API_SECRET_KEY}\nreverse_proxy $upstream",
	"buffered": "mor_gateway {env.MOR_API_SECRET_KEY}\nreverse_proxy $upstream {\nrequest_buffers 64KiB\n}",
}

// program is a Caddy with some of the sites. Sites that are compared are in one process: two processes of the very
// same program and configuration differ by more than the gateway costs.
type program struct {
	sites []string
	quiet bool // without the gateway's log lines
}

var programs = map[string]program{
	"all":           {sites: []string{"plain", "again", "respond", "gateway", "buffered"}},
	"quiet":         {sites: []string{"respond", "gateway"}, quiet: true},
	"plain alone":   {sites: []string{"plain"}},
	"gateway alone": {sites: []string{"gateway"}},
}

// startUpstream starts the stand-in for MOR, in this process.
func (m *machine) startUpstream() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.upstream = l.Addr().String()
	m.processes = make(map[string]*process)
	answer := []byte(morAnswer)
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { //nolint:gosec // on loopback, for itself
		w.Header()["Content-Type"] = []string{"text/xml; charset=utf-8"}
		_, _ = w.Write(answer)
	}))
	// What is left to this process is the generator's core, and so is what it starts, unless it says otherwise.
	return m.pin(os.Getpid())
}

// pin binds the threads of a process, and what they start, to the first core.
func (m *machine) pin(pid int) error {
	if m.cores < 2 {
		fmt.Fprintln(os.Stderr, "only one core: the server shares it with the load generator, and the figures say little")
		return nil
	}
	return exec.Command("taskset", "-a", "-p", "-c", "0", strconv.Itoa(pid)).Run()
}

// start starts a server on the last core and waits until all of its sites answer.
func (m *machine) start(name string, sites map[string]string, env []string, command ...string) error {
	if m.cores > 1 {
		command = append([]string{"taskset", "-c", strconv.Itoa(m.cores - 1)}, command...)
	}
	p := &process{sites: sites, warm: make(map[string]bool), done: make(chan struct{}), log: filepath.Join(m.workDir, strings.ReplaceAll(name, " ", "-")+".log")}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(command[0], command[1:]...) //nolint:gosec // the command's own servers
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	m.mu.Lock()
	m.processes[name] = p
	m.mu.Unlock()

	for _, addr := range sites {
		if err := p.await(addr); err != nil {
			text, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s: %w\n%s", name, err, text)
		}
	}
	return nil
}

func (p *process) await(addr string) error {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.done:
			return errors.New("ended at once")
		default:
		}
		if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			return c.Close()
		}
	}
	return errors.New("does not answer")
}

// stopAll ends all servers but the one that keep names.
func (m *machine) stopAll(keep string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, p := range m.processes {
		if name == keep {
			continue
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(5 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		delete(m.processes, name)
	}
}

// startCaddy starts one of the programs.
func (m *machine) startCaddy(name string) error {
	p := programs[name]
	var text strings.Builder
	text.WriteString("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n")
	if p.quiet {
		text.WriteString("\tlog default {\n\t\texclude http.handlers.mor_gateway\n\t}\n")
	}
	text.WriteString("}\n")
	page := strings.Replace(morAnswer, "<success>DID details successfully updated</success>", refused, 1)
	fill := strings.NewReplacer("$upstream", m.upstream, "$page", strings.ReplaceAll(page, `"`, `\"`))
	addrs := make(map[string]string)
	for _, site := range p.sites {
		addr, err := freeAddress()
		if err != nil {
			return err
		}
		addrs[site] = addr
		fmt.Fprintf(&text, "http://%s {\n%s\n}\n", addr, fill.Replace(sites[site]))
	}
	file := filepath.Join(m.workDir, "Caddyfile")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return err
	}
	return m.start(name, addrs, []string{"MOR_API_SECRET_KEY=secret"}, m.caddy, "run", "--config", file, "--adapter", "caddyfile")
}

// startRails starts the Rails application of the tests, made to check the hash.
func (m *machine) startRails() error {
	if _, err := exec.LookPath("puma"); err != nil {
		return errors.New("puma is not installed (Debian: apt-get install ruby ruby-actionpack ruby-railties puma)")
	}
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	return m.start("rails", map[string]string{"rails": addr}, nil,
		"puma", "--bind", "tcp://"+addr, "--threads", "1:1", "--environment", "production", "--quiet", filepath.Join("bench", "mor.ru"))
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// cpu returns the CPU time that a process has used, of all of its threads.
func (p *process) cpu() (time.Duration, error) {
	// The scheduler's own count, in nanoseconds; that of /proc/PID/stat is in hundredths of a second.
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil || len(files) == 0 {
		return 0, errors.New("the kernel has no /proc/PID/task/*/schedstat")
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has just ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// memory returns the memory of a process that is resident, in bytes.
func (p *process) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0, errors.New("no VmRSS in /proc/PID/status")
	}
	kb, err := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10, err
}
