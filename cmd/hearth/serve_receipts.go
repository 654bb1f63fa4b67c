package main

import (
	"fmt"
	"os"
	"path/filepath"

	"hearth/openai"
	"hearth/store"
)

// executorFile is the key that receipts are signed with.
const executorFile = "executor.key"

// openReceipts signs receipts with the key of the data folder, which is made
// when there is none.
func openReceipts(data string) (*openai.Receipts, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	key, err := store.LoadOrCreateKey(filepath.Join(data, executorFile))
	if err != nil {
		return nil, err
	}
	return openai.NewReceipts(key), nil
}
