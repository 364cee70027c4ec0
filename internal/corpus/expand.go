package corpus

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

const action = "/billing/api/did_details_update"

// The documentation's example: did_id and API Secret Key.
const example = "6511secret"

const maxRepeat = 1 << 20

// expand puts bytes in the place of the placeholders.
func expand(text string) ([]byte, error) {
	var out []byte
	for {
		before, rest, found := strings.Cut(text, "$(")
		out = append(out, before...)
		if !found {
			return out, nil
		}
		inside, after, closed := strings.Cut(rest, ")")
		if !closed {
			return nil, fmt.Errorf("placeholder without an end: $(%s", rest)
		}
		value, err := placeholder(inside)
		if err != nil {
			return nil, fmt.Errorf("$(%s): %w", inside, err)
		}
		out = append(out, value...)
		text = after
	}
}

func placeholder(inside string) (string, error) {
	name, argument, _ := strings.Cut(inside, " ")
	switch name {
	case "action":
		return action, nil
	case "hash":
		return sha1Of(example), nil
	case "ok":
		return "u=admin&did_id=6511&hash=" + sha1Of(example), nil
	case "json":
		return `"u":"admin","did_id":6511,"hash":"` + sha1Of(example) + `"`, nil
	case "parts":
		return part("u", "admin") + part("did_id", "6511") + part("hash", sha1Of(example)), nil
	case "part":
		field, value, _ := strings.Cut(argument, " ")
		return part(field, value), nil
	case "sha1":
		return sha1Of(argument), nil
	case "SHA1":
		return strings.ToUpper(sha1Of(argument)), nil
	case "md5":
		return fmt.Sprintf("%x", md5.Sum([]byte(argument))), nil
	case "sha256":
		return fmt.Sprintf("%x", sha256.Sum256([]byte(argument))), nil
	case "hex":
		data, err := hex.DecodeString(strings.ReplaceAll(argument, " ", ""))
		return string(data), err
	case "repeat":
		count, text, _ := strings.Cut(argument, " ")
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 || n > maxRepeat {
			return "", fmt.Errorf("a count from 0 to %d is wanted", maxRepeat)
		}
		return strings.Repeat(text, n), nil
	case "crlf":
		return "\r\n", nil
	case "cr":
		return "\r", nil
	case "lf":
		return "\n", nil
	case "tab":
		return "\t", nil
	case "nul":
		return "\x00", nil
	case "sp":
		return " ", nil
	}
	return "", fmt.Errorf("unknown placeholder")
}

func part(name, value string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
}

func sha1Of(text string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(text)))
}
