package text

import "strings"

// Roles of a conversation.
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string
	Content string
}

// Template is a form that conversations are laid out in.
type Template struct {
	// Name as in --template.
	Name string
	// About says for which models, in a few words.
	About string
	// Stops are strings that end an answer in a form without control tokens.
	Stops []string
	// Ends are the control tokens that end a turn.
	Ends []string
	// begin is the control token that every text begins with; empty leaves that
	// to the tokenizer.
	begin string
	// marks are control tokens that tell this form from others.
	marks []string
	lay   func(*layout, []Message)
}

// Templates lists the supported forms. The forms are those that the makers of
// the models publish with them.
func Templates() []Template {
	return []Template{
		{
			Name: "hearth", About: "the small model that Hearth carries",
			Ends: []string{"<|eos|>", "<|user|>"}, begin: "<|bos|>", marks: []string{"<|bos|>", "<|eos|>", "<|user|>", "<|assistant|>"}, lay: hearth,
		},
		{
			Name: "chatml", About: "Qwen and many others",
			Ends: []string{"<|im_end|>"}, marks: []string{"<|im_start|>", "<|im_end|>"}, lay: chatML,
		},
		{
			Name: "llama-3", About: "Llama 3",
			Ends: []string{"<|eot_id|>", "<|eom_id|>"}, begin: "<|begin_of_text|>",
			marks: []string{"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}, lay: llama3,
		},
		{Name: "llama-2", About: "Llama 2 and the first Mistral", begin: "<s>", Ends: []string{"</s>"}, lay: llama2},
		{
			Name: "plain", About: "models without a form of their own: turns as in a written dialogue",
			Stops: []string{"\nUser:", "\nSystem:"}, lay: plain,
		},
	}
}

// piece is text, or a control token.
type piece struct {
	text    string
	control bool
}

// layout collects the pieces of a prompt; texts that follow each other are
// one.
type layout struct{ pieces []piece }

func (l *layout) text(parts ...string) {
	s := strings.Join(parts, "")
	if n := len(l.pieces); n > 0 && !l.pieces[n-1].control {
		l.pieces[n-1].text += s
		return
	}
	l.pieces = append(l.pieces, piece{text: s})
}

func (l *layout) control(name string) { l.pieces = append(l.pieces, piece{name, true}) }

// hearth: <|bos|><|user|>question<|assistant|>answer<|eos|> and so on.
func hearth(l *layout, turns []Message) {
	for _, m := range turns {
		if m.Role == Assistant {
			l.control("<|assistant|>")
			l.text(m.Content)
			l.control("<|eos|>")
			continue
		}
		l.control("<|user|>")
		l.text(m.Content)
	}
	l.control("<|assistant|>")
}

// chatML: <|im_start|>role\ncontent<|im_end|>\n and so on.
func chatML(l *layout, turns []Message) {
	for _, m := range turns {
		l.control("<|im_start|>")
		l.text(m.Role, "\n", m.Content)
		l.control("<|im_end|>")
		l.text("\n")
	}
	l.control("<|im_start|>")
	l.text(Assistant, "\n")
}

// llama3: <|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|> and so on.
func llama3(l *layout, turns []Message) {
	head := func(role string) {
		l.control("<|start_header_id|>")
		l.text(role)
		l.control("<|end_header_id|>")
		l.text("\n\n")
	}
	for _, m := range turns {
		head(m.Role)
		l.text(strings.TrimSpace(m.Content))
		l.control("<|eot_id|>")
	}
	head(Assistant)
}

// llama2: <s>[INST] <<SYS>>\nsystem\n<</SYS>>\n\nuser [/INST] answer </s><s>[INST] and so on.
// The beginning of the first turn is the prompt's own.
func llama2(l *layout, turns []Message) {
	system := ""
	first := true
	for _, m := range turns {
		switch m.Role {
		case System:
			system += "<<SYS>>\n" + strings.TrimSpace(m.Content) + "\n<</SYS>>\n\n"
		case User:
			if !first {
				l.control("<s>")
			}
			l.text("[INST] ", system, strings.TrimSpace(m.Content), " [/INST]")
			system, first = "", false
		case Assistant:
			l.text(" ", strings.TrimSpace(m.Content), " ")
			l.control("</s>")
		}
	}
}

// plain: "User: …\nAssistant: …".
func plain(l *layout, turns []Message) {
	for _, m := range turns {
		l.text(strings.ToUpper(m.Role[:1]), m.Role[1:], ": ", strings.TrimSpace(m.Content), "\n")
	}
	l.text("Assistant:")
}
