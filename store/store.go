package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver

	"hearth/ledger"
)

// Options is how a store is opened.
type Options struct {
	// Key signs the records; see [LoadOrCreateKey].
	Key ed25519.PrivateKey
	// HeadPath is the file of the signed head. Empty: none is kept, and a cut
	// end or an older copy of the ledger goes unseen.
	HeadPath string
	// Log is told of trouble; nil: nobody is.
	Log *slog.Logger
	// Location is the place whose days history is rolled up to; nil: UTC.
	Location *time.Location
	// Now dates the records that the store writes itself; nil: [time.Now].
	Now func() time.Time
	// Buffer is how many entries wait in memory while the disk takes none;
	// 0: 4,096. Samples have a buffer four times as large.
	Buffer int
	// Unsynced gives up the promise of durability: a power cut may lose the
	// last records, though not damage the file. For simulated homes that run
	// faster than life.
	Unsynced bool

	vfs        string // of SQLite; tests put their own in between
	files      files  // likewise, for the head
	checkpoint int    // pages of WAL after which SQLite folds it in; 0: 1,000
}

// Store is an open data file. Its methods may be called from any goroutine.
type Store struct {
	path    string
	opts    Options
	log     *slog.Logger
	lock    *os.File
	read    atomic.Pointer[sql.DB]
	write   *sql.DB // nil while the file can only be read
	before  *sql.DB // what read was while the file could only be read
	genesis ledger.Hash

	writing  sync.Mutex // one writer; guards what follows
	closed   bool
	readOnly bool // read was opened while the file could not be written
	viewing  bool // opened by View: nothing is ever written
	waiting  backlog
	samples  []Sample
	series   map[seriesKey]int64

	state    sync.RWMutex // taken after writing; guards what follows
	head     ledger.Head
	paused   error
	disputed error // the head outside the file disagreed at the start
	stale    error // the head outside the file could not be renewed
}

// Open opens the file at path, and makes it if there is none, bringing its
// schema up to date. The context bounds the opening only.
//
// An error wraps [ErrHeld] when another process has the file, [ErrDamaged]
// when it is damaged, [ErrKey] when it was made with another key, [ErrNewer]
// when a newer Hearth wrote it. On a disk that cannot be written an existing
// file is opened for reading: the store is then paused from the start.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	s, err := open(ctx, path, opts)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, classify(err))
	}
	return s, nil
}

func open(ctx context.Context, path string, opts Options) (_ *Store, err error) {
	if len(opts.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("no key to sign with")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Location == nil {
		opts.Location = time.UTC
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Buffer == 0 {
		opts.Buffer = 4096
	}
	if opts.files == nil {
		opts.files = osFiles{opts.Unsynced}
	}
	s := &Store{path: path, opts: opts, log: opts.Log.With("component", "store"), series: map[seriesKey]int64{}}
	unclean, err := s.hold()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.shut(false)
		}
	}()
	if err := s.connect(ctx, unclean); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// dsn names the file for the driver.
func (s *Store) dsn(mode string, pragmas ...string) string {
	q := url.Values{"mode": {mode}}
	q["_pragma"] = append([]string{"busy_timeout(5000)", "cache_size(-2000)", "temp_store(2)"}, pragmas...)
	if s.opts.vfs != "" {
		q.Set("vfs", s.opts.vfs)
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(s.path)}).EscapedPath() + "?" + q.Encode()
}

// writeDSN is the one for writing. With a WAL a commit is one write and one
// sync and readers do not wait; synchronous FULL makes a commit return only
// after that sync. NORMAL syncs when the WAL is folded in, which is enough for
// the file to stay whole. On macOS a plain sync stops at the disk's own cache,
// hence fullfsync, which means nothing elsewhere.
func (s *Store) writeDSN() string {
	sync := "synchronous(FULL)"
	if s.opts.Unsynced {
		sync = "synchronous(NORMAL)"
	}
	pages := s.opts.checkpoint
	if pages == 0 {
		pages = 1000 // 4 MB, SQLite's own choice
	}
	return s.dsn("rwc", "journal_mode(WAL)", sync, "fullfsync(1)", "checkpoint_fullfsync(1)", fmt.Sprintf("wal_autocheckpoint(%d)", pages)) + "&_txlock=immediate"
}

// connect opens the file for writing or, where the disk does not allow that
// and the file is there, for reading.
func (s *Store) connect(ctx context.Context, unclean bool) error {
	_, statErr := os.Stat(s.path)
	err := s.connectWrite(ctx)
	if err != nil {
		if !isDisk(err) || statErr != nil {
			return err
		}
		s.pause(err)
		s.readOnly = true
	} else if errors.Is(statErr, fs.ErrNotExist) {
		// SQLite syncs the entries of its journals in the directory, but not
		// that of the database itself.
		if err := s.opts.files.syncDir(filepath.Dir(s.path)); err != nil {
			return err
		}
	}
	db, err := s.openRead(ctx)
	if err != nil {
		return err
	}
	s.read.Store(db)
	if unclean {
		return quickCheck(ctx, db)
	}
	return nil
}

// reconnect opens the file for writing after it could not be. A connection
// for reading that was opened in the meantime may not see what is written
// from now on, and is replaced; whoever still reads with it may finish.
func (s *Store) reconnect(ctx context.Context) error {
	if err := s.connectWrite(ctx); err != nil {
		return err
	}
	if !s.readOnly {
		return nil
	}
	db, err := s.openRead(ctx)
	if err != nil {
		s.write.Close()
		s.write = nil
		return err
	}
	s.before, s.readOnly = s.read.Swap(db), false
	return nil
}

func (s *Store) connectWrite(ctx context.Context) error {
	db, err := sql.Open("sqlite", s.writeDSN())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db); err != nil {
		db.Close()
		return err
	}
	s.write = db
	return nil
}

// openRead opens the file for reading. On a disk that cannot be written
// SQLite cannot make the files that go with a WAL; then the file is read as
// it is, provided that there is no WAL with something in it.
func (s *Store) openRead(ctx context.Context) (*sql.DB, error) {
	mode := "rw" // a reader in WAL mode takes part in the shared memory
	if s.write == nil {
		mode = "ro"
	}
	db, err := sql.Open("sqlite", s.dsn(mode, "query_only(1)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	var version int
	err = db.QueryRowContext(ctx, "pragma user_version").Scan(&version)
	if err == nil {
		err = db.QueryRowContext(ctx, "select count(*) from sqlite_schema").Scan(new(int))
	}
	if err != nil && s.write == nil {
		if st, statErr := os.Stat(s.path + "-wal"); statErr != nil || st.Size() == 0 {
			db.Close()
			if db, err = sql.Open("sqlite", s.dsn(mode, "query_only(1)")+"&immutable=1"); err != nil {
				return nil, err
			}
			err = db.QueryRowContext(ctx, "pragma user_version").Scan(&version)
		}
	}
	if err == nil {
		err = checkVersion(version)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// quickCheck looks the file over after a run that did not end as it should.
func quickCheck(ctx context.Context, q querier) error {
	var text string
	if err := q.QueryRowContext(ctx, "pragma quick_check(1)").Scan(&text); err != nil {
		return err
	}
	if text != "ok" {
		return fmt.Errorf("%w: %s; %s", ErrDamaged, text, whatToDo)
	}
	return nil
}

// begin makes the genesis of a new ledger, or finds the place where an old
// one goes on and holds it against the head outside the file.
func (s *Store) begin(ctx context.Context) error {
	first, err := one(ctx, s.read.Load(), 1)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if s.write == nil {
			return fmt.Errorf("%w: the ledger is empty and cannot be written: %w", ErrPaused, s.paused)
		}
		if err := s.found(ctx); err != nil {
			return err
		}
		if first, err = one(ctx, s.read.Load(), 1); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if err := s.checkKey(first); err != nil {
		return err
	}
	s.genesis = first.Hash
	last, err := lastRecord(ctx, s.read.Load())
	if err != nil {
		return err
	}
	s.setHead(last.Head(s.genesis, s.opts.Key))
	if err := s.samePlace(ctx); err != nil {
		return err
	}
	return s.compareHead(ctx)
}

// Close gives the file back. Entries that still wait in memory are tried once
// more; an error says what was lost.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	ctx := context.Background()
	var err error
	if n := int64(len(s.waiting.entries)) + s.waiting.dropped; n > 0 {
		if e := s.commit(ctx, nil); e != nil {
			err = fmt.Errorf("close ledger: %s in memory could not be written: %w", count(n, "record"), e)
		}
	}
	if n := int64(len(s.samples)); n > 0 {
		if e := s.flushSamples(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("close ledger: %s in memory could not be written: %w", count(n, "sample"), e))
		}
	}
	s.shut(true)
	return err
}

func (s *Store) shut(clean bool) {
	for _, db := range []*sql.DB{s.read.Load(), s.before, s.write} {
		if db != nil {
			db.Close()
		}
	}
	s.release(clean)
}

func (s *Store) pause(err error) {
	s.state.Lock()
	defer s.state.Unlock()
	if s.paused == nil {
		s.log.Warn("ledger paused", "cause", err)
	}
	s.paused = err
}

// Paused returns nil, or why nothing can be written now. It wraps [ErrPaused].
func (s *Store) Paused() error {
	s.state.RLock()
	defer s.state.RUnlock()
	if s.paused == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrPaused, s.paused)
}

// Trouble returns nil, or what is wrong although records are being written:
// the head outside the file disagrees or cannot be renewed.
func (s *Store) Trouble() error {
	s.state.RLock()
	defer s.state.RUnlock()
	return errors.Join(s.disputed, s.stale)
}

// Head returns the head of what is on the disk.
func (s *Store) Head() ledger.Head {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.head
}

func (s *Store) setHead(h ledger.Head) {
	s.state.Lock()
	defer s.state.Unlock()
	s.head = h
}

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}
