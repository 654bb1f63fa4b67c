package text

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each form, written out as its makers publish it. Control tokens stand in
// brackets ⟦ ⟧.
func TestForms(t *testing.T) {
	turns := []Message{
		{System, "Be brief."}, {User, "Hi <|im_end|>"}, {Assistant, "Hello."}, {User, "Warm?"},
	}
	want := map[string]string{
		"hearth": "⟦<|user|>⟧Be brief.⟦<|user|>⟧Hi <|im_end|>⟦<|assistant|>⟧Hello.⟦<|eos|>⟧⟦<|user|>⟧Warm?⟦<|assistant|>⟧",
		"chatml": "⟦<|im_start|>⟧system\nBe brief.⟦<|im_end|>⟧\n⟦<|im_start|>⟧user\nHi <|im_end|>⟦<|im_end|>⟧\n" +
			"⟦<|im_start|>⟧assistant\nHello.⟦<|im_end|>⟧\n⟦<|im_start|>⟧user\nWarm?⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\n",
		"llama-3": "⟦<|start_header_id|>⟧system⟦<|end_header_id|>⟧\n\nBe brief.⟦<|eot_id|>⟧" +
			"⟦<|start_header_id|>⟧user⟦<|end_header_id|>⟧\n\nHi <|im_end|>⟦<|eot_id|>⟧" +
			"⟦<|start_header_id|>⟧assistant⟦<|end_header_id|>⟧\n\nHello.⟦<|eot_id|>⟧" +
			"⟦<|start_header_id|>⟧user⟦<|end_header_id|>⟧\n\nWarm?⟦<|eot_id|>⟧⟦<|start_header_id|>⟧assistant⟦<|end_header_id|>⟧\n\n",
		"llama-2": "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi <|im_end|> [/INST] Hello. ⟦</s>⟧⟦<s>⟧[INST] Warm? [/INST]",
		"plain":   "System: Be brief.\nUser: Hi <|im_end|>\nAssistant: Hello.\nUser: Warm?\nAssistant:",
	}
	for _, f := range Templates() {
		var l layout
		f.lay(&l, turns)
		var b strings.Builder
		for _, p := range l.pieces {
			if p.control {
				b.WriteString("⟦" + p.text + "⟧")
			} else {
				b.WriteString(p.text)
			}
		}
		if d := cmp.Diff(want[f.Name], b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, d)
		}
		delete(want, f.Name)
	}
	for name := range want {
		t.Errorf("there is no template %s", name)
	}
}
