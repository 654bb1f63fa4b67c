package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"hearth/httpapi"
	"hearth/openai"
)

type keyCmd struct {
	Add    keyAddCmd    `cmd:"" help:"Make a key for a program, and print it once."`
	List   keyListCmd   `cmd:"" help:"List keys."`
	Remove keyRemoveCmd `cmd:"" help:"End a key."`
}

// keysAt says which file.
type keysAt struct {
	KeyFile string `help:"File of keys; readable by you alone, with nothing in it that could be used as a key." type:"path" placeholder:"FILE" required:""`
}

func (a keysAt) open() (*openai.Keys, error) {
	k, err := openai.OpenKeys(a.KeyFile)
	return k, coded(exitUsage, err)
}

type keyAddCmd struct {
	keysAt    `embed:""`
	Name      string `arg:"" help:"What the key is for, such as \"notebook\"."`
	PerMinute int    `help:"Most requests in a minute; 0 is the server's limit."`
	AtATime   int    `help:"Most requests at a time; 0 is the server's limit."`
}

// Run makes a key. A running server takes it up by itself.
func (c *keyAddCmd) Run(p *program) error {
	k, err := c.open()
	if err != nil {
		return err
	}
	secret, err := k.Add(openai.Key{Name: c.Name, Created: time.Now().UTC().Round(time.Second), PerMinute: c.PerMinute, AtATime: c.AtATime})
	if err != nil {
		return coded(exitUsage, err)
	}
	fmt.Fprintln(p.out, secret)
	fmt.Fprintln(p.err, "Keep it where only the program can read it: it is not shown again.")
	return nil
}

type keyListCmd struct {
	keysAt `embed:""`
	JSON   bool `help:"Print JSON."`
}

// Run lists keys.
func (c *keyListCmd) Run(p *program) error {
	k, err := c.open()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, k.List())
	}
	rows := [][]string{{"name", "since", "a minute", "at a time"}}
	limit := func(n int) string {
		if n == 0 {
			return "as the server has it"
		}
		return fmt.Sprint(n)
	}
	for _, key := range k.List() {
		rows = append(rows, []string{oneLine(key.Name), key.Created.Format(time.DateOnly), limit(key.PerMinute), limit(key.AtATime)})
	}
	table(p.out, rows)
	return nil
}

type keyRemoveCmd struct {
	keysAt `embed:""`
	Name   string `arg:"" help:"The key's name."`
}

// Run removes a key.
func (c *keyRemoveCmd) Run(p *program) error {
	k, err := c.open()
	if err != nil {
		return err
	}
	if err := k.Remove(c.Name); err != nil {
		return coded(exitUsage, err)
	}
	fmt.Fprintf(p.out, "The key %q is removed.\n", c.Name)
	return nil
}

// certificate is TLS for an address that others reach; on loopback there is
// none.
func (c *serveCmd) certificate(l net.Listener) (*tls.Config, string, error) {
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok || a.IP.IsLoopback() {
		return nil, "", nil
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the data folder: %w", err)
	}
	cert, err := httpapi.Certificate(c.Data, certificateHosts())
	if err != nil {
		return nil, "", errors.Join(errors.New("other computers are served over TLS, which needs a certificate"), err)
	}
	return tlsConfig(cert), httpapi.Fingerprint(cert), nil
}
