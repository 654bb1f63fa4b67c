package mine_test

import (
	"errors"
	"slices"
	"testing"

	"hearth/chain/mine"
	"hearth/chain/mine/record"
	"hearth/infer/model"
)

func TestWhatIsDoneAboutAClaim(t *testing.T) {
	open := record.Claim{Status: record.Open, Opens: 11, Closes: 30, Beacon: model.Hash{1}}
	in := func(s record.Status) *record.Claim { c := open; c.Status = s; return &c }
	receipt := []byte("{}")
	for _, c := range []struct {
		name  string
		held  mine.Held
		claim *record.Claim
		at    int64
		want  mine.Step
	}{
		{"asked for, and it can still be made", mine.Held{Until: 20}, nil, 19, mine.Wait},
		{"asked for in vain", mine.Held{Until: 20}, nil, 20, mine.Lapse},
		{"made, and forgotten by the chain", mine.Held{Last: in(record.Settled)}, nil, 20, mine.End},
		{"waits for its beacon", mine.Held{}, in(record.Waiting), 20, mine.Wait},
		{"its beacon is known", mine.Held{}, in(record.Open), 20, mine.Run},
		{"the last block that it can be delivered in comes next", mine.Held{}, in(record.Open), 28, mine.Run},
		{"not to be delivered any more", mine.Held{}, in(record.Open), 29, mine.Wait},
		{"was run", mine.Held{Receipt: receipt, Beacon: open.Beacon}, in(record.Open), 20, mine.Send},
		{"was sent", mine.Held{Receipt: receipt, Beacon: open.Beacon, Until: 24}, in(record.Open), 23, mine.Wait},
		{"was sent in vain", mine.Held{Receipt: receipt, Beacon: open.Beacon, Until: 24}, in(record.Open), 24, mine.Send},
		{"was run, too late", mine.Held{Receipt: receipt, Beacon: open.Beacon}, in(record.Open), 29, mine.Wait},
		{"is being tried", mine.Held{Receipt: receipt, Beacon: open.Beacon}, in(record.Delivered), 20, mine.Wait},
		{"settled", mine.Held{Receipt: receipt}, in(record.Settled), 20, mine.End},
		{"lost", mine.Held{}, in(record.Lost), 20, mine.End},
		{"returned", mine.Held{}, in(record.Returned), 20, mine.End},
		{"of a status that is not known here", mine.Held{}, in(99), 20, mine.Wait},
	} {
		if got, err := c.held.Next(c.claim, c.at); got != c.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestAnotherBeaconIsNoReasonForASecondReceipt(t *testing.T) {
	h := mine.Held{Receipt: []byte("{}"), Beacon: model.Hash{1}}
	c := record.Claim{Status: record.Open, Opens: 11, Closes: 30, Beacon: model.Hash{2}}
	if step, err := h.Next(&c, 20); step != mine.Wait || !errors.Is(err, mine.ErrTwoBeacons) {
		t.Errorf("%v, %v", step, err)
	}
}

func TestParcelsHoldEverythingInOrder(t *testing.T) {
	ticket := func(n int) []byte { return make([]byte, n) }
	many := make([][]byte, 70)
	for i := range many {
		many[i] = ticket(100 + i)
	}
	large := [][]byte{ticket(200 << 10), ticket(100 << 10), ticket(1)}
	receipt := []byte("{}")
	for _, c := range []struct {
		name    string
		tickets [][]byte
		tries   int
		want    []int // tickets in each parcel
	}{
		{"none", nil, 0, []int{0}},
		{"few", many[:3], 0, []int{3}},
		{"few, after two that came to nothing", many[:3], 2, []int{3, 0}},
		{"none, after two that came to nothing", nil, 2, []int{0}},
		{"more than a message takes", many, 0, []int{32, 32, 6}},
		{"exactly two messages", many[:64], 1, []int{32, 32}},
		{"more bytes than a transaction takes", large, 0, []int{1, 2}},
	} {
		h := mine.Held{Receipt: receipt, Tries: c.tries}
		var got []int
		var all [][]byte
		parcels := h.Parcels(c.tickets, 32)
		for i, p := range parcels {
			got, all = append(got, len(p.Tickets)), append(all, p.Tickets...)
			if last := i == len(parcels)-1; last != (p.Receipt != nil) {
				t.Errorf("%s: parcel %d of %d, with a receipt: %v", c.name, i+1, len(parcels), p.Receipt != nil)
			}
		}
		if !slices.Equal(got, c.want) || len(all) != len(c.tickets) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		for i := range all {
			if len(all[i]) != len(c.tickets[i]) {
				t.Errorf("%s: ticket %d is not in its place", c.name, i)
			}
		}
	}
}

func TestWhatWouldBeLostWithoutItsWorker(t *testing.T) {
	in := func(s record.Status) *record.Claim { return &record.Claim{Status: s, Closes: 30} }
	for _, c := range []struct {
		name string
		last *record.Claim
		at   int64
		want bool
	}{
		{"asked for", nil, 10, true},
		{"waits for its beacon", in(record.Waiting), 10, true},
		{"open", in(record.Open), 10, true},
		{"open, with one block left", in(record.Open), 28, true},
		{"open, too late", in(record.Open), 29, false},
		{"delivered", in(record.Delivered), 10, false},
		{"settled", in(record.Settled), 10, false},
		{"lost", in(record.Lost), 10, false},
		{"returned", in(record.Returned), 10, false},
	} {
		h := mine.Held{Last: c.last}
		if got := h.Undelivered(c.at); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
