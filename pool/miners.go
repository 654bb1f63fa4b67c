package pool

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/internal/durable"
)

// Miner is a heater that may come in: by a token, or from one address.
type Miner struct {
	// Name is the worker's name, in the ledger and in agreements.
	Name string `json:"name"`
	// Token is the SHA-256 hash of the password that it logs in with,
	// hexadecimal; empty for a miner that is known by its address.
	Token string `json:"token,omitempty"`
	// Address is where it comes from, for a miner without a token.
	Address netip.Addr `json:"address,omitzero"`
	// Account is who is credited in a pool: an address that coins are paid to.
	Account string    `json:"account,omitempty"`
	Since   time.Time `json:"since"`
}

// Limits of what is kept of miners.
const (
	maxMiners     = 20_000
	maxMinersFile = 8 << 20
	// MaxName is the most bytes of a miner's name: Avalon cuts what is longer.
	MaxName = 63
)

// Errors that a caller tells apart.
var (
	ErrPaired    = errors.New("a miner of this name is paired")
	ErrNotPaired = errors.New("no miner of this name is paired")
)

// Miners is the list of paired miners in a file that several processes read
// and one at a time changes. It is safe for concurrent use.
type Miners struct {
	path string

	mu      sync.Mutex
	stamp   time.Time // of the file that was read
	size    int64
	looked  time.Time
	byName  map[string]Miner
	address map[netip.Addr]string
}

// OpenMiners reads the list at path; a file that is not there is an empty list.
func OpenMiners(path string) (*Miners, error) {
	m := &Miners{path: path}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.read(); err != nil {
		return nil, err
	}
	return m, nil
}

// read takes the file up. The caller holds the lock.
func (m *Miners) read() error {
	var list []Miner
	f, err := os.Open(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.stamp, m.size = time.Time{}, 0
	case err != nil:
		return fmt.Errorf("read the paired miners: %w", err)
	default:
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("read the paired miners: %w", err)
		}
		b, err := io.ReadAll(io.LimitReader(f, maxMinersFile+1))
		if err != nil {
			return fmt.Errorf("read the paired miners: %w", err)
		}
		if len(b) > maxMinersFile {
			return fmt.Errorf("read the paired miners: the file has more than %d bytes", maxMinersFile)
		}
		if err := json.Unmarshal(b, &list); err != nil {
			return fmt.Errorf("read the paired miners: %w; put a backup of %s in its place, or remove it and pair again", err, m.path)
		}
		m.stamp, m.size = info.ModTime(), info.Size()
	}
	m.byName, m.address = make(map[string]Miner, len(list)), map[netip.Addr]string{}
	for _, one := range list {
		m.byName[one.Name] = one
		if one.Address.IsValid() {
			m.address[one.Address.Unmap()] = one.Name
		}
	}
	return nil
}

// refresh takes up what another process changed, looking at most once a second.
func (m *Miners) refresh(now time.Time) {
	if now.Sub(m.looked) < time.Second && !now.Before(m.looked) {
		return
	}
	m.looked = now
	info, err := os.Stat(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && m.size == 0:
	case err == nil && info.ModTime().Equal(m.stamp) && info.Size() == m.size:
	default:
		// A file that cannot be read now changes nothing: who is paired stays so.
		_ = m.read()
	}
}

// List returns all miners by name.
func (m *Miners) List(now time.Time) []Miner {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refresh(now)
	out := make([]Miner, 0, len(m.byName))
	for _, one := range m.byName {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Miner) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Add pairs a miner. Where it has no address it gets a token, from the given
// randomness, which is returned and kept nowhere.
func (m *Miners) Add(one Miner, now time.Time, random io.Reader) (token string, err error) {
	if err := checkName(one.Name); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.read(); err != nil {
		return "", err
	}
	if _, ok := m.byName[one.Name]; ok {
		return "", fmt.Errorf("pair %s: %w: \"hearth pool unpair %s\" ends that, or choose another name", one.Name, ErrPaired, one.Name)
	}
	if len(m.byName) >= maxMiners {
		return "", fmt.Errorf("pair %s: there are %d miners already, which is the most one service takes", one.Name, maxMiners)
	}
	one.Since = now.UTC().Truncate(time.Second)
	if one.Address.IsValid() {
		one.Address = one.Address.Unmap()
		if other, ok := m.address[one.Address]; ok {
			return "", fmt.Errorf("pair %s: %v is the address of %s", one.Name, one.Address, other)
		}
	} else {
		secret := make([]byte, 10)
		if _, err := io.ReadFull(random, secret); err != nil {
			return "", fmt.Errorf("make a token: %w", err)
		}
		// Easy to read out and to type into a miner's page.
		token = strings.ToLower(base32.StdEncoding.EncodeToString(secret))
		one.Token = hashToken(token)
	}
	m.byName[one.Name] = one
	if err := m.write(); err != nil {
		delete(m.byName, one.Name)
		return "", err
	}
	return token, m.read()
}

// Get returns a paired miner.
func (m *Miners) Get(name string) (Miner, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	one, ok := m.byName[name]
	return one, ok
}

// Put puts a miner back as [Miners.Get] returned it, with the token that it had.
func (m *Miners) Put(one Miner) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.read(); err != nil {
		return err
	}
	m.byName[one.Name] = one
	if err := m.write(); err != nil {
		return err
	}
	return m.read()
}

// Remove ends a pairing.
func (m *Miners) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.read(); err != nil {
		return err
	}
	if _, ok := m.byName[name]; !ok {
		return fmt.Errorf("%w: %q; \"hearth pool miners\" lists those that are", ErrNotPaired, name)
	}
	delete(m.byName, name)
	if err := m.write(); err != nil {
		return err
	}
	return m.read()
}

func (m *Miners) write() error {
	out := make([]Miner, 0, len(m.byName))
	for _, one := range m.byName {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Miner) int { return strings.Compare(a.Name, b.Name) })
	b, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		err = durable.Replace(m.path, append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep the paired miners: %w", err)
	}
	return nil
}

// Admit says which miner logs in with a user name and a password from an
// address. The user name of a miner with a token is its name, or its name, a dot
// and the token where firmware keeps no password or the protocol has none
// (Stratum V2). Anything else after a dot is ignored, since some firmware adds
// to the name. Of a miner that is known by its address, neither is looked at.
func (m *Miners) Admit(user, password string, from netip.Addr, now time.Time) (Miner, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refresh(now)
	if name, ok := m.address[from.Unmap()]; ok {
		return m.byName[name], nil
	}
	name, rest, _ := strings.Cut(user, ".")
	one, ok := m.byName[name]
	if !ok || one.Token == "" {
		return Miner{}, errNotPaired
	}
	for _, token := range []string{password, rest} {
		given := hashToken(strings.ToLower(strings.TrimSpace(token)))
		if subtle.ConstantTimeCompare([]byte(given), []byte(one.Token)) == 1 {
			return one, nil
		}
	}
	return Miner{}, errNotPaired
}

// errNotPaired goes to the miner, whose log is often all that a person sees.
var errNotPaired = errors.New("not paired: set the name and token that \"hearth pool pair\" prints as user and password")

func hashToken(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

func checkName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("the name of a miner %q: give it 1 to %d letters, digits, - and _", name, MaxName)
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return fmt.Errorf("the name of a miner %q: %q is not allowed in it; use letters, digits, - and _", name, c)
		}
	}
	return nil
}
