package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/mor-gateway/caddy-mor-gateway/command/traffic"
	"github.com/mor-gateway/caddy-mor-gateway/command/weblog"
)

// Go collects the garbage of a report seldom, and at once when it takes so much
// memory, in bytes.
const (
	reportGC     = 400
	reportMemory = 64 << 20
)

type reportOptions struct {
	gatewayOptions
	since, until string
	html         string
	json         bool
}

func reportCommand(cmd *cobra.Command) {
	var o reportOptions
	o.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "", "Leave out older requests; a day, or a time with or without a zone")
	f.StringVar(&o.until, "until", "", "Leave out newer requests; if it is a day, that day is included")
	f.StringVar(&o.html, "html", "", "Also write the report to this file, as an HTML page")
	f.BoolVar(&o.json, "json", false, "Print JSON")
	runE(cmd, func(args []string) (int, error) {
		if err := o.run(cmd, args); err != nil {
			return exitUsage, err
		}
		return exitOK, nil
	})
}

func (o *reportOptions) run(cmd *cobra.Command, names []string) error {
	if len(names) == 0 {
		return errors.New("give a log, or - for standard input; see caddy help mor-report")
	}
	if o.secretFile == "-" && slices.Contains(names, "-") {
		return errors.New("only one of the logs and --secret-file can come from standard input")
	}
	since, until, err := o.period()
	if err != nil {
		return err
	}
	h, policy, err := o.gateway(cmd)
	if err != nil {
		return err
	}
	logs, size, err := openLogs(cmd, names)
	if err != nil {
		return err
	}
	var page *os.File
	if o.html != "" {
		if page, err = createPage(o.html); err != nil {
			return err
		}
		defer page.Close()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(reportGC))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(reportMemory))
	c := traffic.New(policy)
	c.Since, c.Until = since, until
	progress := newProgress(cmd.ErrOrStderr(), size)
	for i, log := range logs {
		name := names[i]
		if name == "-" {
			name = "standard input"
		}
		err := c.Read(name, io.TeeReader(log, progress))
		_ = log.Close()
		if err != nil {
			_ = progress.Clear()
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_ = progress.Clear()
	rep := c.Report(h)
	if page != nil {
		if err := errors.Join(page.Truncate(0), rep.WriteHTML(page)); err != nil {
			return fmt.Errorf("the page cannot be written: %w", err)
		}
	}
	out := cmd.OutOrStdout()
	if o.json {
		return rep.WriteJSON(out)
	}
	return rep.WriteText(out, isTerminal(out) && os.Getenv("NO_COLOR") == "")
}

// period returns the bounds that were asked for.
func (o *reportOptions) period() (since, until time.Time, err error) {
	if since, _, err = parseBound("--since", o.since); err != nil {
		return since, until, err
	}
	until, isDay, err := parseBound("--until", o.until)
	if isDay {
		until = until.AddDate(0, 0, 1)
	}
	return since, until, err
}

// parseBound reads a day or a time.
func parseBound(flag, s string) (t time.Time, isDay bool, err error) {
	if s == "" {
		return t, false, nil
	}
	if t, err = time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t, true, nil
	}
	if t, err = time.ParseInLocation("2006-01-02 15:04", s, time.Local); err == nil {
		return t, false, nil
	}
	t, ok := weblog.ParseTime(s)
	if !ok {
		return t, false, fmt.Errorf("%s: write a day such as 2026-11-30, or a time such as \"2026-11-30 14:00\" or 2026-11-30T14:00:00Z", flag)
	}
	return t, false, nil
}

// openLogs opens all logs before one is read, so that a wrong name costs no
// time, and returns their size in bytes, -1 if it is not known.
func openLogs(cmd *cobra.Command, names []string) (logs []io.ReadCloser, size int64, err error) {
	for _, name := range names {
		if name == "-" {
			logs = append(logs, io.NopCloser(cmd.InOrStdin()))
			size = -1
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, fmt.Errorf("a log cannot be read: %w", err)
		}
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a directory", name)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("a log cannot be read: %w", err)
		}
		if !info.Mode().IsRegular() {
			size = -1
		}
		if size >= 0 {
			size += info.Size()
		}
		logs = append(logs, f)
	}
	return logs, size, nil
}

// newProgress returns a bar that counts what is written to it, on a terminal.
func newProgress(w io.Writer, size int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(isTerminal(w)),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionFullWidth(),
	)
}

// createPage creates the file of a page. It does not overwrite what is none: a
// log may have been named in its place.
func createPage(name string) (*os.File, error) {
	const doctype = "<!DOCTYPE html>"
	old, err := readFile(name, int64(len(doctype)))
	if err == nil && len(old) > 0 && string(old) != doctype {
		return nil, fmt.Errorf("--html: %s exists and is not an HTML page; give another name, or remove it", name)
	}
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
