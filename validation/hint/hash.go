package hint

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the API's digest, not our choice
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Limits of the work for one wrong hash, so that a flood of them is no load.
const (
	// MaxDigests is the most digests for each key that counts for the user. An
	// HMAC counts as two.
	MaxDigests = 100
	// maxHinted is the length in bytes of the longest value that is hashed.
	maxHinted = 64
)

// mistake is one row of the table: the hint, and a function that reports
// whether the mistake produces the request's hash.
type mistake struct {
	Hint
	made func(t *trial) bool
}

// mistakes are the usual mistakes that give a wrong hash of the right form,
// the most common first.
var mistakes = append([]mistake{
	{Hint{"newline", "a newline after the key was hashed too; use printf or echo -n, and trim what you read from a file"}, func(t *trial) bool {
		return t.sha1(t.didID, t.key, "\n") || t.sha1(t.didID, t.key, "\r\n")
	}},
	{Hint{"newline_between", "a newline between did_id and the key was hashed too; use printf or echo -n, and trim what you read from a file"}, func(t *trial) bool {
		return t.sha1(t.didID, "\n", t.key) || t.sha1(t.didID, "\r\n", t.key) || t.sha1(t.didID, "\n", t.key, "\n")
	}},
	{Hint{"key_first", "the key was hashed before did_id; did_id comes first"}, func(t *trial) bool {
		return t.sha1(t.key, t.didID) || t.sha1(t.key, t.didID, "\n")
	}},
	{Hint{"space", "a space between did_id and the key, or after the key, was hashed too; hash only did_id and the key"}, func(t *trial) bool {
		return t.sha1(t.didID, " ", t.key) || t.sha1(t.didID, t.key, " ") || t.sha1(t.didID, t.key, " \r\n")
	}},
	{Hint{"separator", "a separator, such as a comma, colon or dash, between did_id and the key was hashed too; hash only did_id and the key"}, func(t *trial) bool {
		return slices.ContainsFunc(strings.Split(",:-|&_./+;", ""), func(mark string) bool { return t.sha1(t.didID, mark, t.key) })
	}},
	{Hint{"key_quoted", "quotes around the key, or around both, were hashed too; hash only did_id and the key"}, func(t *trial) bool {
		return t.sha1(t.didID, `"`, t.key, `"`) || t.sha1(t.didID, "'", t.key, "'") || t.sha1(`"`, t.didID, t.key, `"`)
	}},
	{Hint{"key_left_out", "did_id alone was hashed, perhaps because the variable with the key was empty; hash did_id followed by the key"}, func(t *trial) bool {
		return t.sha1(t.didID) || t.sha1(t.didID, "\n")
	}},
	{Hint{"key_unset", "undefined, null or None was hashed instead of the key; set the variable from which the program reads the key"}, func(t *trial) bool {
		return t.sha1(t.didID, "undefined") || t.sha1(t.didID, "null") || t.sha1(t.didID, "None")
	}},
	{Hint{"did_id_left_out", "the key alone was hashed, perhaps because the variable with did_id was empty; hash did_id followed by the key"}, func(t *trial) bool {
		return t.sha1(t.key) || t.sha1(t.key, "\n")
	}},
	{Hint{"hmac", "the hash is an HMAC; send the plain SHA-1 of did_id followed by the key"}, func(t *trial) bool {
		return t.hmac(t.key, t.didID) || t.hmac(t.didID, t.key) || t.hmac(t.key, t.didID+t.key)
	}},
	{Hint{"did_id_spelling", "did_id was sent and hashed in different spellings, one of them with spaces or leading zeros; hash exactly what you send"}, func(t *trial) bool {
		plain := strings.TrimLeft(strings.TrimSpace(t.didID), "0")
		return plain != t.didID && t.sha1(plain, t.key) || t.sha1("0", t.didID, t.key) || t.sha1("00", t.didID, t.key)
	}},
	{Hint{"did_id_decimals", "did_id was sent or hashed with decimals, such as 6511.0, as spreadsheets do; send and hash the whole number"}, func(t *trial) bool {
		whole, _, ok := strings.Cut(t.didID, ".")
		return ok && t.sha1(whole, t.key) || !ok && t.sha1(t.didID, ".0", t.key)
	}},
	{Hint{"name_included", "the name did_id was hashed too; hash only the values, such as 6511 followed by the key"}, func(t *trial) bool {
		return t.sha1("did_id=", t.didID, t.key) || t.sha1("did_id", t.didID, t.key) || t.sha1("did_id=", t.didID, "&", t.key) ||
			t.sha1("did_id=", t.didID, "&API_Secret_Key=", t.key)
	}},
	{Hint{"key_twice", "the key was hashed twice; hash did_id followed by the key, once"}, func(t *trial) bool {
		return t.sha1(t.didID, t.key, t.key) || t.sha1(t.key, t.didID, t.key)
	}},
	{Hint{"digest_twice", "the digest was hashed again; send the first digest, the SHA-1 of did_id followed by the key"}, func(t *trial) bool {
		sum := t.sum(t.didID, t.key)
		return t.sha1(hex.EncodeToString(sum[:])) || t.sha1(string(sum[:]))
	}},
	{Hint{"utf16", "UTF-16 text was hashed, as Encoding.Unicode and older PowerShells write it; hash the text as UTF-8"}, func(t *trial) bool {
		little, big := utf16Text(t.didID+t.key, binary.LittleEndian), utf16Text(t.didID+t.key, binary.BigEndian)
		return t.sha1(little) || t.sha1(big) || t.sha1("\xff\xfe", little) || t.sha1("\xff\xfe", little, "\r\x00\n\x00")
	}},
	{Hint{"bytes_literal", "Python's b'...' was hashed too, because str() and f-strings write bytes that way; join bytes with bytes, or decode them first"}, func(t *trial) bool {
		return t.sha1(t.didID, "b'", t.key, "'") || t.sha1("b'", t.didID, t.key, "'") ||
			t.sha1("b'", t.didID, "'", t.key) || t.sha1("b'", t.didID, "'b'", t.key, "'")
	}},
	{Hint{"invisible", "an invisible character, such as a byte order mark or a no-break space, was hashed before or after the key; retype the key, or save its file without the mark"}, func(t *trial) bool {
		return t.sha1("\ufeff", t.didID, t.key) || slices.ContainsFunc(invisible, func(c string) bool {
			return t.sha1(t.didID, c, t.key) || t.sha1(t.didID, t.key, c) || t.sha1(t.didID, c, t.key, c)
		})
	}},
	{Hint{"key_configured_in_quotes", "the gateway's key is in quotes, and the hash was made without them; remove the quotes where the gateway reads the key"}, func(t *trial) bool {
		bare := Unquoted(t.key)
		return bare != t.key && t.sha1(t.didID, bare)
	}},
	{Hint{"example_key", "the key from the documentation's example was used; use your own API Secret Key"}, func(t *trial) bool {
		return t.sha1(t.didID, "secret")
	}},
	// Says nothing of the key, which may be the example's.
	{Hint{"example_hash", "the hash from the documentation's example was sent; make a hash from your own did_id and key"}, func(t *trial) bool {
		return t.is("f7de355c9b4421ce6c705b4b32c89dbcaca51e46")
	}},
	included(validation.User), included(validation.CallLimit), included(validation.DidUserID), included(validation.ActiveFrom), included(validation.ActiveTill), included(validation.GraceTime),
}, mistake{Hint{"values_included", "the values of other parameters were hashed too; hash only did_id and the key"}, func(t *trial) bool {
	return t.sha1(append(t.all, t.key)...) || t.sha1(append(t.noUser, t.key)...) ||
		t.sha1(append(t.sorted, t.key)...) || t.sha1(append(t.sortedNoUser, t.key)...)
}})

// included is the mistake of hashing one more parameter's value.
func included(n validation.Name) mistake {
	text := fmt.Sprintf("the value of %s was hashed too; hash only did_id and the key", n)
	return mistake{Hint{n.String() + "_included", text}, func(t *trial) bool {
		val := t.value(n)
		return val != "" && (t.sha1(t.didID, val, t.key) || t.sha1(val, t.didID, t.key) || t.sha1(t.didID, t.key, val))
	}}
}

// invisible are the characters that are copied unseen with a key: the
// byte order mark, the no-break space, the zero-width space, the word joiner,
// the mark of the writing direction, and the tab.
var invisible = []string{"\ufeff", "\u00a0", "\u200b", "\u2060", "\u200e", "\t"}

// Hints that need no digest of a usual mistake, or find none.
var (
	keyAsHash = Hint{"key_as_hash", "the API Secret Key itself was sent as the hash: change the key in MOR and here, and fix the client; the hash is the SHA-1 of did_id followed by the key"}
	cutShort  = Hint{"cut_short", "the hash is right, but cut short; send all 40 digits, and look for a field or column that is too short"}
	noMatch   = Hint{"no_match", "no usual mistake explains this hash; most likely the key or did_id is different, or extra characters, such as quotes or a separator, were hashed with them"}
	// adminsKeyOnly is noMatch for a user without keys of its own.
	adminsKeyOnly       = Hint{noMatch.Name, "no usual mistake explains this hash; u has no reseller line in the configuration, so only the admin's key counts: add u's own key there, or look for a different did_id or extra characters around did_id and the key"}
	keyLacking          = Hint{"key_lacking", "MOR has a key for this user that the gateway lacks: add `reseller <name> <key>`; or \"Disable hash checking\" is on in MOR"}
	resellersKeyLacking = Hint{keyLacking.Name, "MOR has a key for this reseller that the gateway lacks: add it to the reseller's line; or \"Disable hash checking\" is on in MOR"}
)

// KeyInHash reports whether a key was sent instead of a digest: alone, or next
// to did_id or other text.
func KeyInHash(p *validation.Policy, r *validation.Request) bool {
	val, _ := r.Value(validation.Hash)
	didID, _ := r.Value(validation.DidID)
	hash := Unquoted(strings.TrimSpace(string(val)))
	if hash == "" {
		return false
	}
	return p.Keys.Is(hash) || p.Keys.Is(strings.TrimPrefix(hash, string(didID))) || p.Keys.Is(strings.TrimSuffix(hash, string(didID))) ||
		!isHex([]byte(hash)) && p.Keys.Reveals(hash, 4*maxHinted) // in hex digits a short key would be chance
}

// Unquoted returns a text without the quotes around it.
func Unquoted(s string) string {
	for _, quotes := range []string{`""`, "''", "``", "“”", "‘’", "„“"} {
		open, end := utf8.DecodeRuneInString(quotes)
		if inner, ok := strings.CutPrefix(s, string(open)); ok {
			if inner, ok = strings.CutSuffix(inner, quotes[end:]); ok && inner != "" {
				return inner
			}
		}
	}
	return s
}

func isReseller(p *validation.Policy, r *validation.Request) bool {
	user, _ := r.Value(validation.User)
	_, own := p.Keys.Of([]byte(validation.LowerUser(string(user))))
	return len(own) > 0
}

// ofCut says so if the hash is the beginning of the right one. It makes one
// digest for each key that counts for the user.
func ofCut(p *validation.Policy, r *validation.Request) Hint {
	hash, _ := r.Value(validation.Hash)
	for _, right := range p.Expected(r) {
		if subtle.ConstantTimeCompare([]byte(right[:len(hash)]), bytes.ToLower(hash)) == 1 {
			return cutShort
		}
	}
	return Hint{}
}

// ofDigests names the mistake by which a hash of the right form came out
// wrong. It makes at most MaxDigests digests for each key that counts for the
// user.
func ofDigests(p *validation.Policy, r *validation.Request) (h Hint, digests int) {
	t := newTrial(r)
	none := noMatch
	if !isReseller(p, r) {
		none = adminsKeyOnly
	}
	if len(t.didID) > maxHinted {
		return none, 0
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
	return none, t.digests
}

// ofOtherKey names the reseller whose key makes a wrong hash right. It makes
// one digest for every key.
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

// trial compares a wrong hash with the hashes that mistakes make from one key.
type trial struct {
	key         string
	didID, user string
	hash        []byte
	digests     int
	buf         []byte

	r *validation.Request
	// The values of all parameters except the hash, in the order of the request
	// and in the order of the documentation, with and without u.
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
func (t *trial) sha1(parts ...string) bool { return t.isSum(t.sum(parts...)) }

func (t *trial) sum(parts ...string) [sha1.Size]byte {
	t.digests++
	t.buf = t.buf[:0]
	for _, part := range parts {
		t.buf = append(t.buf, part...)
	}
	return sha1.Sum(t.buf) //nolint:gosec // see above
}

// utf16Text returns a text in UTF-16.
func utf16Text(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
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
