package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"hearth/chain/keys"
	"hearth/chain/wire"
)

type mineKeysCmd struct {
	Make  mineKeysMakeCmd  `cmd:"" help:"Make hot keys, which this computer mines with, for an owner whose cold key stays elsewhere."`
	Show  mineKeysShowCmd  `cmd:"" help:"Say whose keys are here. Nothing secret is shown."`
	Owner mineKeysOwnerCmd `cmd:"" help:"Make an owner's cold key and show its words once, or tell the address of words that you have."`
}

type mineKeysMakeCmd struct {
	keysFrom `embed:""`
	Data     string `help:"Folder for everything Hearth keeps." default:"${data}" type:"path" placeholder:"DIR"`
	Owner    string `help:"Address of the cold key, which is to own what is earned (\"hearth mine keys owner\")." required:"" placeholder:"ADDRESS"`
	JSON     bool   `help:"Print JSON."`
}

// Run makes hot keys.
func (c *mineKeysMakeCmd) Run(p *program) error {
	owner, err := wire.ParseAddress(c.Owner)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("--owner: %w", err))
	}
	name := c.file(c.Data)
	if _, err := os.Lstat(name); err == nil {
		return coded(exitUsage, fmt.Errorf("%s is there already: move it away if its keys are not needed, or give --keys FILE", name))
	}
	l, err := c.lock(p, true)
	if err != nil {
		return err
	}
	h, err := keys.NewHot(rand.Reader, owner)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("make the folder for mining: %w", err)
	}
	if err := keys.Create(name, h, l); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, publicOf(h.Public()))
	}
	printPublic(p, h.Public())
	fmt.Fprintln(p.out, "The owner registers them with \"hearth mine register\".")
	return nil
}

// publicKeys is what may be known of keys, for programs.
type publicKeys struct {
	Owner    string `json:"owner"`
	Account  string `json:"hot_account"`
	Executor string `json:"executor"`
}

func publicOf(k keys.Public) publicKeys {
	return publicKeys{k.Owner.String(), k.Account.String(), fmt.Sprintf("%x", k.Executor)}
}

func printPublic(p *program, k keys.Public) {
	v := publicOf(k)
	table(p.out, [][]string{
		{"owner (cold)", v.Owner}, {"account (hot)", v.Account}, {"executor (hot)", v.Executor},
	})
}

type mineKeysShowCmd struct {
	keysFrom `embed:""`
	Data     string `help:"Folder for everything Hearth keeps." default:"${data}" type:"path" placeholder:"DIR"`
	JSON     bool   `help:"Print JSON."`
}

// Run tells whose keys are in a file, without opening them.
func (c *mineKeysShowCmd) Run(p *program) error {
	b, err := os.ReadFile(c.file(c.Data))
	if errors.Is(err, os.ErrNotExist) {
		return coded(exitUsage, fmt.Errorf("there are no keys in %s: make some with \"hearth mine keys make\"", c.file(c.Data)))
	}
	if err != nil {
		return err
	}
	public, err := keys.Inspect(b)
	if err != nil {
		return coded(exitUsage, err)
	}
	if c.JSON {
		return printJSON(p.out, publicOf(public))
	}
	printPublic(p, public)
	return nil
}

// coldWords says where the words of a cold key come from.
type coldWords struct {
	Words  string `help:"File with the words of the cold key, or \"-\" for standard input. They are read, used and forgotten." placeholder:"FILE"`
	Number uint32 `help:"Which account of the words."`
}

// read reads the words and makes the key.
func (w coldWords) read(p *program) (wire.Key, error) {
	in := p.in
	if w.Words != "-" {
		f, err := os.Open(w.Words)
		if err != nil {
			return wire.Key{}, coded(exitUsage, fmt.Errorf("read the words: %w", err))
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return wire.Key{}, fmt.Errorf("read the words: %w", err)
	}
	m, err := keys.ParseMnemonic(string(b))
	if err != nil {
		return wire.Key{}, coded(exitUsage, err)
	}
	return m.Key(w.Number, "")
}

type mineKeysOwnerCmd struct {
	coldWords `embed:""`
	JSON      bool `help:"Print JSON."`
}

// Run makes a cold key, or tells the address of one.
func (c *mineKeysOwnerCmd) Run(p *program) error {
	if c.Words != "" {
		key, err := c.read(p)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(p.out, map[string]string{"owner": key.Address().String()})
		}
		fmt.Fprintln(p.out, key.Address())
		return nil
	}
	m, err := keys.NewMnemonic(rand.Reader)
	if err != nil {
		return err
	}
	key, err := m.Key(c.Number, "")
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, map[string]any{"owner": key.Address().String(), "words": m.Words()})
	}
	fmt.Fprintln(p.err, "Write these words down on paper, in this order, and keep them where only you find them. Whoever has them has what is earned. They are not shown again, and kept nowhere.")
	for i, word := range m.Words() {
		fmt.Fprintf(p.out, "%2d %-10s", i+1, word)
		if i%4 == 3 {
			fmt.Fprintln(p.out)
		}
	}
	fmt.Fprintf(p.out, "Their address: %s\n", key.Address())
	return nil
}

// secret asks a person for a secret, twice if it is new.
func (p *program) secret(prompt string, fresh bool) (string, error) {
	f, ok := p.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", coded(exitUsage, errors.New("there is no terminal to ask on: give the passphrase with --passphrase FILE, or --key-file FILE"))
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(p.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.err)
		return string(b), err
	}
	first, err := ask(prompt)
	if err != nil || !fresh {
		return first, err
	}
	second, err := ask("Once more: ")
	if err == nil && first != second {
		err = coded(exitUsage, errors.New("the two are not the same: nothing was made"))
	}
	return first, err
}
