package openai

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/infer/text"
)

func chatOf(t *testing.T, body string) (chatRequest, error) {
	t.Helper()
	all, err := object([]byte(body))
	if err != nil {
		return chatRequest{}, err
	}
	return readChat(all)
}

func TestChatRequests(t *testing.T) {
	got, err := chatOf(t, `{
		"model": "m", "max_completion_tokens": 7, "temperature": 0.7, "top_p": 0.95, "seed": -1, "stop": ["a", "b"], "n": 2,
		"logprobs": true, "top_logprobs": 3, "stream": true, "stream_options": {"include_usage": true}, "presence_penalty": -0.5,
		"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "!"}]}],
		"user": "somebody", "tools": [], "response_format": {"type": "text"}, "logit_bias": {}, "store": false, "hearth": {"receipt": true}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := chatRequest{
		generation: generation{
			model: "m", stream: true, usage: true, maxTokens: 7, temperature: 45875, topP: 62259, presence: -32768, seed: 1<<64 - 1, hasSeed: true,
			stops: []string{"a", "b"}, choices: 2, logprobs: true, top: 3, receipt: true,
		},
		messages: []text.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Hi!"}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(chatRequest{}, generation{})); d != "" {
		t.Errorf("read (-want +got):\n%s", d)
	}
}

// A field that would change the answer is refused by its name, and so is one
// that nobody knows.
func TestRefusedFields(t *testing.T) {
	const head = `{"model":"m","messages":[{"role":"user","content":"Hi"}]`
	for _, c := range []struct{ field, param, code string }{
		{`"tools":[{"type":"function"}]`, "tools", "unsupported_parameter"},
		{`"tool_choice":"required"`, "tool_choice", "unsupported_parameter"},
		{`"response_format":{"type":"json_object"}`, "response_format", "unsupported_parameter"},
		{`"logit_bias":{"5":1}`, "logit_bias", "unsupported_parameter"},
		{`"modalities":["text","audio"]`, "modalities", "unsupported_parameter"},
		{`"reasoning_effort":"high"`, "reasoning_effort", "unsupported_parameter"},
		{`"store":true`, "store", "unsupported_parameter"},
		{`"top_k":5`, "top_k", "unknown_parameter"},
		{`"temprature":0`, "temprature", "unknown_parameter"},
		{`"Temperature":0`, "Temperature", "unknown_parameter"},
		{`"temperature":2.1`, "temperature", "invalid_value"},
		{`"temperature":-0.1`, "temperature", "invalid_value"},
		{`"temperature":"1"`, "temperature", "invalid_type"},
		{`"temperature":1e400`, "temperature", "invalid_value"},
		{`"top_p":1.5`, "top_p", "invalid_value"},
		{`"presence_penalty":3`, "presence_penalty", "invalid_value"},
		{`"n":9`, "n", "invalid_value"},
		{`"n":0`, "n", "invalid_value"},
		{`"n":1.5`, "n", "invalid_type"},
		{`"seed":1.5`, "seed", "invalid_type"},
		{`"max_tokens":0`, "max_tokens", "invalid_value"},
		{`"stop":["a","b","c","d","e"]`, "stop", "invalid_value"},
		{`"stop":""`, "stop", "invalid_value"},
		{`"stop":7`, "stop", "invalid_type"},
		{`"stream_options":{"include_usage":true}`, "stream_options", "invalid_value"},
		{`"top_logprobs":2`, "top_logprobs", "invalid_value"},
		{`"logprobs":true,"top_logprobs":21`, "top_logprobs", "invalid_value"},
		{`"hearth":{"receit":true}`, "receit", "unknown_parameter"},
		{`"stream":"yes"`, "stream", "invalid_type"},
		{`"model":"again"`, "model", "bad_json"},
	} {
		_, err := chatOf(t, head+","+c.field+"}")
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Param == nil || *p.Param != c.param || p.Code == nil || *p.Code != c.code || p.Status != 400 {
			t.Errorf("%s: got %s", c.field, explain(err))
		}
	}
}

func explain(err error) string {
	b, _ := json.Marshal(err)
	return string(b)
}

func TestRefusedMessages(t *testing.T) {
	for _, c := range []struct{ messages, want string }{
		{`[]`, "messages must be a list"},
		{`"Hi"`, "messages must be a list"},
		{`[{"role":"user"}]`, "messages[0].content must be a string"},
		{`[{"role":"user","content":null}]`, "messages[0].content must be a string"},
		{`[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]`, "image_url"},
		{`[{"role":"tool","content":"x"}]`, "tools are not supported"},
		{`[{"role":"king","content":"x"}]`, `"king" is none of`},
		{`[{"role":"assistant","content":"x","tool_calls":[{}]}]`, "tool_calls is not supported"},
		{`[{"role":"user","content":"x","colour":"red"}]`, `no parameter "colour"`},
		{`[7]`, "messages[0] must be an object"},
	} {
		_, err := chatOf(t, `{"model":"m","messages":`+c.messages+`}`)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.messages, err, c.want)
		}
	}
}

func TestInputs(t *testing.T) {
	read := func(input string) (embeddingRequest, error) {
		all, err := object([]byte(`{"model":"m","input":` + input + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return readEmbedding(all)
	}
	for in, want := range map[string][]input{
		`"a"`:         {{text: "a"}},
		`["a","b"]`:   {{text: "a"}, {text: "b"}},
		`[1,2]`:       {{tokens: []int32{1, 2}}},
		`[[1,2],[3]]`: {{tokens: []int32{1, 2}}, {tokens: []int32{3}}},
	} {
		got, err := read(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		} else if d := cmp.Diff(want, got.inputs, cmp.AllowUnexported(input{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
	}
	for _, in := range []string{`""`, `[]`, `["a",""]`, `[[]]`, `{}`, `7`, `["a",1]`, `[1.5]`, `[99999999999]`, `null`} {
		if got, err := read(in); err == nil {
			t.Errorf("%s reads as %v, want an error", in, got.inputs)
		}
	}
}

func TestDecimal(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "1": one, "0.5": one / 2, "2": 2 * one, "0.7": 45875, "7e-1": 45875, "70E-2": 45875, "0.07e1": 45875, "1e0": one,
		"-0.5": -one / 2, "1.0000": one, "1e-400": 0, "1e400": 1000 * one, "12345678901234567890": 1000 * one, "0e9": 0, "100e-2": one,
		"0.0000076": 0, "0.0000077": 1, "999.9999999999": 65535999999 / 1000, "0.00000000000000000001": 0,
	} {
		if s == "999.9999999999" {
			want = 1000 * one
		}
		if got, err := decimal(s); err != nil || got != want {
			t.Errorf("decimal(%s) = %d, %v, want %d", s, got, err, want)
		}
	}
}

// Whatever decimal a program writes within the ranges in use, it is read to
// within half a unit of what it says.
func TestDecimalIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nano := rapid.Int64Range(0, 999_000_000_000).Draw(t, "nano")
		b, err := json.Marshal(nano)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decimal(string(b) + "e-9")
		if want := (nano*one + 500_000_000) / 1_000_000_000; err != nil || got != want {
			t.Fatalf("%se-9 reads as %d, %v, want %d", b, got, err, want)
		}
	})
}

func FuzzRequests(f *testing.F) {
	f.Add(`{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":0.7}`)
	f.Add(`{"model":"m","prompt":[1,2],"logprobs":3,"echo":false}`)
	f.Add(`{"model":"m","input":["a"],"encoding_format":"base64"}`)
	f.Add(`{"model":"m","model":"m"}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, read := range []func(map[string]json.RawMessage) error{
			func(m map[string]json.RawMessage) error { _, err := readChat(m); return err },
			func(m map[string]json.RawMessage) error { _, err := readCompletion(m); return err },
			func(m map[string]json.RawMessage) error { _, err := readEmbedding(m); return err },
		} {
			all, err := object([]byte(body))
			if err == nil {
				err = read(all)
			}
			if err == nil {
				continue
			}
			if p := problemOf(err); p.Status != 400 || p.Message == "" {
				t.Errorf("%q: %s", body, explain(err))
			}
		}
	})
}
