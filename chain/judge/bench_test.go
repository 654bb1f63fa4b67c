package judge_test

import (
	"os"
	"testing"

	"hearth/chain/judge"
	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/work"
)

// loaded is the world of a model that is not random.
func loaded(b *testing.B, m *model.Model, f *model.Manifest) *world {
	b.Helper()
	registered, err := work.NewModel(f)
	if err != nil {
		b.Fatal(err)
	}
	plain, err := engine.NewPlain(m, kernel.Best(), nil)
	if err != nil {
		b.Fatal(err)
	}
	return &world{m, registered, plain, kernel.Best(), judge.New(registered, m, plain, kernel.Best(), nil)}
}

func hearthMini(b *testing.B) *world {
	m, f, _, err := mini.Load()
	if err != nil {
		b.Fatal(err)
	}
	return loaded(b, m, f)
}

// miniLM is all-MiniLM-L6-v2, whose file HEARTH_MINILM_FILE names.
func miniLM(b *testing.B) *world {
	path := os.Getenv("HEARTH_MINILM_FILE")
	if path == "" {
		b.Skip("HEARTH_MINILM_FILE does not name all-minilm-l6-v2.hearth")
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	m, manifest, _, err := model.Read(f, info.Size())
	if err != nil {
		b.Fatal(err)
	}
	return loaded(b, m, manifest)
}

// BenchmarkTrial is one trial on one core, with tickets and receipt: what a
// claim costs a validator.
func BenchmarkTrial(b *testing.B) {
	for _, c := range []struct {
		name string
		w    func(*testing.B) *world
		job  work.Job
	}{
		{"hearth-mini/200+40", hearthMini, work.Job{Prompt: prompt(200), Most: 40}},
		{"all-MiniLM-L6-v2/128", miniLM, work.Job{Prompt: prompt(128)}},
		{"all-MiniLM-L6-v2/512", miniLM, work.Job{Prompt: prompt(512)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := c.w(b)
			m := w.mine(b, c.job)
			m.tickets = m.tickets[:min(len(m.tickets), 8)]
			b.ResetTimer()
			for range b.N {
				if v := m.try(b.Context(), b, m.tickets, m.receipt); len(v.Faults) > 0 || v.Receipt != nil {
					b.Fatal(v)
				}
			}
			macs := float64(work.Cost(w.weights.Config, len(c.job.Prompt)+c.job.Most, c.job.Most))
			b.ReportMetric(macs*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
}

// BenchmarkTicket is tier 0 with the node's own weights, on one core.
func BenchmarkTicket(b *testing.B) {
	for name, world := range map[string]func(*testing.B) *world{"hearth-mini": hearthMini, "all-MiniLM-L6-v2": miniLM} {
		b.Run(name, func(b *testing.B) {
			w := world(b)
			job := work.Job{Prompt: prompt(100)}
			if w.weights.Config.Kind == model.Decoder {
				job.Most = 4
			}
			m := w.mine(b, job)
			if len(m.tickets) == 0 {
				b.Fatal("no ticket")
			}
			b.ResetTimer()
			for i := range b.N {
				if err := m.bench.Check(&m.claim, easy(), m.tickets[i%len(m.tickets)]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tickets/s")
		})
	}
}
