package main

import (
	"path/filepath"

	"hearth/infer/hub"
	"hearth/infer/mini"
)

const (
	// modelsFolder is the folder of the models in a data folder.
	modelsFolder = "models"
	// miniName is the small model that the program carries: it writes text where
	// no other model does.
	miniName = mini.Name
)

// modelsOf are the models of a data folder, and the one that the program
// carries.
func modelsOf(data string, o hub.Options) *hub.Store {
	o.Dir = filepath.Join(data, modelsFolder)
	o.Carried = []hub.Carried{{Name: mini.Name, File: mini.File()}}
	return hub.Open(o)
}
