package stratum1_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum"
	"hearth/pool/stratum1"
)

// A capture of cpuminer 2.5.1 at ckpool-lhr on btcd's regtest; header and hash
// were recomputed by another program.
const (
	capturedSubscribe = `{"id":2,"result":[[["mining.notify","04d3006b"]],"04d3006b",8],"error":null}`
	capturedNotify    = `{"id":null,"method":"mining.notify","params":["6b00d30300000001","466e2206590b1a116012afcabf5beb433a4fc3281f2a335e3cb7b2c70f9188f1",` +
		`"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff3801010c0b2f503253482f627463642f0403d3006b04908a1b230c",` +
		`"0a636b706f6f6c2d6c6872062f746573742fffffffff0100f2052a0100000016001463129112625240bd4f8ce909e375810cb4df76c000000000",` +
		`[],"20000000","207fffff","6b00d303",true]}`
	capturedHeader = "0000002006226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f" +
		"232083a108aad422183817c74d57ae1703003ed352f61406e351f7f02367523003d3006bffff7f20001f29a9"
	capturedHash = "00000312c6995fe44059b7a2536c753e085d9dc54cd4be4a0f8cd81942395f88"
)

// captured is the client of the capture after its pool has sent a job, with n
// bytes of extranonce left to the miner.
func captured(t *testing.T, n int) (*stratum1.Client, *job.Job) {
	t.Helper()
	c := stratum1.NewClient(stratum1.ClientConfig{
		Source: "ckpool", Agent: "hearth", Extranonce: n,
		Workers: []stratum.Credential{{User: "worker", Password: "x"}},
		Next:    job.NewCounter(0).Next,
	})
	c.Login(nil)
	var got *job.Job
	for _, line := range []string{
		capturedSubscribe,
		`{"id":10,"result":true,"error":null}`,
		`{"id":null,"method":"mining.set_difficulty","params":[0.001]}`,
		capturedNotify,
	} {
		_, news, err := c.Receive(nil, []byte(line), noon())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range news {
			if n.Kind == stratum1.NewJob {
				got = n.Job
			}
		}
	}
	if got == nil {
		t.Fatal("no job came of the notification")
	}
	return c, got
}

func noon() time.Time { return time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC) }

// The share of the capture goes through a Session, from its line to the header
// and the hash that the capture has.
func TestCaptureThroughASession(t *testing.T) {
	_, upstream := captured(t, 8)
	// What the pool of the capture had: its extranonce1 is the session's, not yet
	// part of the coinbase.
	e1, _ := hex.DecodeString("04d3006b")
	own := *upstream
	own.Prefix = upstream.Prefix[:len(upstream.Prefix)-len(e1)]
	own.Extranonce = 12

	s := stratum1.NewSession(stratum1.Config{Extranonce1: e1, Extranonce2: 8, Start: 0.001, Vardiff: share.Vardiff{Fixed: true}})
	var out []byte
	say := func(line string) stratum1.Event {
		t.Helper()
		var e stratum1.Event
		var err error
		if out, e, err = s.Receive(out[:0], []byte(line), noon()); err != nil {
			t.Fatal(err)
		}
		return e
	}
	say(`{"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]}`)
	if want := `{"id":1,"result":[[["mining.set_difficulty","04d3006b"],["mining.notify","04d3006b"]],"04d3006b",8],"error":null}` + "\n"; string(out) != want {
		t.Errorf("subscribe is answered by %s want %s", out, want)
	}
	say(`{"id": 2, "method": "mining.authorize", "params": ["worker", "x"]}`)
	s.Admit(nil, "")
	out = s.Offer(out[:0], &own, noon())
	if want := `{"id":null,"method":"mining.set_difficulty","params":[0.0009765625]}` + "\n"; string(out) != want {
		t.Errorf("the job is offered with %s want %s", out, want)
	}
	// The notification is the captured one but for the id of the job.
	want := strings.Replace(capturedNotify, "6b00d30300000001", "00000001", 1) + "\n"
	if got := stratum1.AppendNotify(nil, &own, true); string(got) != want {
		t.Errorf("the job is sent as\n%s want\n%s", got, want)
	}

	e := say(`{"method": "mining.submit", "params": ["worker", "00000001", "0000000000000000", "6b00d303", "a9291f00"], "id":4}`)
	if want := `{"id":4,"result":true,"error":null}` + "\n"; string(out) != want {
		t.Errorf("the share is answered by %s want %s", out, want)
	}
	if e.Kind != stratum1.Share || e.User != "worker" || e.Verdict.Reason != share.Accepted {
		t.Fatalf("the share is %+v", e)
	}
	if got := hex.EncodeToString(e.Verdict.Header.Append(nil)); got != capturedHeader {
		t.Errorf("its header is\n%s want\n%s", got, capturedHeader)
	}
	if got := e.Verdict.Hash.String(); got != capturedHash {
		t.Errorf("its hash is %s, want %s", got, capturedHash)
	}
	if got := e.Verdict.Hash.Difficulty(); got < 0.0012709907567235 || got > 0.0012709907567237 {
		t.Errorf("its difficulty is %v, want 0.0012709907567236", got)
	}
}

// The same share goes through a Client, which gives its miners as many bytes of
// the extranonce as are asked for, and fills up the rest.
func TestCaptureThroughAClient(t *testing.T) {
	for n := 1; n <= 8; n++ {
		c, j := captured(t, n)
		zero := make([]byte, n)
		if got := hex.EncodeToString(j.Header(zero, j.Version, 0x6b00d303, 0xa9291f00).Append(nil)); got != capturedHeader {
			t.Errorf("%d bytes: the header is\n%s want\n%s", n, got, capturedHeader)
		}
		line, err := c.Submit(nil, stratum.Share{Job: j.ID, Extranonce: zero, Version: j.Version, Time: 0x6b00d303, Nonce: 0xa9291f00}, 1, noon())
		want := `{"id":1000,"method":"mining.submit","params":["worker","6b00d30300000001","0000000000000000","6b00d303","a9291f00"]}` + "\n"
		if err != nil || string(line) != want {
			t.Errorf("%d bytes: the share is sent as %s (%v), want %s", n, line, err, want)
		}
	}
}
