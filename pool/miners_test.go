package pool_test

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"hearth/pool"
)

func TestOnlyPairedMinersComeIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "miners.json")
	m, err := pool.OpenMiners(path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	token, err := m.Add(pool.Miner{Name: "cellar"}, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Add(pool.Miner{Name: "barn", Address: netip.MustParseAddr("192.168.1.41")}, now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	elsewhere, barn := netip.MustParseAddr("192.168.1.9"), netip.MustParseAddr("::ffff:192.168.1.41")
	for _, c := range []struct {
		what, user, password string
		from                 netip.Addr
		want                 string
	}{
		{"name and token", "cellar", token, elsewhere, "cellar"},
		{"a token in capitals, with a space", "cellar", " " + strings.ToUpper(token), elsewhere, "cellar"},
		{"a name with what firmware adds", "cellar.bitaxe", token, elsewhere, "cellar"},
		{"the token in the name, as V2 needs it", "cellar." + token, "", elsewhere, "cellar"},
		{"no token", "cellar", "", elsewhere, ""},
		{"another's token", "cellar", "abcdefghabcdefgh", elsewhere, ""},
		{"the hash of the token", "cellar", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", elsewhere, ""},
		{"a stranger", "attic", token, elsewhere, ""},
		{"no name", "", token, elsewhere, ""},
		{"a known address, whatever it says", "x", "y", barn, "barn"},
		{"a known name from another address", "barn", "", elsewhere, ""},
	} {
		got, err := m.Admit(c.user, c.password, c.from, now)
		if got.Name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", c.what, got.Name, err, c.want)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(kept), token) {
		t.Errorf("the file holds the token itself: %s %v", kept, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}

	if _, err := m.Add(pool.Miner{Name: "cellar"}, now, rand.Reader); !errors.Is(err, pool.ErrPaired) || !strings.Contains(err.Error(), `"hearth pool unpair cellar"`) {
		t.Errorf("the same name again: %v", err)
	}
	for _, name := range []string{"", "a b", "ünder", "a.b", strings.Repeat("n", 64)} {
		if _, err := m.Add(pool.Miner{Name: name}, now, rand.Reader); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
	if _, err := m.Add(pool.Miner{Name: "roof"}, now, iotest.ErrReader(errors.New("empty"))); err == nil {
		t.Error("a token was made of nothing")
	}

	// What another process does is seen within a second.
	other, err := pool.OpenMiners(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Remove("cellar"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Admit("cellar", token, elsewhere, now.Add(2*time.Second)); err == nil {
		t.Error("a miner that is no longer paired comes in")
	}
	if err := other.Remove("cellar"); !errors.Is(err, pool.ErrNotPaired) {
		t.Errorf("removed twice: %v", err)
	}

	// A file that is damaged changes nothing for those who are in, and a start
	// says what to do.
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Admit("x", "", barn, now.Add(time.Minute)); err != nil || got.Name != "barn" {
		t.Errorf("with a damaged file: %v %v", got, err)
	}
	if _, err := pool.OpenMiners(path); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("opened a damaged file: %v", err)
	}
}
