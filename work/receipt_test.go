package work_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/rerun"
)

// receipt runs a job and writes its receipt.
func (w *world) receipt(t testing.TB, job work.Job) (*work.Receipt, []int32) {
	t.Helper()
	tracer := work.NewTracer(w.registered.Config(), w.level)
	tracer.Begin(0)
	p := engine.Watched{Product: w.plain, See: tracer.See}
	var output []int32
	if job.Most > 0 {
		output = w.answer(t, p, 0, job)
	} else {
		output = w.embed(t, p, job.Prompt)[0]
	}
	r, err := work.NewReceipt(w.registered, &job, output, tracer.End(0), key(1))
	if err != nil {
		t.Fatal(err)
	}
	return r, output
}

func (w *world) checkRun(t testing.TB, r *work.Receipt, job work.Job, output []int32) error {
	return r.CheckRun(t.Context(), w.registered, w.level, &job, output, rerun.With(w.weights, w.plain, w.level, nil))
}

func TestAReceiptHoldsWithTheModelAndThePrompt(t *testing.T) {
	decoder, encoder := newWorld(t, kernel.Best(), smallDecoder), newWorld(t, kernel.Best(), smallEncoder)
	private := chat
	private.Salt = [32]byte{1, 2, 3}
	public := chat
	public.Public = true
	for _, c := range []struct {
		name string
		w    *world
		job  work.Job
	}{
		{"private answer", decoder, private},
		{"public answer", decoder, public},
		{"greedy answer", decoder, work.Job{Prompt: prompt(33), Most: 9, Salt: [32]byte{8}}},
		{"vector", encoder, work.Job{Prompt: prompt(21), Salt: [32]byte{4}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.job.Model = c.w.registered.ID()
			r, output := c.w.receipt(t, c.job)
			b, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, b, "", "  "); err != nil {
				t.Fatal(err)
			}
			for _, form := range [][]byte{b, pretty.Bytes()} {
				read, err := work.ParseReceipt(form)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(r, read); diff != "" {
					t.Errorf("a receipt is another once read (-written +read):\n%s", diff)
				}
				if err := read.Check(); err != nil {
					t.Error(err)
				}
				if err := read.CheckJob(&c.job, output); err != nil {
					t.Error(err)
				}
				if err := c.w.checkRun(t, read, c.job, output); err != nil {
					t.Error(err)
				}
			}
			if (r.Disclosed != nil) != c.job.Public {
				t.Errorf("public %v, disclosed %v", c.job.Public, r.Disclosed)
			}
		})
	}
}

func TestAReceiptDoesNotHoldForAnythingElse(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	job := chat
	job.Model, job.Salt = w.registered.ID(), [32]byte{3}
	fresh := func() (*work.Receipt, []int32) { return w.receipt(t, job) }
	other := newWorld(t, kernel.Best(), smallEncoder)

	r, output := fresh()
	r.Work++
	if got := reason(t, r.Check()); got != work.ReasonSignature {
		t.Errorf("a receipt that was changed: %q", got)
	}
	r, _ = fresh()
	changed := job
	changed.Seed[0]++
	if got := reason(t, r.CheckJob(&changed, output)); got != work.ReasonReceipt {
		t.Errorf("another seed: %q", got)
	}
	short := output[:len(output)-1]
	if got := reason(t, r.CheckJob(&job, short)); got != work.ReasonReceipt {
		t.Errorf("another output: %q", got)
	}
	if got := reason(t, r.CheckRun(t.Context(), other.registered, w.level, &job, output, nil)); got != work.ReasonModel {
		t.Errorf("another model: %q", got)
	}
	// An executor that signs what the model does not yield.
	forge := func(output []int32) *work.Receipt {
		r, err := work.NewReceipt(w.registered, &job, output, nil, key(1))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := reason(t, w.checkRun(t, forge(short), job, short)); got != work.ReasonDiverges {
		t.Errorf("an answer that ends early: %q", got)
	}
	wrong := append([]int32{}, output...)
	wrong[1] = (wrong[1] + 1) % 110
	if got := reason(t, w.checkRun(t, forge(wrong), job, wrong)); got != work.ReasonDiverges {
		t.Errorf("an answer of another model: %q", got)
	}
	for name, c := range map[string]struct {
		output []int32
		want   work.Reason
	}{
		"a token that ends it, and more": {[]int32{2, 5}, work.ReasonDiverges}, // 2 is the model's own
		"a token that no vocabulary has": {[]int32{120}, work.ReasonReceipt},
		"a token below zero":             {[]int32{-1}, work.ReasonReceipt},
	} {
		job := job
		job.Stop = nil
		r, err := work.NewReceipt(w.registered, &job, c.output, nil, key(1))
		if err != nil {
			t.Fatal(err)
		}
		if got := reason(t, w.checkRun(t, r, job, c.output)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A model of one kind yields nothing of the other: running it again must not
// pass for having drawn a token or made a vector.
func TestAReceiptOfTheOtherKindOfModelDoesNotHold(t *testing.T) {
	for _, c := range []struct {
		config model.Config
		most   int
		output []int32
	}{{smallEncoder, 1, []int32{5}}, {smallDecoder, 0, []int32{}}} {
		w := newWorld(t, kernel.Best(), c.config)
		job := work.Job{Model: w.registered.ID(), Prompt: prompt(5), Most: c.most, Public: true}
		r, err := work.NewReceipt(w.registered, &job, c.output, nil, key(1))
		if err != nil {
			t.Fatal(err)
		}
		if got := reason(t, w.checkRun(t, r, job, c.output)); got != work.ReasonModel {
			t.Errorf("%s: %q", c.config.Kind, got)
		}
	}
}

// A trace is its signer's: who reads it in another's receipt has nothing to
// show.
func TestATraceCannotBeTakenFromAnothersReceipt(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	job := chat
	job.Model, job.Public = w.registered.ID(), true
	theirs, output := w.receipt(t, job)
	mine, err := work.NewReceipt(w.registered, &job, output, nil, key(2))
	if err != nil {
		t.Fatal(err)
	}
	mine.Trace = theirs.Trace
	if got := reason(t, w.checkRun(t, mine, job, output)); got != work.ReasonReceipt {
		t.Errorf("a trace of another's receipt: %q", got)
	}
	if err := w.checkRun(t, theirs, job, output); err != nil {
		t.Error(err)
	}
}

// A receipt has one encoding, whatever a reader of JSON would put up with.
func TestAReceiptHasOneEncoding(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	job := work.Job{Model: w.registered.ID(), Prompt: prompt(3), Most: 2, Public: true}
	r, err := work.NewReceipt(w.registered, &job, []int32{}, nil, key(1))
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := work.ParseReceipt(b); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a list that is null":   {`"output":[]`, `"output":null`},
		"a name in capitals":    {`"format"`, `"Format"`},
		"a number with a point": {`"format":1`, `"format":1.0`},
		"a name twice":          {`"format":1`, `"format":1,"format":1`},
		"a name of no field":    {`"format":1`, `"format":1,"forms":1`},
		"a digit in capitals":   {`"job":"`, `"job":"A`},
		"nothing disclosed":     {`{"disclosed"`, `{"disclosed":null,"disclosed"`},
		"a second receipt":      {`{"disclosed"`, `{}{"disclosed"`},
	} {
		changed := strings.Replace(string(b), change[0], change[1], 1)
		if changed == string(b) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := work.ParseReceipt([]byte(changed)); reason(t, err) != work.ReasonMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPrivateReceiptTellsNothing(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	job := work.Job{Model: w.registered.ID(), Prompt: prompt(3), Most: 2}
	if _, err := work.NewReceipt(w.registered, &job, []int32{4, 5}, nil, key(1)); err == nil {
		t.Error("a receipt of a private job without a salt is written: its prompt can be guessed")
	}
	job.Salt[1] = 1
	a, _ := w.receipt(t, job)
	job.Salt[0] = 1
	b, _ := w.receipt(t, job)
	if a.Job == b.Job || a.Output == b.Output || a.Trace == b.Trace {
		t.Error("with another salt a hash is the same: whoever guesses the prompt can see that it is right")
	}
	_, unproven := b.Explain(work.Checked{})
	if all := strings.Join(unproven, " "); !strings.Contains(all, "Which prompt and output") || !strings.Contains(all, "yields this output") {
		t.Errorf("the explanation does not say what is not proven: %s", all)
	}
	proven, _ := b.Explain(work.Checked{Matched: true, Run: true})
	if all := strings.Join(proven, " "); !strings.Contains(all, "every bit is the same") {
		t.Errorf("the explanation does not say what is proven: %s", all)
	}
}

func FuzzParseReceipt(f *testing.F) {
	w := newWorld(f, kernel.Best(), smallDecoder)
	job := work.Job{Model: w.registered.ID(), Prompt: prompt(3), Most: 2, Public: true}
	r, err := work.NewReceipt(w.registered, &job, []int32{4, 5}, nil, key(1))
	if err != nil {
		f.Fatal(err)
	}
	b, err := r.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := work.ParseReceipt(b)
		if err != nil {
			return
		}
		again, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if read, err := work.ParseReceipt(again); err != nil || !cmp.Equal(r, read) {
			t.Errorf("a receipt that was read is another once written: %v", err)
		}
		_ = r.Check()
	})
}
