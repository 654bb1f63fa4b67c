package pooltest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hearth/pool/job"
)

// fleetV1 speaks Stratum V1 as the plainest firmware does. It is written
// against the protocol, with none of the server's code.
type fleetV1 struct {
	lines *bufio.Reader
	user  string
	e1    []byte
	e2    int
	id    int
}

// line reads one line; it is valid until the next.
func (d *fleetV1) line() ([]byte, error) {
	b, err := d.lines.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return b, err
	}
	long := bytes.Clone(b)
	for errors.Is(err, bufio.ErrBufferFull) {
		b, err = d.lines.ReadSlice('\n')
		long = append(long, b...)
	}
	return long, err
}

func (d *fleetV1) login(m *fleetMiner, user, password string) error {
	d.user = user
	// One write, as firmware that does not wait for answers has it.
	if _, err := fmt.Fprintf(m.conn,
		`{"id":1,"method":"mining.subscribe","params":["fleet/1"]}`+"\n"+`{"id":2,"method":"mining.authorize","params":[%q,%q]}`+"\n",
		user, password); err != nil {
		return err
	}
	for {
		line, err := d.line()
		if err != nil {
			return fmt.Errorf("log in: %w", err)
		}
		var answer struct {
			ID     any             `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  json.RawMessage `json:"error"`
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			return fmt.Errorf("log in: %w", err)
		}
		switch answer.ID {
		case 1.0:
			if err := d.subscribed(answer.Result); err != nil {
				return err
			}
		case 2.0:
			if string(answer.Result) != "true" {
				return fmt.Errorf("%w: %s", errFleetRefused, answer.Error)
			}
			return nil
		default:
			if err := d.heed(m, line, time.Now()); err != nil {
				return err
			}
		}
	}
}

func (d *fleetV1) subscribed(result json.RawMessage) error {
	var p []json.RawMessage
	var e1 string
	err := json.Unmarshal(result, &p)
	if err == nil && len(p) == 3 {
		err = errors.Join(json.Unmarshal(p[1], &e1), json.Unmarshal(p[2], &d.e2))
	}
	if err == nil {
		d.e1, err = hex.DecodeString(e1)
	}
	if err != nil || len(p) != 3 || d.e2 < 1 {
		return fmt.Errorf("read the answer to mining.subscribe %s: %w", result, err)
	}
	return nil
}

func (d *fleetV1) hear(m *fleetMiner) error {
	line, err := d.line()
	if err != nil {
		return err
	}
	return d.heed(m, line, time.Now())
}

// heed understands a message by a glance: thousands of miners share a processor
// with the server that is measured.
func (d *fleetV1) heed(m *fleetMiner, line []byte, at time.Time) error {
	switch {
	case bytes.Contains(line, []byte(`"mining.notify"`)) && !bytes.Contains(line, []byte(`"result"`)):
		return d.notify(m, line, at)
	case bytes.Contains(line, []byte(`"mining.set_difficulty"`)) && !bytes.Contains(line, []byte(`"result"`)):
		var msg struct{ Params []float64 }
		if err := json.Unmarshal(line, &msg); err != nil || len(msg.Params) != 1 {
			return fmt.Errorf("read %s: %w", line, err)
		}
		m.aim(job.Difficulty(msg.Params[0]).Target())
	case bytes.Contains(line, []byte(`"result":true`)):
		m.answered(1, true)
	case bytes.Contains(line, []byte(`"error":[`)):
		m.answered(1, false)
	}
	return nil
}

// notify takes up a job.
func (d *fleetV1) notify(m *fleetMiner, line []byte, at time.Time) error {
	_, rest, _ := bytes.Cut(line, []byte(`"params":["`))
	id, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return fmt.Errorf("read %s: no job id", line)
	}
	w := &fleetWork{id: string(id), unread: bytes.Clone(line)}
	m.begin(w, w.id, at)
	return nil
}

// read works out the header. Fields are where every pool has them, in the
// order of the protocol, all strings but the branches and the last.
func (d *fleetV1) read(w *fleetWork) error {
	var f [7][]byte // prevhash, coinb1, coinb2, branches, version, nbits, ntime
	_, rest, _ := bytes.Cut(w.unread, []byte(`"params":["`))
	_, rest, _ = bytes.Cut(rest, []byte(`",`))
	for i := range f {
		end := `",`
		if i == 3 {
			end = `],`
		}
		var ok bool
		if f[i], rest, ok = bytes.Cut(rest, []byte(end)); !ok {
			return errors.New("too few parameters")
		}
		f[i] = bytes.TrimLeft(f[i], `"[`)
	}
	var b [3][]byte // coinb1, coinb2, prevhash
	var err error
	for i, s := range [][]byte{f[1], f[2], f[0]} {
		if b[i], err = hex.AppendDecode(nil, s); err != nil {
			return err
		}
	}
	sum := sha256.New()
	sum.Write(b[0])
	sum.Write(d.e1)
	sum.Write(make([]byte, d.e2))
	sum.Write(b[1])
	root := job.Hash(sha256.Sum256(sum.Sum(nil)))
	for branch := range bytes.SplitSeq(f[3], []byte(",")) {
		if branch = bytes.Trim(branch, `"`); len(branch) == 0 {
			continue
		}
		pair, err := hex.AppendDecode(root[:], branch)
		if err != nil {
			return err
		}
		root = job.Double(pair)
	}
	prev := b[2]
	if len(prev) != len(w.header.Prev) {
		return errors.New("the previous hash has not 32 bytes")
	}
	for i := 0; i < len(prev); i += 4 {
		binary.LittleEndian.PutUint32(w.header.Prev[i:], binary.BigEndian.Uint32(prev[i:]))
	}
	w.header.Root = root
	for i, field := range []*uint32{&w.header.Version, &w.header.Bits, &w.header.Time} {
		var word [4]byte
		if n, err := hex.Decode(word[:], f[4+i][:min(len(f[4+i]), 8)]); err != nil || n != 4 {
			return fmt.Errorf("%s is not a word", f[4+i])
		}
		*field = binary.BigEndian.Uint32(word[:])
	}
	return nil
}

func (d *fleetV1) submit(dst []byte, _ *fleetMiner, w *fleetWork) ([]byte, error) {
	d.id++
	dst = fmt.Appendf(dst, `{"id":%d,"method":"mining.submit","params":["%s","%s","%0*x","%08x","%08x"]}`+"\n",
		d.id+2, d.user, w.id, 2*d.e2, 0, w.header.Time, w.next)
	return dst, nil
}
