package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	forms "golang.org/x/text/unicode/norm"
)

// How the texts of byte-level BPE are split before merging, by the name that
// GGUF files give it. The expressions are those of the models' own
// tokenizer.json.
const (
	splitLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	splitQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// Kinds of tokens in a GGUF file: control tokens are special, and those that
// the user defined stand in texts as they are.
const (
	controlToken = 3
	userToken    = 4
)

type object = map[string]any

// ggufTokenizer makes a tokenizer.json of the vocabulary in a GGUF file: of
// byte-level BPE and of WordPiece. It is the model's own as far as the file
// tells; where it does not, it is an error.
func ggufTokenizer(m *metadata) ([]byte, error) {
	tokens, ok := m.values["tokenizer.ggml.tokens"].([]string)
	if !ok {
		return nil, errors.New("the file holds no vocabulary")
	}
	vocabulary := make(map[string]int, len(tokens))
	for i, t := range tokens {
		if !utf8.ValidString(t) {
			return nil, fmt.Errorf("token %d is not valid UTF-8", i)
		}
		vocabulary[t] = i
	}
	if len(vocabulary) != len(tokens) {
		return nil, errors.New("two tokens of the vocabulary are the same")
	}
	kinds, _ := m.values["tokenizer.ggml.token_type"].([]int32)
	var added []object
	for i, kind := range kinds[:min(len(kinds), len(tokens))] {
		if kind == controlToken || kind == userToken {
			added = append(added, object{
				"id": i, "content": tokens[i], "special": kind == controlToken,
				"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
			})
		}
	}
	t := object{"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added}
	var err error
	switch name, _ := m.values["tokenizer.ggml.model"].(string); name {
	case "gpt2":
		err = bpe(t, m, vocabulary, tokens)
	case "bert":
		err = wordPiece(t, tokens)
	default:
		err = fmt.Errorf("its vocabulary is of the kind %q: gpt2 and bert are supported", name)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(t)
}

// bpe fills in byte-level BPE.
func bpe(t object, m *metadata, vocabulary map[string]int, tokens []string) error {
	merges, ok := m.values["tokenizer.ggml.merges"].([]string)
	if !ok {
		return errors.New("its vocabulary has no merges")
	}
	pairs := make([][]string, len(merges))
	for i, merge := range merges {
		left, right, ok := strings.Cut(merge, " ")
		if !ok || !utf8.ValidString(merge) {
			return fmt.Errorf("merge %d is %q: it must be two parts", i, merge)
		}
		pairs[i] = []string{left, right}
	}
	bytes := func(regex bool) object {
		return object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": regex}
	}
	split := func(expression string) object {
		return object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": expression}, "behavior": "Isolated", "invert": false},
			bytes(false),
		}}
	}
	whole := false // words that are tokens are not merged
	switch pre, _ := m.values["tokenizer.ggml.pre"].(string); pre {
	case "gpt-2":
		t["normalizer"], t["pre_tokenizer"] = nil, bytes(true)
	case "llama-bpe", "llama3", "llama-v3":
		t["normalizer"], t["pre_tokenizer"], whole = nil, split(splitLlama3), true
	case "qwen2":
		t["normalizer"], t["pre_tokenizer"] = object{"type": "NFC"}, split(splitQwen2)
	case "smollm":
		t["normalizer"] = nil
		t["pre_tokenizer"] = object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Digits", "individual_digits": true}, bytes(true),
		}}
	default:
		return fmt.Errorf("its texts are split as %q: gpt-2, llama-bpe, qwen2 and smollm are supported", pre)
	}
	t["decoder"] = bytes(true)
	// Files of Llama 3 may leave out what is so for all of them.
	before, err := edge(m, "bos", len(tokens), whole)
	if err != nil {
		return err
	}
	behind, err := edge(m, "eos", len(tokens), false)
	if err != nil {
		return err
	}
	if t["post_processor"] = nil; len(before)+len(behind) > 0 {
		t["post_processor"] = around(tokens, before, behind)
	}
	t["model"] = object{
		"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
		"fuse_unk": false, "byte_fallback": false, "ignore_merges": whole, "vocab": vocabulary, "merges": pairs,
	}
	return nil
}

// edge returns the token that all texts begin (bos) or end (eos) with, if they
// do: as the file says, and otherwise if it does not.
func edge(m *metadata, name string, tokens int, otherwise bool) ([]int, error) {
	add, says := m.values["tokenizer.ggml.add_"+name+"_token"].(bool)
	if says && !add || !says && !otherwise {
		return nil, nil
	}
	id := m.token("tokenizer.ggml." + name + "_token_id")
	if id < 0 || int(id) >= tokens {
		return nil, fmt.Errorf("all texts have a token %s that it does not name", name)
	}
	return []int{int(id)}, nil
}

// wordPiece fills in BERT's tokens, of which GGUF files mark those that begin a
// word instead of those that go on.
func wordPiece(t object, tokens []string) error {
	const begins, goesOn = "\u2581", "##"
	vocabulary := make(map[string]int, len(tokens))
	kept := make([]string, len(tokens))
	for i, token := range tokens {
		word, ok := strings.CutPrefix(token, begins)
		switch {
		case ok:
			token = word
		case bracketed(token):
		default:
			token = goesOn + token
		}
		kept[i], vocabulary[token] = token, i
		if !bracketed(token) && !plain(token) {
			return fmt.Errorf("its vocabulary has %q, with a capital letter or an accent, and the file does not say what becomes of those in texts", token)
		}
	}
	special := map[string]int{}
	for _, name := range []string{"[UNK]", "[CLS]", "[SEP]"} {
		id, ok := vocabulary[name]
		if !ok {
			return fmt.Errorf("its vocabulary lacks %s", name)
		}
		special[name] = id
	}
	if len(vocabulary) != len(tokens) {
		return errors.New("two tokens of the vocabulary are the same")
	}
	var added []object
	for id, name := range kept {
		if bracketed(name) && !strings.HasPrefix(name, "[unused") {
			added = append(added, object{
				"id": id, "content": name, "special": true,
				"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
			})
		}
	}
	t["added_tokens"] = added
	t["normalizer"] = object{
		"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true,
	}
	t["pre_tokenizer"] = object{"type": "BertPreTokenizer"}
	t["post_processor"] = around(kept, []int{special["[CLS]"]}, []int{special["[SEP]"]})
	t["decoder"] = object{"type": "WordPiece", "prefix": goesOn, "cleanup": true}
	t["model"] = object{
		"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": goesOn, "max_input_chars_per_word": 100,
		"vocab": vocabulary,
	}
	return nil
}

// bracketed says that a token of WordPiece is one like [CLS].
func bracketed(token string) bool {
	return strings.HasPrefix(token, "[") && strings.HasSuffix(token, "]") && len(token) > 2
}

// plain says that a token can come of a text whose capital letters and accents
// were taken away, as those of BERT's uncased models all can.
func plain(token string) bool {
	return !strings.ContainsFunc(forms.NFD.String(token), func(r rune) bool {
		return unicode.Is(unicode.Mn, r) || unicode.ToLower(r) != r
	})
}

// around is the template that puts tokens before and behind a text.
func around(tokens []string, before, behind []int) object {
	specials := object{}
	piece := func(id int) object {
		name := tokens[id]
		specials[name] = object{"id": name, "ids": []int{id}, "tokens": []string{name}}
		return object{"SpecialToken": object{"id": name, "type_id": 0}}
	}
	var single []object
	for _, id := range before {
		single = append(single, piece(id))
	}
	single = append(single, object{"Sequence": object{"id": "A", "type_id": 0}})
	for _, id := range behind {
		single = append(single, piece(id))
	}
	second := object{"Sequence": object{"id": "B", "type_id": 0}}
	return object{
		"type": "TemplateProcessing", "single": single, "pair": append(append([]object{}, single...), second),
		"special_tokens": specials,
	}
}
