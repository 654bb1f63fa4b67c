package computer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

// What a computer may do while nothing else waits to be computed.
const (
	workBurn   = "burn"
	workSHA256 = "sha256"
)

// Pool is what a computer mines at: part of the configuration.
type Pool struct {
	// URL is stratum+tcp://host:port, stratum+tls://host:port or
	// stratum2+tcp://host:port/KEY. Empty: the pool of the home itself.
	URL string `yaml:"url"`
	// User is the computer's name at the pool. Empty: that of the device.
	User string `yaml:"user"`
	// Password is "file:…". Most pools want none.
	Password string `yaml:"password"`
}

// Mines reports whether the computer is to mine while nothing else waits.
func (c Config) Mines() bool { return c.Work == workSHA256 }

// Units of what a workload that mines counts: see [device.Output].
const (
	HashUnit  = "hash"
	ShareUnit = "share" // that the pool accepted
)

// workload is what fills the slot by the configuration, and whether it mines.
func (o Options) workload(cfg Config, threads int, env device.Env) (w Workload, mines bool, err error) {
	switch cfg.Work {
	case "", workBurn:
		if cfg.Pool != (Pool{}) {
			return nil, false, fmt.Errorf("pool: a computer that makes dumb heat needs none: write \"work: %s\" for one that mines", workSHA256)
		}
		w = o.Workload
		if w == nil {
			w = Burner{}
		}
		return w, false, nil
	case workSHA256:
	default:
		return nil, false, fmt.Errorf("work: %q is not known: %s makes dumb heat, %s mines for learning", cfg.Work, workBurn, workSHA256)
	}
	if o.Mine == nil {
		return nil, false, errors.New("work: this program does not mine")
	}
	p := cfg.Pool
	if p.User == "" {
		p.User = env.Name
	}
	switch {
	case p.Password == "":
		p.Password = "x"
	case !strings.HasPrefix(p.Password, "file:"):
		return nil, false, errors.New(`pool: password: put it in a file of its own and write "file:" and the file's path here`)
	default:
		if p.Password, err = env.Secret(p.Password); err != nil {
			return nil, false, fmt.Errorf("pool: %w", err)
		}
	}
	w, err = o.Mine(p, threads, env)
	return w, true, err
}

// tried is how many hashes a workload had computed at some time.
type tried struct {
	hashes int64
	at     time.Time
}

// mining says what a reading should of a computer that mines: how fast, since the
// last reading, and whether there is a pool to mine for.
func (c *Computer) mining(r *device.Reading) {
	now := tried{at: time.Now()}
	for _, o := range r.Done {
		if o.Unit == HashUnit {
			now.hashes, _ = o.Count.Get()
		}
	}
	before := c.tried
	c.tried = now
	switch passed := now.at.Sub(before.at); {
	case r.State != device.StateHeating:
		r.HashRate = units.Unknown[units.HashRate]("it does not mine now", r.At)
		r.Pool = units.Unknown[bool]("it does not mine now", r.At)
	case r.Work == device.Burning:
		r.HashRate = units.Know[units.HashRate](0, r.At, units.Meter)
		r.Pool = units.Know(false, r.At, units.Meter)
	case r.Work != device.Hashing:
		r.HashRate = units.Unknown[units.HashRate]("it computes something else now", r.At)
		r.Pool = units.Unknown[bool]("it computes something else now", r.At)
	default:
		r.Pool = units.Know(true, r.At, units.Meter)
		r.HashRate = units.Unknown[units.HashRate]("it has only begun to mine", r.At)
		if more := now.hashes - before.hashes; !before.at.IsZero() && passed >= shortest && more >= 0 {
			r.HashRate = units.Know(units.HashRate(float64(more)/passed.Seconds()), r.At, units.Meter)
		}
	}
}
