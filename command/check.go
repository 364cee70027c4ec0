package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// maxInput is the largest request or body that mor-check reads, in bytes.
const maxInput = caddymodule.MaxMaxBody + 64<<10

type checkOptions struct {
	gatewayOptions
	request                   string
	method, data, contentType string
	json, showExpected        bool
}

func checkCommand(cmd *cobra.Command) {
	var o checkOptions
	f := cmd.Flags()
	o.addTo(cmd)
	f.StringVar(&o.request, "request", "", "File with a whole HTTP/1.1 request, or - for standard input, instead of a URL")
	f.StringVar(&o.method, "method", http.MethodPost, "Method of the request")
	f.StringVar(&o.data, "data", "", "Body of the request; @file reads it from a file, @- from standard input")
	f.StringVar(&o.contentType, "content-type", "", "Type of the body (default with --data: application/x-www-form-urlencoded)")
	f.BoolVar(&o.json, "json", false, "Print JSON")
	f.BoolVar(&o.showExpected, "show-expected", false, "Print the right hash too: anyone who has it can send the request")
	runE(cmd, func(args []string) (int, error) { return o.run(cmd, args) })
}

func (o *checkOptions) run(cmd *cobra.Command, args []string) (int, error) {
	raw, err := o.rawRequest(cmd, args)
	if err != nil {
		return exitUsage, err
	}
	h, policy, err := o.gateway(cmd)
	if err != nil {
		return exitUsage, err
	}
	rep := check(policy, raw)
	rep.Mode, rep.Version = cmp.Or(h.Mode, caddymodule.ModeEnforce), caddymodule.Version()
	rep.note(raw)
	if o.request == "" && o.data == "" && rep.lacksHash() && onlyOneParameter(args[0]) {
		rep.Notes = append(rep.Notes, "quote the URL: the shell ends a command at &")
	}
	if o.showExpected && rep.gives(validation.DidID) {
		rep.Expected = policy.Expected(rep.outcome.Request)
	}
	out := cmd.OutOrStdout()
	if o.json {
		err = rep.writeJSON(out)
	} else {
		err = rep.writeText(out, isTerminal(out) && os.Getenv("NO_COLOR") == "")
	}
	if err != nil {
		return exitUsage, err
	}
	if rep.outcome.Status != 0 || rep.Action && !rep.Accepted {
		return exitRefused, nil
	}
	return exitOK, nil
}

// rawRequest returns the bytes of the request that the arguments describe.
func (o *checkOptions) rawRequest(cmd *cobra.Command, args []string) ([]byte, error) {
	fromStdin := 0
	for _, from := range []bool{o.request == "-", o.data == "@-", o.secretFile == "-"} {
		if from {
			fromStdin++
		}
	}
	flags := cmd.Flags()
	switch {
	case fromStdin > 1:
		return nil, errors.New("only one of --request, --data and --secret-file can come from standard input")
	case o.request == "" && len(args) != 1:
		return nil, errors.New("give one URL, or --request; see caddy help mor-check")
	case o.request != "" && (len(args) != 0 || flags.Changed("method") || flags.Changed("data") || flags.Changed("content-type")):
		return nil, errors.New("--request is a whole request: leave out the URL, --method, --data and --content-type")
	case o.request != "":
		raw, err := readInput(cmd, o.request)
		if err != nil {
			return nil, fmt.Errorf("the request cannot be read: %w", err)
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			return nil, errors.New("the request is empty")
		}
		return raw, nil
	}
	body := []byte(o.data)
	if name, ok := strings.CutPrefix(o.data, "@"); ok {
		var err error
		if body, err = readInput(cmd, name); err != nil {
			return nil, fmt.Errorf("the body cannot be read: %w", err)
		}
	}
	if flags.Changed("data") && !flags.Changed("content-type") {
		o.contentType = "application/x-www-form-urlencoded" // as curl
	}
	return writeRequest(args[0], o.method, o.contentType, body)
}

func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	var input []byte
	var err error
	if name == "-" {
		input, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxInput+1))
	} else {
		input, err = readFile(name, maxInput+1)
	}
	if err == nil && len(input) > maxInput {
		err = errors.New("it is too large")
	}
	return input, err
}

// onlyOneParameter reports whether the address has only one parameter, as if a
// shell had cut it at the first &.
func onlyOneParameter(address string) bool {
	_, query, _ := strings.Cut(address, "?")
	return query != "" && !strings.Contains(query, "&")
}

// isTerminal reports whether the output is one.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
