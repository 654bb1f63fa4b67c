package mine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hearth/infer/model"
	"hearth/internal/durable"
	"hearth/internal/filelock"
)

// Journal is a folder with what a worker holds: claims under way, a file each, and
// what came of the latest that have ended. A file is replaced in one step, so that
// kill -9 leaves the old or the new. It is safe for concurrent use; one process
// has it at a time.
type Journal struct {
	dir  string
	lock *os.File

	mu     sync.Mutex
	held   map[model.Hash]*Held
	events []Event // the oldest first
	book   book
}

// book is what is remembered beside claims.
type book struct {
	// Earned is the newest proven sum of what the owner was paid or is to be paid.
	Earned uint64 `json:"earned"`
	// Known says that Earned was read once: what came before that was earned
	// elsewhere.
	Known bool `json:"known"`
	// Next numbers events.
	Next uint64 `json:"next"`
}

const (
	claimsFolder = "claims"
	eventsFolder = "events"
	bookFile     = "book.json"
	suffix       = ".json"
	// eventsKept is how many events are remembered.
	eventsKept = 500
	// largestFile is more than a file of the journal has: a claim's tickets and its
	// receipt, in base64.
	largestFile = 32 << 20
)

// OpenJournal opens the journal in a folder, which is made if it is not there.
func OpenJournal(dir string) (*Journal, error) {
	for _, d := range [...]string{claimsFolder, eventsFolder} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("make the worker's folder: %w", err)
		}
	}
	j := &Journal{dir: dir, held: map[model.Hash]*Held{}}
	var err error
	if j.lock, err = filelock.Open(filepath.Join(dir, "lock")); err == nil {
		if err = filelock.Take(j.lock); err != nil {
			j.lock.Close()
		}
	}
	if filelock.IsBusy(err) {
		return nil, fmt.Errorf("another worker runs in %s: stop it first, or give this one a folder and keys of its own", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the worker's folder: %w", err)
	}
	if err := j.load(); err != nil {
		j.lock.Close()
		return nil, err
	}
	return j, nil
}

// Close lets the folder go.
func (j *Journal) Close() error { return j.lock.Close() }

func (j *Journal) load() error {
	err := readAll(filepath.Join(j.dir, claimsFolder), func(b []byte) error {
		h := &Held{}
		if err := json.Unmarshal(b, h); err != nil {
			return err
		}
		j.held[h.Claim] = h
		return nil
	})
	if err != nil {
		return err
	}
	err = readAll(filepath.Join(j.dir, eventsFolder), func(b []byte) error {
		var e Event
		if err := json.Unmarshal(b, &e); err != nil {
			return err
		}
		j.events = append(j.events, e)
		j.book.Next = max(j.book.Next, e.Number+1)
		return nil
	})
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(j.dir, bookFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	next := j.book.Next
	if err == nil {
		err = json.Unmarshal(b, &j.book)
	}
	if err != nil {
		return fmt.Errorf("read the worker's book: %w", err)
	}
	j.book.Next = max(j.book.Next, next)
	for _, e := range j.events { // one that was written before the book was
		j.book.Earned = max(j.book.Earned, e.Sum)
	}
	return nil
}

// readAll reads the files of a folder in the order of their names. What a crash
// left of one that was being written is passed over.
func readAll(dir string, take func([]byte) error) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the worker's folder: %w", err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), suffix) {
			continue
		}
		name := filepath.Join(dir, f.Name())
		if info, err := f.Info(); err == nil && info.Size() > largestFile {
			return fmt.Errorf("read %s: it has %d bytes, which no claim has: move it away", name, info.Size())
		}
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a worker has just removed it
		}
		if err == nil {
			err = take(b)
		}
		if err != nil {
			return fmt.Errorf("read %s of the worker's journal: %w: if it is damaged, move it away, and the claim is read anew from the chain", name, err)
		}
	}
	return nil
}

func (j *Journal) put(folder, name string, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = durable.Replace(filepath.Join(j.dir, folder, name), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the worker's journal: %w", err)
	}
	return nil
}

// Keep writes a new claim down. When it returns, the claim survives. One that is
// held already stays as it is.
func (j *Journal) Keep(h *Held) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.held[h.Claim] != nil {
		return nil
	}
	return j.keep(*h)
}

func (j *Journal) keep(h Held) error {
	if err := j.put(claimsFolder, h.Claim.String()+suffix, &h); err != nil {
		return err
	}
	j.held[h.Claim] = &h
	return nil
}

// Change changes what is written down of a claim and returns a copy; nil if it is
// not held any more. When it returns without an error, the change survives.
//
// A receipt that is written down once stays: another is an error, and nothing is
// changed.
func (j *Journal) Change(claim model.Hash, change func(*Held)) (*Held, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	old := j.held[claim]
	if old == nil {
		return nil, nil
	}
	h := *old
	change(&h)
	if old.Receipt != nil && !bytes.Equal(old.Receipt, h.Receipt) {
		return nil, fmt.Errorf("claim %v has a receipt: there must be no second", claim)
	}
	if err := j.keep(h); err != nil {
		return nil, err
	}
	return &h, nil
}

// Drop forgets a claim: it ended, or it never came to be.
func (j *Journal) Drop(claim model.Hash) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := os.Remove(filepath.Join(j.dir, claimsFolder, claim.String()+suffix))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove from the worker's journal: %w", err)
	}
	delete(j.held, claim)
	return nil
}

// Held returns what is held, what must be delivered soonest first. The values are
// copies.
func (j *Journal) Held() []*Held {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]*Held, 0, len(j.held))
	for _, h := range j.held {
		c := *h
		all = append(all, &c)
	}
	slices.SortFunc(all, func(a, b *Held) int {
		if x, y := a.closes(), b.closes(); x != y {
			if x < y {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Claim.String(), b.Claim.String())
	})
	return all
}

// Get returns a copy of what is held of a claim, nil if nothing is.
func (j *Journal) Get(claim model.Hash) *Held {
	j.mu.Lock()
	defer j.mu.Unlock()
	if h := j.held[claim]; h != nil {
		c := *h
		return &c
	}
	return nil
}

// Note writes an event down and numbers it.
func (j *Journal) Note(e Event) (Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Number = j.book.Next
	if err := j.putEvent(e); err != nil {
		return e, err
	}
	j.book.Next++
	j.events = append(j.events, e)
	for len(j.events) > eventsKept && j.events[0].Told {
		if err := os.Remove(filepath.Join(j.dir, eventsFolder, j.events[0].file())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return e, fmt.Errorf("remove from the worker's journal: %w", err)
		}
		j.events = j.events[1:]
	}
	return e, nil
}

func (j *Journal) putEvent(e Event) error { return j.put(eventsFolder, e.file(), e) }

// Told marks an event as one that whoever keeps the books has taken.
func (j *Journal) Told(number uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.events {
		if j.events[i].Number == number {
			j.events[i].Told = true
			return j.putEvent(j.events[i])
		}
	}
	return nil
}

// Events returns what happened, the oldest first.
func (j *Journal) Events() []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.events)
}

// noted tells whether the end of a claim is among the events.
func (j *Journal) noted(claim model.Hash) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.events, func(e Event) bool { return e.Kind == Ended && e.Claim == claim })
}

// earned returns the newest sum that was earned, and whether one is known.
func (j *Journal) earned() (uint64, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.book.Earned, j.book.Known
}

func (j *Journal) setEarned(sum uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.book
	b.Earned, b.Known = sum, true
	if err := j.put("", bookFile, b); err != nil {
		return err
	}
	j.book = b
	return nil
}
