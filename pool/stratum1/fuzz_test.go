package stratum1

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum"
)

// fuzzJob is any job that leaves room for eight bytes.
func fuzzJob(id uint32) *job.Job {
	network, _ := job.CompactTarget(0x1d00ffff)
	return &job.Job{
		ID: id, Source: "fuzz", Mask: job.MaskV1, Version: 0x20000000, Time: 0x68dd1880, Bits: 0x1d00ffff,
		Prefix: []byte{1}, Suffix: []byte{2}, Extranonce: 8, Network: network, Goal: network,
	}
}

// sound fails unless every line of out is a JSON object.
func sound(t *testing.T, out []byte) {
	t.Helper()
	if len(out) > 0 && out[len(out)-1] != '\n' {
		t.Fatalf("%q does not end with a line feed", out)
	}
	for line := range bytes.Lines(out) {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%q is said, which is no JSON: %v", line, err)
		}
	}
}

// Whatever a miner says, a session answers in JSON, in no more than a small
// multiple of what it was told, and stays within its bounds.
func FuzzSession(f *testing.F) {
	for _, line := range said(f) {
		f.Add(line)
	}
	f.Add([]byte("{\"id\":1,\"method\":\"mining.subscribe\"}\n{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"a\",\"d=2;x\"]}\n{\"id\":3,\"method\":\"mining.submit\",\"params\":[\"a\",\"00000001\",\"00000000\",\"68dd1880\",\"00000000\"]}"))
	f.Fuzz(func(t *testing.T, script []byte) {
		s := NewSession(Config{Extranonce1: []byte{1, 2, 3, 4}, Extranonce2: 4, Mask: job.MaskV1, Vardiff: share.Vardiff{Floor: 1.0 / (1 << 20)}, Start: 1.0 / (1 << 16), Workers: 2})
		now := time.Unix(1759320000, 0)
		for line := range bytes.Lines(script) {
			line = bytes.TrimSuffix(line, []byte{'\n'})
			out, e, err := s.Receive(nil, line, now)
			sound(t, out)
			if len(out) > 3*len(line)+1024 {
				t.Errorf("%d bytes are answered by %d", len(line), len(out))
			}
			if err != nil {
				return
			}
			if e.Kind == Login {
				if len(e.User) == 0 || len(e.User) > MaxUser || len(e.Agent) > maxAgent {
					t.Errorf("login as %+v", e)
				}
				sound(t, s.Admit(nil, ""))
			}
			if e.Kind == Share && !s.Ready() {
				t.Error("a share was checked before the miner was let in")
			}
			sound(t, s.Offer(nil, fuzzJob(1), now))
			s.Tick(now)
			now = now.Add(time.Second)
			if len(s.names) > 2 || len(s.waiting) > 2 {
				t.Errorf("%d names and %d waiting", len(s.names), len(s.waiting))
			}
		}
	})
}

// Whatever a pool says, a client answers in JSON, its jobs are within bounds, and
// every share it sends has exactly one outcome.
func FuzzClient(f *testing.F) {
	for _, line := range said(f) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		ids := job.NewCounter(0)
		c := NewClient(ClientConfig{Agent: "fuzz\n", Mask: job.MaskV1, Extranonce: 6, Suggest: 1, Next: ids.Next, Workers: []stratum.Credential{{User: "a\"", Password: "\xff"}, {User: "b"}}})
		sound(t, c.Login(nil))
		now := time.Unix(1759320000, 0)
		open := map[uint64]bool{}
		login := [][]byte{[]byte(`{"id":2,"result":[[],"e0",6]}`), []byte(`{"id":10,"result":true}`)}
		var cookie uint64
		for _, line := range append(login, bytes.Split(script, []byte{'\n'})...) {
			out, news, err := c.Receive(nil, line, now)
			sound(t, out)
			for _, n := range news {
				switch n.Kind {
				case NewJob:
					tryJob(t, n.Job)
					cookie++
					sent, err := c.Submit(nil, stratum.Share{Job: n.Job.ID, Extranonce: make([]byte, n.Job.Extranonce), Version: n.Job.Version | n.Job.Mask}, cookie, now)
					if err != nil {
						t.Errorf("a share of a new job is not sent: %v", err)
					}
					sound(t, sent)
					open[cookie] = true
				case Answered:
					if !open[n.Answer.Cookie] {
						t.Errorf("share %d was answered, and was not open", n.Answer.Cookie)
					}
					delete(open, n.Answer.Cookie)
				case Reconnect:
					if n.Wait < 0 || n.Wait > maxWait {
						t.Errorf("reconnect in %v", n.Wait)
					}
				}
			}
			if err != nil {
				break
			}
			now = now.Add(time.Second)
		}
		for _, a := range c.Lost() {
			if !open[a.Cookie] {
				t.Errorf("share %d is lost, and was not open", a.Cookie)
			}
			delete(open, a.Cookie)
		}
		if len(open) > 0 {
			t.Errorf("nothing became of %v", open)
		}
	})
}

func tryJob(t *testing.T, j *job.Job) {
	t.Helper()
	if j.ID == 0 || j.Version&j.Mask != 0 || j.Extranonce < 1 || j.Extranonce > 6 || len(j.Branch) > job.MaxBranch ||
		len(j.Prefix)+j.Extranonce+len(j.Suffix) > job.MaxCoinbase {
		t.Errorf("the job is out of bounds: %+v", j)
	}
	if first, last := j.Times(); j.Time < first || j.Time > last {
		t.Errorf("the job begins at %d, outside %d to %d", j.Time, first, last)
	}
	// And it can be passed on.
	sound(t, AppendNotify(nil, j, j.Clean))
}
