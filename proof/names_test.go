package proof

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// collations are those that MOR's database usually has. By both, more names are equal than for the gateway.
var collations = []string{"utf8_general_ci", "latin1_swedish_ci"}

var alikes = []struct {
	title            string
	configured, sent string
	utf8, latin1     bool // equal for the database, by collation
	gateway          bool // equal for the gateway
}{
	{"the same", "José", "José", true, true, true},
	{"ASCII letters", "bob", "BOB", true, true, true},
	{"a space at the end", "bob", "bob ", true, true, false},
	{"spaces at the end", "bob", "bob   ", true, true, false},
	{"a space at the beginning", "bob", " bob", false, false, false},
	{"a space in the middle", "bob", "bo b", false, false, false},
	{"a no-break space at the end", "bob", "bob\u00a0", false, false, false},
	{"letter case beyond ASCII", "José", "JOSÉ", true, true, false},
	{"an accent less", "José", "Jose", true, true, false},
	{"an accent more", "bob", "Bób", true, true, false},
	{"an accent of its own", "José", "Jose\u0301", false, false, false},
	{"u with dots as u", "Müller", "Muller", true, false, false},
	{"u with dots as y", "Müller", "Myller", false, true, false},
	{"u with dots as ue", "Müller", "Mueller", false, false, false},
	{"a with a ring as a", "Åsa", "Asa", true, false, false},
	{"sharp s as s", "Straße", "Strase", true, false, false},
	{"sharp s as ss", "Straße", "Strasse", false, false, false},
	{"Cyrillic letter case", "Боб", "боб", true, false, false},
	{"a Cyrillic letter that looks like a Latin one", "bob", "b\u043eb", false, false, false},
	{"full-width letters", "bob", "\uff42\uff4f\uff42", false, false, false},
	{"an emoji at the end", "bob", "bob😀", false, false, false},
}

// TestNames compares what the gateway takes for the name of a reseller, or for one of its users, with what MOR's
// database finds under it. The gateway must never take more: it would accept a key that MOR does not take.
func TestNames(t *testing.T) {
	db := startDatabase(t)
	names := []string{}
	for _, a := range alikes {
		names = append(names, a.configured)
	}
	letters := "abcdefghijklmnopqrstuvwxyz0123456789"
	for _, c := range letters {
		names = append(names, around(c))
	}
	slices.Sort(names)
	g := startNames(t, slices.Compact(names))

	for _, a := range alikes {
		t.Run(a.title, func(t *testing.T) {
			for i, want := range []bool{a.utf8, a.latin1} {
				if got := db.finds(t, collations[i], a.configured, a.sent); got != want {
					t.Errorf("%s: the database finds %q with %q: %v", collations[i], a.configured, a.sent, got)
				}
			}
			if reseller, user := g.takesKey(t, a.configured, a.sent), g.takesUser(t, a.sent); reseller != a.gateway || user != a.gateway {
				t.Errorf("the gateway takes %q for %q: %v as a reseller, %v as a user", a.sent, a.configured, reseller, user)
			}
		})
	}

	t.Run("every character", func(t *testing.T) {
		takes := map[rune][]rune{} // by the letter that is configured
		for _, letter := range letters {
			for c := rune(' '); c < 0x7f; c++ {
				if g.takesKey(t, around(letter), around(c)) {
					takes[letter] = append(takes[letter], c)
				}
			}
			if !slices.Contains(takes[letter], letter) {
				t.Errorf("the gateway does not take %q for itself", letter)
			}
		}
		for _, collation := range collations {
			equal, taken, refused := db.equalTo(t, collation, letters), 0, 0
			for _, letter := range letters {
				for _, c := range takes[letter] {
					if !slices.Contains(equal[letter], c) {
						t.Errorf("%s: the gateway takes %q for %q, and the database does not", collation, c, letter)
					}
				}
				for _, c := range equal[letter] {
					switch {
					case slices.Contains(takes[letter], c):
						taken++
					case g.takesKey(t, around(letter), around(c)), g.takesUser(t, around(c)):
						t.Errorf("the gateway takes %q for %q", c, letter)
					default:
						refused++
					}
				}
			}
			t.Logf("names: by %s %d characters are equal to an ASCII letter or digit; the gateway takes %d of them for it, and refuses %d",
				collation, taken+refused, taken, refused)
		}
	})
}

func around(c rune) string { return "x" + string(c) + "y" }

// names are two sites of the gateway: one where every name is a reseller with a key of its own, one where they
// are the users.
type names struct{ resellers, users string }

func startNames(t *testing.T, all []string) names {
	t.Helper()
	var resellers, users strings.Builder
	for _, name := range all {
		fmt.Fprintf(&resellers, "reseller %q %q\n", name, keyOf(name))
		fmt.Fprintf(&users, " %q", name)
	}
	c := testkit.Serve(t, `{
		log default {
			output discard
		}
	}
	http://:{$RESELLERS} {
		mor_gateway {
			secret secret
			{$EACH}
		}
		respond taken
	}
	http://:{$USERS} {
		mor_gateway {
			secret secret
			users {$ALL}
		}
		respond taken
	}`, "EACH", resellers.String(), "ALL", users.String())
	return names{c.Addr("RESELLERS"), c.Addr("USERS")}
}

func keyOf(name string) string { return "key of " + name }

// takesKey reports whether a name is taken with the key of a reseller.
func (n names) takesKey(t *testing.T, reseller, sent string) bool {
	t.Helper()
	return taken(t, n.resellers, sent, keyOf(reseller))
}

// takesUser reports whether a name is taken with the admin's key.
func (n names) takesUser(t *testing.T, sent string) bool {
	t.Helper()
	return taken(t, n.users, sent, "secret")
}

func taken(t *testing.T, site, u, key string) bool {
	t.Helper()
	query := url.Values{"u": {u}, "did_id": {"6511"}, "hash": {contract.Hash("6511", key)}}
	res, err := http.Post("http://"+site+"/billing/api/did_details_update?"+query.Encode(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer) == "taken"
}
