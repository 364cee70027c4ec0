package weblog

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// layouts are the forms in which servers write the time. A time without a zone
// is the local one's.
var layouts = [...]string{
	clf,
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999",
	"2006/01/02 15:04:05.999999999",
	time.RFC1123,
	time.RFC1123Z,
	time.RFC850,
	time.ANSIC,
}

// clf is the time of the Common Log Format.
const clf = "02/Jan/2006:15:04:05 -0700"

// ParseTime reads a time in one of the forms in which servers write it, or as
// seconds since 1970, or milli-, micro- or nanoseconds.
func ParseTime(s string) (time.Time, bool) {
	if len(s) > 40 {
		return time.Time{}, false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return unixTime(f)
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return inRange(t)
		}
	}
	return time.Time{}, false
}

// unixTime takes a number for seconds, or for the unit in which it is from this
// age.
func unixTime(f float64) (time.Time, bool) {
	for f >= 1e11 {
		f /= 1000
	}
	if !(f > 0) {
		return time.Time{}, false
	}
	sec := int64(f)
	return inRange(time.Unix(sec, int64((f-float64(sec))*1e9)))
}

// inRange leaves out what cannot be the time of a request.
func inRange(t time.Time) (time.Time, bool) {
	if y := t.Year(); y < 1990 || y > 2200 {
		return time.Time{}, false
	}
	return t, true
}

// bracketed finds a time between brackets, and before quotes if there is one:
// what a client sends in front of it has no quotes that are not escaped.
func bracketed(line []byte) (t time.Time, start, end int) {
	for from := 0; ; {
		i := bytes.IndexByte(line[from:], '[')
		if i < 0 {
			return t, start, end
		}
		from += i + 1
		n := bytes.IndexByte(line[from:min(len(line), from+41)], ']')
		if n < 0 {
			continue
		}
		got, ok := ParseTime(string(line[from : from+n]))
		if !ok {
			continue
		}
		after := from + n + 1
		if bytes.HasPrefix(line[after:], []byte(` "`)) {
			return got, from - 1, after
		}
		if t.IsZero() {
			t, start, end = got, from-1, after
		}
	}
}

// bare finds a time that is a field of its own, or two.
func bare(text []byte) time.Time {
	fields := strings.FieldsFunc(string(text[:min(len(text), 512)]), isSeparator)
	for i, field := range fields {
		if len(field) < len("2006-01-02") || field[0] < '0' || field[0] > '9' {
			continue
		}
		if i+1 < len(fields) {
			if t, ok := ParseTime(field + " " + fields[i+1]); ok {
				return t
			}
		}
		if t, ok := ParseTime(field); ok {
			return t
		}
	}
	return time.Time{}
}
