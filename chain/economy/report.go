package economy

import (
	"fmt"
	"strings"
)

// Report is everything that was played.
type Report struct {
	Suite     Suite
	Attacks   []Effect
	Takeovers []Takeover
	Churns    []Churn
	Fees      []FeeShock
	Hashes    []HashShock
	Dealings  []Dealing
}

// Report plays everything.
func (s Suite) Report() Report {
	r := Report{Suite: s, Attacks: s.Attacks()}
	for _, rented := range []uint64{500, 1000, 2000, 4000} {
		r.Takeovers = append(r.Takeovers, s.Takeover(rented, true), s.Takeover(rented, false))
	}
	for _, churn := range []uint32{50, 100, 200, 333} {
		r.Churns = append(r.Churns, s.Churn(churn))
	}
	for _, step := range []uint32{25, 125, 500} {
		r.Fees = append(r.Fees, s.FeeShock(step))
	}
	for _, half := range []int64{300, 1800, 7200} {
		r.Hashes = append(r.Hashes, s.HashShock(half))
	}
	for _, floor := range []uint64{10, 30, 60} {
		r.Dealings = append(r.Dealings, s.Dealing(floor, 200))
	}
	return r
}

// Tables are the figures by the name of their table, in Markdown.
func (r Report) Tables() map[string]string {
	return map[string]string{
		"attacks": r.attacks(), "takeover": r.takeover(), "churn": r.churn(),
		"fee": r.fee(), "difficulty": r.difficulty(), "dealing": r.dealing(),
	}
}

type table struct{ strings.Builder }

func (t *table) row(cells ...string) {
	t.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func (t *table) head(cells ...string) {
	t.row(cells...)
	t.WriteString("|---" + strings.Repeat("|---:", len(cells)-1) + "|\n")
}

func (r Report) attacks() string {
	var t table
	t.head("Attack", "All honest miners", "Who loses most", "Attacker earns", "and burns, HTH a day", "Refused", "Void", "Undecided, a day")
	for _, e := range r.Attacks {
		t.row(e.Name, percent(e.All), percent(e.Worst), hth(e.Income), hth(e.Burned), grouped(e.Refused), grouped(e.Void), grouped(e.Undecided))
	}
	return t.String()
}

func (r Report) takeover() string {
	var t table
	t.head("Rented, of what all others do", "Guardians", "Day 10", "Day 20", "Day 60", "over 1/3", "over 1/2", "over 2/3")
	for _, v := range r.Takeovers {
		when := "none left"
		if v.Guarded {
			when = "34 %"
		}
		t.row(permille(int64(v.Rented)), when, permille(v.Share[9]), permille(v.Share[19]), permille(v.Share[59]), day(v.Third), day(v.Half), day(v.TwoThirds))
	}
	return t.String()
}

func (r Report) churn() string {
	var t table
	t.head("Churn a day", "Days until the set is the new one", "Most that moved in a day", "Days after which a third is still known", "two thirds")
	for _, c := range r.Churns {
		t.row(permille(int64(c.Permille)), fmt.Sprint(c.Days), permille(c.Most), fmt.Sprint(c.Jump), fmt.Sprint(c.Quorum))
	}
	return t.String()
}

func (r Report) fee() string {
	var t table
	t.head("Step", "Fee before", "in the end of the hour", "Blocks until claims are at the target", "after the hour", "Claimed too much, in blocks", "Swing in quiet times")
	for _, f := range r.Fees {
		t.row(permille(int64(f.Step)), grouped(f.Before), grouped(f.Settled), fmt.Sprint(f.Up), fmt.Sprint(f.Down), fmt.Sprint(f.Over), permille(int64(f.Sway)))
	}
	return t.String()
}

func (r Report) difficulty() string {
	var t table
	t.head("Half-life", "Blocks until the rate is back", "after they left", "Tickets in the first hour, aim "+grouped(uint64(r.Hashes[0].Aim)), "Swing in quiet times")
	for _, h := range r.Hashes {
		t.row(fmt.Sprint(h.HalfLife), blocks(h.Up), blocks(h.Down), grouped(uint64(h.Flood)), permille(int64(h.Sway)))
	}
	return t.String()
}

func (r Report) dealing() string {
	var t table
	t.head("Floor of the base fee", "Base fee in the end", "Dealer, against honest work", "All others")
	for _, d := range r.Dealings {
		t.row(fmt.Sprint(d.Floor), fmt.Sprint(d.Fee), percent(d.Gain), percent(-d.Loss))
	}
	return t.String()
}

// percent writes parts of 10,000.
func percent(v int64) string {
	sign := "+"
	switch {
	case v == 0:
		return "0"
	case v < 0:
		sign, v = "−", -v
	}
	return fmt.Sprintf("%s%d.%02d %%", sign, v/100, v%100)
}

func permille(v int64) string {
	if v%10 == 0 {
		return fmt.Sprintf("%d %%", v/10)
	}
	return fmt.Sprintf("%d.%d %%", v/10, v%10)
}

func hth(v uint64) string { return grouped((v + 500_000) / 1_000_000) }

func day(n int) string {
	if n == 0 {
		return "never"
	}
	return fmt.Sprintf("day %d", n)
}

func blocks(n int) string {
	if n == 0 {
		return "more than 30,000"
	}
	return grouped(uint64(n))
}

func grouped(v uint64) string {
	s := fmt.Sprint(v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
