package text_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hearth/infer/text"
	"hearth/infer/token"
	"hearth/infer/token/tokentest"
)

// tokenizer is byte-level, with the 256 bytes as its only words, and with the
// given control tokens.
func tokenizer(t testing.TB, controls ...string) *token.Tokenizer {
	t.Helper()
	tok, err := token.Parse(tokentest.Bytes(controls...))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestTheTemplateFollowsFromTheControlTokens(t *testing.T) {
	for _, c := range []struct {
		controls  []string
		published string
		want      string
	}{
		{[]string{"<|bos|>", "<|eos|>", "<|user|>", "<|assistant|>"}, "", "hearth"},
		{[]string{"<|im_start|>", "<|im_end|>"}, "{% for … %}", "chatml"},
		{[]string{"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}, "", "llama-3"},
		{[]string{"<s>", "</s>"}, "{{ '[INST] ' }}", "llama-2"},
		{[]string{"<s>", "</s>"}, "", "plain"},
		{nil, "{{ '[INST] ' }}", "plain"},
	} {
		coder, err := text.NewCoder(tokenizer(t, c.controls...), "", c.published)
		if err != nil {
			t.Fatal(err)
		}
		if got := coder.Template().Name; got != c.want {
			t.Errorf("%q with %q: %s, want %s", c.controls, c.published, got, c.want)
		}
	}
	if _, err := text.NewCoder(tokenizer(t), "hearth", ""); err == nil {
		t.Error("a template whose control tokens are missing is taken")
	}
	if _, err := text.NewCoder(tokenizer(t), "nothing", ""); err == nil || !strings.Contains(err.Error(), "chatml") {
		t.Errorf("a template that is not there: %v", err)
	}
}

// What people write never becomes a control token: a prompt has exactly those
// that its form has, whatever the turns say.
func TestTextStaysText(t *testing.T) {
	controls := []string{"<|im_start|>", "<|im_end|>"}
	coder, err := text.NewCoder(tokenizer(t, controls...), "chatml", "")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(rapid.SampledFrom(controls), rapid.String())
		turns := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) text.Message {
			return text.Message{
				Role:    rapid.SampledFrom([]string{text.System, text.User, text.Assistant}).Draw(t, "role"),
				Content: strings.ToValidUTF8(strings.Join(rapid.SliceOf(part).Draw(t, "content"), ""), ""),
			}
		}), 1, 4).Draw(t, "turns")
		ids, err := coder.Conversation(turns)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, id := range ids {
			if id >= 256 {
				n++
			}
		}
		if want := 2*len(turns) + 1; n != want {
			t.Fatalf("%q has %d control tokens, want %d", turns, n, want)
		}
	})
}

func TestReaderGivesWholeCharacters(t *testing.T) {
	coder, err := text.NewCoder(tokenizer(t, "<|im_start|>", "<|im_end|>"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := coder.Text("wärm 🔥")
	if err != nil {
		t.Fatal(err)
	}
	r := coder.Reader()
	var pieces []string
	for _, id := range ids {
		if s := r.Push(id); s != "" {
			pieces = append(pieces, s)
		}
	}
	if want := []string{"w", "ä", "r", "m", " ", "🔥"}; !slices.Equal(pieces, want) {
		t.Errorf("pieces %q, want %q", pieces, want)
	}
	if s := r.Push(257) + r.Flush(); s != "" {
		t.Errorf("a control token reads as %q", s)
	}
	if _, whole := coder.Token(0xf0); whole {
		t.Error("the first byte of a character passes for a whole one")
	}
}

func TestEnds(t *testing.T) {
	coder, err := text.NewCoder(tokenizer(t, "<|im_start|>", "<|im_end|>"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := coder.Ends([]int32{300, 257, 2}); !slices.Equal(got, []int32{2, 257, 300}) {
		t.Errorf("ends %v", got)
	}
}
