package lighttest_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"cosmossdk.io/log/v2"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/store/v2/rootmulti"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	ics23 "github.com/cosmos/ics23/go"
	"pgregory.net/rapid"

	"hearth/chain/light"
)

// A state is a real multistore of the SDK and the header that commits to it.
type state struct {
	store  *rootmulti.Store
	header light.Header
	height int64
}

// newState commits versions of a state with the stores named.
func newState(t testing.TB, stores []string, versions int, write func(version int, store string, kv storetypes.KVStore)) state {
	t.Helper()
	ms := rootmulti.NewStore(dbm.NewMemDB(), log.NewNopLogger())
	keys := map[string]*storetypes.KVStoreKey{}
	for _, s := range stores {
		keys[s] = storetypes.NewKVStoreKey(s)
		ms.MountStoreWithDB(keys[s], storetypes.StoreTypeIAVL, nil)
	}
	if err := ms.LoadLatestVersion(); err != nil {
		t.Fatal(err)
	}
	var id storetypes.CommitID
	for v := range versions {
		for _, s := range stores {
			write(v, s, ms.GetKVStore(keys[s]))
		}
		id = ms.Commit()
	}
	b := plan{height: id.Version + 1, vals: equals(0, 1), app: id.Hash}.make()
	return state{ms, ourHeader(b.Header), id.Version}
}

// ask queries a key with its proof, as a node does.
func (s state) ask(t testing.TB, store string, key []byte) (value []byte, p light.StateProof) {
	t.Helper()
	res, err := s.store.Query(&storetypes.RequestQuery{Path: "/" + store + "/key", Data: key, Height: s.height, Prove: true})
	if err != nil {
		t.Fatal(err)
	}
	if ops := res.ProofOps.Ops; len(ops) != 2 || ops[0].Type != light.StoreOperation || ops[1].Type != light.StoresOperation {
		t.Fatalf("a proof of another form: %v", ops)
	}
	return res.Value, light.StateProof{Store: res.ProofOps.Ops[0].Data, Stores: res.ProofOps.Ops[1].Data}
}

func key(n int) []byte { return fmt.Appendf(nil, "key %03d", n) }

// every second key, written in several versions, one store with a single key,
// sets of keys with empty values.
func example(t testing.TB) state {
	return newState(t, []string{"acc", "bank", "emission", "power", "work"}, 3, func(v int, store string, kv storetypes.KVStore) {
		switch store {
		case "work":
			for n := v; n < 100; n += 3 {
				kv.Set(key(2*n+1), fmt.Appendf(nil, "value %d", n))
			}
		case "power":
			for n := range 20 {
				kv.Set(key(2*n), []byte{})
			}
		default:
			kv.Set([]byte("only"), []byte(store))
		}
	})
}

func TestWhatTheStateHoldsIsProven(t *testing.T) {
	s := example(t)
	for n := range 202 {
		value, p := s.ask(t, "work", key(n))
		if n%2 == 1 && n < 200 {
			if err := s.header.Holds("work", key(n), value, p); err != nil {
				t.Fatalf("key %d: %v", n, err)
			}
			if err := s.header.Lacks("work", key(n), p); err == nil {
				t.Fatalf("key %d is there, and was proven absent", n)
			}
			if err := s.header.Holds("work", key(n), append(value, '!'), p); err == nil {
				t.Fatalf("key %d: another value was proven", n)
			}
			continue
		}
		if err := s.header.Lacks("work", key(n), p); err != nil {
			t.Fatalf("key %d: %v", n, err)
		}
		if err := s.header.Holds("work", key(n), []byte("something"), p); err == nil {
			t.Fatalf("key %d is absent, and was proven to be there", n)
		}
	}
	value, p := s.ask(t, "acc", []byte("only"))
	if err := s.header.Holds("acc", []byte("only"), value, p); err != nil {
		t.Errorf("a store with one key: %v", err)
	}
	if err := s.header.Holds("bank", []byte("only"), value, p); err == nil {
		t.Error("a proof of one store was taken for another")
	}
	for n := range 42 {
		value, p := s.ask(t, "power", key(n))
		var err error
		if n%2 == 0 && n < 40 {
			err = s.header.Holds("power", key(n), value, p)
		} else {
			err = s.header.Lacks("power", key(n), p)
		}
		if err != nil {
			t.Errorf("a set of keys, key %d: %v", n, err)
		}
	}
}

// Proofs hold values, and strangers write some that are long: they must not hide
// themselves, nor that nothing is beside them.
func TestLongValuesAreProven(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 512<<10)
	s := newState(t, []string{"model", "work"}, 1, func(_ int, _ string, kv storetypes.KVStore) {
		kv.Set(key(1), long)
		kv.Set(key(3), long)
	})
	value, p := s.ask(t, "model", key(1))
	if err := s.header.Holds("model", key(1), value, p); err != nil || !bytes.Equal(value, long) {
		t.Errorf("%d bytes: %v", len(value), err)
	}
	_, p = s.ask(t, "model", key(2))
	if err := s.header.Lacks("model", key(2), p); err != nil {
		t.Errorf("between long values: %v", err)
	}
}

// An absence of one key, told for another that is there.
func TestANeighbourProvesNothingElse(t *testing.T) {
	s := example(t)
	_, p := s.ask(t, "work", key(50))
	for _, n := range []int{49, 51, 48, 52, 3, 199} {
		if err := s.header.Lacks("work", key(n), p); err == nil {
			t.Errorf("the absence of key 50 proved that of key %d", n)
		}
	}
}

// Of proofs that were damaged or put together from parts, none proves anything
// that ICS-23's own code does not take for proven.
func TestDamagedProofsProveNothing(t *testing.T) {
	s := example(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 201).Draw(t, "key")
		value, p := s.ask(testingT, "work", key(n))
		_, other := s.ask(testingT, "work", key(rapid.IntRange(0, 201).Draw(t, "other key")))
		var proof, part ics23.CommitmentProof
		must(t, proof.Unmarshal(p.Store))
		must(t, part.Unmarshal(other.Store))

		side := func(p *ics23.CommitmentProof) *ics23.ExistenceProof {
			if e := p.GetExist(); e != nil {
				return e
			}
			if non := p.GetNonexist(); non.Left != nil && (non.Right == nil || rapid.Bool().Draw(t, "left")) {
				return non.Left
			}
			return p.GetNonexist().Right
		}
		e, o := side(&proof), side(&part)
		at := rapid.IntRange(0, min(len(e.Path), len(o.Path))-1).Draw(t, "step")
		change := func(b []byte) []byte {
			b = bytes.Clone(b)
			switch {
			case len(b) == 0 || rapid.Bool().Draw(t, "longer"):
				return append(b, rapid.Byte().Draw(t, "byte"))
			case rapid.Bool().Draw(t, "shorter"):
				return b[:len(b)-1]
			}
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			return b
		}
		what := rapid.IntRange(0, 12).Draw(t, "damage")
		switch what {
		case 0:
			e.Key = change(e.Key)
		case 1:
			e.Value = change(e.Value)
		case 2:
			e.Leaf.Prefix = change(e.Leaf.Prefix)
		case 3:
			e.Path[at].Prefix = change(e.Path[at].Prefix)
		case 4:
			e.Path[at].Suffix = change(e.Path[at].Suffix)
		case 5:
			e.Path = e.Path[:at]
		case 6:
			e.Path[at] = o.Path[at]
		case 7:
			e.Path = append(e.Path, o.Path[at])
		case 8:
			e.Leaf.PrehashValue = ics23.HashOp_NO_HASH
		case 9:
			e.Path[at].Hash = ics23.HashOp_SHA512
		case 10:
			e.Leaf.Length = ics23.LengthOp_NO_PREFIX
		case 11:
			if non := proof.GetNonexist(); non != nil {
				non.Left, non.Right = non.Right, non.Left
			}
		case 12:
			if non := proof.GetNonexist(); non != nil {
				non.Right = nil
			}
		}
		changed, err := proof.Marshal()
		must(t, err)
		root, err := storeRoot(p)
		must(t, err)
		p.Store = changed
		if s.header.Holds("work", key(n), value, p) == nil && (!ics23.VerifyMembership(ics23.IavlSpec, root, &proof, key(n), value)) {
			t.Fatalf("damage %d: a value is proven that ICS-23 does not take for proven", what)
		}
		if s.header.Lacks("work", key(n), p) == nil && !ics23.VerifyNonMembership(ics23.IavlSpec, root, &proof, key(n)) {
			t.Fatalf("damage %d: an absence is proven that ICS-23 does not take for proven", what)
		}
		present := n%2 == 1 && n < 200
		if !present && s.header.Holds("work", key(n), value, p) == nil || present && s.header.Lacks("work", key(n), p) == nil {
			t.Fatalf("damage %d: what is not so was proven", what)
		}
	})
}

// testingT is for helpers that want a testing.TB inside a property: they fail
// by panicking, which the property reports.
var testingT testing.TB = failing{}

type failing struct{ testing.TB }

func (failing) Helper()                        {}
func (failing) Fatal(args ...any)              { panic(fmt.Sprint(args...)) }
func (failing) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// storeRoot is the root of the store that a proof's second part proves.
func storeRoot(p light.StateProof) ([]byte, error) {
	var proof ics23.CommitmentProof
	if err := proof.Unmarshal(p.Stores); err != nil {
		return nil, err
	}
	return proof.GetExist().Value, nil
}

func TestProofsThatAreRefusedSayWhy(t *testing.T) {
	s := example(t)
	value, good := s.ask(t, "work", key(51))
	_, absent := s.ask(t, "work", key(50))
	_, elsewhere := s.ask(t, "bank", []byte("only"))
	older := newState(t, []string{"acc", "bank", "emission", "power", "work"}, 1, func(_ int, _ string, kv storetypes.KVStore) {
		kv.Set(key(51), value)
	})
	_, old := older.ask(t, "work", key(51))
	for _, c := range []struct {
		name string
		p    light.StateProof
		says string
	}{
		{"nothing", light.StateProof{}, "neither of existence nor of absence"},
		{"no way to the state", light.StateProof{Store: good.Store}, "neither of existence nor of absence"},
		{"an absence", absent, "something is absent"},
		{"another store's way to the state", light.StateProof{Store: good.Store, Stores: elsewhere.Stores}, "something else than the store work"},
		{"another state", old, "the header has the state"},
		{"bytes that are no proof", light.StateProof{Store: []byte{0x0b}, Stores: good.Stores}, "read protobuf"},
		{"a batch", light.StateProof{Store: []byte{0x1a, 0x00}, Stores: good.Stores}, "batches"},
		{"three megabytes", light.StateProof{Store: make([]byte, 3<<20), Stores: good.Stores}, "bytes"},
	} {
		err := s.header.Holds("work", key(51), value, c.p)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
		}
	}
}

func BenchmarkHolds(b *testing.B) {
	s := newState(b, []string{"acc", "bank", "work"}, 1, func(_ int, _ string, kv storetypes.KVStore) {
		for n := range 10_000 {
			kv.Set(key(n), []byte("value"))
		}
	})
	value, p := s.ask(b, "work", key(5000))
	b.ReportMetric(float64(len(p.Store)+len(p.Stores)), "B/proof")
	for b.Loop() {
		if err := s.header.Holds("work", key(5000), value, p); err != nil {
			b.Fatal(err)
		}
	}
}
