package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"hearth/ledger"
	"hearth/pool/agreement"
)

type poolStatementCmd struct {
	remote `embed:""`
	Party  string `arg:"" help:"A party of the agreement." placeholder:"PARTY"`
	Month  string `help:"The month, such as 2026-11." required:"" placeholder:"MONTH"`
	Format string `help:"text, csv, or json: signed, for the other party to check." enum:"text,csv,json" default:"text"`
	Out    string `help:"File to write; standard output without it." short:"o" type:"path" placeholder:"FILE"`
}

// Run writes a statement.
func (c *poolStatementCmd) Run(p *program) (err error) {
	if _, err := time.Parse("2006-01", c.Month); err != nil {
		return coded(exitUsage, fmt.Errorf("--month %q: write it as 2026-11", c.Month))
	}
	q := url.Values{"month": {c.Month}, "format": {c.Format}}
	res, err := c.open(p.ctx, http.MethodGet, "/api/v1/pool/statements/"+url.PathEscape(c.Party)+"?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	w := p.out
	if c.Out != "" {
		f, openErr := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if openErr != nil {
			return fmt.Errorf("write the statement: %w", openErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	if _, err := io.Copy(w, io.LimitReader(res.Body, maxAnswer)); err != nil {
		return fmt.Errorf("write the statement: %w", err)
	}
	return nil
}

// Limits of what is read from files of agreements.
const (
	maxAgreement = 1 << 20
	maxStatement = 16 << 20
)

type poolAgreementCmd struct {
	File string `arg:"" help:"The agreement." type:"path" placeholder:"FILE"`
	JSON bool   `help:"Print JSON."`
}

// Run says what an agreement means.
func (c *poolAgreementCmd) Run(p *program) error {
	text, err := readLimited(c.File, maxAgreement)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("read the agreement: %w", err))
	}
	a, err := agreement.Parse(text)
	if err == nil {
		_, err = zoneOfAgreement(a)
	}
	if c.JSON {
		out := map[string]any{"ok": err == nil}
		if err != nil {
			out["error"] = err.Error()
		} else {
			out["digest"], out["means"] = a.Digest().String(), a.Sentences()
		}
		if err := printJSON(p.out, out); err != nil {
			return err
		}
	}
	if err != nil {
		return coded(exitUsage, fmt.Errorf("%s: %w", c.File, err))
	}
	if c.JSON {
		return nil
	}
	fmt.Fprintf(p.out, "%s is good. This is what it means:\n\n", c.File)
	for _, s := range a.Sentences() {
		fmt.Fprintln(p.out, "  "+oneLine(s))
	}
	fmt.Fprintf(p.out, "\nIts digest, which the parties sign, is\n  %s\n", a.Digest())
	return nil
}

type poolVerifyCmd struct {
	Statement string `arg:"" help:"The statement, as signed JSON." type:"path" placeholder:"FILE"`
	Agreement string `help:"The agreement." type:"path" required:"" placeholder:"FILE"`
	Records   string `help:"The ledger, as \"hearth ledger export --format chain\" writes it." type:"path" required:"" placeholder:"FILE"`
	Key       string `help:"The ledger's public key, 64 hexadecimal digits, as \"hearth ledger head --key\" prints it in the home: not as the statement has it." required:"" placeholder:"KEY"`
	JSON      bool   `help:"Print JSON."`
}

// Run works a statement out again.
func (c *poolVerifyCmd) Run(p *program) error {
	key, err := hex.DecodeString(strings.TrimSpace(c.Key))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return coded(exitUsage, errors.New("--key: want the ledger's public key, 64 hexadecimal digits"))
	}
	statement, err := readLimited(c.Statement, maxStatement)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("read the statement: %w", err))
	}
	text, err := readLimited(c.Agreement, maxAgreement)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("read the agreement: %w", err))
	}
	a, err := agreement.Parse(text)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("%s: %w", c.Agreement, err))
	}
	zone, err := zoneOfAgreement(a)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("%s: %w", c.Agreement, err))
	}
	if _, err := os.Stat(c.Records); err != nil {
		return coded(exitUsage, fmt.Errorf("read the records: %w", err))
	}
	v, err := agreement.Verify(statement, text, func() iter.Seq2[ledger.Record, error] { return recordsIn(c.Records) }, key, zone)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(p.out, map[string]any{"ok": v.OK(), "checks": v.Checks})
	} else {
		_, err = fmt.Fprint(p.out, v.String())
	}
	if err != nil {
		return err
	}
	if !v.OK() {
		return coded(exitProblem, errors.New("the statement does not follow from the agreement and the records"))
	}
	return nil
}

// zoneOfAgreement loads the time zone that an agreement reckons its months in.
func zoneOfAgreement(a *agreement.Agreement) (*time.Location, error) {
	zone, err := time.LoadLocation(a.Zone)
	if err != nil {
		return nil, fmt.Errorf("time_zone %q is not known: write it as Europe/Oslo or America/Chicago", a.Zone)
	}
	return zone, nil
}

// recordsIn yields the records of an exported chain.
func recordsIn(path string) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(ledger.Record{}, fmt.Errorf("read the records: %w", err))
			return
		}
		defer func() { _ = f.Close() }()
		for r, err := range ledger.Read(bufio.NewReader(f)) {
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// readLimited reads a file that must not be larger than a limit.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("read %s: it has more than %d bytes", path, limit)
	}
	return b, err
}
