package command

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

type hashOptions struct {
	didID, secretFile string
	url, user         string
	set               []string
}

func hashCommand(cmd *cobra.Command) {
	var o hashOptions
	f := cmd.Flags()
	f.StringVar(&o.didID, "did-id", "", "Id of the DID")
	f.StringVar(&o.secretFile, "secret-file", "", "File with the API Secret Key, or - for standard input (default: the variable "+keyVariable+")")
	f.StringVar(&o.url, "url", "", "Print a curl command for the MOR at this address, such as https://mor.example/billing")
	f.StringVar(&o.user, "user", "", "Username, with --url")
	f.StringArrayVar(&o.set, "set", nil, "A further parameter as name=value, with --url; repeatable")
	runE(cmd, func(args []string) (int, error) {
		if len(args) > 0 {
			return exitUsage, errors.New("unexpected argument; use flags such as --did-id 6511, and never put the key on the command line; see caddy help mor-hash")
		}
		if err := o.run(cmd); err != nil {
			return exitUsage, err
		}
		return exitOK, nil
	})
}

func (o *hashOptions) run(cmd *cobra.Command) error {
	switch {
	case o.didID == "":
		return errors.New("--did-id is missing; see caddy help mor-hash")
	case strings.Trim(o.didID, "0123456789") != "" || strings.Trim(o.didID, "0") == "":
		return errors.New("--did-id is not a positive decimal integer; give the id that MOR gave the DID, not its phone number")
	case o.url == "" && (o.user != "" || len(o.set) > 0):
		return errors.New("--user and --set need --url")
	}
	var address string
	var params [][2]string
	if o.url != "" {
		var err error
		if address, err = actionAddress(o.url); err != nil {
			return err
		}
		if params, err = o.params(); err != nil {
			return err
		}
	}
	key, err := readKey(cmd, o.secretFile)
	if err != nil {
		return err
	}
	hash := string(validation.AppendHash(nil, []byte(o.didID), key))
	out := cmd.OutOrStdout()
	if address == "" {
		_, err = fmt.Fprintln(out, hash)
		return err
	}
	command := "curl " + shellQuote(address)
	for _, p := range append(params, [2]string{"hash", hash}) {
		command += " --data-urlencode " + shellQuote(p[0]+"="+p[1])
	}
	_, err = fmt.Fprintln(out, command)
	return err
}

// paramName matches names that every shell, curl and MOR read alike.
var paramName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// params returns the parameters of the request, but for its hash.
func (o *hashOptions) params() ([][2]string, error) {
	if strings.TrimSpace(o.user) == "" {
		return nil, errors.New("--url needs --user")
	}
	params := [][2]string{{"u", o.user}, {"did_id", o.didID}}
	seen := map[string]bool{"u": true, "did_id": true, "hash": true}
	for _, s := range o.set {
		name, val, ok := strings.Cut(s, "=")
		switch {
		case !ok || !paramName.MatchString(name):
			return nil, errors.New("--set needs name=value, with a name of letters, digits and _")
		case seen[name]:
			return nil, fmt.Errorf("--set: %s is already given", name)
		}
		seen[name] = true
		params = append(params, [2]string{name, val})
	}
	return params, nil
}

// actionAddress returns the address of the method at the MOR with the address
// base. It returns base itself if that is the method's address already.
func actionAddress(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("--url needs an address such as https://mor.example/billing")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("--url needs an address without a password, a query or a fragment")
	}
	if validation.IsAction(u.Path, "") {
		return u.String(), nil
	}
	return u.JoinPath("api", validation.Action).String(), nil
}

// shellQuote quotes an argument for a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
