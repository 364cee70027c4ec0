package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// image is one that buildah has built, with a store of its own.
type image struct {
	t      testing.TB
	flags  []string
	config struct {
		User            string
		Env             []string
		Entrypoint, Cmd []string
		Volumes         map[string]struct{}
		Labels          map[string]string
	}
}

func buildImage(t testing.TB) *image {
	t.Helper()
	testkit.Need(t, os.Geteuid() == 0, "root")
	testkit.Tool(t, "buildah")
	context := filepath.Dir(release(t))
	dir := t.TempDir()
	i := &image{t: t, flags: []string{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver", "vfs"}}
	i.buildah("bud", "--isolation", "chroot", "--file", context+"/deploy/Dockerfile", "--build-arg", "VERSION=v"+version, "--tag", "gateway", context)
	inspected := struct{ OCIv1 struct{ Config any } }{}
	inspected.OCIv1.Config = &i.config
	if err := json.Unmarshal([]byte(i.buildah("inspect", "--type", "image", "localhost/gateway")), &inspected); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *image) buildah(args ...string) string {
	i.t.Helper()
	return strings.TrimSpace(output(i.t, "buildah", append(i.flags, args...)...))
}

// container returns the name of a new container.
func (i *image) container() string {
	i.t.Helper()
	return i.buildah("from", "--pull-never", "localhost/gateway")
}

func TestImage(t *testing.T) {
	i := buildImage(t)

	t.Run("what it says", func(t *testing.T) {
		c := i.config
		if c.User != "10001:10001" || len(c.Volumes) != 1 || c.Labels["org.opencontainers.image.version"] != "v"+version ||
			c.Labels["org.opencontainers.image.source"] == "" || c.Labels["org.opencontainers.image.licenses"] != "Apache-2.0" {
			t.Errorf("%+v", c)
		}
	})

	t.Run("what is in it", func(t *testing.T) {
		root := i.buildah("mount", i.container())
		var files []string
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			path = strings.TrimPrefix(path, root)
			info, err := d.Info()
			if owner := info.Sys().(*syscall.Stat_t).Uid; err == nil && (owner == 10001) != strings.HasPrefix(path, "/data") {
				t.Errorf("%s belongs to %d", path, owner)
			}
			if !d.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if want := []string{"/data/README", "/usr/bin/caddy-mor-gateway", "/usr/share/licenses/caddy-mor-gateway/LICENSE"}; err != nil || !slices.Equal(files, want) {
			t.Errorf("%q, %v", files, err)
		}
	})

	// As a user without rights: a request that passes, one that is refused, and one that is under way when the container is
	// told to stop.
	t.Run("how it runs", func(t *testing.T) {
		arrived, release := make(chan struct{}), make(chan struct{})
		mor := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.RawQuery, "wait") {
				close(arrived)
				<-release
			}
			_, _ = io.WriteString(w, testkit.Success)
		})
		addr, metrics := testkit.FreeAddr(t), testkit.FreeAddr(t)
		dir := t.TempDir()
		for name, text := range map[string]string{
			"key": "secret\n",
			"Caddyfile": fmt.Sprintf(`http://%s {
				bind 127.0.0.1
				mor_gateway {file./run/secrets/mor_api_secret_key}
				reverse_proxy %s
			}
			http://%s {
				bind 127.0.0.1
				metrics /metrics
			}`, addr, mor.Addr, metrics),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		args := append(i.flags, "run", "--isolation", "chroot", "--volume", dir+"/Caddyfile:/etc/caddy/Caddyfile:ro",
			"--volume", dir+"/key:/run/secrets/mor_api_secret_key:ro", i.container(), "--")
		cmd := exec.Command("buildah", append(append(args, i.config.Entrypoint...), i.config.Cmd...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if got := testkit.Ask(t, "POST", "http://"+addr+right, ""); got.Body != testkit.Success {
			t.Errorf("a right request: %+v", got)
		}
		pid := leaf(t, cmd.Process.Pid)
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
		if got := testkit.Ask(t, "POST", "http://"+addr+wrong, ""); got.Body != testkit.Failure("Incorrect hash") {
			t.Errorf("a wrong hash: %+v", got)
		}
		// The probe of its health.
		if got := testkit.Ask(t, "GET", "http://"+metrics+"/metrics", ""); got.Status != 200 || !strings.Contains(got.Body, `version="v`+version+`"`) {
			t.Errorf("the metrics: %+v", got)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || !strings.Contains(string(status), "\nUid:\t10001\t10001\t10001\t10001\n") || !strings.Contains(string(status), "\nCapEff:\t0000000000000000\n") {
			t.Errorf("%v\n%s", err, status)
		}

		answer := make(chan testkit.Answer, 1)
		go func() { answer <- testkit.Ask(t, "POST", "http://"+addr+right+"&wait=1", "") }()
		<-arrived
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "new connections are refused", func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		close(release)
		if got := <-answer; got.Body != testkit.Success {
			t.Errorf("what was under way: %+v", got)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// leaf returns the last of a process's descendants.
func leaf(t testing.TB, pid int) int {
	t.Helper()
	for {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		if err != nil {
			t.Fatal(err)
		}
		child := 0
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			for _, field := range strings.Fields(string(text)) {
				child, _ = strconv.Atoi(field)
			}
		}
		if child == 0 {
			return pid
		}
		pid = child
	}
}

func TestComposeFile(t *testing.T) {
	output(t, testkit.Tool(t, "docker-compose"), "--file", "compose.yaml", "config", "--quiet")
}
