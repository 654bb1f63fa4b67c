package economy

import (
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/chain/power/weight"
)

// Run with -args -long for four seeds and five times the time, and with
// -args -update to write docs/network-economics.md and its picture anew. Figures
// in the document are the short run's.
var (
	long   = flag.Bool("long", false, "play four seeds, each for ten days")
	update = flag.Bool("update", false, "write the document's tables and picture")
)

func TestTheNetworkBearsItsAttackers(t *testing.T) {
	if testing.Short() {
		t.Skip("two days of a network take half a minute")
	}
	s := Short()
	if *long {
		s = Long()
	}
	r := s.Report()
	// What one miner loses by luck alone, with some 10,000 tickets.
	luck := min(r.Attacks[0].Worst, 0)
	for _, e := range r.Attacks {
		if e.Tickets < 10_000 {
			t.Errorf("%s: a miner has %d tickets, too few to tell", e.Name, e.Tickets)
		}
		if e.All < -200 {
			t.Errorf("%s: honest miners earn %s", e.Name, percent(e.All))
		}
		if e.Worst < luck-200 {
			t.Errorf("%s: a miner earns %s", e.Name, percent(e.Worst))
		}
		// Nobody who is not honest earns anything near to what it burns.
		if e.Burned > 0 && !e.Pay && e.Income > e.Burned/100 {
			t.Errorf("%s: the attacker earns %d and burns %d", e.Name, e.Income, e.Burned)
		}
	}
	find := func(name string) Effect {
		return r.Attacks[slices.IndexFunc(r.Attacks, func(e Effect) bool { return strings.HasPrefix(e.Name, name) })]
	}
	for _, name := range []string{"forged", "tickets for another", "replayed", "jobs claimed twice", "tickets that are too long"} {
		if e := find(name); e.All != 0 || e.Refused == 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, name := range []string{"wrong rows", "another model", "cheaters, 20", "cheaters, 5"} {
		if e := find(name); e.Void == 0 {
			t.Errorf("%s: nothing is void", name)
		}
	}
	// Half of what others do never has a third of power, and no rented work has
	// two thirds while there are guardians.
	for _, v := range r.Takeovers {
		if v.Rented <= 500 && v.Third > 0 || v.Guarded && v.TwoThirds > 0 || v.Third > 0 && v.Third <= 7 {
			t.Errorf("takeover %+v", v)
		}
	}
	for _, c := range r.Churns {
		if c.Most > int64(c.Permille) {
			t.Errorf("%d permille moved in a day of %d", c.Most, c.Permille)
		}
	}
	for _, d := range r.Dealings {
		if gains := d.Gain > 0; gains != (d.Floor < 58) {
			t.Errorf("with a floor of %d a dealer gains %s", d.Floor, percent(d.Gain))
		}
	}
	if *long {
		for name, table := range r.Tables() {
			t.Logf("%s:\n%s", name, table)
		}
		return
	}
	document(t, r)
	same(t, "network-economics.svg", r.Picture())
	wellFormed(t, r.Picture())
}

// document holds the tables between the marks of docs/network-economics.md to
// the figures.
func document(t *testing.T, r Report) {
	t.Helper()
	text, err := os.ReadFile(docs("network-economics.md"))
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	tables := r.Tables()
	for name, table := range tables {
		begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
		head, rest, found := strings.Cut(whole, begin)
		_, tail, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Errorf("the document has no table %q", name)
			continue
		}
		whole = head + begin + table + end + tail
	}
	same(t, "network-economics.md", whole)
	parameters(t, whole)
	gain := newWorld(Defaults(), Plan{}).gain()
	if says := fmt.Sprintf("%d uhth for 10⁹ MACs", gain); !strings.Contains(whole, says) {
		t.Errorf("the document does not have %q", says)
	}
}

// parameters holds the document's list of parameters to those played.
func parameters(t *testing.T, text string) {
	t.Helper()
	p := Defaults()
	r := p.Rules
	days := func(n uint32) string { return fmt.Sprintf("%d days", n) }
	share := func(n uint32) string { return permille(int64(n)) }
	want := map[string]string{
		"average of work": days(r.SmoothingDays), "maturation": days(r.MaturationDays),
		"work that counts without coins": share(r.BaseShare), "backing": fmt.Sprintf("%d days of its earnings", r.BackingDays),
		"floor for a bond": share(r.FloorShare), "cap of a validator": share(r.Cap) + ", " + share(r.CapFew) + " below " + fmt.Sprint(r.Few),
		"churn": share(r.Churn) + " a day", "seats": fmt.Sprint(r.MaxSeats), "breaker": share(r.Breaker), "collapse": share(r.Collapse),
		"guardians":               share(r.GuardianShare) + ", none after " + fmt.Sprintf("%d years", r.GuardianSunset/(8766*1800)),
		"base fee":                fmt.Sprintf("at least %d uhth, step %s", p.Fee.Floor, share(p.Fee.Step)),
		"fee's target":            grouped(p.Fee.Target/mega/mega) + " · 10¹² MACs a block",
		"full epoch":              grouped(p.FullMega/mega) + " · 10¹² MACs",
		"difficulty":              fmt.Sprintf("%d tickets in 100 blocks, half-life %s blocks", p.Difficulty.Per100, grouped(uint64(p.Difficulty.HalfLife))),
		"split":                   fmt.Sprintf("%d : %d : %d : %d : %d", p.Shares.Work/10, p.Shares.Commons/10, p.Shares.Audits/10, p.Shares.Validators/10, p.Shares.Community/10),
		"miner's bond":            hth(p.MinerBond) + " HTH, " + hth(p.Deposit) + " a claim",
		"slash for a void ticket": share(uint32(p.SlashTicket)), "slash for a wrong result": share(uint32(p.SlashReceipt)),
		"slash for a wrong verdict": share(uint32(p.SlashVerdict)), "slash for a lazy verdict": share(uint32(p.SlashLazy)), "audits": share(uint32(p.Audit)),
	}
	_, rest, _ := strings.Cut(text, "<!-- parameters -->\n")
	list, _, _ := strings.Cut(rest, "<!-- end of parameters -->")
	for line := range strings.Lines(list) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.HasPrefix(cells[1], "---") || strings.TrimSpace(cells[1]) == "Parameter" {
			continue
		}
		name, value := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		if want[name] != value {
			t.Errorf("the document says %s is %q, played was %q", name, value, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("the document does not say what %s is: %q", name, want[name])
	}
}

func docs(name string) string { return filepath.Join("..", "..", "docs", name) }

func same(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(docs(name), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docs(name))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(got), want); d != "" {
		t.Errorf("docs/%s is not what the simulation gives; run go test ./chain/economy -args -update and look at the difference\n%s", name, d)
	}
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWorldIsTheSameEveryTime(t *testing.T) {
	s := Short()
	plan := Plan{Seed: 7, Sizes: sizes(), Demand: offered, Attack: Cheater, Rate: fifth}
	plan.Blocks = 4000
	one, two := s.play(plan), s.play(plan)
	for i := range one.miners {
		if a, b := one.miners[i], two.miners[i]; a.Income != b.Income || a.Mega != b.Mega || a.Burned != b.Burned {
			t.Errorf("miner %d: %d and %d", i, a.Income, b.Income)
		}
	}
	plan.Seed = 8
	if other := s.play(plan); other.miners[0].Mega == one.miners[0].Mega {
		t.Error("another seed gives the same world")
	}
}

func TestAWorldKeepsItsBooks(t *testing.T) {
	s := Short()
	w := s.play(Plan{Seed: 3, Blocks: 9000, Sizes: sizes(), Demand: offered, Attack: Squatter, Rate: fifth, Corrupt: 3})
	var credited, minted uint64
	for _, m := range w.miners {
		credited += m.Mega
		minted += m.Income
	}
	if w.Minted > w.released || w.Minted == 0 {
		t.Errorf("%d minted of %d released", w.Minted, w.released)
	}
	if minted < w.Minted {
		t.Errorf("miners have %d, minted were %d", minted, w.Minted)
	}
	// What is credited is what was computed, within the luck of its tickets.
	var done uint64
	for _, m := range w.miners[:len(sizes())] {
		done += m.rate / mega * 9000
	}
	if ratio := float64(credited) / float64(done); math.Abs(ratio-1) > 0.03 {
		t.Errorf("%d mega are credited, %d were computed", credited, done)
	}
	var power uint64
	for _, v := range w.validators {
		power += v.power
	}
	if power > uint64(weight.Total) {
		t.Errorf("all power is %d", power)
	}
}

func TestWaitsAreExponential(t *testing.T) {
	r := stream(1, 1)
	const n = 200_000
	var sum, over float64
	for range n {
		v := float64(wait(r)) / one
		sum += v
		if v > 1 {
			over++
		}
	}
	if mean := sum / n; math.Abs(mean-1) > 0.01 {
		t.Errorf("the mean is %v", mean)
	}
	if share := over / n; math.Abs(share-1/math.E) > 0.005 {
		t.Errorf("%v are longer than the mean, want %v", share, 1/math.E)
	}
}

func TestJobsLieByWhatTheyPay(t *testing.T) {
	var l list
	for _, p := range []uint64{5, 100, 7, 90, 4000, 100} {
		l.add(job{most: p, id: uint64(l.size), posted: l.size})
	}
	if !l.evict(100) || l.size != 5 {
		t.Errorf("%d jobs after one was pushed out", l.size)
	}
	if l.evict(6) {
		t.Error("a better job is pushed out")
	}
	var got []uint64
	for j, found := l.take(50); found; j, found = l.take(50) {
		got = append(got, j.most)
	}
	if !slices.Equal(got, []uint64{4000, 100, 100, 90}) && !slices.Equal(got, []uint64{4000, 100, 90, 100}) {
		t.Errorf("taken are %v", got)
	}
	if l.expire(100); l.size != 0 {
		t.Errorf("%d are left", l.size)
	}
}
