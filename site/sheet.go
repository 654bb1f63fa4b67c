package site

import (
	"context"
	"encoding/json"
	"fmt"
)

// sheetKey is where the book keeps the last sheet of each device.
const sheetKey = "site/sheet/"

// keepSheet remembers a signed sheet as the device's last one.
func (s *Site) keepSheet(ctx context.Context, sheet SignedSheet) error {
	b, err := json.Marshal(sheet)
	if err == nil {
		err = s.opt.Book.Put(ctx, sheetKey+sheet.Sheet.Device, b)
	}
	if err != nil {
		return fmt.Errorf("%w: the sheet cannot be kept: %w", ErrUnavailable, err)
	}
	return nil
}

// LastSheet returns the sheet that was signed last for a device, also by an
// earlier run of the program.
func (s *Site) LastSheet(ctx context.Context, id string) (SignedSheet, error) {
	b, ok, err := s.opt.Book.Get(ctx, sheetKey+id)
	if err != nil {
		return SignedSheet{}, fmt.Errorf("%w: the sheet of %s cannot be read: %w", ErrUnavailable, id, err)
	}
	if !ok {
		return SignedSheet{}, fmt.Errorf("%w: no commissioning sheet has been signed for %q yet", ErrNotFound, id)
	}
	var out SignedSheet
	if err := json.Unmarshal(b, &out); err != nil {
		return SignedSheet{}, fmt.Errorf("%w: the sheet of %s cannot be read: %w", ErrUnavailable, id, err)
	}
	return out, nil
}
