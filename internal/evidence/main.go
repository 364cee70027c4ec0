// Evidence writes docs/evidence.md from what a run of the tests, the fuzz targets and the benchmark printed. Run it with
// ./xcaddy.sh evidence.
package main

import (
	"bufio"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed evidence.md.tmpl
var page embed.FS

func main() {
	log.SetFlags(0)
	log.SetPrefix("evidence: ")
	if len(os.Args) != 2 {
		log.Fatal("give the folder with tests.json, fuzz.txt, alone.txt and bench.md; start it as ./xcaddy.sh evidence")
	}
	dir := os.Args[1]
	e := evidence{
		Date: time.Now().Format(time.DateOnly), Machine: machine(), Bench: strings.TrimSpace(read(dir, "bench.md")),
		For: cmp.Or(os.Getenv("FOR"), "1h"), FuzzTime: cmp.Or(os.Getenv("FUZZTIME"), "10m"), // as xcaddy.sh has them
	}
	e.readTests(read(dir, "tests.json"))
	e.readFuzz(read(dir, "fuzz.txt"))
	e.Alone = alone.FindAllStringSubmatch(read(dir, "alone.txt"), -1)
	t := template.Must(template.ParseFS(page, "evidence.md.tmpl"))
	if err := t.Execute(os.Stdout, e); err != nil {
		log.Fatal(err)
	}
}

func read(dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}

// evidence is what the page shows.
type evidence struct {
	Date, Machine           string
	For, FuzzTime           string // how long the generator and each fuzz target ran
	Passed, Failed, Skipped int
	Proof                   []string // the figures of the tests against MOR's servers
	Rules                   []string // rows: a rule, and the cases that notice its absence
	Faults                  []fault
	Fuzz                    []fuzz
	Alone                   [][]string // benchmarks of the handler by itself: name, ns, bytes, allocations
	Bench                   string
}

// fault is a test of the whole gateway, and how many cases it has.
type fault struct {
	Name, What, Result string
	Cases              int
}

type fuzz struct{ Package, Target, Inputs, Result string }

var (
	logged = regexp.MustCompile(`^ +\S+_test\.go:\d+: (.*)\n$`)
	figure = regexp.MustCompile(`^(\w[^:|]*: )?(corpus|emulation|generated|clients|control|mutants|names|seed|doors|sanitizer)\b.*\d`)
	caught = regexp.MustCompile(`^ *(\d+) \| +(\d+) \| +(\d+) \| (.*?)(, such as .*)?$`)
)

func (e *evidence) readTests(text string) {
	docs := testDocs("e2e")
	faults := make(map[string]*fault)
	for line := range strings.Lines(text) {
		var event struct{ Action, Package, Test, Output string }
		if json.Unmarshal([]byte(line), &event) != nil || event.Test == "" {
			continue
		}
		test, _, isCase := strings.Cut(event.Test, "/")
		pkg := event.Package[strings.LastIndexByte(event.Package, '/')+1:]
		switch event.Action {
		case "output":
			m := logged.FindStringSubmatch(event.Output)
			if m == nil || pkg != "proof" {
				continue
			}
			if row := caught.FindStringSubmatch(m[1]); row != nil {
				e.Rules = append(e.Rules, fmt.Sprintf("| %s | %s | %s | %s |", strings.TrimSpace(row[4]), row[1], row[2], row[3]))
			} else if figure.MatchString(m[1]) {
				e.Proof = append(e.Proof, "| `"+event.Test+"` | "+m[1]+" |")
			}
		case "pass", "fail", "skip":
			switch event.Action {
			case "pass":
				e.Passed++
			case "fail":
				e.Failed++
			default:
				e.Skipped++
			}
			if pkg != "e2e" {
				continue
			}
			f := faults[test]
			if f == nil {
				f = &fault{Name: test, What: docs[test]}
				faults[test] = f
			}
			if isCase {
				f.Cases++
			} else {
				f.Result = event.Action
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		faults[name].Cases = max(1, faults[name].Cases)
		e.Faults = append(e.Faults, *faults[name])
	}
}

// testDocs returns the first sentence of each test's comment in a package.
func testDocs(dir string) map[string]string {
	docs := make(map[string]string)
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		log.Fatalf("no tests in %s: start it in the project's folder", dir)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			log.Fatal(err)
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") {
				docs[fn.Name.Name] = new(doc.Package).Synopsis(fn.Doc.Text())
			}
		}
	}
	return docs
}

var inputs = regexp.MustCompile(`execs: (\d+)`)

// readFuzz reads lines "package target", each before what go test said of it.
func (e *evidence) readFuzz(text string) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if fields := strings.Fields(line); len(fields) == 2 && strings.HasPrefix(fields[1], "Fuzz") {
			e.Fuzz = append(e.Fuzz, fuzz{Package: fields[0], Target: fields[1], Result: "found something"})
			continue
		}
		if len(e.Fuzz) == 0 {
			continue
		}
		last := &e.Fuzz[len(e.Fuzz)-1]
		if m := inputs.FindStringSubmatch(line); m != nil {
			last.Inputs = m[1]
		}
		switch {
		case strings.HasPrefix(line, "ok "):
			last.Result = "clean"
		case strings.TrimSpace(line) == "context deadline exceeded":
			last.Result = "no failing input; Go took the end of the time for a failure"
		case strings.Contains(line, "Failing input written"):
			last.Result = "found something"
		}
	}
}

// alone matches a line of go test -bench.
var alone = regexp.MustCompile(`(?m)^BenchmarkServeHTTP/(\S+?)(?:-\d+)?\s+\d+\s+(\S+) ns/op\s+(\d+) B/op\s+(\d+) allocs/op$`)

// machine returns what the run was made on and with.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, after, _ := strings.Cut(string(text), "model name")
	model, _, _ := strings.Cut(after, "\n")
	parts := []string{fmt.Sprintf("%s, %d cores", cmp.Or(strings.Trim(model, " \t:"), runtime.GOARCH), runtime.NumCPU()), runtime.Version()}
	for _, command := range [][]string{
		{"go", "list", "-m", "-f", "Caddy {{.Version}}", "github.com/caddyserver/caddy/v2"},
		{"ruby", "-e", `puts "Ruby #{RUBY_VERSION}"`},
		{"ruby", "-e", `require "rails"; puts "Rails #{Rails.version}"`},
		{"puma", "--version"},
		{"passenger", "--version"},
		{"apache2", "-v"},
	} {
		out, err := exec.Command(command[0], command[1:]...).Output() //nolint:gosec // the list above
		if line, _, _ := strings.Cut(string(out), "\n"); err == nil {
			parts = append(parts, strings.TrimPrefix(line, "Server version: "))
		}
	}
	return strings.Join(parts, "; ")
}
