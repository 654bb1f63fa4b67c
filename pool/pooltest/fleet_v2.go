package pooltest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum2"
	"hearth/pool/stratum2/message"
	"hearth/pool/stratum2/noise"
)

// fleetV2 speaks Stratum V2 on one channel, as firmware does. It shares the
// codec with the server, and what messages mean it works out itself.
type fleetV2 struct {
	standard  bool
	frames    *bufio.Reader
	transport *stratum2.Transport
	buf       []byte

	channel  uint32
	prefix   []byte
	room     int // bytes of extranonce that are the miner's
	sequence uint32
	waiting  []*fleetWork // future jobs, until the previous hash is known
	prev     *message.SetNewPrevHash
}

func (d *fleetV2) login(m *fleetMiner, user, _ string) error {
	if err := d.shake(m); err != nil {
		return err
	}
	setup := &message.SetupConnection{MinVersion: message.Version, MaxVersion: message.Version, Host: "fleet", Vendor: "fleet"}
	if d.standard {
		setup.Flags = message.RequiresStandardJobs
	}
	if err := d.ask(m, setup, new(message.SetupConnectionSuccess)); err != nil {
		return err
	}
	if d.standard {
		var ok message.OpenStandardMiningChannelSuccess
		if err := d.ask(m, &message.OpenStandardMiningChannel{User: user, MaxTarget: everything()}, &ok); err != nil {
			return err
		}
		d.channel = ok.Channel
		m.aim(ok.Target)
		return nil
	}
	var ok message.OpenExtendedMiningChannelSuccess
	if err := d.ask(m, &message.OpenExtendedMiningChannel{User: user, MaxTarget: everything()}, &ok); err != nil {
		return err
	}
	d.channel, d.prefix, d.room = ok.Channel, bytes.Clone(ok.ExtranoncePrefix), int(ok.Extranonce)
	m.aim(ok.Target)
	return nil
}

// everything is the easiest target.
func everything() job.Target { return job.Target(bytes.Repeat([]byte{0xff}, 32)) }

func (d *fleetV2) shake(m *fleetMiner) error {
	key, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	i := noise.NewInitiator(key)
	hello := i.Hello()
	if _, err := m.conn.Write(hello[:]); err != nil {
		return err
	}
	answer := make([]byte, noise.AnswerSize)
	if _, err := io.ReadFull(d.frames, answer); err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	peer, pair, err := i.Finish(answer)
	if err != nil {
		return err
	}
	if a := m.fleet.cfg.Authority; a != nil {
		if err := peer.Verify(*a, time.Now()); err != nil {
			return err
		}
	}
	d.transport = stratum2.NewTransport(pair, stratum2.FromPools)
	return nil
}

// ask sends a request and reads the answer, which has to be the next frame.
func (d *fleetV2) ask(m *fleetMiner, request, answer message.Message) error {
	frame, err := message.Append(nil, request)
	if err != nil {
		return err
	}
	if frame, err = d.transport.Seal(nil, frame); err != nil {
		return err
	}
	if _, err := m.conn.Write(frame); err != nil {
		return err
	}
	h, payload, err := d.next()
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	if no, ok := message.New(h).(*message.OpenMiningChannelError); ok {
		if _, err := message.Parse(no, payload); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s", errFleetRefused, no.Code)
	}
	if fmt.Sprintf("%T", message.New(h)) != fmt.Sprintf("%T", answer) {
		return fmt.Errorf("%w: it answers a %T with a %v", errFleetRefused, request, h)
	}
	_, err = message.Parse(answer, payload)
	return err
}

// next reads a frame; the payload is valid until the next one.
func (d *fleetV2) next() (message.Header, []byte, error) {
	var head [stratum2.HeaderSize]byte
	if _, err := io.ReadFull(d.frames, head[:]); err != nil {
		return message.Header{}, nil, err
	}
	h, err := d.transport.OpenHeader(head[:])
	if err != nil {
		return h, nil, err
	}
	n := stratum2.Sealed(h.Size)
	if cap(d.buf) < n {
		d.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(d.frames, d.buf[:n]); err != nil {
		return h, nil, err
	}
	payload, err := d.transport.Open(d.buf[:n])
	return h, payload, err
}

func (d *fleetV2) hear(m *fleetMiner) error {
	h, payload, err := d.next()
	if err != nil {
		return err
	}
	at := time.Now()
	switch v := message.New(h).(type) {
	case *message.SubmitSharesSuccess:
		if _, err = message.Parse(v, payload); err == nil {
			m.answered(int(v.Count), true)
		}
	case *message.SubmitSharesError:
		m.answered(1, false)
	case *message.SetTarget:
		if _, err = message.Parse(v, payload); err == nil {
			m.aim(v.Target)
		}
	case *message.NewMiningJob:
		if _, err = message.Parse(v, payload); err == nil {
			w := &fleetWork{number: v.Job, header: job.Header{Version: v.Version, Root: v.Root, Time: v.MinTime}}
			d.got(m, w, v.Active, at)
		}
	case *message.NewExtendedMiningJob:
		kept := bytes.Clone(payload)
		if _, err = message.Parse(v, kept); err == nil {
			w := &fleetWork{number: v.Job, header: job.Header{Version: v.Version, Time: v.MinTime}, extended: v, unread: kept}
			d.got(m, w, v.Active, at)
		}
	case *message.SetNewPrevHash:
		if _, err = message.Parse(v, payload); err == nil {
			err = d.onTo(m, v, at)
		}
	}
	return err
}

// maxWaiting is how many future jobs a miner keeps.
const maxWaiting = 8

// got takes a job up, or keeps it until the previous hash is known.
func (d *fleetV2) got(m *fleetMiner, w *fleetWork, active bool, at time.Time) {
	if !active {
		d.waiting = append(d.waiting, w)
		if len(d.waiting) > maxWaiting {
			d.waiting = d.waiting[1:]
		}
		return
	}
	if d.prev == nil {
		return
	}
	w.header.Prev, w.header.Bits = d.prev.Prev, d.prev.Bits
	m.begin(w, strconv.FormatUint(uint64(w.number), 10), at)
}

// onTo activates the job that waits for a previous hash.
func (d *fleetV2) onTo(m *fleetMiner, v *message.SetNewPrevHash, at time.Time) error {
	d.prev = v
	for _, w := range d.waiting {
		if w.number == v.Job {
			d.waiting = nil
			w.header.Time = v.MinTime
			d.got(m, w, true, at)
			return nil
		}
	}
	return errors.New("the job of a previous hash is not known")
}

// read computes the merkle root of an extended job.
func (d *fleetV2) read(w *fleetWork) error {
	sum := sha256.New()
	sum.Write(w.extended.Prefix)
	sum.Write(d.prefix)
	sum.Write(make([]byte, d.room))
	sum.Write(w.extended.Suffix)
	root := job.Hash(sha256.Sum256(sum.Sum(nil)))
	for _, branch := range w.extended.Path {
		root = job.Double(append(root[:], branch[:]...))
	}
	w.header.Root = root
	return nil
}

func (d *fleetV2) submit(dst []byte, _ *fleetMiner, w *fleetWork) ([]byte, error) {
	h := &w.header
	var share message.Message = &message.SubmitSharesStandard{
		Channel: d.channel, Sequence: d.sequence, Job: w.number, Nonce: w.next, Time: h.Time, Version: h.Version,
	}
	if !d.standard {
		share = &message.SubmitSharesExtended{
			Channel: d.channel, Sequence: d.sequence, Job: w.number, Nonce: w.next, Time: h.Time, Version: h.Version, Extranonce: make([]byte, d.room),
		}
	}
	d.sequence++
	frame, err := message.Append(nil, share)
	if err != nil {
		return dst, err
	}
	return d.transport.Seal(dst, frame)
}
