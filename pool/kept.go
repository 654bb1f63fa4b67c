package pool

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// readKept reads what the process before kept in a file, as JSON, into v. A file
// that is not there leaves v as it is.
func readKept(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
