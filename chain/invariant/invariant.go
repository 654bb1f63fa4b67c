// Package invariant is what must hold of the chain's state after every block.
//
// Each module states its own: that the coins it holds are those it owes, that
// nothing is credited twice. Simulations and test networks look after every
// block, an operator whenever asked to; a real chain never stops for one, for
// whoever could break an invariant could then stop the chain as well.
package invariant

import (
	"context"
	"errors"
	"fmt"
)

// Invariant is a statement about the state and the check of it. The check only
// reads; its error says what was found and what was expected.
type Invariant struct {
	Name  string
	Check func(context.Context) error
}

// Check looks at all invariants and returns what is broken, each with its name.
func Check(ctx context.Context, all ...Invariant) error {
	var broken []error
	for _, i := range all {
		if err := i.Check(ctx); err != nil {
			broken = append(broken, fmt.Errorf("%s: %w", i.Name, err))
		}
	}
	return errors.Join(broken...)
}
