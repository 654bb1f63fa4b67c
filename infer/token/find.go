package token

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// finder returns the first and one past the last byte of every match in a
// text, from left to right.
type finder func(text string) ([][2]int, error)

// literal finds a text as it is.
func literal(want string) finder {
	return func(text string) (found [][2]int, err error) {
		for at := 0; ; {
			i := strings.Index(text[at:], want)
			if i < 0 {
				return found, nil
			}
			found = append(found, [2]int{at + i, at + i + len(want)})
			at += i + len(want)
		}
	}
}

// patience is how long the search for one match may take. The patterns in use
// need microseconds; the bound keeps a hostile one from running forever, and
// when it is reached there is an error, never another result. It is time, and
// not a count of steps, which would be the same on every machine, because the
// engine counts none; and the form of a pattern does not tell either: one
// repetition without end, which all patterns in use have, is enough for a
// search that grows with the square of a text ([^a]+a where there is no a).
const patience = 2 * time.Second

// compile makes a finder of a regular expression. Tokenizers' patterns are
// made for Oniguruma; what that reads in another way than this engine is
// refused.
func compile(expr string) (finder, error) {
	if len(expr) > 1<<14 {
		return nil, fmt.Errorf("a pattern of %d bytes is over the limit of %d", len(expr), 1<<14)
	}
	if err := checkClasses(expr); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", expr, err)
	}
	re, err := regexp2.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", expr, err)
	}
	re.MatchTimeout = patience
	return func(text string) ([][2]int, error) {
		pairs, err := re.FindAllStringIndex(text, -1)
		if err != nil {
			return nil, fmt.Errorf("pattern %q on %d bytes: %w", expr, len(text), err)
		}
		found := make([][2]int, 0, len(pairs))
		for _, p := range pairs {
			if p[1] > p[0] {
				found = append(found, [2]int{p[0], p[1]})
			}
		}
		return found, nil
	}, nil
}

// checkClasses refuses classes in classes, their intersections and possessive
// repetition, which the engine would take for something else.
func checkClasses(expr string) error {
	class, previous := false, byte(0)
	for i := 0; i < len(expr); i++ {
		c := expr[i]
		switch {
		case c == '\\':
			i++
			previous = 0
			continue
		case class && c == '[':
			return errors.New("a class within a class is not supported")
		case class && c == '&' && previous == '&':
			return errors.New("an intersection of classes is not supported")
		case class && c == ']':
			class = false
		case !class && c == '[':
			class = true
			if i+1 < len(expr) && expr[i+1] == '^' {
				i++
			}
			if i+1 < len(expr) && expr[i+1] == ']' { // stands for itself
				i++
			}
		case !class && c == '+' && (previous == '+' || previous == '*' || previous == '?'):
			return errors.New("possessive repetition is not supported")
		}
		previous = c
	}
	return nil
}
