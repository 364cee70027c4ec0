package traffic

import (
	"cmp"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/command/weblog"
)

// stray is what the edge would refuse, whatever the gateway decides.
type stray struct{ client, user, why, method string }

// stray counts a request that the edge would refuse.
func (c *Collector) stray(e *weblog.Entry, method string) {
	shown := func(s string) string { return c.judge.shown(s, maxShown) }
	c.strays.add(stray{shown(e.Client), shown(e.User), shown(e.Edge), shown(method)}, 1).add(e.Time, e.Time, false)
}

// Stray is what the edge would refuse, whatever the gateway decides.
type Stray struct {
	Client   string    `json:"client"`
	User     string    `json:"user,omitempty"`   // of a request for the guarded method
	Why      string    `json:"why"`              // as the Caddyfile says
	Method   string    `json:"method,omitempty"` // of the API, if it is one
	Requests int64     `json:"requests"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
}

func (t *textWriter) edge(r *Report) {
	if len(r.Edge) == 0 {
		return
	}
	t.head("what the edge would also refuse")
	tw := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "client\ttimes\tuser\twhy\tmethod\tlast")
	for i, s := range r.Edge {
		if i == maxLines {
			fmt.Fprintf(tw, "and %d more\n", len(r.Edge)-i)
			break
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Client, number(s.Requests), cmp.Or(s.User, "-"), s.Why, cmp.Or(s.Method, "-"), shownTime(s.Last, r.layout()))
	}
	_ = tw.Flush()
	fmt.Fprint(t, edgeToDo+"\n")
}

// edgeToDo says what to do about those whom the edge would stop.
const edgeToDo = "let the client use https, or add the method to the list in the Caddyfile, or the client's address to the office's"
