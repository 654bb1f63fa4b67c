package stratum1_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum1"
)

// The shares of a benchmark are all accepted: at this difficulty any hash will
// do.
const trivial = 1.0 / (1 << 40)

// submissions are lines of one job, all different. The id of the job is at a
// place that is the same in all.
type submissions struct {
	lines [][]byte
	at    int
	first *job.Job
	next  int
}

func newSubmissions() *submissions {
	s := new(submissions)
	head := `{"id":`
	for i := range 1024 {
		line := fmt.Sprintf(`%s%d,"method":"mining.submit","params":["bath.heater","00000000","%08x","68dd1880","%08x","00c06000"]}`, head, 1000+i, i, uint32(0xa9291f00)+uint32(i))
		s.lines = append(s.lines, []byte(line))
	}
	s.at = len(`{"id":1000,"method":"mining.submit","params":["bath.heater","`)
	s.first = testJob(1, 8, job.MaskV1, true)
	s.first.Branch = nil
	for k := range 12 {
		s.first.Branch = append(s.first.Branch, job.Double([]byte{byte(k)}))
	}
	return s
}

// job is a new job, and from now on the lines are of it.
func (s *submissions) job() *job.Job {
	s.next++
	j := *s.first
	id := []byte(fmt.Sprintf("%08x", s.next))
	j.ID, j.Prev = uint32(s.next), job.Double(id)
	for _, line := range s.lines {
		copy(line[s.at:], id)
	}
	return &j
}

// What a miner's share costs, from its line to its answer, with 12 branches;
// and, as a control, the same with encoding/json for line and answer.
func BenchmarkSubmit(b *testing.B) {
	b.Run("session", func(b *testing.B) {
		s := stratum1.NewSession(stratum1.Config{
			Extranonce1: []byte{1, 2, 3, 4}, Extranonce2: 4, Mask: job.MaskV1, Start: trivial,
			Vardiff: share.Vardiff{Floor: trivial, Fixed: true},
		})
		for _, line := range []string{
			`{"id":1,"method":"mining.configure","params":[["version-rolling"],{}]}`,
			`{"id":2,"method":"mining.subscribe","params":["bitaxe/BM1370/v2.9.0"]}`,
			`{"id":3,"method":"mining.authorize","params":["bath.heater","token"]}`,
		} {
			if _, _, err := s.Receive(nil, []byte(line), noon()); err != nil {
				b.Fatal(err)
			}
		}
		s.Admit(nil, "")
		shares, now, out := newSubmissions(), noon(), make([]byte, 0, 256)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i%len(shares.lines) == 0 {
				b.StopTimer()
				out = s.Offer(out[:0], shares.job(), now)
				b.StartTimer()
			}
			var e stratum1.Event
			var err error
			out, e, err = s.Receive(out[:0], shares.lines[i%len(shares.lines)], now)
			if err != nil || e.Verdict.Reason != share.Accepted {
				b.Fatal(err, e.Verdict.Reason, string(out))
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
	})
	b.Run("control", func(b *testing.B) {
		c := share.NewChannel(share.Config{
			Extranonce1: []byte{1, 2, 3, 4}, Extranonce2: 4, Mask: job.MaskV1, Start: trivial,
			Vardiff: share.Vardiff{Floor: trivial, Fixed: true},
		})
		shares, now := newSubmissions(), noon()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i%len(shares.lines) == 0 {
				b.StopTimer()
				c.Offer(shares.job(), now)
				b.StartTimer()
			}
			var m struct {
				ID     json.RawMessage
				Method string
				Params []string
			}
			if err := json.Unmarshal(shares.lines[i%len(shares.lines)], &m); err != nil {
				b.Fatal(err)
			}
			e2, _ := hex.DecodeString(m.Params[2])
			var v [5]uint64
			for k, p := range []string{m.Params[1], m.Params[3], m.Params[4], m.Params[5]} {
				v[k], _ = strconv.ParseUint(p, 16, 32)
			}
			verdict := c.Check(share.Submission{
				Job: uint32(v[0]), Extranonce2: e2, Time: uint32(v[1]), Nonce: uint32(v[2]), Bits: uint32(v[3]), HasBits: true,
			}, now)
			if verdict.Reason != share.Accepted {
				b.Fatal(verdict.Reason)
			}
			if _, err := json.Marshal(map[string]any{"id": m.ID, "result": true, "error": nil}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
	})
}

func BenchmarkAppendNotify(b *testing.B) {
	j := newSubmissions().job()
	var out []byte
	for b.Loop() {
		out = stratum1.AppendNotify(out[:0], j, true)
	}
	b.SetBytes(int64(len(out)))
}

// A share costs no allocation, from its line to its answer.
func TestSubmitDoesNotAllocate(t *testing.T) {
	s := stratum1.NewSession(stratum1.Config{Extranonce1: []byte{1, 2, 3, 4}, Extranonce2: 4, Mask: job.MaskV1, Start: 1, Vardiff: share.Vardiff{Fixed: true}})
	for _, line := range []string{
		`{"id":1,"method":"mining.configure","params":[["version-rolling"],{}]}`,
		`{"id":2,"method":"mining.subscribe","params":[]}`,
		`{"id":3,"method":"mining.authorize","params":["bath.heater","token"]}`,
	} {
		if _, _, err := s.Receive(nil, []byte(line), noon()); err != nil {
			t.Fatal(err)
		}
	}
	s.Admit(nil, "")
	shares := newSubmissions()
	s.Offer(nil, shares.job(), noon())
	out := make([]byte, 0, 256)
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		var e stratum1.Event
		out, e, _ = s.Receive(out[:0], shares.lines[i%len(shares.lines)], noon())
		if e.Verdict.Reason != share.LowDifficulty {
			t.Fatal(e.Verdict.Reason)
		}
		i++
	}); n != 0 {
		t.Errorf("a share costs %v allocations", n)
	}
}

// An idle session is small: there may be ten thousand of them.
func TestSessionIsSmall(t *testing.T) {
	const most = 3 << 10
	sessions := make([]*stratum1.Session, 1000)
	j := newSubmissions().job()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range sessions {
		s := stratum1.NewSession(stratum1.Config{Extranonce1: []byte{1, 2, 3, byte(i)}, Extranonce2: 4, Mask: job.MaskV1})
		for _, line := range []string{
			`{"id":2,"method":"mining.subscribe","params":["bitaxe/BM1370/v2.9.0"]}`,
			`{"id":3,"method":"mining.authorize","params":["bath.heater","token"]}`,
		} {
			if _, _, err := s.Receive(nil, []byte(line), noon()); err != nil {
				t.Fatal(err)
			}
		}
		s.Admit(nil, "")
		s.Offer(nil, j, noon())
		sessions[i] = s
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc - before.HeapAlloc) / uint64(len(sessions))
	t.Logf("an idle session takes %d bytes", each)
	if each > most {
		t.Errorf("an idle session takes %d bytes, more than %d", each, most)
	}
	runtime.KeepAlive(sessions)
}
