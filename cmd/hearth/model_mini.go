package main

import (
	"fmt"

	"hearth/infer/hub"
	"hearth/infer/mini"
)

// miniName is the small model that the program carries: it writes text where
// no other model is.
const miniName = mini.Name

// loadMini reads it.
func loadMini() (*hub.Loaded, error) {
	m, manifest, tokenizer, err := mini.Load()
	if err != nil {
		return nil, fmt.Errorf("read the model that the program carries: %w", err)
	}
	id, err := manifest.ID()
	if err != nil {
		return nil, err
	}
	return &hub.Loaded{ID: id, Model: m, Manifest: manifest, Tokenizer: tokenizer}, nil
}
