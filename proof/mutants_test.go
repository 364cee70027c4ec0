//go:build !mutant

package proof

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMutants runs TestEachMutant, which is in a gateway of its own: one that is built from validation's source with
// a switch at each statement that refuses a request. The product itself has none.
func TestMutants(t *testing.T) {
	needTools(t)
	cmd := exec.Command("go", "test", "-v", "-count=1", "-overlay", overlay(t), "-tags", "nobadger,nomysql,nopgx,mutant", "-run", "^TestEachMutant$", ".", "-proof.world="+*flagWorld)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, line, ok := strings.Cut(lines.Text(), "mutant_test.go:"); ok {
			_, line, _ = strings.Cut(line, ": ")
			t.Log(line)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// switches is what the gateway with the mutants has besides.
const switches = `package validation

import (
	"fmt"
	"sync/atomic"
)

var (
	off  atomic.Value
	skip atomic.Bool
)

// SwitchOff switches one rule off in the whole process: a Reason or a Verdict; nil switches all on again. What breaks
// the rule is skipped, or read as if it did not.
func SwitchOff(rule fmt.Stringer, skipped bool) {
	off.Store(fmt.Sprintf("%T %v", rule, rule))
	skip.Store(skipped)
}

func isOff(rule fmt.Stringer) bool { return off.Load() == fmt.Sprintf("%T %v", rule, rule) }

// Mutants returns every rule of the grammar and of the contract's table.
func Mutants() (rules []fmt.Stringer) {
	for r := NoReason + 1; r < numReasons; r++ {
		rules = append(rules, r)
	}
	for _, rule := range Rules() {
		rules = append(rules, rule.Verdict)
	}
	return rules
}
`

// overlay writes the source with the switches and returns the file that tells Go of it.
func overlay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source, err := filepath.Abs("../validation")
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	put := func(name, text string) {
		replace[filepath.Join(source, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("mutants.go", switches)
	files, err := filepath.Glob(filepath.Join(source, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mutable := strings.ReplaceAll(string(text), "if !rules[i].holds(p, r) {", "if !isOff(rules[i].Verdict) && !rules[i].holds(p, r) {")
		if mutable != string(text) {
			rules++
		}
		put(filepath.Base(file), mutate(t, mutable))
	}
	if rules != 1 {
		t.Fatal("the loop over the contract's table is not where it was: mend the mutants")
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// mutate puts a switch at each "return r.fail(OddX, ...)": it returns true, or is left out.
func mutate(t *testing.T, text string) string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	type insertion struct {
		at   int
		text string
	}
	var insertions []insertion
	insert := func(pos token.Pos, text string) {
		insertions = append(insertions, insertion{fset.Position(pos).Offset, text})
	}
	var around []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			around = around[:len(around)-1]
			return true
		}
		around = append(around, n)
		if n, ok := n.(*ast.ReturnStmt); ok && len(n.Results) > 0 {
			last := n.Results[len(n.Results)-1]
			before := text[fset.Position(n.Pos()).Offset:fset.Position(last.Pos()).Offset] // "return", and other results
			reason, ok := failure(last)
			if _, inIf := around[max(0, len(around)-3)].(*ast.IfStmt); ok && inIf {
				insert(n.Pos(), fmt.Sprintf("if isOff(%s) { if skip.Load() { %strue } } else { ", reason, before))
				insert(n.End(), " }")
			} else if ok {
				insert(n.Pos(), fmt.Sprintf("if isOff(%s) { %strue }; ", reason, before))
			}
		}
		return true
	})
	for _, in := range slices.Backward(insertions) {
		text = text[:in.at] + in.text + text[in.at:]
	}
	return text
}

// failure returns the reason for which a call fails.
func failure(x ast.Expr) (reason string, ok bool) {
	call, ok := x.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || method.Sel.Name != "fail" {
		return "", false
	}
	arg, ok := call.Args[0].(*ast.Ident)
	return arg.Name, ok && strings.HasPrefix(arg.Name, "Odd")
}
