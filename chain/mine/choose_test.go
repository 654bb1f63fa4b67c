package mine_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/mine"
	"hearth/chain/mine/record"
	"hearth/infer/model"
)

// named is the order that one executor has among equals.
func named(job model.Hash) model.Hash { return record.ClaimName(job, [32]byte{7}) }

func paid(job byte, tip, macs uint64) mine.Offer {
	return mine.Offer{Job: model.Hash{job}, Class: record.Paid, Tip: tip, MACs: macs}
}

func audit(job byte, expires int64) mine.Offer {
	return mine.Offer{Job: model.Hash{job}, Class: record.Audit, Assignment: uint64(job), Expires: expires}
}

func common(job byte, expires int64) mine.Offer {
	return mine.Offer{Job: model.Hash{job}, Class: record.Common, Assignment: uint64(job), Expires: expires}
}

func TestWhatIsClaimedFirst(t *testing.T) {
	for _, c := range []struct {
		name   string
		offers []mine.Offer
		room   int
		want   []byte
	}{
		{"nothing", nil, 4, nil},
		{"no room", []mine.Offer{paid(1, 5, 1<<20)}, -1, nil},
		{"what pays most for its work", []mine.Offer{paid(1, 100, 1<<20), paid(2, 900, 1<<20), paid(3, 1000, 100<<20)}, 9, []byte{2, 1, 3}},
		{"of commons what expires soonest", []mine.Offer{common(1, 90), common(2, 60), common(3, 70)}, 2, []byte{2, 3}},
		{"commons that fill the room leave it to paid jobs", []mine.Offer{common(1, 60), common(2, 61), common(3, 62), common(4, 63), paid(5, 1, 1<<20), paid(6, 2, 1<<20), paid(7, 3, 1<<20)}, 4, []byte{7, 6, 5, 1}},
		{"one claim in five", []mine.Offer{
			common(1, 60), common(2, 61), common(3, 62), audit(4, 99), audit(5, 98),
			paid(11, 9, 1<<20), paid(12, 8, 1<<20), paid(13, 7, 1<<20), paid(14, 6, 1<<20),
		}, 6, []byte{11, 12, 5, 13, 1, 14}},
		{"an audit with time waits for its turn", []mine.Offer{audit(1, 99), paid(2, 0, 1)}, 1, []byte{2}},
		{"an audit that is about to expire does not", []mine.Offer{audit(1, 51), paid(2, 900, 1<<20)}, 1, []byte{1}},
		{"nor do several, one at a time", []mine.Offer{audit(1, 49), audit(2, 50), audit(3, 51), paid(4, 900, 1<<20), paid(5, 800, 1<<20)}, 4, []byte{1, 4, 2, 5}},
		{"commons never go before their turn", []mine.Offer{common(1, 43), paid(2, 1, 1<<20)}, 1, []byte{2}},
	} {
		var got []byte
		for _, o := range new(mine.Turns).Choose(c.offers, c.room, 40, named) {
			got = append(got, o.Job[0])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// However large the room is and whatever comes, a class that has jobs is not
// passed over for long, and commons take no more than their part.
func TestNoClassStarves(t *testing.T) {
	const longest = 9 // the four other places of the wheel, each behind an audit that presses
	rapid.Check(t, func(t *rapid.T) {
		turns := new(mine.Turns)
		waits := map[record.Class]int{}
		commons, others := 0, 0 // claims while paid jobs waited
		for range rapid.IntRange(1, 60).Draw(t, "rounds") {
			var offers []mine.Offer
			count := map[record.Class]int{}
			for i := range rapid.IntRange(0, 8).Draw(t, "offers") {
				o := rapid.SampledFrom([]mine.Offer{paid(byte(i), 5, 1<<20), audit(byte(i), 41), audit(byte(i), 999), common(byte(i), 41)}).Draw(t, "offer")
				o.Tip = rapid.Uint64().Draw(t, "tip")
				offers = append(offers, o)
				count[o.Class]++
			}
			room := rapid.IntRange(0, 5).Draw(t, "room")
			chosen := turns.Choose(offers, room, 40, named)
			if len(chosen) != min(room, len(offers)) {
				t.Fatalf("%d of %d offers taken where there is room for %d", len(chosen), len(offers), room)
			}
			for class, n := range count {
				if n == 0 {
					delete(waits, class)
				}
			}
			for _, o := range chosen {
				switch {
				case count[record.Paid] == 0:
				case o.Class == record.Common:
					commons++
				default:
					others++
				}
				for class := range record.Class(9) {
					switch {
					case class == o.Class || count[class] == 0:
						waits[class] = 0
					default:
						waits[class]++
					}
					if waits[class] > longest {
						t.Fatalf("class %v has jobs and was passed over %d times", class, waits[class])
					}
				}
				count[o.Class]--
			}
			for class := range waits {
				if count[class] == 0 {
					waits[class] = 0
				}
			}
		}
		if commons > others/3+1 {
			t.Fatalf("%d claims of commons while paid jobs waited, %d others", commons, others)
		}
	})
}

func TestEqualJobsAreTakenInAnOrderOfOnesOwn(t *testing.T) {
	offers := make([]mine.Offer, 40)
	for i := range offers {
		offers[i] = paid(byte(i), 5, 1<<21)
	}
	first := map[model.Hash]int{}
	for executor := range byte(40) {
		o := new(mine.Turns).Choose(offers, 1, 40, func(job model.Hash) model.Hash { return record.ClaimName(job, [32]byte{executor}) })
		first[o[0].Job]++
	}
	for job, n := range first {
		if n > 10 {
			t.Errorf("%d of 40 workers run for job %v first", n, job)
		}
	}
}

func TestWhatPays(t *testing.T) {
	const most = 1<<64 - 1
	for _, c := range []struct {
		name                   string
		tip, macs              uint64
		earned, credited, fees uint64
		want                   bool
	}{
		{"the tip alone", 400, 1, 0, 100, 400, true},
		{"neither tip nor credit", 0, 1 << 20, 0, 100, 400, false},
		{"tip and credit just", 100, 300e6, 50, 50, 400, true},
		{"tip and credit not quite", 100, 300e6 - 1, 50, 50, 400, false},
		{"nothing was credited yet", 0, 1, 0, 0, 400, true},
		{"no fees", 0, 0, 0, 100, 0, true},
		{"more than 64 bits", 0, most, most, most, most / 1_000_000, true},
		{"more than 64 bits, and too little", 0, 1, most, most, most / 1_000_000, false},
		{"fees beyond all coins", 0, most, most, 1, most, false},
	} {
		o := mine.Offer{Tip: c.tip, MACs: c.macs}
		if got := o.Pays(c.earned, c.credited, c.fees); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
