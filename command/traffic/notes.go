package traffic

import (
	"fmt"
	"strings"
)

// unjudged are the reasons not to judge a request, in words, and what to do.
var unjudged = map[string]struct{ text, toDo string }{
	inBody:   {"u, did_id or hash is not in the query, so it may be in the body", "access logs have no bodies: run the gateway in monitor mode and read its log"},
	redacted: {"a filter removed the query from the log", "run the gateway in monitor mode and read its log"},
}

// notes says what else has to be known.
func (c *Collector) notes(r *Report, t *tallies) (notes []string) {
	note := func(when bool, format string, args ...any) {
		if when {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	var right, wrong int64
	many := false
	for _, u := range t.users.rows {
		right += u.val.right
		wrong += u.val.hashes
		many = many || u.val.hashes > maxStrange
	}
	unhashed := false
	for _, s := range r.Stopped {
		unhashed = unhashed || strings.HasPrefix(s.Hint, "hash_missing") || strings.HasPrefix(s.Hint, "malformed")
	}
	for _, l := range r.Logs {
		note(l.Broken != "", "%s breaks off, and only the part before that was read: %s", l.Name, l.Broken)
		note(l.Strange, "%s has no line in a known format", l.Name)
	}
	note(right == 0 && wrong > 0, "no hash matches the keys you gave; check that they are this MOR's keys")
	note(unhashed, "requests with no hash, or with a hash that is not a SHA-1, work today if \"Disable hash checking\" is on in MOR; the gateway refuses them")
	note(many, "for each user, only the first %d hashes that match no key are checked for mistakes; the rest get the same hint", maxStrange)
	note(c.judged > 0, "access logs have only the method and the target; header lines and bodies could change a verdict")
	note(c.judged > 0, "the access log does not show whether MOR accepted these requests: MOR sends its errors with status 200 too")
	note(r.SeenTwice > 0, "%s access log lines are for requests that are in the gateway's log too; each request is counted once", number(r.SeenTwice))
	note(t.users.forgotten+t.stopped.forgotten+c.methods.forgotten+c.answers.forgotten+c.strays.forgotten > 0, "a table was full: the rarest rows are missing, and other counts may be too low")
	return notes
}
