package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hearth/openai"
	"hearth/work"
)

// What an answer shows is what was signed, or something was changed; nobody
// but the server knows whether a stop string cut a text.
func TestWhatAnAnswerShows(t *testing.T) {
	r := newRig(t, openai.Options{})
	receipt := "X-Hearth-Receipt: 1"
	_, chat := r.send("POST", "/v1/chat/completions", `{`+hello+`,"max_tokens":9,"n":2,"seed":3}`, receipt)
	_, echoed := r.send("POST", "/v1/completions", `{"model":"writer","prompt":"warm","echo":true,"max_tokens":9,"seed":3}`, receipt)
	_, floats := r.send("POST", "/v1/embeddings", `{"model":"embedder","input":["a","b"]}`, receipt)
	_, packed := r.send("POST", "/v1/embeddings", `{"model":"embedder","input":"a","encoding_format":"base64"}`, receipt)
	models := map[bool]*openai.Model{false: served(t, "embedder", encoderConfig(), nil), true: served(t, "writer", decoderConfig(), nil)}
	for _, c := range []struct {
		name, body, old, new string
		whole                bool
		fault                string
	}{
		{name: "chat", body: chat, whole: true},
		{name: "echo", body: echoed, whole: true},
		{name: "floats", body: floats, whole: true},
		{name: "base64", body: packed, whole: true},
		{name: "another text", body: chat, old: `"content":"`, new: `"content":"No. `, fault: "not that of its tokens"},
		{name: "a shorter text", body: echoed, old: `"text":"warm`, new: `"text":"","was":"`},
		{name: "another vector", body: floats, old: `"embedding":[`, new: `"embedding":[1,`, fault: "not that of its proof"},
		{name: "a shorter vector", body: packed, old: `"embedding":"`, new: `"embedding":"","was":"`, fault: "not that of its proof"},
	} {
		proofs, err := openai.ReadProofs([]byte(strings.Replace(c.body, c.old, c.new, 1)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for i, p := range proofs {
			job, err := work.DecodeJob(p.Job)
			if err != nil {
				t.Fatal(err)
			}
			if p.Shown.Text == nil && p.Shown.Vector == nil {
				t.Errorf("%s: nothing is shown", c.name)
			}
			whole, err := models[job.Most > 0].Says(job, p.Output, p.Shown)
			switch fault := c.fault; {
			case i > 0 || fault == "": // only the first was changed
				if err != nil || whole != (i > 0 || c.whole) {
					t.Errorf("%s %d: whole %v, %v", c.name, i, whole, err)
				}
			case err == nil || !strings.Contains(err.Error(), fault):
				t.Errorf("%s: %v, want %s", c.name, err, fault)
			}
		}
	}
}

func TestProofsThatCannotBeRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"hearth":{"proofs":[{"rece`:                                       "unexpected end",
		`{"choices":[]}`:                                                    "X-Hearth-Receipt",
		`{"proofs":[{"job":"","output":[]}]}`:                               "X-Hearth-Receipt",
		`{"proofs":[{"receipt":{},"output":[5000000000]}]}`:                 "output",
		`{"choices":[{},{}],"hearth":{"proofs":[{"receipt":{}}]}}`:          "2 answers and 1 receipts",
		`{"data":[{"embedding":"?"}],"hearth":{"proofs":[{"receipt":{}}]}}`: "base64",
	} {
		if _, err := openai.ReadProofs([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// Whatever a file holds, reading it ends, and what comes of it can be compared
// with any model.
func FuzzReadProofs(f *testing.F) {
	for _, seed := range []string{
		`{"executor":""}`, `{"proofs":[{"receipt":{},"output":[1,2]}]}`, `{"receipt":{},"output":[-1]}`,
		`{"choices":[{"message":{"content":"a"}}],"hearth":{"proofs":[{"receipt":{},"output":[300]}]}}`,
		`{"choices":[{"text":"a"}],"hearth":{"proofs":[{"receipt":{},"output":[65]}]}}`,
		`{"data":[{"embedding":[0.5,1]}],"hearth":{"proofs":[{"receipt":{},"output":[1,2]}]}}`,
		`{"data":[{"embedding":"AAAAAA=="}],"hearth":{"proofs":[{"receipt":{},"output":[0]}]}}`,
	} {
		f.Add([]byte(seed))
	}
	m := served(f, "writer", decoderConfig(), nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		proofs, err := openai.ReadProofs(b)
		if err != nil {
			return
		}
		if len(proofs) == 0 {
			t.Error("no proofs and no error")
		}
		for _, p := range proofs {
			if !json.Valid(p.Receipt) {
				t.Errorf("a receipt that is no JSON: %q", p.Receipt)
			}
			_, _ = m.Says(&work.Job{Prompt: p.Output}, p.Output, p.Shown)
		}
	})
}
