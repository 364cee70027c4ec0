// Package deploy has what comes with the gateway: the packages, the image, the dashboard, and so on. Its tests try them.
package deploy

import (
	_ "embed"
	"strings"
)

//go:embed caddy-mor-gateway.service
var unit string

// GoSettings returns the variables by which the unit sets Go's runtime, each as NAME=value.
func GoSettings() []string {
	_, after, ok := strings.Cut(unit, "\nEnvironment=GOGC=")
	if !ok {
		panic("caddy-mor-gateway.service does not set GOGC")
	}
	line, _, _ := strings.Cut(after, "\n")
	return strings.Fields("GOGC=" + line)
}
