package token_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"hearth/infer/token"
)

const (
	smallWordPiece = `{"type":"WordPiece","unk_token":"u","continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"u":0,"a":1,"##a":2}}`
	smallBPE       = `{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}`
	smallUnigram   = `{"type":"Unigram","unk_id":0,"vocab":[["u",0],["a",-1.5],["ab",-2.25]]}`
)

// with is a tokenizer.json of a model and other parts.
func with(model string, parts ...string) string {
	return `{"version":"1.0",` + strings.Join(append(parts, `"model":`+model), ",") + `}`
}

// refused are files that must not be taken, with a word of the reason.
func refused() map[string]string {
	normalizer := func(s string) string { return with(smallBPE, `"normalizer":`+s) }
	splitter := func(s string) string { return with(smallBPE, `"pre_tokenizer":`+s) }
	processor := func(s string) string { return with(smallBPE, `"post_processor":`+s) }
	decoder := func(s string) string { return with(smallBPE, `"decoder":`+s) }
	added := func(s string) string { return with(smallBPE, `"added_tokens":[`+s+`]`) }
	regex := func(s string) string {
		return splitter(`{"type":"Split","pattern":{"Regex":"` + s + `"},"behavior":"Isolated","invert":false}`)
	}
	return map[string]string{
		``:                                     "EOF",
		`[]`:                                   "cannot unmarshal",
		`{}`:                                   `version ""`,
		`{"version":"2.0"}`:                    `version "2.0"`,
		`{"version":"1.0"}`:                    "model: it is missing",
		with(smallBPE) + ` x`:                  "after the object",
		with(smallBPE, `"more":1`):             `"more"`,
		"{\"version\":\"\xff\"}":               "UTF-8",
		with(`{"type":"WordLevel"}`):           `"WordLevel" is not one of`,
		with(`{"type":"BPE","more":1}`):        `"more"`,
		with(`{"type":"BPE","dropout":0.1}`):   "dropout",
		with(`{"type":"BPE","unk_token":"x"}`): `"x" is not in the vocabulary`,
		with(`{"type":"BPE","vocab":{"a":0},"merges":["a"]}`):                        "not two tokens",
		with(`{"type":"BPE","vocab":{"a":0},"merges":["a a a"]}`):                    "not two tokens",
		with(`{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}`):                      "merge of 1 tokens",
		with(`{"type":"BPE","vocab":{"a":0},"merges":["a b"]}`):                      "not both are in",
		with(`{"type":"BPE","vocab":{"a":0},"merges":["a a"]}`):                      "result is not in",
		with(`{"type":"BPE","vocab":{"a":0,"b":0}}`):                                 "same id 0",
		with(`{"type":"BPE","vocab":{"a":-1}}`):                                      "id -1",
		with(`{"type":"BPE","vocab":{"a":2000000000}}`):                              "id 2000000000",
		with(`{"type":"BPE","vocab":{"a":10000000}}`):                                "ids up to 10000000",
		with(`{"type":"WordPiece","vocab":{"a":0}}`):                                 `"[UNK]" is not in`,
		with(`{"type":"Unigram","vocab":[]}`):                                        "empty",
		with(`{"type":"Unigram","vocab":[["a"]]}`):                                   "text and a score",
		with(`{"type":"Unigram","vocab":[["a",1e9]]}`):                               "over the limit",
		with(`{"type":"Unigram","vocab":[["a",1e999]]}`):                             "cannot unmarshal",
		with(`{"type":"Unigram","vocab":[["a",0],["a",0]]}`):                         "comes twice",
		with(`{"type":"Unigram","unk_id":1,"vocab":[["a",0]]}`):                      "unk_id 1",
		with(`{"type":"Unigram","vocab":[["` + strings.Repeat("a", 1025) + `",0]]}`): "1025 bytes",

		normalizer(`{"type":"Magic"}`):                                                                "Magic",
		normalizer(`{"type":"NFC","more":1}`):                                                         `NFC: json: unknown field "more"`,
		normalizer(`{"type":"Sequence","normalizers":[null]}`):                                        "part 1 of a sequence",
		normalizer(`{"type":"Replace","pattern":{"String":""},"content":""}`):                         "empty pattern",
		normalizer(`{"type":"Replace","pattern":{},"content":""}`):                                    "neither",
		normalizer(`{"type":"Precompiled","precompiled_charsmap":"AAAA"}`):                            "cut short",
		normalizer(`{"type":"Precompiled","precompiled_charsmap":"/////w=="}`):                        "does not fit",
		normalizer(strings.Repeat(`{"type":"Sequence","normalizers":[`, 9) + strings.Repeat(`]}`, 9)): "nested",
		splitter(strings.Repeat(`{"type":"Sequence","pretokenizers":[`, 9) + strings.Repeat(`]}`, 9)): "nested",

		normalizer(`{"type":"Sequence","normalizers":[` + strings.Repeat(`{"type":"NFC"},`, 32) + `{"type":"NFC"}]}`): "33 parts",

		splitter(`{"type":"UnicodeScripts"}`):                                     "UnicodeScripts",
		splitter(`{"type":"Punctuation","behavior":"Odd"}`):                       `"Odd"`,
		splitter(`{"type":"CharDelimiterSplit","delimiter":"ab"}`):                "one character",
		splitter(`{"type":"Metaspace","replacement":"_","prepend_scheme":"odd"}`): `"odd"`,
		splitter(`{"type":"Metaspace","replacement":""}`):                         "one character",
		regex(`(`):          "pattern",
		regex(`[a[b]]`):     "class within a class",
		regex(`[a&&b]`):     "intersection",
		regex(`a++`):        "possessive",
		regex(`\\p{Magic}`): "Magic",

		processor(`{"type":"Magic"}`):                                                                                               "Magic",
		processor(`{"type":"BertProcessing","sep":["x"],"cls":["y",1]}`):                                                            "text and an id",
		processor(`{"type":"BertProcessing","sep":["x",99],"cls":["y",1]}`):                                                         "token 99",
		processor(`{"type":"TemplateProcessing","single":[],"pair":[],"special_tokens":{}}`):                                        "template",
		processor(`{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],"pair":[],"special_tokens":{}}`):     "template",
		processor(`{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}}],"pair":[],"special_tokens":{}}`): `"x" is not defined`,

		decoder(`{"type":"CTC"}`):                                   "CTC",
		decoder(`{"type":"Strip","content":"","start":0,"stop":0}`): "one character",

		added(`{"id":0,"content":"b"}`):                        `"b" has the id 0`,
		added(`{"id":0,"content":"x"}`):                        `which in the model is "a"`,
		added(`{"id":-1,"content":"x"}`):                       "id -1",
		added(`{"id":99999999,"content":"x"}`):                 "id 99999999",
		added(`{"id":3,"content":""}`):                         "0 bytes",
		added(`{"id":3,"content":"x"},{"id":4,"content":"x"}`): "comes twice",
		added(`{"id":3,"content":"x"},{"id":3,"content":"y"}`): "same id 3",
		added(`{"id":3,"content":"x","more":true}`):            `"more"`,
	}
}

func TestRefusedFiles(t *testing.T) {
	for file, want := range refused() {
		if _, err := token.Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.120s: %v; want an error with %q", file, err, want)
		}
	}
}

// Files from before models named their type, and with the older spelling of
// Metaspace, are read.
func TestOldFiles(t *testing.T) {
	for _, file := range []string{
		with(strings.Replace(smallBPE, `"type":"BPE",`, "", 1)),
		with(strings.Replace(smallWordPiece, `"type":"WordPiece",`, "", 1)),
		with(strings.Replace(smallUnigram, `"type":"Unigram",`, "", 1)),
		with(smallBPE, `"pre_tokenizer":{"type":"Metaspace","replacement":"▁","str_rep":"▁","add_prefix_space":true}`),
	} {
		if _, err := token.Parse([]byte(file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// A pattern that would run forever gives an error.
func TestHostilePattern(t *testing.T) {
	k, err := token.Parse([]byte(with(smallBPE,
		`"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a|aa)+$"},"behavior":"Isolated","invert":false}`)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = k.Encode(strings.Repeat("a", 60)+"b", token.Options{}); err == nil {
		t.Error("2^60 steps were taken")
	}
}

// Replacement that grows a text without bound gives an error.
func TestHostileReplacement(t *testing.T) {
	k, err := token.Parse([]byte(with(smallBPE,
		`"normalizer":{"type":"Replace","pattern":{"String":"a"},"content":"`+strings.Repeat("a", 1<<20)+`"}`)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Encode(strings.Repeat("a", 1<<10), token.Options{})
	if err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v; want that the text becomes too long", err)
	}
}

// FuzzParse: whatever a file says, parsing and what it then does to a text
// ends, without a panic, in tokens that the tokenizer has or in an error.
// A tokenizer may look for white space around its tokens, and have tokens of
// white space: in quadratic time this would take minutes.
func TestTokensOfSpaceAmongSpaces(t *testing.T) {
	for _, strip := range []string{`"lstrip":true,"rstrip":false`, `"lstrip":false,"rstrip":true`, `"lstrip":true,"rstrip":true`} {
		k, err := token.Parse([]byte(`{"version":"1.0","added_tokens":[{"id":1,"content":" ","single_word":false,` + strip +
			`,"normalized":false,"special":false}],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}`))
		if err != nil {
			t.Fatal(err)
		}
		const spaces = 1 << 19
		ids, err := k.Encode("a"+strings.Repeat(" ", spaces)+"a", token.Options{})
		if err != nil || len(ids) != spaces+2 {
			t.Errorf("%s: %d spaces are %d tokens, %v", strip, spaces, len(ids), err)
		}
	}
}

func TestVocabulariesAreBounded(t *testing.T) {
	_, err := token.Parse([]byte(with(`{"type":"BPE","vocab":{"` + strings.Repeat("a", 33<<20) + `":0}}`)))
	if err == nil || !strings.Contains(err.Error(), "more than 33554432 bytes together") {
		t.Errorf("33 MiB of tokens: %.200v", err)
	}
}

// Tokens that stand for nothing must not gather in a stream: a model may write
// them for ever.
func TestStreamOfNothing(t *testing.T) {
	k, err := token.Parse([]byte(with(`{"type":"BPE","vocab":{"":0,"a":1},"merges":[]}`, `"decoder":{"type":"Fuse"}`)))
	if err != nil {
		t.Fatal(err)
	}
	s := k.Stream(false)
	for i := range 1 << 16 {
		if text := s.Next(0); text != "" {
			t.Fatalf("token %d, which is nothing, says %q", i, text)
		}
	}
	if text := s.Next(1) + s.Next(0) + s.Next(1) + s.Flush(); text != "aa" {
		t.Errorf("behind them two letters are %q", text)
	}
}

func FuzzParse(f *testing.F) {
	for file := range refused() {
		f.Add([]byte(file), "a text")
	}
	for _, m := range []string{smallWordPiece, smallBPE, smallUnigram} {
		f.Add([]byte(with(m)), "abab a")
		f.Add([]byte(with(m, `"normalizer":{"type":"BertNormalizer"}`, `"pre_tokenizer":{"type":"BertPreTokenizer"}`)), "Abab, a")
	}
	var w whole
	readJSON(f, &w, "testdata", "whole.json")
	for _, c := range w.Cases {
		f.Add([]byte(c.Tokenizer), "the house e\u0301 <mask> \x00")
	}
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		if strings.Contains(string(file), "Regex") {
			t.Skip("patterns are the engine's own business, and may take their two seconds")
		}
		k, err := token.Parse(file)
		if err != nil {
			return
		}
		for _, o := range []token.Options{{AddSpecial: true}, {AllowSpecial: true}} {
			ids, err := k.Encode(text, o)
			if err != nil {
				continue
			}
			for _, id := range ids {
				if _, ok := k.Token(id); !ok {
					t.Fatalf("token %d does not exist", id)
				}
			}
			s := k.Stream(true)
			for _, id := range ids {
				if out := s.Next(id); !utf8.ValidString(out) {
					t.Fatalf("half a character: %q", out)
				}
			}
			k.Decode(ids, false)
		}
	})
}

// FuzzEncodeDecode: a byte-level tokenizer gives every text back.
func FuzzEncodeDecode(f *testing.F) {
	for _, s := range []string{"", "a", " a  b\n", "don't", "é\u0301", "🔥", "<|eot_id|>", "\x00", "\ufffd", "1234 567"} {
		f.Add(s)
	}
	k := load(f, goldens, "bpe-llama3", "tokenizer.json")
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := k.Encode(text, token.Options{})
		if !utf8.ValidString(text) {
			if err == nil {
				t.Fatalf("%q is not UTF-8 and was taken", text)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Decode(ids, true); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
		s, joined := k.Stream(true), ""
		for _, id := range ids {
			joined += s.Next(id)
		}
		if joined += s.Flush(); joined != text {
			t.Fatalf("%q was streamed as %q", text, joined)
		}
	})
}
