package hint

import (
	"bytes"
	"slices"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Hints about the form of a hash.
var (
	hashMissing   = Hint{"hash_missing", "hash is missing; send the SHA-1 of did_id followed by the key, as 40 lower-case hex digits"}
	didIDMissing  = Hint{"did_id_missing", "did_id is missing; the hash is made from it and the key"}
	upperCase     = Hint{"upper_case", "the hash has upper-case digits; MOR wants lower case"}
	whiteSpace    = Hint{"white_space", "there is white space around the hash; strip it (a program's output ends with a newline)"}
	separators    = Hint{"separators", "the hash has separators between its bytes, as .NET's BitConverter writes them; send 40 lower-case hex digits and nothing else"}
	extraText     = Hint{"extra_text", "the hash has more than 40 hex digits, such as sha1sum's file name, openssl's label, 0x or quotes; send only the digits"}
	zerosLost     = Hint{"zeros_lost", "the hash has fewer than 40 hex digits; write each byte of the digest as two digits, even below 0x10"}
	likeMD5       = Hint{"md5", "the hash has the length of an MD5; MOR wants SHA-1, 40 hex digits"}
	likeSHA256    = Hint{"sha256", "the hash has the length of a SHA-256; MOR wants SHA-1, 40 hex digits"}
	likeOther     = Hint{"other_digest", "the hash has the length of another digest (SHA-224, SHA-384 or SHA-512); MOR wants SHA-1, 40 hex digits"}
	likeBase64    = Hint{"base64", "the hash looks like base64; write the digest as 40 lower-case hex digits"}
	uniqueHash    = Hint{"uniquehash", `the hash looks like MOR's Uniquehash, which MOR takes only while "Disable hash checking" is on; send the SHA-1 of did_id followed by the key`}
	malformedHash = Hint{"malformed", "the hash is not 40 hex digits; send the SHA-1 of did_id followed by the key, as 40 lower-case hex digits"}
)

// ofForm says what is wrong with the form of a request's hash, or that did_id
// is missing. It says nothing if there are a did_id and 40 lower-case hex
// digits. It makes no digests.
func ofForm(r *validation.Request) Hint {
	hash, _ := r.Value(validation.Hash)
	h := formHint(hash)
	if h == hashMissing && r.LooksLikeJSON() {
		return jsonUntyped
	}
	if h.Name != "" {
		return h
	}
	if didID, _ := r.Value(validation.DidID); len(didID) == 0 {
		return didIDMissing
	}
	return Hint{}
}

func formHint(hash []byte) Hint {
	if len(bytes.TrimSpace(hash)) == 0 {
		return hashMissing
	}
	if len(hash) == uniqueHashLen && !slices.ContainsFunc(hash, isNoWordByte) {
		return uniqueHash
	}
	if len(hash) > 2*maxHinted {
		hash = hash[:2*maxHinted+1] // longer than any form below
	}
	if isHex(hash) {
		switch n := len(hash); {
		case n == validation.HashLen && bytes.Equal(hash, bytes.ToLower(hash)):
			return Hint{}
		case n == validation.HashLen:
			return upperCase
		case n == 32:
			return likeMD5
		case n == 64:
			return likeSHA256
		case n == 56, n == 96, n == 128:
			return likeOther
		case validation.HashLen-10 <= n && n < validation.HashLen:
			return zerosLost
		}
		return malformedHash
	}
	switch {
	case isHashIn(bytes.TrimSpace(hash)):
		return whiteSpace
	case isSeparated(hash):
		return separators
	case hasHashIn(hash):
		return extraText
	case isBase64Digest(string(hash)):
		return likeBase64
	}
	return malformedHash
}

// uniqueHashLen is the length of MOR's Uniquehash: letters and digits.
const uniqueHashLen = 10

func isNoWordByte(c byte) bool {
	return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
}

func isHex(s []byte) bool { return !slices.ContainsFunc(s, isNoHexDigit) }

func isNoHexDigit(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) < 0 }

// mayBeCut reports whether the hash may be the beginning of the right one. A
// shorter beginning than an MD5 is called malformed.
func mayBeCut(r *validation.Request) bool {
	hash, _ := r.Value(validation.Hash)
	didID, _ := r.Value(validation.DidID)
	return 30 <= len(hash) && len(hash) < validation.HashLen && isHex(hash) && len(didID) <= maxHinted
}

func isHashIn(s []byte) bool { return len(s) == validation.HashLen && isHex(s) }

// hasHashIn reports whether s has a run of exactly 40 hex digits.
func hasHashIn(s []byte) bool {
	run := 0
	for _, c := range s {
		if !isNoHexDigit(c) {
			run++
			continue
		}
		if run == validation.HashLen {
			return true
		}
		run = 0
	}
	return run == validation.HashLen
}

// isSeparated reports whether s is 20 bytes in hex with one character between
// every two.
func isSeparated(s []byte) bool {
	if len(s) != validation.HashLen+validation.HashLen/2-1 {
		return false
	}
	for i, c := range s {
		if (i%3 == 2) != (c == ':' || c == '-' || c == ' ') || i%3 != 2 && isNoHexDigit(c) {
			return false
		}
	}
	return true
}

// isBase64Digest reports whether s may be an MD5, SHA-1 or SHA-256 in base64,
// in the alphabet for addresses or the other one, whose "+" a form turns into
// a space.
func isBase64Digest(s string) bool {
	s = strings.TrimRight(s, "=\r\n")
	switch len(s) {
	case 22, 27, 43, 54: // 54: the 40 digits themselves in base64
	default:
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_ ") == ""
}
