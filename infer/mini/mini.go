package mini

import (
	_ "embed"
	"strings"

	"hearth/infer/model"
)

//go:generate go test -run TestTheModelIsThatOfItsSource -update .

//go:embed hearth-mini.hearth
var file string

// Name is what the model is called.
const Name = "hearth-mini"

// File returns the model's file. Every reader is new.
func File() *strings.Reader { return strings.NewReader(file) }

// Load reads the model, its manifest and its tokenizer.json.
func Load() (*model.Model, *model.Manifest, []byte, error) {
	f := File()
	return model.Read(f, f.Size())
}
