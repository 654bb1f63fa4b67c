package hub

import "testing"

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"all-minilm-l6-v2": true, "qwen2.5-0.5b": true, "a": true,
		"": false, ".hidden": false, "Capital": false, "a/b": false, "a..b": false, "../up": false, "a.": false, "ä": false,
	} {
		if got := CheckName(name) == nil; got != ok {
			t.Errorf("CheckName(%q) passes: %v, want %v", name, got, ok)
		}
	}
	for s, want := range map[string]string{
		"BAAI/bge-small-en-v1.5":     "bge-small-en-v1.5",
		"/home/me/My Models/E5 Base": "e5-base",
		"Qwen2-0.5B.Q8_0.gguf":       "qwen2-0.5b.q8_0",
		`C:\models\llama.hearth`:     "llama",
		"..":                         "",
	} {
		if got := NameFor(s); got != want {
			t.Errorf("NameFor(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestReferences(t *testing.T) {
	for s, want := range map[string]Reference{
		"BAAI/bge-small-en-v1.5": {"BAAI/bge-small-en-v1.5", "main", ""},
		"a/b@v1":                 {"a/b", "v1", ""},
		"a/b:w.Q8_0.gguf":        {"a/b", "main", "w.Q8_0.gguf"},
		"a/b@v1:w.gguf":          {"a/b", "v1", "w.gguf"},
	} {
		got, err := ParseReference(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("ParseReference(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "nobody", "a/b/c", "a/../b", "a/b@", "a/b@x/y", "a/b:../w.gguf", "a/b:w.bin", "a /b", "https://huggingface.co/a/b"} {
		if got, err := ParseReference(s); err == nil {
			t.Errorf("ParseReference(%q) = %v, want an error", s, got)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("a/b@v1:w.gguf")
	f.Add("a/..")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseReference(s)
		if err != nil {
			return
		}
		if again, err := ParseReference(r.String()); err != nil || again != r {
			t.Errorf("%q reads as %v, written as %q, which reads as %v, %v", s, r, r, again, err)
		}
	})
}
