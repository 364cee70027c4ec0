package proof

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// server is a way to run the Rails application: what MOR runs on, or may run on. The text in ${} is filled in
// when it starts.
type server struct {
	name     string
	files    []string // its configuration, in the folder servers
	more     string   // lines that the first of the files gets besides
	base     string   // where Passenger finds the application, below Apache's document root
	tools    []string // what it needs besides its commands
	commands []string // all of them run at the same time
}

// start starts the server, a second time if need be: Passenger's watchdog may abort ("boost: mutex lock failed"), and
// Apache ends with it.
func (s server) start(t *testing.T) *rails {
	t.Helper()
	for _, command := range s.commands {
		testkit.Tool(t, strings.Fields(command)[0])
	}
	for _, tool := range s.tools {
		testkit.Tool(t, tool)
	}
	r, err := s.startOnce(t)
	if err != nil {
		t.Log(err)
		r, err = s.startOnce(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// startOnce copies the application to a folder that the server's user can read, and starts the server there.
func (s server) startOnce(t *testing.T) (*rails, error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "proof")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &rails{addr: testkit.FreeAddr(t)}
	fill := s.fill(t, dir, r.addr)
	r.record, err = s.place(dir, fill)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { r.record.Close() })
	output, err := open(filepath.Join(dir, "output"))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	running, ended := context.WithCancel(t.Context())
	defer ended()
	for _, command := range s.commands {
		keep(t, strings.Fields(fill(command)), filepath.Join(dir, "app"), output, ended)
	}
	if err := r.ready(running); err != nil {
		said, _ := os.ReadFile(output.Name())
		return nil, fmt.Errorf("%s did not start: %w\n%s", s.name, err, said)
	}
	return r, nil
}

// place writes what the server needs into the folder, and opens the record.
func (s server) place(dir string, fill func(string) string) (*os.File, error) {
	app := filepath.Join(dir, "app")
	if err := os.CopyFS(app, os.DirFS("rails")); err != nil {
		return nil, err
	}
	for i, name := range s.files {
		text, err := os.ReadFile(filepath.Join("servers", name))
		if err != nil {
			return nil, err
		}
		if i == 0 {
			text = append(text, s.more...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill(string(text))), 0o644); err != nil {
			return nil, err
		}
	}
	if s.base != "" {
		public, link := filepath.Join(app, "public"), filepath.Join(dir, "html", s.base)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return nil, err
		}
		if err := os.Mkdir(public, 0o755); err != nil {
			return nil, err
		}
		if err := os.Symlink(public, link); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return nil, err
	}
	return open(filepath.Join(app, "record"))
}

// open makes a file that the server can write: it runs as another user if root runs the test.
func open(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	return f, f.Chmod(0o666)
}

// fill returns what fills in the names.
func (s server) fill(t *testing.T, dir, addr string) func(string) string {
	t.Helper()
	host, port, _ := strings.Cut(addr, ":")
	u, err := user.Current()
	if err == nil && u.Uid == "0" {
		u, err = user.Lookup("www-data") // Apache does not serve as root
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("${DIR}", dir, "${ADDR}", addr, "${HOST}", host, "${PORT}", port,
		"${USER}", u.Username, "${GROUP}", u.Gid, "${BASE}", s.base).Replace
}
