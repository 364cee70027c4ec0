package traffic

import (
	"fmt"
	"strings"
)

// unjudged are the reasons not to judge a request, in words, and what to do.
var unjudged = map[string]struct{ text, toDo string }{
	inBody:   {"the body may have what the query lacks", "a log has no bodies: run the gateway with mode monitor, and read its log"},
	redacted: {"a filter took the query out of the log", "run the gateway with mode monitor, and read its log"},
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
		note(l.Broken != "", "%s was read to where it breaks off: %s", l.Name, l.Broken)
		note(l.Strange, "%s has no line of a form that is known", l.Name)
	}
	note(right == 0 && wrong > 0, "not one hash is right by the keys that were given: are they those of this MOR?")
	note(unhashed, "requests without a hash, or with another one than SHA-1's, work today if MOR's \"Disable hash checking\" is on; the gateway refuses them")
	note(many, "of a user's hashes that no key explains, %d are searched for a mistake; the others are taken to be like them", maxStrange)
	note(c.judged > 0, "judged by method and target, which is all that an access log has: header lines and bodies may change a verdict")
	note(c.judged > 0, "whether MOR accepted these requests is not known: it sends its errors with status 200 too")
	note(r.SeenTwice > 0, "%s lines of the access log are of requests that the gateway's log tells of: they are counted once", number(r.SeenTwice))
	note(t.users.forgotten+t.stopped.forgotten+c.methods.forgotten+c.answers.forgotten > 0, "there was more than a table holds: the rarest rows are left out, and the numbers of others may be too small")
	return notes
}
