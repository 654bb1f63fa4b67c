package main

import (
	"errors"
	"fmt"

	"hearth/infer/hub"
)

// miniName is the small model that writes text.
const miniName = "hearth-mini"

// loadMini returns the small model that the program carries.
func loadMini() (*hub.Loaded, error) {
	return nil, coded(exitUsage, fmt.Errorf("%w: there is none here that writes text: get one with \"hearth model pull OWNER/NAME\"", errors.New("no model")))
}
