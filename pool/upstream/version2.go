package upstream

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"hearth/pool/stratum"
	"hearth/pool/stratum2"
	"hearth/pool/stratum2/message"
	"hearth/pool/stratum2/noise"
)

// version2 is Stratum V2: a handshake, then frames, all encrypted. The house has
// one extended channel, whose jobs its miners share.
type version2 struct {
	config Config
	way    Login
	key    *noise.AuthorityKey // nil: anybody may be the pool

	initiator *noise.Initiator // nil once the handshake is done
	answer    []byte           // of the pool to the handshake, as far as it came

	transport *stratum2.Transport
	frames    stratum2.Frames
	c         *stratum2.Client
	plain     []byte // room for frames that are to be encrypted
	notified  time.Time
	heard     []news
}

func newVersion2(c Config, at Address, way Login) (*version2, error) {
	v := &version2{config: c, way: way}
	v.way.Encrypted = true
	if at.Key != "" {
		key, err := noise.ParseAuthorityKey(at.Key)
		if err != nil {
			return nil, fmt.Errorf("set up upstream %s: %w", c.Name, err)
		}
		v.key, v.way.Verified = &key, true
	}
	v.c = stratum2.NewClient(stratum2.ClientConfig{
		Source: c.Source, Vendor: c.Agent, Host: at.Host, Port: at.Port,
		User: c.Workers[0].User, Hash: c.Rate, Mask: c.Mask, Extranonce: c.Extranonce, Least: 1,
		Named: true, Next: c.Next,
	})
	return v, nil
}

func (v *version2) begin(dst []byte) ([]byte, error) {
	key, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		return dst, fmt.Errorf("greet pool %s: %w", v.config.Name, err)
	}
	v.initiator = noise.NewInitiator(key)
	hello := v.initiator.Hello()
	return append(dst, hello[:]...), nil
}

func (v *version2) take(dst, came []byte, now time.Time) ([]byte, []news, error) {
	v.heard = v.heard[:0]
	dst, err := v.hear(dst, came, now)
	if err != nil {
		err = fmt.Errorf("hear pool %s: %w", v.config.Name, err)
	}
	return dst, v.heard, err
}

func (v *version2) hear(dst, came []byte, now time.Time) ([]byte, error) {
	if v.initiator != nil {
		n := min(noise.AnswerSize-len(v.answer), len(came))
		v.answer = append(v.answer, came[:n]...)
		came = came[n:]
		if len(v.answer) < noise.AnswerSize {
			return dst, nil
		}
		var err error
		if dst, err = v.shake(dst, now); err != nil {
			return dst, err
		}
	}
	err := v.frames.Feed(came, func(h message.Header, payload []byte) error {
		plain, said, err := v.c.Receive(v.plain[:0], h, payload, now)
		v.tell(said, now)
		if err != nil {
			return err
		}
		dst, err = v.seal(dst, plain)
		return err
	})
	return dst, err
}

// shake ends the handshake and logs in.
func (v *version2) shake(dst []byte, now time.Time) ([]byte, error) {
	peer, pair, err := v.initiator.Finish(v.answer)
	if err != nil {
		return dst, err
	}
	if v.key != nil {
		if err := peer.Verify(*v.key, now); err != nil {
			return dst, err
		}
	}
	v.initiator, v.answer = nil, nil
	v.transport = stratum2.NewTransport(pair, stratum2.FromPools)
	v.frames.Transport = v.transport
	plain, err := v.c.Login(v.plain[:0])
	if err != nil {
		return dst, err
	}
	return v.seal(dst, plain)
}

// seal appends frames, encrypted.
func (v *version2) seal(dst, plain []byte) ([]byte, error) {
	v.plain = plain[:0]
	return v.transport.Seal(dst, plain)
}

func (v *version2) tell(said []stratum2.News, now time.Time) {
	for _, s := range said {
		switch s.Kind {
		case stratum2.LoggedIn:
			l := v.way
			l.Room, l.Named = v.c.Room(), v.c.Named()
			v.heard = append(v.heard, news{login: &l})
			for _, w := range v.config.Workers[1:] {
				n := Notice{Kind: WorkerIn, Upstream: v.config.Name, User: w.User}
				if _, err := message.WorkerName(w.User); !l.Named {
					n.Kind, n.Text = WorkerOut, unnamed
				} else if err != nil {
					n.Kind, n.Text = WorkerOut, err.Error()
				}
				v.heard = append(v.heard, news{notice: &n})
			}
		case stratum2.NewJob:
			v.notified = now
			v.heard = append(v.heard, news{job: s.Job})
		case stratum2.Answered:
			v.heard = append(v.heard, news{answer: &s.Answer})
		case stratum2.Reconnect:
			n := Notice{Kind: Sent, Upstream: v.config.Name, Text: s.Host}
			if s.Port != 0 {
				n.Text += ":" + strconv.Itoa(int(s.Port))
			}
			v.heard = append(v.heard, news{notice: &n}, news{away: true})
		}
	}
}

// unnamed is why a second worker is of no use at a pool.
const unnamed = "the pool does not know the extension that names workers: all is credited to the first"

func (v *version2) submit(dst []byte, s Share, cookie uint64, now time.Time) ([]byte, error) {
	plain, err := v.c.Submit(v.plain[:0], s, cookie, now)
	if err != nil {
		return dst, err
	}
	return v.seal(dst, plain)
}

// authorize has nothing to say: the shares name their worker.
func (v *version2) authorize(dst []byte, w Credential) ([]byte, error) {
	if _, err := message.WorkerName(w.User); err != nil {
		return dst, err
	}
	if v.c.Ready() && !v.c.Named() {
		return dst, fmt.Errorf("%w: %s", stratum2.ErrRefused, unnamed)
	}
	return dst, nil
}

func (v *version2) shape(n int, now time.Time) ([]news, error) {
	said, err := v.c.Shape(n, now)
	v.heard = v.heard[:0]
	v.tell(said, now)
	return v.heard, err
}

func (v *version2) tick(dst []byte, now time.Time) ([]byte, error) {
	if v.transport == nil {
		return dst, nil
	}
	plain, err := v.c.Tick(v.plain[:0], now)
	if err != nil {
		return dst, fmt.Errorf("mine at pool %s: %w", v.config.Name, err)
	}
	return v.seal(dst, plain)
}

func (v *version2) pulse() (notified time.Time, waiting int, since time.Time) {
	waiting, since = v.c.Unanswered()
	return v.notified, waiting, since
}

func (v *version2) lost() []stratum.Answer { return v.c.Lost() }
