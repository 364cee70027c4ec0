// Package docs has the documents that programs quote.
package docs

import _ "embed"

// Troubleshooting is the list of messages and hints, with what to do about each.
//
//go:embed troubleshooting.md
var Troubleshooting string
