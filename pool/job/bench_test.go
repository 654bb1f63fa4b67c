package job_test

import (
	"testing"

	"hearth/pool/job"
)

// full is the answer of a node with a full block: 4,000 transactions, 4 MB.
func full(b *testing.B) []byte {
	p := propose(1, 4000, 550, 2)
	p.limit = 40_000_000
	raw := p.core(b)
	if len(raw) < 3_600_000 || len(raw) > 4_400_000 {
		b.Fatalf("%d bytes", len(raw))
	}
	return raw
}

// BenchmarkFullJob is the way from a node's answer to a job that can be sent.
// Its steps follow, and as a control what encoding/json takes for the reading
// alone.
func BenchmarkFullJob(b *testing.B) {
	raw := full(b)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		t, err := job.ParseTemplate(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := job.New(t, spec(t.Coinbase, 3), 1, "node"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTemplate(b *testing.B) {
	raw := full(b)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := job.ParseTemplate(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTemplateControl(b *testing.B) {
	raw := full(b)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if p := readPlain(b, raw); len(p.Transactions) != 4000 {
			b.Fatal(len(p.Transactions))
		}
	}
}

func BenchmarkNewJob(b *testing.B) {
	t := parse(b, full(b))
	for b.Loop() {
		if _, err := job.New(t, spec(t.Coinbase, 3), 1, "node"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEmptyJob is the way from what has arrived of a node's answer to a job
// without transactions.
func BenchmarkEmptyJob(b *testing.B) {
	raw := full(b)
	for b.Loop() {
		h, ok := job.Peek(raw)
		if !ok {
			b.Fatal("no head")
		}
		t, err := job.Empty(h, job.Mainnet)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := job.New(t, spec(t.Coinbase, 3), 1, "node"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAssemble(b *testing.B) {
	t := parse(b, full(b))
	j, err := job.New(t, spec(t.Coinbase, 3), 1, "node")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := j.Assemble(make([]byte, 8), j.Version, j.Time, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTarget(b *testing.B) {
	d := job.Difficulty(12345.678)
	for b.Loop() {
		d.Target()
	}
}
