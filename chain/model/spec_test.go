package model_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"hearth/chain/model"
	hmodel "hearth/infer/model"
)

// The keys are those of spec/network/model.md, section 6: who proves a value
// by its key depends on them.
func TestKeysAreThoseOfTheSpecification(t *testing.T) {
	w := newWorld(t, fast())
	b := manifest(t, weights(t, 1, nil), nil)
	id := w.register(w.person("registrant"), b)
	w.attest(id, true, "a")
	f, err := hmodel.ParseManifest(b)
	if err != nil {
		t.Fatal(err)
	}
	kv := w.store.OpenKVStore(w.ctx)
	m := w.get(id)
	for key, want := range map[string]int{
		"00":                                   0,
		"10" + id.String():                     0,
		"11" + id.String():                     len(b),
		"12" + f.Weights[3].Root.String():      32,
		"1320" + id.String() + "61":            0,
		"14" + height(m.Expires) + id.String(): -1,
	} {
		k, err := hex.DecodeString(key)
		if err != nil {
			t.Fatal(err)
		}
		v, err := kv.Get(k)
		if err != nil {
			t.Fatal(err)
		}
		if (v == nil) || want > 0 && len(v) != want || want < 0 && len(v) > 0 {
			t.Errorf("key %s has a value of %d bytes", key, len(v))
		}
	}
	count := 0
	all, err := kv.Iterator(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	for ; all.Valid(); all.Next() {
		count++
	}
	if want := 1 + 1 + 1 + len(f.Weights) + 1 + 1; count != want {
		t.Errorf("the state has %d keys, want %d", count, want)
	}
}

func height(h int64) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := 60; i >= 0; i -= 4 {
		b.WriteByte(digits[h>>i&15])
	}
	return b.String()
}

// The rules' numbers stand in the specification.
func TestTheDefaultParametersAreValid(t *testing.T) {
	for _, p := range []model.Params{model.DefaultParams(), model.FastParams()} {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
	}
}
