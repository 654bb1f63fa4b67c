package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"

	"hearth/infer/engine"
	"hearth/infer/model"
	"hearth/infer/text"
)

type chatCmd struct {
	modelsAt    `embed:""`
	Model       string  `help:"Which model; by default the one that is here, or the small one that Hearth carries." placeholder:"NAME"`
	System      string  `help:"What the model is told before the conversation." placeholder:"TEXT"`
	Template    string  `help:"How turns are laid out for the model, if the usual one is wrong: chatml, llama-3, llama-2, hearth or plain." placeholder:"NAME"`
	Temperature float64 `help:"How freely words are chosen: 0 takes the likeliest." default:"0.7"`
	Seed        *uint64 `help:"Begin with this seed: the same conversation comes out again." placeholder:"N"`
	Tokens      int     `help:"Longest answer, in tokens." default:"512"`
	Once        string  `help:"Ask this, print the answer, and end." placeholder:"TEXT"`
}

// Run holds a conversation.
func (c *chatCmd) Run(p *program) error {
	if c.Temperature < 0 || c.Temperature > 2 || c.Tokens < 1 {
		return coded(exitUsage, errors.New("--temperature is from 0 to 2, --tokens at least 1"))
	}
	s, _ := c.store(p, "")
	o, err := openOne(p.ctx, s, c.Model, model.Decoder, c.Template)
	if err != nil {
		return err
	}
	defer o.close()
	t := talk{program: p, model: o, command: c, turns: nil}
	if c.System != "" {
		t.turns = []text.Message{{Role: text.System, Content: c.System}}
	}
	if c.Seed != nil {
		t.seed = *c.Seed
	} else {
		var b [8]byte
		rand.Read(b[:]) // never fails, says crypto/rand
		t.seed = binary.LittleEndian.Uint64(b[:]) >> 12
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(p.ctx))
	var engine sync.WaitGroup
	defer engine.Wait()
	defer stop()
	engine.Go(func() { _ = o.Decoder.Run(ctx) }) // its error ends the answer under way, too
	if c.Once != "" {
		return t.once(p.ctx, c.Once)
	}
	return t.hold(p.ctx)
}

// talk is a conversation.
type talk struct {
	program *program
	model   *opened
	command *chatCmd
	turns   []text.Message
	seed    uint64
	number  int // of answers
}

// once asks one thing.
func (t *talk) once(ctx context.Context, question string) error {
	t.turns = append(t.turns, text.Message{Role: text.User, Content: question})
	answer, err := t.answer(ctx)
	if !strings.HasSuffix(answer, "\n") {
		fmt.Fprintln(t.program.out)
	}
	return err
}

// hold reads what a person types and answers, until /exit.
func (t *talk) hold(ctx context.Context) error {
	p := t.program
	fmt.Fprintf(p.out, "%s\n", p.paint(dim, fmt.Sprintf("%s, seed %d. /new begins again, /exit ends, Ctrl-C stops an answer.", t.model.Name, t.seed)))
	if t.model.Name == miniName {
		fmt.Fprintln(p.out, p.paint(dim, "It is a very small model, made to show that everything works. Larger ones: hearth model pull OWNER/NAME."))
	}
	// Ctrl-C is for the answer while there is one, and for the program only
	// while it waits for a line; elsewhere in the program it ends p.ctx.
	signal.Reset(os.Interrupt)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	lines := typed(p.in)
	first := t.turns
	for {
		fmt.Fprint(p.out, p.paint(bold, "> "))
		var line string
		select {
		case l, ok := <-lines:
			if !ok {
				fmt.Fprintln(p.out)
				return nil
			}
			line = strings.TrimSpace(l)
		case <-interrupts:
			fmt.Fprintln(p.out)
			return nil
		case <-ctx.Done():
			fmt.Fprintln(p.out)
			return nil
		}
		switch line {
		case "":
			continue
		case "/exit", "/quit":
			return nil
		case "/new":
			t.turns, t.number = first, 0
			continue
		}
		t.turns = append(t.turns, text.Message{Role: text.User, Content: line})
		one, done := interruptible(ctx, interrupts)
		answer, err := t.answer(one)
		done()
		fmt.Fprintln(p.out)
		switch {
		case errors.Is(err, context.Canceled) && ctx.Err() == nil:
			fmt.Fprintln(p.out, p.paint(dim, "(stopped)"))
		case errors.Is(err, errTooLong), errors.Is(err, engine.ErrRequest):
			fmt.Fprintln(p.err, oneLine(err.Error()))
			t.turns = t.turns[:len(t.turns)-1]
			continue
		case err != nil:
			return err
		}
		t.turns = append(t.turns, text.Message{Role: text.Assistant, Content: answer})
	}
}

// interruptible is a context that also ends with the next interrupt.
func interruptible(ctx context.Context, interrupts <-chan os.Signal) (context.Context, func()) {
	one, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-interrupts:
			cancel()
		case <-one.Done():
		}
	}()
	return one, cancel
}

// typed reads lines, so that waiting for one can be given up.
func typed(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			lines <- s.Text()
		}
	}()
	return lines
}

// answer writes the next turn as it comes, and returns it.
func (t *talk) answer(ctx context.Context) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := t.model
	prompt, err := t.prompt()
	if err != nil {
		return "", err
	}
	r := engine.Request{
		Prompt: prompt, Most: min(t.command.Tokens, m.Config.Context-len(prompt)), Stop: m.Words.Ends(m.Config.EOS),
		Sampling: engine.Sampling{Temperature: uint32(t.command.Temperature*(1<<16) + 0.5)},
	}
	binary.LittleEndian.PutUint64(r.Seed[:], t.seed)
	binary.LittleEndian.PutUint64(r.Seed[8:], uint64(t.number))
	t.number++
	stream, err := m.Decoder.Submit(ctx, r)
	if err != nil {
		return "", err
	}
	words, stop := m.Words.Reader(), text.NewStop(m.Words.Stops())
	var all strings.Builder
	show := func(s string) {
		if all.Len() == 0 {
			s = strings.TrimLeft(s, " ") // what stands between "Assistant:" and the answer
		}
		all.WriteString(s)
		fmt.Fprint(t.program.out, terminalText(s))
	}
	for {
		w, err := stream.Next(ctx)
		if err != nil {
			return all.String(), err
		}
		piece := ""
		if w.Token >= 0 {
			piece = words.Push(w.Token)
		}
		if w.End != engine.Going {
			piece += words.Flush()
		}
		certain, stopped := stop.Push(piece)
		show(certain)
		if stopped {
			return all.String(), nil
		}
		if w.End != engine.Going {
			show(stop.Flush())
			return all.String(), nil
		}
	}
}

// errTooLong: what was asked fits no context, whatever of the conversation is
// forgotten.
var errTooLong = errors.New("too long")

// prompt lays the conversation out. Where that leaves too little room for an
// answer, the oldest question is forgotten with its answer, and so on.
func (t *talk) prompt() ([]int32, error) {
	turns, context := t.turns, t.model.Config.Context
	begins := 0
	if turns[0].Role == text.System {
		begins = 1
	}
	for {
		prompt, err := t.model.Words.Conversation(turns)
		if err != nil {
			return nil, err
		}
		alone := len(turns) == begins+1
		if alone && len(prompt) >= context {
			return nil, fmt.Errorf("%w: this makes %d tokens, and %s takes %d with its answer: say it more briefly", errTooLong, len(prompt), t.model.Name, context)
		}
		if alone || len(prompt)+min(t.command.Tokens, context/4) <= context {
			if len(turns) < len(t.turns) {
				fmt.Fprintln(t.program.err, t.program.paint(dim, fmt.Sprintf("(The beginning of the conversation is forgotten: %s takes %d tokens.)", t.model.Name, context)))
			}
			t.turns = turns
			return prompt, nil
		}
		turns = slices.Concat(turns[:begins], turns[begins+2:])
	}
}

// terminalText keeps line breaks and tabs, and nothing else that could steer a
// terminal.
func terminalText(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
}
