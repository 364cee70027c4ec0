package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// haveMOR reports whether Apache, Passenger and Rails are installed.
func haveMOR() bool {
	_, err := os.Stat("/usr/lib/apache2/modules/mod_passenger.so")
	return err == nil && exec.Command("ruby", "-e", `require "action_controller/railtie"; require "active_record"; require "sqlite3"`).Run() == nil
}

// startMOR starts Apache with Passenger and a Rails application in MOR's place, on the last core.
func startMOR() (*server, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, addr: make(map[string]string)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.addr["mor"] = l.Addr().String()
	_ = l.Close()
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	if me.Uid == "0" {
		if me, err = user.Lookup("www-data"); err != nil {
			return nil, err
		}
	}
	conf, err := os.ReadFile("bench/mor/apache.conf")
	if err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("${DIR}", dir, "${ADDR}", s.addr["mor"], "${USER}", me.Username, "${GROUP}", me.Gid)
	app := filepath.Join(dir, "app")
	uid, _ := strconv.Atoi(me.Uid)
	gid, _ := strconv.Atoi(me.Gid)
	err = errors.Join(
		os.Mkdir(filepath.Join(dir, "html"), 0o755),      //nolint:gosec // Apache reads it
		os.MkdirAll(filepath.Join(app, "public"), 0o755), //nolint:gosec // Apache reads it
		os.Mkdir(filepath.Join(app, "tmp"), 0o755),       //nolint:gosec // Passenger reads it
		os.Symlink(filepath.Join(app, "public"), filepath.Join(dir, "html", "billing")),
		os.WriteFile(filepath.Join(dir, "apache.conf"), []byte(fill.Replace(string(conf))), 0o600),
		exec.Command("cp", "bench/mor/config.ru", app).Run(), //nolint:gosec // the command's own
		os.WriteFile(filepath.Join(dir, "passenger.log"), nil, 0o600),
		os.Chown(dir, uid, gid), os.Chown(app, uid, gid), os.Chown(filepath.Join(app, "tmp"), uid, gid), os.Chown(filepath.Join(dir, "passenger.log"), uid, gid),
		os.Chmod(dir, 0o755), //nolint:gosec // Apache reads it
	)
	if err != nil {
		return nil, err
	}
	s.cmd = exec.Command("taskset", "-c", strconv.Itoa(runtime.NumCPU()-1), "apache2", "-f", filepath.Join(dir, "apache.conf"), "-DFOREGROUND") //nolint:gosec // the command's own
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}                                                                                     // Apache ends its whole group
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(); err != nil {
		said, _ := os.ReadFile(filepath.Join(dir, "error.log"))
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, said)
	}
	return s, nil
}
