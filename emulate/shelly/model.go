package shelly

import (
	"fmt"
	"slices"
	"strings"

	"hearth/units"
)

// Model names a device.
type Model string

// The models.
const (
	PlugS   Model = "plugs"   // Plus Plug S: 12 A, meter
	Plus1PM Model = "plus1pm" // 16 A, meter
	Pro1PM  Model = "pro1pm"  // 16 A, meter, on a rail
	Plus1   Model = "plus1"   // 16 A, no meter
)

// Models lists the models.
func Models() []Model { return []Model{PlugS, Plus1PM, Pro1PM, Plus1} }

// ParseModel reads a model's name.
func ParseModel(s string) (Model, error) {
	m := Model(strings.ToLower(s))
	if !slices.Contains(Models(), m) {
		return "", fmt.Errorf("there is no model %q: use one of %v", s, Models())
	}
	return m, nil
}

// product is what a model says of itself and can do.
type product struct {
	app, code, prefix string
	rating            units.Watts
	meters            bool
}

func (m Model) product() product {
	switch m {
	case PlugS:
		return product{"PlusPlugS", "SNPL-00112EU", "shellyplusplugs", 2500, true}
	case Plus1PM:
		return product{"Plus1PM", "SNSW-001P16EU", "shellyplus1pm", 3680, true}
	case Pro1PM:
		return product{"Pro1PM", "SPSW-201PE16EU", "shellypro1pm", 3680, true}
	case Plus1:
		return product{"Plus1", "SNSW-001X16EU", "shellyplus1", 3680, false}
	}
	panic(fmt.Sprintf("shelly: there is no model %q", string(m)))
}
