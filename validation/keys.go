package validation

import (
	"crypto/sha1" //nolint:gosec // the API's digest, not our choice
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// HashLen is the length of a right hash: SHA-1 in lower-case hex digits.
const HashLen = 2 * sha1.Size

// Keys are the API Secret Keys by which a hash can be right.
type Keys struct {
	admin     []string
	resellers map[string][]string // by lower-case username
	all       map[string]struct{} // of the resellers
	sorted    []string            // everybody's, but those that begin with another one
	begins    [256]bool           // by the first byte of a key
}

// NewKeys returns the keys of the admin and, by username, of each reseller.
// Usernames are compared "without regard to ASCII letter case".
func NewKeys(admin []string, resellers map[string][]string) Keys {
	k := Keys{admin: admin, resellers: make(map[string][]string, len(resellers)), all: make(map[string]struct{}, len(resellers))}
	for name, keys := range resellers {
		k.resellers[LowerUser(name)] = keys
		for _, key := range keys {
			k.all[key] = struct{}{}
		}
	}
	every := slices.AppendSeq(slices.Clone(admin), maps.Keys(k.all))
	slices.Sort(every)
	for _, key := range every {
		if n := len(k.sorted); key != "" && (n == 0 || !strings.HasPrefix(key, k.sorted[n-1])) {
			k.sorted = append(k.sorted, key)
			k.begins[key[0]] = true
		}
	}
	return k
}

// Reveals reports whether a key begins in the first n bytes of a text. Such a
// text must not be logged. Of all keys only one can begin at a place: the last
// that is not greater than what is there. So a place costs one binary search,
// and ten thousand resellers cost little more than one.
func (k *Keys) Reveals(text string, n int) bool {
	for i := range min(n, len(text)) {
		if !k.begins[text[i]] {
			continue
		}
		at, same := slices.BinarySearch(k.sorted, text[i:])
		if same || at > 0 && strings.HasPrefix(text[i:], k.sorted[at-1]) {
			return true
		}
	}
	return false
}

// Is reports whether the text is one of the keys.
func (k *Keys) Is(text string) bool {
	_, is := k.all[text]
	for _, key := range k.admin {
		is = is || subtle.ConstantTimeCompare([]byte(key), []byte(text)) == 1
	}
	return is
}

// LowerUser returns a username as it is compared: with ASCII's letters in
// lower case.
func LowerUser(name string) string { return string(appendLower(nil, []byte(name))) }

func appendLower(dst, s []byte) []byte {
	for _, c := range s {
		dst = append(dst, lower(c))
	}
	return dst
}

// Of returns the keys that count for a user, whose name is in lower case: "For
// a u that is a reseller MOR accepts a hash made with the reseller's key or
// with the admin's", for everyone else only the admin's.
func (k *Keys) Of(user []byte) (admin, own []string) {
	return k.admin, k.resellers[string(user)]
}

// Resellers returns the keys of each reseller by username in lower case.
func (k *Keys) Resellers() map[string][]string { return k.resellers }

// AppendHash appends the hash of a DID's id under a key to dst: the SHA-1 of
// did_id followed by the API Secret Key, as 40 lower-case hex digits.
func AppendHash(dst, didID []byte, key string) []byte {
	start := len(dst)
	dst = append(append(dst, didID...), key...)
	sum := sha1.Sum(dst[start:]) //nolint:gosec // see above
	clear(dst[start:])
	return hex.AppendEncode(dst[:start], sum[:])
}

// hashIsRight compares the hash with that of each key that counts for the
// user, in a time that doesn't depend on which of them is right or where a
// wrong one differs.
func (p *Policy) hashIsRight(r *Request) bool {
	hash, _ := r.Value(Hash)
	if len(hash) != HashLen {
		return false
	}
	user, _ := r.Value(User)
	didID, _ := r.Value(DidID)
	var scratch [128]byte
	admin, own := p.Keys.Of(appendLower(scratch[:0], user))
	right := 0
	for _, keys := range [2][]string{admin, own} {
		for _, key := range keys {
			right |= subtle.ConstantTimeCompare(AppendHash(scratch[:0], didID, key), hash)
		}
	}
	return right == 1
}

// Expected returns the hashes that are right for the did_id and the user of a
// request, one for each key that counts. They are as secret as a signature.
func (p *Policy) Expected(r *Request) []string {
	user, _ := r.Value(User)
	didID, _ := r.Value(DidID)
	var hashes []string
	admin, own := p.Keys.Of(appendLower(nil, user))
	for _, key := range slices.Concat(admin, own) {
		hashes = append(hashes, string(AppendHash(nil, didID, key)))
	}
	return hashes
}
