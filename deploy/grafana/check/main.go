// Command check reads a dashboard with Grafana's own types, and fails for what their schema does not have, and for what
// it wants and the dashboard lacks. It is a module of its own, so that nobody else needs Grafana's.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins() // the types of panels and of queries
	for _, err := range check(os.Args[1]) {
		if err != nil && err.Error() != "" { // Grafana's types return lists of errors, also empty ones
			fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
			defer os.Exit(1)
		}
	}
}

func check(file string) (errs []error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return []error{err}
	}
	var d dashboard.Dashboard
	errs = append(errs, d.UnmarshalJSONStrict(text), d.Validate())

	// Not read strictly with the rest.
	var raw struct {
		Panels []struct{ FieldConfig json.RawMessage }
	}
	errs = append(errs, json.Unmarshal(text, &raw))
	for _, panel := range raw.Panels {
		errs = append(errs, new(dashboard.FieldConfigSource).UnmarshalJSONStrict(panel.FieldConfig))
	}
	return errs
}
