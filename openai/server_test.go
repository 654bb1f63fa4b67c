package openai_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/openai"
	"hearth/work"
)

type embeddings struct {
	Object string
	Model  string
	Data   []struct {
		Object    string
		Index     int
		Embedding json.RawMessage
	}
	Usage  map[string]int
	Hearth struct{ Proofs []openai.Proof }
}

func (e embeddings) vector(t *testing.T, i int) []float64 {
	t.Helper()
	var v []float64
	if err := json.Unmarshal(e.Data[i].Embedding, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// A text gives the same vector alone, among others, as tokens and as bytes.
func TestEmbeddings(t *testing.T) {
	r := newRig(t, openai.Options{})
	var alone, among, tokens, bytes embeddings
	r.ask("/v1/embeddings", `{"model":"embedder","input":"ab"}`, &alone)
	r.ask("/v1/embeddings", `{"model":"embedder","input":["a longer text","ab"],"user":"me"}`, &among)
	r.ask("/v1/embeddings", `{"model":"embedder","input":[256,97,98],"dimensions":64}`, &tokens)
	r.ask("/v1/embeddings", `{"model":"embedder","input":[[256,97,98]],"encoding_format":"base64"}`, &bytes)
	want := alone.vector(t, 0)
	length := 0.0
	for _, x := range want {
		length += x * x
	}
	if len(want) != 64 || math.Abs(length-1) > 1e-6 {
		t.Errorf("%d numbers of length %v", len(want), length)
	}
	if d := cmp.Diff(want, among.vector(t, 1)); d != "" {
		t.Errorf("among others:\n%s", d)
	}
	if d := cmp.Diff(want, tokens.vector(t, 0)); d != "" {
		t.Errorf("as tokens:\n%s", d)
	}
	var s string
	if err := json.Unmarshal(bytes.Data[0].Embedding, &s); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 4*64 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	for i, x := range want {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])); got != float32(x) {
			t.Fatalf("number %d is %v in base64, %v in JSON", i, got, x)
		}
	}
	if d := cmp.Diff(map[string]int{"prompt_tokens": 17, "total_tokens": 17}, among.Usage); d != "" {
		t.Errorf("usage (-want +got):\n%s", d)
	}
}

func TestRefusedEmbeddings(t *testing.T) {
	r := newRig(t, openai.Options{})
	for body, want := range map[string]string{
		`{"model":"embedder","input":"a","dimensions":32}`:               "was not trained to be cut",
		`{"model":"embedder","input":"` + strings.Repeat("a", 64) + `"}`: "65 tokens, and embedder takes 64",
		`{"model":"embedder","input":[260]}`:                             "260 is no token",
		`{"model":"embedder","input":[-1]}`:                              "-1 is no token",
		`{"model":"writer","input":"a"}`:                                 "need an encoder",
		`{"model":"embedder","input":"a","encoding_format":"x"}`:         "float or base64",
	} {
		if p := r.refused(400, "/v1/embeddings", body); !strings.Contains(p.Message, want) {
			t.Errorf("%s: %q, want %q", body, p.Message, want)
		}
	}
	if p := r.refused(404, "/v1/embeddings", `{"model":"gpt-4","input":"a"}`); *p.Code != "model_not_found" {
		t.Errorf("a model that is not there: %+v", p)
	}
}

type chatAnswer struct {
	ID, Object, Model string
	Fingerprint       string `json:"system_fingerprint"`
	Choices           []struct {
		Index    int
		Message  struct{ Role, Content string }
		Delta    struct{ Role, Content string }
		Text     string
		Logprobs *struct {
			Content []struct {
				Token   string
				Logprob float64
				Top     []struct {
					Token   string
					Logprob float64
				} `json:"top_logprobs"`
			}
		}
		Finish string `json:"finish_reason"`
	}
	Usage  *struct{ Prompt, Completion, Total int }
	Hearth *struct {
		Seed   uint64
		Proofs []openai.Proof
	}
}

const hello = `"model":"writer","messages":[{"role":"user","content":"Hello"}]`

// The same seed gives the same answer, streamed or not, alone or among other
// choices; another seed another one.
func TestChatFollowsFromTheSeed(t *testing.T) {
	r := newRig(t, openai.Options{})
	var first, again, other, several chatAnswer
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":24,"seed":5}`, &first)
	r.ask("/v1/chat/completions", `{`+hello+`,"max_completion_tokens":24,"seed":5,"n":1}`, &again)
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":24,"seed":6}`, &other)
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":24,"seed":5,"n":3}`, &several)
	c := first.Choices[0]
	if first.Object != "chat.completion" || c.Message.Role != "assistant" || c.Message.Content == "" || c.Finish != "length" ||
		!strings.HasPrefix(first.ID, "chatcmpl-") || !strings.HasPrefix(first.Fingerprint, "fp_") || first.Hearth.Seed != 5 {
		t.Errorf("answered %+v", first)
	}
	if again.Choices[0].Message.Content != c.Message.Content {
		t.Error("the same seed gives another answer")
	}
	if other.Choices[0].Message.Content == c.Message.Content {
		t.Error("another seed gives the same answer")
	}
	if several.Choices[0].Message.Content != c.Message.Content || several.Choices[1].Message.Content == c.Message.Content {
		t.Error("the first of several choices is another, or the second the same")
	}
	text, last, events := r.stream("/v1/chat/completions", `{`+hello+`,"max_tokens":24,"seed":5,"stream":true,"stream_options":{"include_usage":true}}`)
	if text != c.Message.Content {
		t.Errorf("streamed %q, whole %q", text, c.Message.Content)
	}
	if last.Usage == nil || len(last.Choices) != 0 || events < 4 {
		t.Errorf("the last of %d chunks: %+v", events, last)
	}
	// A seed that the server drew gives the same answer when it is sent.
	var drawn, sent chatAnswer
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":24}`, &drawn)
	r.ask("/v1/chat/completions", fmt.Sprintf(`{`+hello+`,"max_tokens":24,"seed":%d}`, drawn.Hearth.Seed), &sent)
	if drawn.Choices[0].Message.Content != sent.Choices[0].Message.Content {
		t.Error("the seed in an answer does not give it again")
	}
}

// stream reads server-sent events to [DONE] and joins their text.
func (r *rig) stream(path, body string) (text string, last chatAnswer, events int) {
	r.t.Helper()
	res, b := r.send("POST", path, body)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		r.t.Fatalf("%s: %s %s", path, res.Status, b)
	}
	for event := range strings.SplitSeq(strings.TrimSuffix(b, "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		if !ok {
			r.t.Fatalf("an event is %q", event)
		}
		if data == "[DONE]" {
			return text, last, events
		}
		last = chatAnswer{}
		if err := json.Unmarshal([]byte(data), &last); err != nil {
			r.t.Fatal(err)
		}
		events++
		for _, c := range last.Choices {
			text += c.Delta.Content + c.Text
		}
	}
	r.t.Fatalf("the stream does not end: %s", b)
	return "", last, 0
}

// An answer ends before the first stop string, wherever tokens end.
func TestStopStrings(t *testing.T) {
	r := newRig(t, openai.Options{})
	var whole chatAnswer
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":60,"temperature":0}`, &whole)
	full := whole.Choices[0].Message.Content
	// Three characters from the middle are several tokens: each is a byte.
	runes := []rune(full)
	if len(runes) < 12 {
		t.Fatalf("the answer %q is too short for this test", full)
	}
	stop := string(runes[len(runes)/2 : len(runes)/2+3])
	want, _, _ := strings.Cut(full, stop)
	quoted, err := json.Marshal([]string{"never there", stop})
	if err != nil {
		t.Fatal(err)
	}
	body := `{` + hello + `,"max_tokens":60,"temperature":0,"stop":` + string(quoted)
	var cut chatAnswer
	r.ask("/v1/chat/completions", body+`}`, &cut)
	if got := cut.Choices[0]; got.Message.Content != want || got.Finish != "stop" {
		t.Errorf("ended as %q (%s), want %q", got.Message.Content, got.Finish, want)
	}
	if text, _, _ := r.stream("/v1/chat/completions", body+`,"stream":true}`); text != want {
		t.Errorf("streamed %q, want %q", text, want)
	}
}

func TestLogprobs(t *testing.T) {
	r := newRig(t, openai.Options{})
	var a chatAnswer
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":12,"temperature":0,"logprobs":true,"top_logprobs":3}`, &a)
	l := a.Choices[0].Logprobs
	if l == nil || len(l.Content) != 12 {
		t.Fatalf("logprobs %+v", l)
	}
	for _, c := range l.Content {
		if len(c.Top) != 3 || c.Top[0].Logprob != c.Logprob || c.Logprob > 0 || c.Top[1].Logprob > c.Top[0].Logprob {
			t.Errorf("the likeliest token was taken, and the list says %+v", c)
		}
	}
}

func TestCompletions(t *testing.T) {
	r := newRig(t, openai.Options{})
	var a, tokens chatAnswer
	r.ask("/v1/completions", `{"model":"writer","prompt":["Once","upon"],"n":2,"max_tokens":5,"seed":1,"echo":true}`, &a)
	if len(a.Choices) != 4 || !strings.HasPrefix(a.Choices[1].Text, "Once") || !strings.HasPrefix(a.Choices[2].Text, "upon") || a.Object != "text_completion" {
		t.Errorf("answered %+v", a)
	}
	r.ask("/v1/completions", `{"model":"writer","prompt":[256,79,110,99,101],"max_tokens":5,"seed":1}`, &tokens)
	if "Once"+tokens.Choices[0].Text != a.Choices[0].Text {
		t.Errorf("as tokens %q, as text %q", tokens.Choices[0].Text, a.Choices[0].Text)
	}
	text, _, _ := r.stream("/v1/completions", `{"model":"writer","prompt":"Once","max_tokens":5,"seed":1,"stream":true}`)
	if "Once"+text != a.Choices[0].Text {
		t.Errorf("streamed %q", text)
	}
}

func TestRefusedChats(t *testing.T) {
	r := newRig(t, openai.Options{})
	long := `{"model":"writer","messages":[{"role":"user","content":"` + strings.Repeat("a", 300) + `"}]}`
	if p := r.refused(400, "/v1/chat/completions", long); *p.Code != "context_length_exceeded" {
		t.Errorf("a prompt over the limit: %+v", p)
	}
	if p := r.refused(400, "/v1/chat/completions", `{`+hello+`,"max_tokens":256}`); *p.Code != "context_length_exceeded" {
		t.Errorf("an answer over the limit: %+v", p)
	}
	if p := r.refused(400, "/v1/chat/completions", `{"model":"embedder","messages":[{"role":"user","content":"Hi"}]}`); *p.Code != "wrong_model" {
		t.Errorf("a model that writes no text: %+v", p)
	}
	r.refused(400, "/v1/chat/completions", `[]`)
	r.refused(400, "/v1/chat/completions", `{`)
	r.refused(415, "/v1/chat/completions", `{`+hello+`}`, "Content-Type: text/plain")
	r.refused(413, "/v1/chat/completions", `{"model":"`+strings.Repeat("a", 17<<20)+`"}`)
	r.refused(404, "/v1/images/generations", `{}`)
}

// Nothing that was asked or answered is in the log or the metrics.
func TestPromptsAreNotKept(t *testing.T) {
	r := newRig(t, openai.Options{})
	var a chatAnswer
	r.ask("/v1/chat/completions", `{"model":"writer","messages":[{"role":"user","content":"my secret"}],"max_tokens":20,"seed":1}`, &a)
	r.refused(400, "/v1/chat/completions", `{"model":"writer","messages":[{"role":"user","content":"my secret"}],"my secret":1}`)
	r.send("GET", "/v1/receipts/my%20secret", "")
	_, metrics := r.send("GET", "/metrics", "")
	for name, s := range map[string]string{"log": r.log.String(), "metrics": metrics} {
		if strings.Contains(s, "secret") || strings.Contains(s, a.Choices[0].Message.Content) {
			t.Errorf("the %s has it:\n%s", name, s)
		}
	}
	for _, want := range []string{
		`hearth_inference_tokens_total{kind="completion",model="writer"} 20`, `hearth_inference_requests_total{path="/v1/chat/completions",status="400"} 1`,
		"hearth_inference_jobs 0", "hearth_inference_first_token_seconds_count",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s:\n%s", want, metrics)
		}
	}
}

// A receipt is about exactly the job and the output that came with it.
func TestReceipts(t *testing.T) {
	r := newRig(t, openai.Options{})
	var chat chatAnswer
	var vectors embeddings
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":9,"n":2,"hearth":{"receipt":true}}`, &chat)
	r.ask("/v1/embeddings", `{"model":"embedder","input":["a","b"]}`, &vectors, "X-Hearth-Receipt: 1")
	proofs := append(chat.Hearth.Proofs, vectors.Hearth.Proofs...)
	if len(proofs) != 4 {
		t.Fatalf("%d proofs", len(proofs))
	}
	for i, p := range proofs {
		receipt, err := work.ParseReceipt(p.Receipt)
		if err != nil {
			t.Fatal(err)
		}
		job, err := work.DecodeJob(p.Job)
		if err != nil {
			t.Fatal(err)
		}
		if err := receipt.Check(); err != nil {
			t.Error(err)
		}
		if err := receipt.CheckJob(job, p.Output); err != nil {
			t.Error(err)
		}
		if job.Public || slices.Contains(job.Salt[:], 0) && job.Salt == [32]byte{} {
			t.Errorf("proof %d is of a public job, or has no salt", i)
		}
		p.Output[0]++
		if err := receipt.CheckJob(job, p.Output); err == nil {
			t.Error("another output passes")
		}
	}
	// Whoever asked can have it again, for a while.
	res, b := r.send("GET", "/v1/receipts/"+chat.ID, "")
	again, err := openai.ReadProofs([]byte(b))
	if res.StatusCode != 200 || err != nil || len(again) != 2 {
		t.Errorf("%s %v %s", res.Status, err, b)
	}
	if res, _ := r.send("GET", "/v1/receipts/chatcmpl-nothing", ""); res.StatusCode != 404 {
		t.Errorf("one that is not there: %s", res.Status)
	}
}

func TestModels(t *testing.T) {
	r := newRig(t, openai.Options{})
	_, all := r.send("GET", "/v1/models", "")
	var list struct{ Data []json.RawMessage }
	if err := json.Unmarshal([]byte(all), &list); err != nil || len(list.Data) != 2 {
		t.Fatalf("%s, %v", all, err)
	}
	_, one := r.send("GET", "/v1/models/writer", "")
	if strings.TrimSpace(one) != string(list.Data[1]) {
		t.Errorf("alone %s, listed %s", one, list.Data[1])
	}
	undated := served(t, "undated", encoderConfig(), nil)
	undated.Created = time.Time{}
	if _, got := newRig(t, openai.Options{Models: []*openai.Model{undated}}).send("GET", "/v1/models/undated", ""); !strings.Contains(got, `"created":0,`) {
		t.Errorf("one of no known time: %s", got)
	}
	if res, _ := r.send("GET", "/v1/models/nothing", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("one that is not there: %s", res.Status)
	}
}
