package tree_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"hearth/chain/commons/tree"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/infer/text"
	"hearth/infer/token"
	"hearth/work"
)

// corpus is from "The Adventures of Sherlock Holmes" (1892), in the public
// domain.
const corpus = `To Sherlock Holmes she is always the woman. I have seldom heard him mention her under any other name.
In his eyes she eclipses and predominates the whole of her sex.

It was not that he felt any emotion akin to love for Irene Adler. All emotions, and that one particularly, were
abhorrent to his cold, precise but admirably balanced mind.

No.

It was not that he felt any emotion akin to love for Irene Adler. All emotions, and that one particularly, were
abhorrent to his cold, precise but admirably balanced mind.
`

func miniature(t testing.TB) (*work.Model, *text.Coder) {
	t.Helper()
	_, manifest, tokenizer, err := mini.Load()
	if err != nil {
		t.Fatal(err)
	}
	m, err := work.NewModel(manifest)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := token.Parse(tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	coder, err := text.NewCoder(tokens, "", manifest.Template)
	if err != nil {
		t.Fatal(err)
	}
	return m, coder
}

func job(i int32, change ...func(*work.Job)) []byte {
	j := work.Job{Model: model.Hash{1}, Public: true, Prompt: []int32{5, i}, Most: 4}
	for _, c := range change {
		c(&j)
	}
	return j.Encode()
}

func list(t testing.TB, n int) *tree.List {
	t.Helper()
	var jobs [][]byte
	for i := range n {
		jobs = append(jobs, job(int32(i)))
	}
	l, err := tree.NewList(jobs)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestATextBecomesJobs(t *testing.T) {
	m, coder := miniature(t)
	cut := tree.Cut{Least: 4, Longest: 24, Answer: 3}
	l, err := cut.Passages(m, coder.Text, corpus)
	if err != nil {
		t.Fatal(err)
	}
	if l.Model() != m.ID() {
		t.Error("jobs of another model")
	}
	var whole []string
	var dearest, all uint64
	for i := range l.Len() {
		b, p, err := l.Job(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Check(l.Root(), l.Len(), i, b, p); err != nil {
			t.Error(err)
		}
		j, err := work.DecodeJob(b)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(j.Prompt); n < cut.Least || n > cut.Longest || j.Most != 3 || !j.Public {
			t.Errorf("job %d: %d tokens, answer of %d, public %t", i, n, j.Most, j.Public)
		}
		r := coder.Reader()
		var b2 strings.Builder
		for _, id := range j.Prompt {
			b2.WriteString(r.Push(id))
		}
		whole = append(whole, strings.TrimSpace(b2.String()+r.Flush()))
		macs := work.Cost(m.Config(), len(j.Prompt)+j.Most, j.Most)
		dearest, all = max(dearest, macs), all+macs
	}
	// Every passage once, the one of a single word left out.
	want := strings.Join(strings.Fields(corpus[:strings.Index(corpus, "No.")]), " ")
	if got := strings.Join(whole, " "); got != want {
		t.Errorf("the jobs hold\n%s\nnot\n%s", got, want)
	}
	if d, a, err := l.Cost(m.Config()); err != nil || d != dearest || a != all {
		t.Errorf("they cost %d, the dearest %d, not %d and %d: %v", a, d, all, dearest, err)
	}
}

func TestHowATextCannotBeCut(t *testing.T) {
	m, coder := miniature(t)
	for what, c := range map[string]tree.Cut{
		"no least":             {Longest: 8, Answer: 1},
		"longest below least":  {Least: 9, Longest: 8, Answer: 1},
		"a decoder embeds":     {Least: 1, Longest: 8},
		"beyond the context":   {Least: 1, Longest: m.Config().Context, Answer: 1},
		"nothing long enough":  {Least: 200, Longest: 200, Answer: 1},
		"beyond what is claim": {Least: 1, Longest: work.MaxJobTokens, Answer: 1},
	} {
		if l, err := c.Passages(m, coder.Text, corpus); err == nil {
			t.Errorf("%s: %d jobs", what, l.Len())
		}
	}
}

func TestWhatNoListHolds(t *testing.T) {
	for what, jobs := range map[string][][]byte{
		"nothing":        {},
		"the same twice": {job(1), job(2), job(1)},
		"another model":  {job(1), job(2, func(j *work.Job) { j.Model = model.Hash{2} })},
		"a private job":  {job(1), job(2, func(j *work.Job) { j.Public = false })},
		"no job":         {job(1), []byte("hearth job 1\nand nothing")},
		"a long prompt":  {job(1, func(j *work.Job) { j.Prompt = make([]int32, work.MaxJobTokens+65) })},
	} {
		if _, err := tree.NewList(jobs); err == nil {
			t.Errorf("%s: passes", what)
		}
	}
}

func TestAListComesBackFromItsFile(t *testing.T) {
	l := list(t, 7)
	var file bytes.Buffer
	n, err := l.WriteTo(&file)
	if err != nil || n != int64(file.Len()) {
		t.Fatalf("%d of %d bytes: %v", n, file.Len(), err)
	}
	back, err := tree.Read(bytes.NewReader(file.Bytes()), n)
	if err != nil {
		t.Fatal(err)
	}
	if back.Root() != l.Root() || back.Len() != l.Len() || back.Model() != l.Model() {
		t.Error("another list came back")
	}
}

func FuzzRead(f *testing.F) {
	var file bytes.Buffer
	if _, err := list(f, 3).WriteTo(&file); err != nil {
		f.Fatal(err)
	}
	good := file.Bytes()
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append(bytes.Clone(good), 0))
	many := bytes.Clone(good)
	binary.LittleEndian.PutUint64(many[14+32:], 1<<60)
	f.Add(many)
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := tree.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := l.WriteTo(&again); err != nil || !bytes.Equal(again.Bytes(), b) {
			t.Errorf("what was read is written otherwise: %v", err)
		}
	})
}
