package device

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Env is what a driver gets from the program besides its configuration.
type Env struct {
	// Name is the device's name in the configuration.
	Name string
	// Log takes what an operator may need; nothing that an outside party does
	// is an error there.
	Log *slog.Logger
	// Secret reads a secret by reference ("file:…"); drivers never see secrets
	// in their configuration.
	Secret func(ref string) (string, error)
	// Now stamps readings. In a simulated home it runs faster than life.
	Now func() time.Time
}

// Kind is a driver: its name, its configuration and how to open it.
type Kind struct {
	name, title string
	open        func(ctx context.Context, decode func(any) error, env Env) (Device, error)
}

// Define makes a Kind whose configuration starts as def. The name is what
// stands in the configuration file, the title is for people.
func Define[C any](name, title string, def C, open func(context.Context, C, Env) (Device, error)) Kind {
	return Kind{name: name, title: title, open: func(ctx context.Context, decode func(any) error, env Env) (Device, error) {
		cfg := def
		if decode != nil {
			if err := decode(&cfg); err != nil {
				return nil, err
			}
		}
		return open(ctx, cfg, env)
	}}
}

// Name returns the name in configuration files.
func (k Kind) Name() string { return k.name }

// Title returns the name for people.
func (k Kind) Title() string { return k.title }

// Open makes a device. decode fills the driver's configuration struct, strictly;
// nil leaves the defaults. Opening does not talk to the device: one that is
// unplugged now opens and is unreachable when read.
func (k Kind) Open(ctx context.Context, decode func(any) error, env Env) (Device, error) {
	d, err := k.open(ctx, decode, env)
	if err != nil {
		return nil, fmt.Errorf("open %s (%s): %w", env.Name, k.name, err)
	}
	return d, nil
}

// Registry is a list of kinds.
type Registry struct{ kinds []Kind }

// NewRegistry makes a registry. It panics on two kinds of one name, which is
// a mistake of the program.
func NewRegistry(kinds ...Kind) Registry {
	slices.SortFunc(kinds, func(a, b Kind) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(kinds); i++ {
		if kinds[i].name == kinds[i-1].name {
			panic("device: two drivers named " + kinds[i].name)
		}
	}
	return Registry{kinds}
}

// Kind returns the kind of the given name, or an error that lists the kinds
// there are.
func (r Registry) Kind(name string) (Kind, error) {
	var names []string
	for _, k := range r.kinds {
		if k.name == name {
			return k, nil
		}
		names = append(names, k.name)
	}
	return Kind{}, fmt.Errorf("there is no driver %q: use one of %s", name, strings.Join(names, ", "))
}

// Kinds returns all kinds by name.
func (r Registry) Kinds() []Kind { return slices.Clone(r.kinds) }
