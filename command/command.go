// Package command provides the Caddy subcommands mor-hash, mor-check and
// mor-report.
package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
)

// The exit statuses of the commands.
const (
	exitOK      = 0
	exitUsage   = 2 // wrong usage or configuration
	exitRefused = 3
)

// keyVariable is the environment variable with the API Secret Key.
const keyVariable = "MOR_API_SECRET_KEY"

// maxKeyFile is the largest file with a key, in bytes.
const maxKeyFile = 64 << 10

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "mor-hash",
		Usage:     "--did-id <id> [--secret-file <file>|-] [--url <base> --user <name> [--set <name>=<value>]...]",
		Short:     "Makes the hash for a did_details_update request",
		Long:      hashHelp,
		CobraFunc: hashCommand,
	})
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "mor-check",
		Usage:     "[--config <Caddyfile> [--site <address>] | --secret-file <file>|-] <URL> | --request <file>|-",
		Short:     "Says what the MOR gateway would answer to a request, and why",
		Long:      checkHelp,
		CobraFunc: checkCommand,
	})
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "mor-report",
		Usage:     "[--config <Caddyfile> [--site <address>] | --secret-file <file>|-] [--since <time>] [--until <time>] [--html <file>] [--json] <log>...|-",
		Short:     "Says what the MOR gateway would have done with the requests in a log",
		Long:      reportHelp,
		CobraFunc: reportCommand,
	})
}

// runE makes run, which returns an exit status, the function of cmd. It prints
// an error as one line, and keeps cobra from printing it again.
func runE(cmd *cobra.Command, run func(args []string) (status int, err error)) {
	cmd.SilenceErrors = true
	cmd.SilenceUsage = true
	cmd.Args = cobra.ArbitraryArgs
	end := func(status int, err error) error {
		if err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", cmd.Name(), err)
		}
		// Caddy's Main takes the status only from an error of its own kind.
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, nil })(cmd, nil)
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return end(exitUsage, fmt.Errorf("%w; see caddy help %s", err, cmd.Name()))
	})
	cmd.RunE = func(_ *cobra.Command, args []string) error { return end(run(args)) }
}

// readKey reads the API Secret Key from a file, from standard input ("-"), or
// from the environment. It strips the white space that MOR would not have
// stored, and says so.
func readKey(cmd *cobra.Command, file string) (string, error) {
	var raw []byte
	var err error
	from := file
	switch file {
	case "":
		from = keyVariable
		raw = []byte(os.Getenv(keyVariable))
		if len(raw) == 0 {
			return "", errors.New("no key: give --secret-file, or set " + keyVariable)
		}
	case "-":
		from = "standard input"
		raw, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxKeyFile))
	default:
		raw, err = readFile(file, maxKeyFile)
	}
	if err != nil {
		return "", fmt.Errorf("the key cannot be read: %w", err)
	}
	key, err := caddymodule.ParseKey(string(raw))
	if err != nil {
		return "", fmt.Errorf("%s %w", from, err)
	}
	switch key {
	case string(raw):
	case strings.TrimRight(string(raw), "\r\n"):
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s: the newline after the key was stripped\n", cmd.Name(), from)
	default:
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s: the white space around the key was stripped, as MOR does\n", cmd.Name(), from)
	}
	if doubt := caddymodule.KeyDoubt(key); doubt != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s %s\n", cmd.Name(), from, doubt)
	}
	return key, nil
}

// readFile reads at most limit bytes of a file.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(io.LimitReader(f, limit))
	return b.Bytes(), err
}
