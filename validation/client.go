package validation

import "bytes"

// What a request shows of the client's mistakes, for hints and warnings. No
// verdict depends on it.

// keyParam is the parameter in which some clients send the API Secret Key
// itself, since MOR's manual lists API_Secret_Key among the parameters.
const keyParam = "api_secret_key"

// SendsKey reports whether the request has the parameter API_Secret_Key, in any
// letter case, as far as it was read.
func (r *Request) SendsKey() bool { return r.sendsKey }

// noteName takes note of the name of a parameter that is not guarded.
func noteName[T text](r *Request, name T) {
	if len(name) == len(keyParam) && isField([]byte(name), keyParam) {
		r.sendsKey = true
	}
}

// LooksLikeJSON reports whether the body is declared as a form and begins as
// JSON does.
func (r *Request) LooksLikeJSON() bool { return r.braced }

var byteOrderMark = []byte("\ufeff")

func beginsAsJSON(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{"))
}

// IsMarkedJSON reports whether the request is refused since its JSON begins
// with a byte order mark.
func (r *Request) IsMarkedJSON() bool { return r.marked }

// IsNumber reports whether a parameter is a number of JSON, not a string.
func (r *Request) IsNumber(n Name) bool { return r.values[n].state == number }
