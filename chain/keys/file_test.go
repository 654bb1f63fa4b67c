package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hearth/chain/keys"
	"hearth/chain/wire"
)

// random gives the same bytes each time.
func random(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func hot(t testing.TB) keys.Hot {
	t.Helper()
	h, err := keys.NewHot(random(1), wire.Address{7})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func keyFile(t testing.TB, content []byte, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "unlock")
	if err := os.WriteFile(name, content, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func fileLock(t testing.TB, b byte) keys.Lock {
	t.Helper()
	l, err := keys.KeyFile(keyFile(t, bytes.Repeat([]byte{b}, 32), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestKeysAreKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys.json")
	h := hot(t)
	lock, other := keys.Passphrase("correct horse battery"), fileLock(t, 3)
	if err := keys.Create(name, h, lock); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v", info.Mode())
	}
	same := func(lock keys.Lock) {
		t.Helper()
		got, err := keys.Load(name, lock)
		if err != nil {
			t.Fatal(err)
		}
		if got.Public() != h.Public() || !bytes.Equal(got.Account().Bytes(), h.Account().Bytes()) || !got.Executor().Equal(h.Executor()) || got.Owner() != h.Owner() {
			t.Errorf("read %v, written %v", got, h)
		}
	}
	same(lock)
	if err := keys.Create(name, hot(t), lock); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("written over: %v", err)
	}

	if err := keys.Relock(name, lock, other); err != nil {
		t.Fatal(err)
	}
	same(other)
	for _, wrong := range []keys.Lock{lock, fileLock(t, 4), keys.Passphrase(strings.Repeat("\x03", 32))} {
		if _, err := keys.Load(name, wrong); !errors.Is(err, keys.ErrWrongKey) {
			t.Errorf("opened with a wrong %v: %v", wrong, err)
		}
		if err := keys.Relock(name, wrong, other); !errors.Is(err, keys.ErrWrongKey) {
			t.Errorf("sealed anew with a wrong %v: %v", wrong, err)
		}
	}
}

func TestAPassphraseOpensHoweverItIsTyped(t *testing.T) {
	// é in one character and in two.
	b, err := hot(t).Seal(keys.Passphrase("caf\u00e9 au lait"), random(2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Unseal(b, keys.Passphrase("cafe\u0301 au lait")); err != nil {
		t.Error(err)
	}
	if _, err := keys.Unseal(b, keys.Passphrase("cafe au lait")); !errors.Is(err, keys.ErrWrongKey) {
		t.Errorf("another passphrase: %v", err)
	}
}

// Nothing in the file can be changed without its being seen, the owner's address
// least of all: what is earned goes there.
func TestChangesToTheFileAreSeen(t *testing.T) {
	lock := fileLock(t, 3)
	good, err := hot(t).Seal(lock, random(2))
	if err != nil {
		t.Fatal(err)
	}
	thief := wire.Address{66}.String()
	for name, change := range map[string]func(map[string]any){
		"another owner":   func(d map[string]any) { d["owner"] = thief },
		"another account": func(d map[string]any) { d["account"] = thief },
		"another key":     func(d map[string]any) { d["executor"] = strings.Repeat("00", 32) },
		"another salt": func(d map[string]any) {
			d["lock"].(map[string]any)["salt"] = base64.StdEncoding.EncodeToString(make([]byte, 16))
		},
		"a short salt":    func(d map[string]any) { d["lock"].(map[string]any)["salt"] = "" },
		"another kind":    func(d map[string]any) { d["lock"].(map[string]any)["kind"] = "rot13" },
		"another nonce":   func(d map[string]any) { d["nonce"] = base64.StdEncoding.EncodeToString(make([]byte, 24)) },
		"nothing sealed":  func(d map[string]any) { delete(d, "sealed") },
		"a later version": func(d map[string]any) { d["hearth_keys"] = 2 },
		"something more":  func(d map[string]any) { d["note"] = "x" },
	} {
		var d map[string]any
		if err := json.Unmarshal(good, &d); err != nil {
			t.Fatal(err)
		}
		change(d)
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Unseal(b, lock); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	// A changed file must not make the program take all memory either.
	b, err := hot(t).Seal(keys.Passphrase("correct horse battery"), random(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, costly := range []string{`"memory_kib": 4294967295`, `"memory_kib": 2000000`} {
		huge := strings.Replace(string(b), `"memory_kib": 65536`, costly, 1)
		if _, err := keys.Unseal([]byte(huge), keys.Passphrase("correct horse battery")); err == nil || !strings.Contains(err.Error(), "not what this program writes") {
			t.Errorf("%s: %v", costly, err)
		}
	}
}

func TestWhoseKeysTheyAreCanBeReadByAll(t *testing.T) {
	h := hot(t)
	b, err := h.Seal(fileLock(t, 3), random(2))
	if err != nil {
		t.Fatal(err)
	}
	got, err := keys.Inspect(b)
	if err != nil || got != h.Public() {
		t.Errorf("%v, %v, want %v", got, err, h.Public())
	}
	for _, bad := range []string{"", "{}", "keys", `{"hearth_keys":1}`, strings.Repeat(" ", 20<<10)} {
		if _, err := keys.Inspect([]byte(bad)); err == nil {
			t.Errorf("%.20q was taken for a key file", bad)
		}
	}
}

func TestLocksThatAreTooWeak(t *testing.T) {
	if _, err := hot(t).Seal(keys.Passphrase("secret"), random(2)); err == nil || !strings.Contains(err.Error(), "8 characters") {
		t.Errorf("a short passphrase: %v", err)
	}
	if _, err := keys.KeyFile(keyFile(t, make([]byte, 31), 0o600)); err == nil {
		t.Error("a key file of 31 bytes was taken")
	}
	if _, err := keys.KeyFile(keyFile(t, make([]byte, 32), 0o644)); err == nil && runtime.GOOS != "windows" {
		t.Error("a key file that all may read was taken")
	}
	if _, err := keys.KeyFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a key file that is not there was taken")
	}
	if _, err := (keys.Hot{}).Seal(keys.Passphrase("correct horse battery"), random(2)); err == nil {
		t.Error("no keys were sealed")
	}
	if _, err := keys.NewHot(bytes.NewReader(make([]byte, 1000)), wire.Address{}); err == nil {
		t.Error("keys were drawn from zeros")
	}
	if _, err := keys.NewMnemonic(bytes.NewReader(nil)); err == nil {
		t.Error("a mnemonic was drawn from nothing")
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	h := hot(t)
	m, err := keys.NewMnemonic(random(5))
	if err != nil {
		t.Fatal(err)
	}
	lock := keys.Passphrase("correct horse battery")
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{h, &h, m, &m, lock, &lock, struct{ V any }{h}, []keys.Hot{h}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		l.Info("keys", "hot", h, "account", h.Account(), "mnemonic", m, "lock", lock)
	}
	b, err := json.Marshal([]any{h, m, lock, h.Account()})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	said := strings.ToLower(out.String())
	secrets := []string{"horse", m.Words()[3] + " " + m.Words()[4]}
	for _, raw := range [][]byte{h.Account().Bytes(), h.Executor().Seed(), []byte("correct horse battery")} {
		secrets = append(secrets, hex.EncodeToString(raw[:8]), strings.ToLower(base64.StdEncoding.EncodeToString(raw[:9])), strings.Trim(fmt.Sprint(raw[:4]), "[]"))
	}
	for _, s := range secrets {
		if strings.Contains(said, s) {
			t.Errorf("%q was printed", s)
		}
	}
	if !strings.Contains(said, h.Public().Account.String()) || !strings.Contains(said, "mnemonic of 24 words") {
		t.Error("nothing was printed that would tell them apart")
	}
}

func FuzzUnseal(f *testing.F) {
	lock := fileLock(f, 3)
	b, err := hot(f).Seal(lock, random(2))
	if err != nil {
		f.Fatal(err)
	}
	want := hot(f).Public()
	f.Add(b)
	f.Add([]byte(`{"hearth_keys":1,"executor":"00","lock":{"kind":"argon2id","passes":1000000}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := keys.Unseal(b, lock); err == nil && h.Public() != want {
			t.Errorf("opened as %v", h)
		}
		_, _ = keys.Inspect(b)
	})
}

func BenchmarkUnsealPassphrase(b *testing.B) {
	lock := keys.Passphrase("correct horse battery")
	sealed, err := hot(b).Seal(lock, random(2))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := keys.Unseal(sealed, lock); err != nil {
			b.Fatal(err)
		}
	}
}
