package work

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
)

// at is a thing that is due at a height, or was done at one.
type at = collections.Pair[uint64, []byte]

// store is the module's state. Prefixes and encodings are normative: light
// clients read single keys with proofs.
type store struct {
	params collections.Item[Params]
	market collections.Item[Market]
	tally  collections.Item[Tally]

	miners    collections.Map[string, Miner]                       // by owner
	hots      collections.Map[string, string]                      // hot address: owner
	executors collections.Map[[]byte, string]                      // executor's key, ever: owner
	unbonding collections.KeySet[collections.Pair[uint64, string]] // height, owner
	seats     collections.Map[uint64, string]                      // seat: owner

	jobs      collections.Map[[]byte, Job]    // by id
	encodings collections.Map[[]byte, []byte] // by job id
	done      collections.KeySet[[]byte]      // job ids that were claimed, ever
	expiring  collections.KeySet[at]          // Job.expires, id
	offers    collections.KeySet[[]byte]      // ids of open jobs
	posted    collections.KeySet[at]          // Job.posted, id
	ranked    collections.KeySet[at]          // tip for 10⁹ MACs, id of an open job

	assignments collections.Map[uint64, Assignment]
	assigned    collections.KeySet[collections.Pair[string, uint64]] // owner, assignment
	lapsing     collections.KeySet[collections.Pair[uint64, uint64]] // Assignment.expires, assignment
	undrawn     collections.KeySet[collections.Pair[uint64, uint64]] // Assignment.awaits, assignment

	claims    collections.Map[[]byte, Claim]                            // by key
	waiting   collections.KeySet[at]                                    // Claim.height, key
	closing   collections.KeySet[at]                                    // Claim.closes, key
	claimants collections.KeySet[collections.Pair[string, []byte]]      // owner, key
	names     collections.Map[collections.Pair[[]byte, []byte], uint64] // model, name: open claims that begin so
	receipts  collections.Map[[]byte, []byte]                           // by claim key
	fading    collections.KeySet[at]                                    // Claim.forgotten, key
	made      collections.KeySet[at]                                    // Claim.height, key
	draws     collections.KeySet[at]                                    // Claim.draw, key

	tickets   collections.Map[[]byte, Ticket]                      // by nullifier
	ticketsOf collections.KeySet[collections.Pair[[]byte, []byte]] // claim key, nullifier
	messages  collections.Map[[]byte, []byte]                      // by nullifier
	recent    collections.KeySet[at]                               // Ticket.height, nullifier

	trials    collections.Map[[]byte, Trial]                             // by claim key
	verdicts  collections.Map[collections.Pair[[]byte, string], Verdict] // claim key, operator
	deadlines collections.KeySet[at]                                     // end of verdicts or reveals, claim key
	held      collections.KeySet[at]                                     // Trial.opened, claim key
	docket    collections.KeySet[at]                                     // Claim.delivered, key: wait for a trial
}

// The first byte of the keys.
const (
	prefixParams, prefixMarket, prefixTally                                             = 0x00, 0x01, 0x02
	prefixMiners, prefixHots, prefixExecutors, prefixUnbonding, prefixSeats             = 0x10, 0x11, 0x12, 0x13, 0x14
	prefixJobs, prefixEncodings, prefixDone, prefixExpiring, prefixOffers, prefixPosted = 0x20, 0x21, 0x22, 0x23, 0x24, 0x25
	prefixRanked                                                                        = 0x26
	prefixAssignments, prefixAssigned, prefixLapsing, prefixUndrawn                     = 0x30, 0x31, 0x32, 0x33
	prefixClaims, prefixWaiting, prefixClosing, prefixClaimants, prefixNames            = 0x40, 0x41, 0x42, 0x43, 0x44
	prefixReceipts, prefixFading, prefixDraws, prefixMade                               = 0x45, 0x46, 0x47, 0x48
	prefixTickets, prefixTicketsOf, prefixMessages, prefixRecent                        = 0x50, 0x51, 0x52, 0x53
	prefixTrials, prefixVerdicts, prefixDeadlines, prefixDocket, prefixHeld             = 0x60, 0x61, 0x62, 0x63, 0x64
)

func newStore(cdc codec.Codec, service corestore.KVStoreService) (store, error) {
	sb := collections.NewSchemaBuilder(service)
	key := func(b int) collections.Prefix { return collections.NewPrefix(b) }
	number, text, raw := collections.Uint64Key, collections.StringKey, collections.BytesKey
	due := collections.PairKeyCodec(number, raw)
	s := store{
		params: collections.NewItem(sb, key(prefixParams), "params", codec.CollValue[Params](cdc)),
		market: collections.NewItem(sb, key(prefixMarket), "market", codec.CollValue[Market](cdc)),
		tally:  collections.NewItem(sb, key(prefixTally), "tally", codec.CollValue[Tally](cdc)),

		miners:    collections.NewMap(sb, key(prefixMiners), "miners", text, codec.CollValue[Miner](cdc)),
		hots:      collections.NewMap(sb, key(prefixHots), "hots", text, collections.StringValue),
		executors: collections.NewMap(sb, key(prefixExecutors), "executors", raw, collections.StringValue),
		unbonding: collections.NewKeySet(sb, key(prefixUnbonding), "unbonding", collections.PairKeyCodec(number, text)),
		seats:     collections.NewMap(sb, key(prefixSeats), "seats", number, collections.StringValue),

		jobs:      collections.NewMap(sb, key(prefixJobs), "jobs", raw, codec.CollValue[Job](cdc)),
		encodings: collections.NewMap(sb, key(prefixEncodings), "encodings", raw, collections.BytesValue),
		done:      collections.NewKeySet(sb, key(prefixDone), "done", raw),
		expiring:  collections.NewKeySet(sb, key(prefixExpiring), "expiring", due),
		offers:    collections.NewKeySet(sb, key(prefixOffers), "offers", raw),
		posted:    collections.NewKeySet(sb, key(prefixPosted), "posted", due),
		ranked:    collections.NewKeySet(sb, key(prefixRanked), "ranked", due),

		assignments: collections.NewMap(sb, key(prefixAssignments), "assignments", number, codec.CollValue[Assignment](cdc)),
		assigned:    collections.NewKeySet(sb, key(prefixAssigned), "assigned", collections.PairKeyCodec(text, number)),
		lapsing:     collections.NewKeySet(sb, key(prefixLapsing), "lapsing", collections.PairKeyCodec(number, number)),
		undrawn:     collections.NewKeySet(sb, key(prefixUndrawn), "undrawn", collections.PairKeyCodec(number, number)),

		claims:    collections.NewMap(sb, key(prefixClaims), "claims", raw, codec.CollValue[Claim](cdc)),
		waiting:   collections.NewKeySet(sb, key(prefixWaiting), "waiting", due),
		closing:   collections.NewKeySet(sb, key(prefixClosing), "closing", due),
		claimants: collections.NewKeySet(sb, key(prefixClaimants), "claimants", collections.PairKeyCodec(text, raw)),
		names:     collections.NewMap(sb, key(prefixNames), "names", collections.PairKeyCodec(raw, raw), collections.Uint64Value),
		receipts:  collections.NewMap(sb, key(prefixReceipts), "receipts", raw, collections.BytesValue),
		fading:    collections.NewKeySet(sb, key(prefixFading), "fading", due),
		draws:     collections.NewKeySet(sb, key(prefixDraws), "draws", due),
		made:      collections.NewKeySet(sb, key(prefixMade), "made", due),

		tickets:   collections.NewMap(sb, key(prefixTickets), "tickets", raw, codec.CollValue[Ticket](cdc)),
		ticketsOf: collections.NewKeySet(sb, key(prefixTicketsOf), "tickets_of", collections.PairKeyCodec(raw, raw)),
		messages:  collections.NewMap(sb, key(prefixMessages), "messages", raw, collections.BytesValue),
		recent:    collections.NewKeySet(sb, key(prefixRecent), "recent", due),

		trials:    collections.NewMap(sb, key(prefixTrials), "trials", raw, codec.CollValue[Trial](cdc)),
		verdicts:  collections.NewMap(sb, key(prefixVerdicts), "verdicts", collections.PairKeyCodec(raw, text), codec.CollValue[Verdict](cdc)),
		deadlines: collections.NewKeySet(sb, key(prefixDeadlines), "deadlines", due),
		docket:    collections.NewKeySet(sb, key(prefixDocket), "docket", due),
		held:      collections.NewKeySet(sb, key(prefixHeld), "held", due),
	}
	_, err := sb.Build()
	return s, err
}

func absent(err error) bool { return errors.Is(err, collections.ErrNotFound) }

// join is a key of a queue.
func join(height int64, key []byte) at { return collections.Join(uint64(height), key) }

// dues returns the first entries of a queue up to a height, so many at most, in
// the order of heights and keys.
func dues[K any](ctx context.Context, queue collections.KeySet[collections.Pair[uint64, K]], until int64, most int) ([]collections.Pair[uint64, K], error) {
	return keys(ctx, queue, collections.NewPrefixUntilPairRange[uint64, K](uint64(until)), most)
}

// keys returns so many keys of a set at most; below 0 all of them.
func keys[K any](ctx context.Context, set collections.KeySet[K], within collections.Ranger[K], most int) ([]K, error) {
	var all []K
	err := set.Walk(ctx, within, func(k K) (bool, error) {
		if most >= 0 && len(all) >= most {
			return true, nil
		}
		all = append(all, k)
		return false, nil
	})
	return all, err
}

// values returns all values of a map, in the order of their keys.
func values[K, V any](ctx context.Context, m collections.Map[K, V]) ([]V, error) {
	var all []V
	err := m.Walk(ctx, nil, func(_ K, v V) (bool, error) {
		all = append(all, v)
		return false, nil
	})
	return all, err
}

// within is the range of the keys that begin with one.
func within[A, B any](first A) collections.Ranger[collections.Pair[A, B]] {
	return collections.NewPrefixedPairRange[A, B](first)
}
