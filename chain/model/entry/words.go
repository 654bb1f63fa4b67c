package entry

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of what a registration says of a model.
const (
	MaxName    = 64
	MaxLicence = 128
	MaxSources = 8
	MaxSource  = 256
	MaxReason  = 200
)

// CheckName says what is wrong with the name of a model: letters, digits and
// the marks - . _ / of ASCII.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("the name has %d characters: it must have 1 to %d", len(name), MaxName)
	}
	for _, r := range name {
		if !letter(r) && !strings.ContainsRune("-._/", r) {
			return fmt.Errorf("the name has the character %q: choose letters, digits, hyphens, dots, underscores and slashes", r)
		}
	}
	return nil
}

func letter(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// CheckReason says what is wrong with a reason that people will read.
func CheckReason(reason string) error {
	if len(reason) > MaxReason {
		return fmt.Errorf("the reason has %d bytes: at most %d are kept", len(reason), MaxReason)
	}
	for _, r := range reason {
		if r < ' ' || r == 0x7F || r == '\uFFFD' {
			return errors.New("the reason has a character that cannot be shown")
		}
	}
	return nil
}

// CheckSources says what is wrong with the addresses that weights are fetched
// from: http or https addresses of folders, without user, query or fragment. It
// reads them itself, since libraries change their minds about what an address
// is and a chain must not.
func CheckSources(sources []string) error {
	if len(sources) > MaxSources {
		return fmt.Errorf("%d sources are given: at most %d are kept", len(sources), MaxSources)
	}
	for i, s := range sources {
		if len(s) > MaxSource {
			return fmt.Errorf("source %d has %d bytes: at most %d are kept", i+1, len(s), MaxSource)
		}
		rest, ok := strings.CutPrefix(s, "https://")
		if !ok {
			rest, ok = strings.CutPrefix(s, "http://")
		}
		if !ok || rest == "" || rest[0] == '/' {
			return fmt.Errorf("source %d is not an http or https address", i+1)
		}
		for _, r := range rest {
			if !letter(r) && !strings.ContainsRune("-._~/:%[]+", r) {
				return fmt.Errorf("source %d has the character %q: give the plain address of a folder", i+1, r)
			}
		}
	}
	return nil
}

// CheckLicence says what is wrong with a licence, which must be an expression
// of SPDX (version 2.3, annex D): identifiers joined by AND, OR and WITH, with
// parentheses. Which identifiers there are it does not know.
func CheckLicence(s string) error {
	if s == "" || len(s) > MaxLicence {
		return fmt.Errorf("the licence has %d bytes: it must be an SPDX expression of 1 to %d", len(s), MaxLicence)
	}
	p := licence{words: strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s))}
	if err := p.any(); err != nil {
		return fmt.Errorf("the licence %q is no SPDX expression: %w", s, err)
	}
	if len(p.words) > 0 {
		return fmt.Errorf("the licence %q is no SPDX expression: %q is left over", s, p.words[0])
	}
	return nil
}

// licence reads an expression word by word. Its depth is bounded by its length.
type licence struct{ words []string }

func (p *licence) take(word string) bool {
	if len(p.words) > 0 && p.words[0] == word {
		p.words = p.words[1:]
		return true
	}
	return false
}

// any reads expressions joined by AND and OR; which binds more does not matter
// for what is well formed.
func (p *licence) any() error {
	for {
		if err := p.one(); err != nil {
			return err
		}
		if !p.take("AND") && !p.take("OR") {
			return nil
		}
	}
}

func (p *licence) one() error {
	if p.take("(") {
		if err := p.any(); err != nil {
			return err
		}
		if !p.take(")") {
			return errors.New("a parenthesis is not closed")
		}
		return nil
	}
	if err := p.identifier(true); err != nil {
		return err
	}
	if p.take("WITH") {
		return p.identifier(false)
	}
	return nil
}

// identifier reads the name of a licence, which may end in a plus, or of an
// exception.
func (p *licence) identifier(plus bool) error {
	if len(p.words) == 0 {
		return errors.New("an identifier is missing")
	}
	w := p.words[0]
	p.words = p.words[1:]
	name := w
	if plus {
		name = strings.TrimSuffix(w, "+")
	}
	if name == "" || name == "AND" || name == "OR" || name == "WITH" {
		return fmt.Errorf("%q stands where an identifier must", w)
	}
	for _, r := range name {
		if !letter(r) && r != '-' && r != '.' {
			return fmt.Errorf("%q is no identifier", w)
		}
	}
	return nil
}
