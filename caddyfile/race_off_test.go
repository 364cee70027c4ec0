//go:build !race

package caddyfile_test

const raceDetector = false
