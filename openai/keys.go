package openai

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/internal/loopback"
)

// Caller is who asks.
type Caller struct {
	// Name is what logs and metrics call the caller.
	Name string
	// Requests a minute, and at a time; 0 is the server's limit.
	PerMinute, AtATime int
}

// Local admits programs of this computer only. The name in the Host header
// must be loopback, too, so that a web page that makes its own name point here
// gets nowhere, and no proxy may stand in between.
func Local(r *http.Request) (Caller, error) {
	no := func(why string) (Caller, error) {
		return Caller{}, &Problem{Status: http.StatusForbidden, Message: why, Type: typePermission, Code: ref("local_only")}
	}
	switch {
	case !loopback.Addr(r.RemoteAddr):
		return no("This server is open to its own computer only: give it keys with --key-file to open it to others.")
	case !loopback.Host(r.Host):
		return no("This name is not served: use 127.0.0.1 or localhost.")
	case loopback.Forwarded(r):
		return no("A proxy passed this request on, and without keys only this computer itself is served: use --key-file.")
	}
	return Caller{Name: "this computer"}, nil
}

// Key is a program's key, without its secret.
type Key struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	// PerMinute and AtATime are the key's own limits; 0 is the server's.
	PerMinute int `json:"requests_per_minute,omitempty"`
	AtATime   int `json:"requests_at_a_time,omitempty"`
}

type storedKey struct {
	Key
	Hash string `json:"sha256"`
}

type keyFile struct {
	Version int         `json:"version"`
	Keys    []storedKey `json:"keys"`
}

const maxKeys = 256

// Keys are the keys of a file, which its owner alone may read and in which
// there is nothing that could be used to ask: of each secret, 256 random bits,
// the SHA-256 is kept. All methods are safe for concurrent use. Another
// process may change the file: it is read again when it has changed.
type Keys struct {
	path string

	mu   sync.Mutex
	keys []storedKey
	seen os.FileInfo
	err  error // the file is there and cannot be read: nobody gets in
}

// OpenKeys reads the file; there may be none yet, and then nobody has a key.
func OpenKeys(path string) (*Keys, error) {
	k := &Keys{path: path}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh()
	return k, k.err
}

// refresh reads the file if it has changed. The caller holds mu.
func (k *Keys) refresh() {
	info, err := os.Stat(k.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k.keys, k.seen, k.err = nil, nil, nil
		return
	case err != nil:
		k.keys, k.err = nil, fmt.Errorf("read the keys: %w", err)
		return
	}
	if k.seen != nil && k.err == nil && os.SameFile(info, k.seen) && info.ModTime().Equal(k.seen.ModTime()) && info.Size() == k.seen.Size() {
		return
	}
	keys, err := readKeys(k.path)
	if err != nil {
		k.keys, k.err = nil, err
		return
	}
	k.keys, k.seen, k.err = keys, info, nil
}

func readKeys(path string) ([]storedKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	var f keyFile
	if err := json.Unmarshal(b, &f); err != nil || f.Version != 1 {
		return nil, fmt.Errorf("read the keys: %s is no file of keys: make one with \"hearth key add NAME --key-file FILE\"", filepath.Base(path))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("close the file of keys to others: %w", err)
	}
	return f.Keys, nil
}

// change lets f change the keys and writes them.
func (k *Keys) change(f func([]storedKey) ([]storedKey, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh()
	if k.err != nil {
		return k.err
	}
	next, err := f(slices.Clone(k.keys))
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(keyFile{1, next}, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(k.path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	if err := os.Rename(tmp.Name(), k.path); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	k.keys = next
	k.seen, _ = os.Stat(k.path)
	return nil
}

// Add makes a key and returns its secret, which is kept nowhere.
func (k *Keys) Add(key Key) (secret string, err error) {
	if key.Name = strings.TrimSpace(key.Name); key.Name == "" || len(key.Name) > 64 || strings.ContainsFunc(key.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return "", errors.New("add a key: give it a name of 1 to 64 bytes, such as \"notebook\"")
	}
	if key.PerMinute < 0 || key.AtATime < 0 {
		return "", errors.New("add a key: limits are positive numbers")
	}
	var b [32]byte
	rand.Read(b[:]) // never fails, says crypto/rand
	secret = "sk-hearth-" + base64.RawURLEncoding.EncodeToString(b[:])
	err = k.change(func(keys []storedKey) ([]storedKey, error) {
		if slices.ContainsFunc(keys, func(o storedKey) bool { return o.Name == key.Name }) {
			return nil, fmt.Errorf("add a key: there is one named %q: remove it first", key.Name)
		}
		if len(keys) >= maxKeys {
			return nil, fmt.Errorf("add a key: there are %d: remove one first", len(keys))
		}
		return append(keys, storedKey{key, keyHash(secret)}), nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Remove ends a key.
func (k *Keys) Remove(name string) error {
	return k.change(func(keys []storedKey) ([]storedKey, error) {
		n := len(keys)
		keys = slices.DeleteFunc(keys, func(o storedKey) bool { return o.Name == name })
		if len(keys) == n {
			return nil, fmt.Errorf("remove a key: there is none named %q", name)
		}
		return keys, nil
	})
}

// List returns the keys by name.
func (k *Keys) List() []Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh()
	out := make([]Key, 0, len(k.keys))
	for _, o := range k.keys {
		out = append(out, o.Key)
	}
	slices.SortFunc(out, func(a, b Key) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Admit lets in whoever sends one of the keys.
func (k *Keys) Admit(r *http.Request) (Caller, error) {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, &Problem{
			Status: http.StatusUnauthorized, Type: typeAuth, Code: ref("missing_api_key"),
			Message: "Send a key: Authorization: Bearer sk-hearth-… (make one with \"hearth key add\").",
		}
	}
	want := []byte(keyHash(strings.TrimSpace(secret)))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh()
	for _, o := range k.keys {
		if subtle.ConstantTimeCompare([]byte(o.Hash), want) == 1 {
			return Caller{Name: o.Name, PerMinute: o.PerMinute, AtATime: o.AtATime}, nil
		}
	}
	return Caller{}, &Problem{
		Status: http.StatusUnauthorized, Type: typeAuth, Code: ref("invalid_api_key"),
		Message: "This key is not valid; it may have been removed.",
	}
}

func keyHash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}
