package hint

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the API's digest, not our choice
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Limits of what is done for one wrong hash, so that a flood of them is no
// load.
const (
	// MaxDigests is how many digests are made at most for each key that counts
	// for the user; an HMAC counts as two.
	MaxDigests = 60
	// maxHinted is the length in bytes from which on a value is left out.
	maxHinted = 64
)

// mistake is one row of the table: what to say, and whether the hash is the
// one that the mistake makes of the request and the key.
type mistake struct {
	Hint
	made func(t *trial) bool
}

// mistakes are the usual mistakes that leave a hash of the right form, the
// commonest first.
var mistakes = append([]mistake{
	{Hint{"newline", "a line end was hashed behind the key; use printf or echo -n, and strip what is read from a file"}, func(t *trial) bool {
		return t.sha1(t.didID, t.key, "\n") || t.sha1(t.didID, t.key, "\r\n")
	}},
	{Hint{"newline_between", "a line end was hashed between did_id and the key; use printf or echo -n, and strip what is read from a file"}, func(t *trial) bool {
		return t.sha1(t.didID, "\n", t.key) || t.sha1(t.didID, "\r\n", t.key) || t.sha1(t.didID, "\n", t.key, "\n")
	}},
	{Hint{"key_first", "the key was hashed before did_id; did_id comes first"}, func(t *trial) bool {
		return t.sha1(t.key, t.didID) || t.sha1(t.key, t.didID, "\n")
	}},
	{Hint{"space", "a space was hashed between did_id and the key, or behind the key; there is nothing but the two"}, func(t *trial) bool {
		return t.sha1(t.didID, " ", t.key) || t.sha1(t.didID, t.key, " ") || t.sha1(t.didID, t.key, " \r\n")
	}},
	{Hint{"separator", "a comma, colon, dash or the like was hashed between did_id and the key; there is nothing but the two"}, func(t *trial) bool {
		return slices.ContainsFunc(strings.Split(",:-|&_./+;", ""), func(mark string) bool { return t.sha1(t.didID, mark, t.key) })
	}},
	{Hint{"key_quoted", "quotes around the key, or around it all, were hashed too; nothing but did_id and the key is"}, func(t *trial) bool {
		return t.sha1(t.didID, `"`, t.key, `"`) || t.sha1(t.didID, "'", t.key, "'") || t.sha1(`"`, t.didID, t.key, `"`)
	}},
	{Hint{"key_left_out", "did_id alone was hashed, perhaps because the variable with the key was empty; the key follows did_id"}, func(t *trial) bool {
		return t.sha1(t.didID) || t.sha1(t.didID, "\n")
	}},
	{Hint{"key_unset", "a program's word for nothing (undefined, null, None) was hashed in the key's place; the program's variable with the key is not set"}, func(t *trial) bool {
		return t.sha1(t.didID, "undefined") || t.sha1(t.didID, "null") || t.sha1(t.didID, "None")
	}},
	{Hint{"did_id_left_out", "the key alone was hashed, perhaps because the variable with did_id was empty; did_id comes before the key"}, func(t *trial) bool {
		return t.sha1(t.key) || t.sha1(t.key, "\n")
	}},
	{Hint{"hmac", "an HMAC was made; the hash is the plain SHA-1 of did_id followed by the key"}, func(t *trial) bool {
		return t.hmac(t.key, t.didID) || t.hmac(t.didID, t.key) || t.hmac(t.key, t.didID+t.key)
	}},
	{Hint{"did_id_spelling", "did_id was sent with spaces or leading zeros that were not hashed; hash what is sent"}, func(t *trial) bool {
		plain := strings.TrimLeft(strings.TrimSpace(t.didID), "0")
		return plain != t.didID && t.sha1(plain, t.key)
	}},
	{Hint{"example_key", "the key of the documentation's example was used; use your own API Secret Key"}, func(t *trial) bool {
		return t.sha1(t.didID, "secret")
	}},
	// Says nothing of the key, which may be the example's.
	{Hint{"example_hash", "the hash of the documentation's example was sent, which is for did_id 6511; make one of your own did_id and key"}, func(t *trial) bool {
		return t.is("f7de355c9b4421ce6c705b4b32c89dbcaca51e46")
	}},
	included(validation.User), included(validation.CallLimit), included(validation.DidUserID), included(validation.ActiveFrom), included(validation.ActiveTill), included(validation.GraceTime),
}, mistake{Hint{"values_included", "the values of other parameters were hashed too; only did_id and the key are"}, func(t *trial) bool {
	return t.sha1(append(t.all, t.key)...) || t.sha1(append(t.noUser, t.key)...) ||
		t.sha1(append(t.sorted, t.key)...) || t.sha1(append(t.sortedNoUser, t.key)...)
}})

// included is the mistake of hashing one more parameter's value.
func included(n validation.Name) mistake {
	text := fmt.Sprintf("the value of %s was hashed too; only did_id and the key are", n)
	return mistake{Hint{n.String() + "_included", text}, func(t *trial) bool {
		val := t.value(n)
		return val != "" && (t.sha1(t.didID, val, t.key) || t.sha1(val, t.didID, t.key) || t.sha1(t.didID, t.key, val))
	}}
}

var noMatch = Hint{"no_match", "none of the usual mistakes; most likely another key, another did_id, or other characters between or around the two, such as quotes or a separator"}

// ofDigests names the mistake by which a hash of the right form came out
// wrong. It makes at most MaxDigests digests for each key that counts for the
// user.
func ofDigests(p *validation.Policy, r *validation.Request) (h Hint, digests int) {
	t := newTrial(r)
	if len(t.didID) > maxHinted {
		return noMatch, 0
	}
	defer func() { clear(t.buf[:cap(t.buf)]) }()
	admin, own := p.Keys.Of([]byte(validation.LowerUser(t.user)))
	for _, t.key = range slices.Concat(admin, own) {
		for i := range mistakes {
			if mistakes[i].made(t) {
				return mistakes[i].Hint, t.digests
			}
		}
	}
	return noMatch, t.digests
}

// ofOtherKey names the reseller with whose key a wrong hash is right. It makes
// one digest for each key that there is.
func ofOtherKey(p *validation.Policy, r *validation.Request) Hint {
	t := newTrial(r)
	for name, keys := range p.Keys.Resellers() {
		for _, key := range keys {
			if name != validation.LowerUser(t.user) && t.sha1(t.didID, key) {
				return Hint{"other_key", fmt.Sprintf("the hash was made with the key of reseller %q, which does not count for this u", name)}
			}
		}
	}
	return Hint{}
}

// trial compares a wrong hash with what mistakes would make of one key.
type trial struct {
	key         string
	didID, user string
	hash        []byte
	digests     int
	buf         []byte

	r *validation.Request
	// The values of did_id and the others but the hash, as they stand in the
	// request and in the order of the documentation, with and without u.
	all, noUser, sorted, sortedNoUser []string
}

func newTrial(r *validation.Request) *trial {
	t := &trial{r: r, buf: make([]byte, 0, 256)}
	t.hash, _ = r.Value(validation.Hash)
	didID, _ := r.Value(validation.DidID)
	user, _ := r.Value(validation.User)
	t.didID, t.user = string(didID), string(user)

	t.all, t.noUser = t.values(r.InOrder())
	t.sorted, t.sortedNoUser = t.values(validation.Names())
	return t
}

// values returns the values of the parameters but the hash, and without u's.
func (t *trial) values(names []validation.Name) (all, noUser []string) {
	for _, n := range names {
		val := t.value(n)
		if n == validation.Hash || n != validation.DidID && val == "" {
			continue
		}
		all = append(all, val)
		if n != validation.User {
			noUser = append(noUser, val)
		}
	}
	return slices.Clip(all), slices.Clip(noUser)
}

// value returns the text of a parameter, none if it is long.
func (t *trial) value(n validation.Name) string {
	text, _ := t.r.Value(n)
	if len(text) > maxHinted {
		return ""
	}
	return string(text)
}

// sha1 reports whether the hash is the SHA-1 of the parts.
func (t *trial) sha1(parts ...string) bool {
	t.digests++
	t.buf = t.buf[:0]
	for _, part := range parts {
		t.buf = append(t.buf, part...)
	}
	return t.isSum(sha1.Sum(t.buf)) //nolint:gosec // see above
}

// hmac reports whether the hash is the HMAC-SHA-1 of the text.
func (t *trial) hmac(key, text string) bool {
	t.digests += 2
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return t.isSum([sha1.Size]byte(mac.Sum(nil)))
}

func (t *trial) isSum(sum [sha1.Size]byte) bool {
	var digits [validation.HashLen]byte
	hex.Encode(digits[:], sum[:])
	return subtle.ConstantTimeCompare(digits[:], t.hash) == 1
}

// is reports whether the hash is the given one.
func (t *trial) is(hash string) bool { return string(t.hash) == hash }
