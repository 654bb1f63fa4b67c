package mine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/chain/mine"
	"hearth/chain/mine/record"
	"hearth/infer/model"
)

func openJournal(t testing.TB, dir string) *mine.Journal {
	t.Helper()
	j, err := mine.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func TestAJournalIsReadAgainAsItWas(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	held := &mine.Held{
		Claim: model.Hash{1}, Job: model.Hash{2}, Class: record.Paid, Model: model.Hash{3}, Tip: 7, Encoding: []byte("job"), Until: 9,
		Last: &record.Claim{Name: model.Hash{1}, Status: record.Open, Closes: 40}, Beacon: model.Hash{4}, Receipt: []byte("{}"), Tickets: [][]byte{{1}, {2}},
	}
	if err := j.Keep(held); err != nil {
		t.Fatal(err)
	}
	if err := j.Keep(&mine.Held{Claim: model.Hash{5}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Drop(model.Hash{5}); err != nil {
		t.Fatal(err)
	}
	e, err := j.Note(mine.Event{Kind: mine.Income, At: time.Unix(1, 0).UTC(), Amount: 5, Sum: 5, Proof: mine.Proof{Chain: "c", Height: 3, Key: []byte("k")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Told(e.Number); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.OpenJournal(dir); err == nil || !strings.Contains(err.Error(), "another worker") {
		t.Errorf("two workers with one journal: %v", err)
	}
	// What a crash leaves behind while a file is being replaced.
	if err := os.WriteFile(filepath.Join(dir, "claims", "x.json.new"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, reading, _, err := mine.ReadJournal(dir)
	if err != nil || len(reading) != 1 {
		t.Errorf("read beside the worker: %d claims, %v", len(reading), err)
	}
	j.Close()
	j = openJournal(t, dir)
	if diff := cmp.Diff([]*mine.Held{held}, j.Held()); diff != "" {
		t.Errorf("claims (-kept +read):\n%s", diff)
	}
	e.Told = true
	if diff := cmp.Diff([]mine.Event{e}, j.Events()); diff != "" {
		t.Errorf("events (-kept +read):\n%s", diff)
	}
	if next, err := j.Note(mine.Event{Kind: mine.Ended}); err != nil || next.Number != e.Number+1 {
		t.Errorf("the next event is number %d, %v", next.Number, err)
	}
}

func TestAReceiptStays(t *testing.T) {
	j := openJournal(t, t.TempDir())
	claim := model.Hash{1}
	if err := j.Keep(&mine.Held{Claim: claim}); err != nil {
		t.Fatal(err)
	}
	write := func(receipt string) error {
		_, err := j.Change(claim, func(h *mine.Held) { h.Receipt = []byte(receipt) })
		return err
	}
	if err := write("one"); err != nil {
		t.Fatal(err)
	}
	if err := write("one"); err != nil {
		t.Errorf("the same again: %v", err)
	}
	for _, other := range []string{"two", ""} {
		if err := write(other); err == nil {
			t.Errorf("a receipt became %q", other)
		}
	}
	// A claim that is asked for again is the same claim.
	if err := j.Keep(&mine.Held{Claim: claim}); err != nil {
		t.Fatal(err)
	}
	if got := j.Get(claim).Receipt; string(got) != "one" {
		t.Errorf("the receipt is %q", got)
	}
	if h, err := j.Change(model.Hash{9}, func(*mine.Held) {}); h != nil || err != nil {
		t.Errorf("a claim that is not held: %v, %v", h, err)
	}
}

func TestADamagedJournalSaysWhichFile(t *testing.T) {
	dir := t.TempDir()
	openJournal(t, dir).Close()
	if err := os.WriteFile(filepath.Join(dir, "claims", "bad.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.OpenJournal(dir); err == nil || !strings.Contains(err.Error(), "bad.json") || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("error %v", err)
	}
}
