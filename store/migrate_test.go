package store_test

import (
	"database/sql"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/store"
)

var update = flag.Bool("update", false, "write the golden files")

// TestSchema keeps testdata/schema.sql, which is for people to read, equal to
// what the migrations make.
func TestSchema(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	rows, err := intruder(t, dir).QueryContext(t.Context(), "select sql from sqlite_schema where sql is not null order by type desc, name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got strings.Builder
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		got.WriteString(text + ";\n\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/schema.sql"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the migrations make another schema than %s; run the test with -update and look at the difference:\n%s", golden, got.String())
	}
}

// TestMigrationsAreNumbered keeps the order of the files and the version they
// make the same thing.
func TestMigrationsAreNumbered(t *testing.T) {
	names, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for i, name := range names {
		if want := "000" + string(rune('1'+i)) + "_"; !strings.HasPrefix(filepath.Base(name), want) {
			t.Errorf("%s: want a name that begins with %s", name, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	garbage := strings.Repeat("this is no database. ", 500)
	tests := map[string]struct {
		spoil  func(t *testing.T, path string, opts *store.Options)
		want   error
		phrase string
	}{
		"a newer file": {func(t *testing.T, path string, _ *store.Options) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			run(t, db, "pragma user_version = 99")
		}, store.ErrNewer, "version 99"},
		"no database": {func(t *testing.T, path string, _ *store.Options) {
			if err := os.WriteFile(path, []byte(garbage), 0o644); err != nil {
				t.Fatal(err)
			}
		}, store.ErrDamaged, "hearth restore"},
		"another key": {func(_ *testing.T, _ string, opts *store.Options) {
			other := append([]byte(nil), testKey()...)
			other[40] ^= 1
			opts.Key = other
		}, store.ErrKey, "right key file"},
		"no key": {func(_ *testing.T, _ string, opts *store.Options) { opts.Key = nil }, nil, "no key to sign with"},
		"a damaged page after a crash": {func(t *testing.T, path string, _ *store.Options) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			st, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			for page := int64(1); page < st.Size()/4096; page++ {
				if _, err := f.WriteAt([]byte(garbage[:100]), page*4096); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(path+".lock", []byte("1\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, store.ErrDamaged, "nothing was changed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			if _, err := s.Append(t.Context(), heat(1)); err != nil {
				t.Fatal(err)
			}
			s.Close()
			opts := options(dir)
			path := filepath.Join(dir, "hearth.db")
			test.spoil(t, path, &opts)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // and again: one refusal must not let the next pass
				_, err = store.Open(t.Context(), path, opts)
				if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.phrase) {
					t.Errorf("open: %v; want %v with %q", err, test.want, test.phrase)
				}
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	key, err := store.LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.LoadOrCreateKey(path)
	if err != nil || !key.Equal(again) {
		t.Errorf("loaded another key than was made: %v", err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Separator == '/' && st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	for name, spoil := range map[string]func() error{
		"open to others": func() error { return os.Chmod(path, 0o644) },
		"garbage":        func() error { os.Remove(path); return os.WriteFile(path, []byte("secret"), 0o600) },
		"empty":          func() error { os.Remove(path); return os.WriteFile(path, nil, 0o600) },
	} {
		if name == "open to others" && filepath.Separator != '/' {
			continue
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.LoadOrCreateKey(path); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := store.LoadOrCreateKey(filepath.Join(t.TempDir(), "no", "key.pem")); err == nil {
		t.Error("made a key in a folder that is not there")
	}
}

// TestKeyOnce lets several make the key at once: all get the same.
func TestKeyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	keys := make(chan string)
	for range 8 {
		go func() {
			key, err := store.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
			}
			keys <- string(key)
		}()
	}
	first := <-keys
	for range 7 {
		if <-keys != first {
			t.Error("two keys were made")
		}
	}
}
