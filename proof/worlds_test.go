package proof

import (
	"slices"
	"testing"
)

// servers are what MOR's stand-in runs on in every test.
var servers = []server{puma, apache}

var (
	puma   = server{name: "puma", commands: []string{"puma -t 4:4 -b tcp://${ADDR} -e production config.ru"}}
	apache = passenger("apache", "")
)

// variants are other servers, and settings of Apache that change what it reads. The corpus is sent to each.
var variants = []server{
	passenger("apache with AllowEncodedSlashes On", "AllowEncodedSlashes On"),
	passenger("apache with AllowEncodedSlashes NoDecode", "AllowEncodedSlashes NoDecode"),
	passenger("apache with paths as they came", "AllowEncodedSlashes NoDecode\nPassengerAllowEncodedSlashes on"),
	passenger("apache with MergeSlashes Off", "MergeSlashes Off"),
	passenger("apache with MultiViews", "<Directory />\n\tOptions +MultiViews\n</Directory>"),
	passenger("apache with HttpProtocolOptions Unsafe", "HttpProtocolOptions Unsafe"),
	passenger("apache with KeepAlive Off", "KeepAlive Off"),
	passenger("apache with mod_deflate", "SetOutputFilter DEFLATE"),
	rewritten("apache with mod_rewrite", "RewriteRule ^/billing(.*)$ /billing/public$1 [PT]"),
	unicorn("nginx with unicorn", ""),
	{name: "thin", commands: []string{"thin start -R config.ru -a ${HOST} -p ${PORT} -e production"}},
	{name: "webrick", commands: []string{"rackup -q -s webrick -o ${HOST} -p ${PORT} -E production config.ru"}},
}

// passenger is Apache with Phusion Passenger, on which MOR runs.
func passenger(name, more string) server {
	return server{
		name: name, files: []string{"apache.conf"}, more: more, base: "/billing", tools: []string{"passenger-config"},
		commands: []string{"apache2 -f ${DIR}/apache.conf -D FOREGROUND"},
	}
}

// rewritten is Apache as MOR's older set-ups had it: a rule leads from /billing to the public folder below it.
func rewritten(name, rule string) server {
	s := passenger(name, "RewriteEngine On\n"+rule+"\n")
	s.base = "/billing/public"
	return s
}

// unicorn is never without nginx in front of it.
func unicorn(name, more string) server {
	return server{
		name: name, files: []string{"nginx.conf", "unicorn.rb"}, more: more,
		commands: []string{"unicorn -c ${DIR}/unicorn.rb -E production config.ru", "nginx -p ${DIR} -c ${DIR}/nginx.conf"},
	}
}

// chosen returns the servers for a test: those that it would take, or the one that the flag names.
func chosen(t *testing.T, from []server) []server {
	t.Helper()
	if *flagWorld == "" {
		return from
	}
	for _, s := range slices.Concat(servers, variants) {
		if s.name == *flagWorld {
			return []server{s}
		}
	}
	t.Fatalf("no server %q", *flagWorld)
	return nil
}
