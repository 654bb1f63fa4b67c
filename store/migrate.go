package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// steps returns the names of the migrations, in order. The number in front of
// a name is the version that the file has after it.
func steps() []string {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	return names
}

// checkVersion refuses a file that a newer program wrote: an older one could
// not keep what it does not know.
func checkVersion(have int) error {
	if know := len(steps()); have > know {
		return fmt.Errorf("%w: the file has version %d, this program knows up to %d; install the newer Hearth again, or restore a backup made before", ErrNewer, have, know)
	}
	return nil
}

// migrate brings the schema up to date, one transaction for each step.
func migrate(ctx context.Context, db *sql.DB) error {
	var have int
	if err := db.QueryRowContext(ctx, "pragma user_version").Scan(&have); err != nil {
		return err
	}
	if err := checkVersion(have); err != nil {
		return err
	}
	for i, name := range steps() {
		if i < have {
			continue
		}
		if err := apply(ctx, db, i+1, name); err != nil {
			return fmt.Errorf("migrate with %s: %w", name, err)
		}
	}
	return nil
}

func apply(ctx context.Context, db *sql.DB, version int, name string) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("pragma user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}
