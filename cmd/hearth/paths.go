package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// defaultData is the folder Hearth keeps its data in when none is named.
func defaultData() string {
	if d := os.Getenv("XDG_DATA_HOME"); d != "" && filepath.IsAbs(d) {
		return filepath.Join(d, "hearth")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "hearth-data"
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Application Support", "Hearth")
	case "windows":
		if d := os.Getenv("LOCALAPPDATA"); d != "" {
			return filepath.Join(d, "Hearth")
		}
	}
	return filepath.Join(home, ".local", "share", "hearth")
}

// The files of a data folder.
const (
	databaseFile = "hearth.db"
	headFile     = "head"
	keyFile      = "ledger.key"
	simulatedDir = "simulated"
	homeFile     = "home.yaml"
)

// secretPath finds the file that a configuration names as "file:PATH";
// relative paths begin at dir, the folder of the configuration.
func secretPath(dir, ref string) (string, error) {
	path, ok := strings.CutPrefix(ref, "file:")
	if !ok {
		return "", errors.New("a secret is named as \"file:PATH\", never written out")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return path, nil
}

// secretFrom reads secrets that a configuration in dir names.
func secretFrom(dir string) func(ref string) (string, error) {
	return func(ref string) (string, error) {
		path, err := secretPath(dir, ref)
		if err != nil {
			return "", err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read the secret: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
}
