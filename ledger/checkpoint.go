package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/units"
)

// Checkpoint stands for records that were removed from the file: all from
// record 2 to record Last. It takes over the checkpoint before it, which may
// itself be among them, so a file has at most one such hole and the newest
// checkpoint accounts for it.
type Checkpoint struct {
	// Last is the number of the last record removed, Until its time.
	Last  uint64    `json:"last"`
	Until time.Time `json:"until"`
	// Hash is the hash of the last record removed: the next one's Prev.
	Hash Hash `json:"hash"`
	// Peaks and Root are the Merkle tree (RFC 6962) over the hashes of all
	// records removed: whoever has kept one can show that it was there.
	Peaks []Hash `json:"peaks"`
	Root  Hash   `json:"root"`
	// Sums are the amounts in the records removed, in the order of
	// [Sums.List].
	Sums []Sum `json:"sums"`
}

// Kind implements [Body].
func (Checkpoint) Kind() Kind { return KindCheckpoint }

func (c Checkpoint) check() error {
	if c.Last < 2 {
		return errors.New("a checkpoint that stands for nothing")
	}
	t := c.tree()
	if err := t.check(); err != nil {
		return err
	}
	if t.root() != c.Root {
		return errors.New("the root does not belong to the peaks")
	}
	for i, s := range c.Sums {
		if s.Records == 0 || i > 0 && compareKeys(c.Sums[i-1].Key, s.Key) >= 0 {
			return errors.New("the sums are not in order")
		}
	}
	return checkUTC(c.Until)
}

func (c Checkpoint) tree() tree { return tree{c.Last - 1, slices.Clone(c.Peaks)} }

// Key says what a sum is of.
type Key struct {
	Kind Kind `json:"kind"` // electricity, heat, work, earning, coin, shares, transfer or payout
	// Subject is the record's, but for shares their source and for transfers
	// the account, so that there are no more sums than sources and accounts.
	// The accounts payout:<intent>, of which there is no end, count as one:
	// "payout:".
	Subject    string           `json:"subject"`
	Zone       string           `json:"zone"` // for shares the party
	Unit       Kind             `json:"unit"` // "mj", "msat", [UnitWork], [UnitUnpaid] or the unit of work or coin
	Provenance units.Provenance `json:"provenance"`
	Simulated  bool             `json:"simulated"`
}

// Sum is the total of one kind of amount.
type Sum struct {
	Key
	// Total is a string in JSON, since it may pass 2^53.
	Total   int64  `json:"total,string"`
	Records uint64 `json:"records"`
}

// Joules returns the total of electricity or heat.
func (s Sum) Joules() units.Joules { return units.Joules(float64(s.Total) / 1000) }

func compareKeys(a, b Key) int {
	simulated := func(k Key) int {
		if k.Simulated {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Zone, b.Zone),
		cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Provenance, b.Provenance),
		cmp.Compare(simulated(a), simulated(b)),
	)
}

// Sums adds up amounts. It is a map, to be made before use.
type Sums map[Key]Sum

// Add adds the amount in r, if it has one. A checkpoint adds nothing: what it
// stands for is added with [Sums.Carry].
func (s Sums) Add(r Record) error {
	body, err := r.Decode()
	if err != nil {
		return err
	}
	k := Key{Kind: r.Kind, Subject: r.Subject, Simulated: r.Simulated}
	switch b := body.(type) {
	case Electricity:
		k.Zone, k.Unit, k.Provenance = b.Zone, "mj", b.Provenance
		return s.add(Sum{k, Energy(b).Millijoules(), 1})
	case Heat:
		k.Zone, k.Unit, k.Provenance = b.Zone, "mj", b.Provenance
		return s.add(Sum{k, Energy(b).Millijoules(), 1})
	case Work:
		k.Unit, k.Provenance = b.Unit, b.Provenance
		return s.add(Sum{k, b.Amount, 1})
	case Earning:
		k.Unit = "msat"
		return s.add(Sum{k, b.Millisats, 1})
	case Coin:
		k.Unit = b.Unit
		return s.add(Sum{k, b.Amount, 1})
	case Shares:
		k.Subject, k.Zone, k.Unit = b.Source, b.Party, b.WorkUnit()
		return s.add(Sum{k, b.Work, 1})
	case Transfer:
		return s.transfer(k, b)
	case Payout:
		if k.Unit = "msat"; b.State == PayoutPaid {
			return s.add(Sum{k, b.Millisats, 1})
		}
	}
	return nil
}

// transfer adds each account's part in a transfer.
func (s Sums) transfer(k Key, t Transfer) error {
	k.Unit = "msat"
	for _, p := range t.Entries {
		k.Subject = p.Account
		if strings.HasPrefix(p.Account, payoutAccount) {
			k.Subject = payoutAccount
		}
		if err := s.add(Sum{k, p.Millisats, 1}); err != nil {
			return err
		}
	}
	return nil
}

// Carry adds the sums of a checkpoint.
func (s Sums) Carry(sums []Sum) error {
	for _, sum := range sums {
		if err := s.add(sum); err != nil {
			return err
		}
	}
	return nil
}

func (s Sums) add(x Sum) error {
	have := s[x.Key]
	if x.Total > 0 && have.Total > math.MaxInt64-x.Total || x.Total < 0 && have.Total < math.MinInt64-x.Total {
		return errors.New("a sum is larger than 2^63")
	}
	s[x.Key] = Sum{x.Key, have.Total + x.Total, have.Records + x.Records}
	return nil
}

// List returns the sums, ordered by kind, subject, zone, unit, provenance and
// real before simulated.
func (s Sums) List() []Sum {
	list := make([]Sum, 0, len(s))
	for _, sum := range s {
		list = append(list, sum)
	}
	slices.SortFunc(list, func(a, b Sum) int { return compareKeys(a.Key, b.Key) })
	return list
}

// Condense returns the checkpoint that stands for the given records, which
// must follow each other without a gap: from record 2, behind the record with
// the hash genesis, if before is nil, else from the record behind those that
// before stands for. That they are what was written follows from their hashes
// and those of the signed records after them; their signatures are for
// [Verify].
func Condense(genesis Hash, before *Checkpoint, records iter.Seq2[Record, error]) (Checkpoint, error) {
	t := tree{}
	sums := Sums{}
	c := Checkpoint{Last: 1, Hash: genesis}
	if before != nil {
		c, t = *before, before.tree()
		if err := sums.Carry(before.Sums); err != nil {
			return Checkpoint{}, fmt.Errorf("condense records: %w", err)
		}
	}
	for r, err := range records {
		switch {
		case err != nil:
			return Checkpoint{}, fmt.Errorf("condense records: %w", err)
		case r.Seq != c.Last+1 || r.Prev != c.Hash:
			return Checkpoint{}, fmt.Errorf("condense records: record %d does not follow record %d", r.Seq, c.Last)
		case r.sum() != r.Hash:
			return Checkpoint{}, fmt.Errorf("condense records: record %d was changed", r.Seq)
		}
		if err := sums.Add(r); err != nil {
			return Checkpoint{}, fmt.Errorf("condense record %d: %w", r.Seq, err)
		}
		t.add(r.Hash)
		c.Last, c.Until, c.Hash = r.Seq, r.At.UTC(), r.Hash
	}
	if t.size == 0 {
		return Checkpoint{}, errors.New("condense records: there are none")
	}
	c.Peaks, c.Root, c.Sums = t.peaks, t.root(), sums.List()
	return c, nil
}
