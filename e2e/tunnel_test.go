package e2e

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// Ways around the gateway: tunnels, and targets that are no path. MOR must not
// see the action, however it is dressed.
func TestUpgradesAndTunnels(t *testing.T) {
	const tunnelled = "POST " + action + "?u=admin&did_id=1&hash=forged HTTP/1.1\r\nHost: x\r\n\r\n"
	up := make(chan string, 100)
	// A MOR that agrees to every upgrade and to every tunnel, and tells what
	// comes through.
	addr := testkit.StartTCP(t, func(c net.Conn, _ int) {
		for {
			head := readHead(c)
			if head == "" {
				return
			}
			up <- head
			switch {
			case strings.Contains(head, "\r\nUpgrade: "):
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
			default:
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
	})
	get := func(lines ...string) string {
		return "GET /billing/images/logo.png HTTP/1.1\r\nHost: x\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	tests := []struct {
		name, send string
		forwarded  bool // the first request is; without its upgrade
	}{
		{"h2c", get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), true},
		{"h2c in capitals", get("Connection: upgrade", "Upgrade: H2C"), true},
		{"TLS", get("Connection: Upgrade", "Upgrade: TLS/1.0"), true},
		{"unknown", get("Connection: Upgrade", "Upgrade: x"), true},
		{"websocket and h2c", get("Connection: Upgrade", "Upgrade: websocket, h2c"), true},
		{"websocket and h2c, two lines", get("Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"), true},
		{"h2c, the header spelled oddly", get("connection: uPgRaDe", "uPGRADE: h2c"), true},
		{"opaque target", "POST foo:http://mor/billing/api/did_details_update HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", false},
		{"opaque target, path only", "POST foo:" + action + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", false},
		{"opaque target, escaped", "POST foo:/billing/api/did%5Fdetails_update HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", false},
		{"absolute target", "POST http://mor" + action + "?u=admin HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", false},
		{"CONNECT with a length", "CONNECT mor:80 HTTP/1.1\r\nHost: mor:80\r\nContent-Length: 4\r\n\r\nbody", true},
		{"CONNECT with chunks", "CONNECT mor:80 HTTP/1.1\r\nHost: mor:80\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(tunnelled) + "0\r\n\r\n", true},
		{"CONNECT with the path", "CONNECT " + action + " HTTP/1.1\r\nHost: x\r\n\r\n", false},
	}
	g := startTLS(t, addr, guarded)
	const times = 10
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range times {
				c := testkit.Dial(t, g.Addr("SITE"))
				c.Send(tt.send)
				if c.Answer("POST").Status == http.StatusSwitchingProtocols {
					t.Fatal("a tunnel")
				}
				_, _ = io.WriteString(c, tunnelled)
				c.EndWrite()
				_, _ = io.ReadAll(c.In)
				want := 0
				if tt.forwarded {
					want = 1
				}
				if n := len(up); n != want {
					t.Fatalf("MOR saw %d requests, want %d", n, want)
				}
				for range want {
					if head := <-up; strings.Contains(head, "did_details_update") || strings.Contains(head, "Upgrade") || strings.Contains(head, "Settings") {
						t.Fatalf("MOR saw %q", head)
					}
				}
			}
		})
	}
}

// CONNECT over HTTP/2 and 3 has a body, which Go writes to the upstream bare:
// without the gateway MOR takes it for the next request, whatever the path.
// Only Caddy's own websocket (RFC 8441, 9220) may be a CONNECT, and not to
// the action.
func TestBodyOfConnect(t *testing.T) {
	const hidden = "POST " + action + "?u=admin&did_id=1&hash=forged HTTP/1.1\r\nHost: x\r\n\r\n"
	heads := make(chan string, 100)
	addr := testkit.StartTCP(t, func(c net.Conn, _ int) {
		for {
			head := readHead(c)
			if head == "" {
				return
			}
			heads <- head
			if strings.Contains(head, hidden) { // the answer to a CONNECT waits for what hides after it
				_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
				continue
			}
			_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if head = readHead(c); head != "" {
				heads <- head
			}
			_ = c.SetReadDeadline(time.Time{})
			_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		}
	})
	sites := []struct {
		name, site string
		through    bool
	}{
		{"Caddy alone", "reverse_proxy {$MOR}", true},
		{"enforce", guarded, false},
		{"monitor", `
			mor_gateway {
				secret secret
				mode monitor
			}
			reverse_proxy {$MOR}`, false},
	}
	for _, site := range sites {
		t.Run(site.name, func(t *testing.T) {
			g := startTLS(t, addr, site.site)
			clients := transports(t, g)
			for _, name := range []string{"HTTP/2 h2c", "HTTP/2 TLS", "HTTP/3"} {
				for _, protocol := range []string{"", "x", "websocket"} {
					if protocol != "" && name != "HTTP/3" {
						continue // Go's client has no extended CONNECT over HTTP/2
					}
					for _, target := range []string{"", "/cable", okTarget} {
						body, w := io.Pipe()
						req, err := http.NewRequest(http.MethodConnect, clients[name].base+target, body)
						if err != nil {
							t.Fatal(err)
						}
						if protocol != "" {
							req.Proto = protocol
						}
						go func() { _, _ = io.WriteString(w, hidden) }()
						resp, err := clients[name].RoundTrip(req)
						w.Close()
						if err != nil {
							t.Fatalf("%s %s %q: %v", name, target, protocol, err)
						}
						resp.Body.Close()
						through := false
						for len(heads) > 0 {
							head := <-heads
							through = through || strings.Contains(head, hidden)
							if site.name == "enforce" && strings.Contains(strings.SplitN(head, "\r\n", 2)[0], "did_details_update") {
								t.Errorf("%s %s %q: MOR saw %q", name, target, protocol, head)
							}
						}
						if want := site.through && protocol != "websocket"; through != want {
							t.Errorf("%s, target %q, protocol %q: the hidden request reaches MOR: %v, want %v", name, target, protocol, through, want)
						}
					}
				}
			}
		})
	}
}
