package caddymodule

import (
	"net/http"
	"strings"
)

// closeTunnel removes whatever lets further requests follow this one unseen,
// whether or not it is for the action.
//
// An Upgrade to anything but websocket: when MOR's web server agrees to one
// (Apache with mod_http2 does, to h2c), reverse_proxy turns the connection
// into a tunnel.
//
// The body of a CONNECT: Go writes it to MOR bare, without a length and
// without chunks, so that MOR takes it for the next request. A websocket over
// HTTP/2 or 3 is a CONNECT too, which reverse_proxy makes an Upgrade.
func closeTunnel(r *http.Request) {
	if r.Method == http.MethodConnect && !isWebsocketConnect(r) {
		r.Body = http.NoBody
		r.ContentLength = 0
		r.TransferEncoding = nil
	}
	protocols := r.Header["Upgrade"]
	if len(protocols) == 0 || len(protocols) == 1 && strings.EqualFold(protocols[0], "websocket") {
		return
	}
	delete(r.Header, "Upgrade")
	delete(r.Header, "Http2-Settings")
}

// isWebsocketConnect reports whether reverse_proxy takes a CONNECT for a
// websocket.
func isWebsocketConnect(r *http.Request) bool {
	return r.ProtoMajor == 2 && r.Header.Get(":protocol") == "websocket" ||
		r.ProtoMajor == 3 && r.Proto == "websocket"
}
