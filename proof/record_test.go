package proof

import (
	"encoding/json"
	"fmt"
)

// record is one request that reached MOR, as Rails' server handed it on.
type record struct {
	ID      text            `json:"id"`
	Site    text            `json:"site"`
	Method  text            `json:"method"`
	Target  text            `json:"target"`
	Path    text            `json:"path"`
	Query   text            `json:"query"`
	Apache  text            `json:"apache"`
	Headers map[string]text `json:"headers"`
	Body    text            `json:"body"`
	Runs    []run           `json:"runs"`
	Errors  []text          `json:"errors"` // of the emulation itself
}

// run is one run of the action: by Rails, or by another reading of the same request.
type run struct {
	Reading string  `json:"reading"`
	Method  string  `json:"method"`
	Params  []param `json:"params"`
}

// param is a parameter with the Ruby class of its value. The text of a value that is neither a string nor
// a number is only for messages.
type param struct{ Name, Class, Text string }

// today is the reading of the Rails that runs; the others are emulated.
const today = "rails"

// text is a string that the record keeps in base64, since its bytes may be anything.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var raw []byte
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*t = text(raw)
	return nil
}

func (p *param) UnmarshalJSON(data []byte) error {
	var parts struct {
		name, value text
		class       string
	}
	if err := json.Unmarshal(data, &[]any{&parts.name, &parts.class, &parts.value}); err != nil {
		return err
	}
	*p = param{string(parts.name), parts.class, string(parts.value)}
	return nil
}

func parseRecord(line []byte) (record, error) {
	var raw record
	if err := json.Unmarshal(line, &raw); err != nil {
		return record{}, fmt.Errorf("Rails' record: %w: %.200s", err, line)
	}
	if len(raw.Errors) > 0 {
		return record{}, fmt.Errorf("a reading cannot be emulated: %q for %s %q, %q", raw.Errors, raw.Method, raw.Target, raw.Body)
	}
	return raw, nil
}

// today returns the run of the Rails that is installed, if the action ran.
func (r *record) today() (run, bool) {
	for _, run := range r.Runs {
		if run.Reading == today {
			return run, true
		}
	}
	return run{}, false
}

func (r run) get(name string) (param, bool) {
	for _, p := range r.Params {
		if p.Name == name {
			return p, true
		}
	}
	return param{}, false
}

func (p param) String() string {
	return fmt.Sprintf("%s %s %q", p.Name, p.Class, p.Text)
}
