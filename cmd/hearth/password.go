package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"hearth/httpapi"
)

type passwordCmd struct {
	Data   string `help:"Folder for the ledger and settings." default:"${data}" type:"path" placeholder:"DIR"`
	Stdin  bool   `help:"Read the password from the first line of standard input."`
	Remove bool   `help:"Remove the password: the page is then served to this computer only."`
	Token  string `help:"Make a token of this name for a program instead, and print it once." placeholder:"NAME"`
	Scope  string `help:"What the token may do: read the home, control it, or infer: ask its models and see nothing of it." enum:"read,control,infer" default:"control"`
	Revoke string `help:"Revoke the token of this name." placeholder:"NAME"`
	Port   string `help:"Port of the page, for the addresses printed." default:"8420" placeholder:"PORT"`
}

// Run sets or removes the password, or makes or revokes a token. A running
// home takes the change up by itself.
func (c *passwordCmd) Run(p *program) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	auth, err := httpapi.OpenAuth(c.Data)
	if err != nil {
		return err
	}
	switch {
	case c.Remove:
		if err := auth.RemovePassword(); err != nil {
			return err
		}
		fmt.Fprintln(p.out, "The password is removed. The page is served to this computer only.")
		return nil
	case c.Revoke != "":
		if err := auth.RevokeToken(c.Revoke); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "The token %q is revoked.\n", c.Revoke)
		return nil
	case c.Token != "":
		secret, err := auth.AddToken(c.Token, httpapi.Scope(c.Scope), time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintln(p.out, secret)
		fmt.Fprintln(p.err, "Keep it in a file readable by you alone: it is not shown again.")
		return nil
	}
	password, err := c.read(p)
	if err != nil {
		return err
	}
	if err := auth.SetPassword(password); err != nil {
		return coded(exitUsage, err)
	}
	cert, err := httpapi.Certificate(c.Data, certificateHosts())
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The password is set. A running home opens its page to the local network within seconds, at:")
	addrs := lanAddresses()
	for _, a := range addrs {
		fmt.Fprintf(p.out, "  https://%s\n", net.JoinHostPort(a, c.Port))
	}
	if len(addrs) == 0 {
		fmt.Fprintln(p.out, "  (this computer has no address on a local network now)")
	}
	fmt.Fprintln(p.out, "The browser will warn, because the certificate is the home's own. It is the right one if its SHA-256 fingerprint is:")
	fmt.Fprintln(p.out, "  "+httpapi.Fingerprint(cert))
	return nil
}

// read asks for the password twice on a terminal, or takes a line of input.
func (c *passwordCmd) read(p *program) (string, error) {
	f, ok := p.in.(*os.File)
	if c.Stdin || !ok || !term.IsTerminal(int(f.Fd())) {
		if !c.Stdin {
			return "", coded(exitUsage, errors.New("there is no terminal to ask on: give the password with --stdin"))
		}
		line, err := bufio.NewReader(io.LimitReader(p.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(p.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.err)
		return string(b), err
	}
	first, err := ask("New password: ")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	second, err := ask("Once more: ")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if first != second {
		return "", coded(exitUsage, errors.New("the two are not the same: nothing was changed"))
	}
	return first, nil
}
