package httpapi

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
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Scope is what a token may do.
type Scope string

// The scopes of tokens.
const (
	// ScopeRead may look at everything.
	ScopeRead Scope = "read"
	// ScopeControl may also change set-points, modes and settings.
	ScopeControl Scope = "control"
	// ScopeInfer may ask the models of this home, and sees nothing of the home
	// itself.
	ScopeInfer Scope = "infer"
)

// Token is a program's key, without its secret.
type Token struct {
	Name    string    `json:"name"`
	Scope   Scope     `json:"scope"`
	Created time.Time `json:"created"`
}

// How long a session of a person lasts.
const (
	// SessionIdle ends a session that was not used for so long.
	SessionIdle = 14 * 24 * time.Hour
	// SessionLife ends every session after so long.
	SessionLife = 90 * 24 * time.Hour

	maxSessions = 64
	maxTokens   = 64
	// seenGrain is how exactly the last use of a session is kept on disk.
	seenGrain = time.Hour
)

// Errors of logging in.
var (
	// ErrWrongPassword: the password is not the one that was set.
	ErrWrongPassword = errors.New("the password is wrong")
	// ErrNoPassword: there is no password yet, so nobody can log in.
	ErrNoPassword = errors.New("no password is set")
)

// WaitError is returned by Login when too many attempts failed.
type WaitError struct {
	// For is how long to wait before the next attempt.
	For time.Duration
}

// Error implements error.
func (e *WaitError) Error() string {
	return fmt.Sprintf("too many wrong passwords: wait %s", e.For.Round(time.Second))
}

// Auth knows who may use the home: one password for people, tokens for
// programs, and the sessions of people who logged in. It keeps them in one
// file, readable by its owner only, in which there is nothing that could be
// used to log in: the password as argon2id, secrets of tokens and sessions as
// SHA-256. All methods are safe for concurrent use. Another process may change
// the file (as "hearth password" does): it is read again when it has changed.
type Auth struct {
	path string

	mu     sync.Mutex
	data   authFile
	seen   os.FileInfo // of the file that data came from; nil before there is one
	broken error       // the file is there and cannot be read: nobody gets in
	limit  attempts

	// hashing lets one password be checked at a time, so that a flood of
	// logins takes neither all memory nor all processors.
	hashing sync.Mutex
}

type authFile struct {
	Version  int           `json:"version"`
	Password string        `json:"password,omitempty"` // argon2id, PHC string form
	Tokens   []authToken   `json:"tokens,omitempty"`
	Sessions []authSession `json:"sessions,omitempty"`
}

type authToken struct {
	Token
	Hash string `json:"hash"`
}

type authSession struct {
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
}

// AuthFile is the name of the file in the data folder.
const AuthFile = "auth.json"

// OpenAuth reads the file in the data folder dir; there may be none yet. A
// damaged file is an error: opening the home to everybody because a file
// cannot be read would be wrong.
func OpenAuth(dir string) (*Auth, error) {
	a := &Auth{path: filepath.Join(dir, AuthFile)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refresh()
	if a.broken != nil {
		return nil, a.broken
	}
	return a, nil
}

// refresh reads the file if it changed. The caller holds mu.
func (a *Auth) refresh() {
	info, err := os.Stat(a.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.data, a.seen, a.broken = authFile{}, nil, nil
		return
	case err != nil:
		a.data, a.broken = authFile{}, fmt.Errorf("read %s: %w", AuthFile, err)
		return
	}
	if a.seen != nil && a.broken == nil && os.SameFile(info, a.seen) &&
		info.ModTime().Equal(a.seen.ModTime()) && info.Size() == a.seen.Size() {
		return
	}
	data, err := readAuth(a.path)
	if err != nil {
		a.data, a.broken = authFile{}, err
		return
	}
	a.data, a.seen, a.broken = data, info, nil
}

func readAuth(path string) (authFile, error) {
	var data authFile
	b, err := os.ReadFile(path)
	if err != nil {
		return data, fmt.Errorf("read %s: %w", AuthFile, err)
	}
	if err := json.Unmarshal(b, &data); err != nil {
		return data, fmt.Errorf("read %s: it is damaged: move it away and set a new password: %w", AuthFile, err)
	}
	if data.Version != 1 {
		return data, fmt.Errorf("read %s: it is of version %d, this program knows 1", AuthFile, data.Version)
	}
	if data.Password != "" {
		if _, err := parsePHC(data.Password); err != nil {
			return data, fmt.Errorf("read %s: move it away and set a new password: %w", AuthFile, err)
		}
	}
	// A file that others could read is closed again.
	if err := os.Chmod(path, 0o600); err != nil {
		return data, fmt.Errorf("read %s: %w", AuthFile, err)
	}
	return data, nil
}

// change reads the file again, lets f change it, and writes it. The caller
// holds mu.
func (a *Auth) change(f func(*authFile) error) error {
	a.refresh()
	if a.broken != nil {
		return a.broken
	}
	next := authFile{
		Version: 1, Password: a.data.Password,
		Tokens: slices.Clone(a.data.Tokens), Sessions: slices.Clone(a.data.Sessions),
	}
	if err := f(&next); err != nil {
		return err
	}
	b, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := writeSecret(a.path, append(b, '\n')); err != nil {
		return err
	}
	a.data = next
	a.seen, _ = os.Stat(a.path)
	return nil
}

// HasPassword reports whether a password is set. It is true when the file
// cannot be read: then nobody gets in.
func (a *Auth) HasPassword() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refresh()
	return a.broken != nil || a.data.Password != ""
}

// MinPassword is the least number of characters in a password.
const MinPassword = 10

// SetPassword sets or replaces the password and ends all sessions. Tokens
// stay.
func (a *Auth) SetPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return errors.New("set password: it is not valid text")
	case n < MinPassword:
		return fmt.Errorf("set password: it has %d characters, use at least %d: several words are easiest to remember", n, MinPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("set password: it is longer than %d bytes", maxPassword)
	}
	hash := hashPassword(password)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.change(func(f *authFile) error {
		f.Password, f.Sessions = hash, nil
		return nil
	})
}

// RemovePassword removes the password and ends all sessions. The home is then
// served to this computer only.
func (a *Auth) RemovePassword() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.change(func(f *authFile) error {
		f.Password, f.Sessions = "", nil
		return nil
	})
}

// AddToken makes a token and returns its secret, which is kept nowhere and
// cannot be shown again. The name must be new.
func (a *Auth) AddToken(name string, scope Scope, now time.Time) (secret string, err error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 64 || !utf8.ValidString(name) {
		return "", errors.New("add token: give it a name of 1 to 64 bytes, such as \"home assistant\"")
	}
	if scope != ScopeRead && scope != ScopeControl && scope != ScopeInfer {
		return "", fmt.Errorf("add token: %q is not a scope: use read, control or infer", scope)
	}
	secret = "hearth_" + randomText()
	a.mu.Lock()
	defer a.mu.Unlock()
	err = a.change(func(f *authFile) error {
		if slices.ContainsFunc(f.Tokens, func(t authToken) bool { return t.Name == name }) {
			return fmt.Errorf("add token: there is one named %q: revoke it first", name)
		}
		if len(f.Tokens) >= maxTokens {
			return fmt.Errorf("add token: there are %d: revoke one first", len(f.Tokens))
		}
		f.Tokens = append(f.Tokens, authToken{Token{name, scope, now.UTC().Round(time.Second)}, digest(secret)})
		return nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// RevokeToken ends a token.
func (a *Auth) RevokeToken(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.change(func(f *authFile) error {
		n := len(f.Tokens)
		f.Tokens = slices.DeleteFunc(f.Tokens, func(t authToken) bool { return t.Name == name })
		if len(f.Tokens) == n {
			return fmt.Errorf("revoke token: there is none named %q", name)
		}
		return nil
	})
}

// Tokens lists the tokens by name.
func (a *Auth) Tokens() []Token {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refresh()
	out := make([]Token, 0, len(a.data.Tokens))
	for _, t := range a.data.Tokens {
		out = append(out, t.Token)
	}
	slices.SortFunc(out, func(x, y Token) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// Token returns the token of the given secret.
func (a *Auth) Token(secret string) (Token, bool) {
	want := digest(secret)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refresh()
	var found Token
	ok := false
	for _, t := range a.data.Tokens {
		if subtle.ConstantTimeCompare([]byte(t.Hash), []byte(want)) == 1 {
			found, ok = t.Token, true
		}
	}
	return found, ok
}

// Login checks the password that came from the address addr and starts a
// session, whose secret it returns. Errors: [ErrWrongPassword],
// [ErrNoPassword], *[WaitError].
func (a *Auth) Login(addr netip.Addr, password string, now time.Time) (session string, err error) {
	a.mu.Lock()
	a.refresh()
	hash, broken := a.data.Password, a.broken
	wait := a.limit.wait(addr, now)
	if wait == 0 {
		// Counted before it is checked, so that attempts at the same moment
		// do not all pass.
		a.limit.failed(addr, now)
	}
	a.mu.Unlock()
	switch {
	case broken != nil:
		return "", broken
	case hash == "":
		return "", ErrNoPassword
	case wait > 0:
		return "", &WaitError{wait}
	}
	a.hashing.Lock()
	ok := checkPassword(hash, password)
	a.hashing.Unlock()

	a.mu.Lock()
	defer a.mu.Unlock()
	if !ok {
		return "", ErrWrongPassword
	}
	a.limit.succeeded(addr)
	session = randomText()
	err = a.change(func(f *authFile) error {
		if f.Password != hash { // replaced while this one was checked
			return ErrWrongPassword
		}
		f.Sessions = slices.DeleteFunc(f.Sessions, func(s authSession) bool { return s.over(now) })
		if n := len(f.Sessions); n >= maxSessions {
			slices.SortFunc(f.Sessions, func(x, y authSession) int { return x.Seen.Compare(y.Seen) })
			f.Sessions = f.Sessions[n-maxSessions+1:]
		}
		t := now.UTC().Round(time.Second)
		f.Sessions = append(f.Sessions, authSession{digest(session), t, t})
		return nil
	})
	if err != nil {
		return "", err
	}
	return session, nil
}

func (s authSession) over(now time.Time) bool {
	return now.Sub(s.Seen) > SessionIdle || now.Sub(s.Created) > SessionLife
}

// Session reports whether the secret is that of a session that goes on, and
// notes its use.
func (a *Auth) Session(secret string, now time.Time) bool {
	if secret == "" {
		return false
	}
	want := digest(secret)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refresh()
	if a.data.Password == "" {
		return false
	}
	for _, s := range a.data.Sessions {
		if subtle.ConstantTimeCompare([]byte(s.Hash), []byte(want)) != 1 {
			continue
		}
		if s.over(now) {
			return false
		}
		if now.Sub(s.Seen) > seenGrain {
			// If this cannot be written, the session ends sooner than it might.
			_ = a.change(func(f *authFile) error {
				for i := range f.Sessions {
					if f.Sessions[i].Hash == want {
						f.Sessions[i].Seen = now.UTC().Round(time.Second)
					}
				}
				return nil
			})
		}
		return true
	}
	return false
}

// Logout ends a session. Ending one that is over is no error.
func (a *Auth) Logout(secret string) error {
	want := digest(secret)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.change(func(f *authFile) error {
		f.Sessions = slices.DeleteFunc(f.Sessions, func(s authSession) bool { return s.Hash == want })
		return nil
	})
}

// randomText returns 256 random bits.
func randomText() string {
	var b [32]byte
	rand.Read(b[:]) // never fails, says crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// digest is what is kept of a secret of 256 random bits. It needs no slow
// hash: nobody can guess it.
func digest(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// The cost of argon2id, as OWASP's password storage cheat sheet recommends
// for small machines: 19 MiB, 2 passes, 1 lane.
const (
	argonTime   = 2
	argonMemory = 19 * 1024
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
	maxPassword = 1024
)

// phc is a password hash with its parameters.
type phc struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails, says crypto/rand
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// parsePHC reads the string form, and refuses parameters that would make a
// check free or endless.
func parsePHC(s string) (phc, error) {
	var p phc
	var version int
	bad := errors.New("the password's hash is damaged")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, bad
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); err != nil {
		return p, bad
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, bad
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return p, bad
	}
	if p.memory < 8*1024 || p.memory > 1<<20 || p.time < 1 || p.time > 16 || p.lanes < 1 || p.lanes > 16 ||
		len(p.salt) < 8 || len(p.salt) > 64 || len(p.key) < 16 || len(p.key) > 64 {
		return p, bad
	}
	return p, nil
}

func checkPassword(hash, password string) bool {
	p, err := parsePHC(hash)
	if err != nil || len(password) > maxPassword {
		return false
	}
	key := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(len(p.key)))
	return subtle.ConstantTimeCompare(key, p.key) == 1
}
