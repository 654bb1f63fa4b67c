package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/log/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/baseapp"

	"hearth/chain/invariant"
)

func TestNothingIsSaidBeforeABlock(t *testing.T) {
	a, err := New(log.NewNopLogger(), dbm.NewMemDB(), Node{Home: t.TempDir()}, baseapp.SetChainID("sound-1"), baseapp.SetIAVLSyncPruning(true))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ask := func() *abci.ResponseQuery {
		t.Helper()
		res, err := a.Query(t.Context(), &abci.RequestQuery{Path: SoundPath})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := ask(); res.Code == 0 {
		t.Errorf("a node without a block answers %s", res.Value)
	}
}

func TestWhatBreaksIsNamed(t *testing.T) {
	for _, c := range []struct {
		what  string
		check func(context.Context) error
		want  string // in the error
	}{
		{"holds", func(context.Context) error { return nil }, ""},
		{"fails", func(context.Context) error { return errors.New("3 uhth too many") }, "escrow: 3 uhth too many"},
		{"panics", func(context.Context) error { panic("negative coin amount") }, "escrow: negative coin amount"},
	} {
		err := guarded(t.Context(), invariant.Invariant{Name: "escrow", Check: c.check})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("an invariant that %s: %v", c.what, err)
		}
	}
}

func TestAskingOftenLooksSeldom(t *testing.T) {
	var l looks
	looked := 0
	look := func() (Soundness, error) {
		looked++
		time.Sleep(20 * time.Millisecond)
		return Soundness{Height: int64(looked)}, nil
	}
	for range 5 {
		s, err := l.last(look)
		if err != nil || s.Height != 1 {
			t.Errorf("got %+v, %v", s, err)
		}
	}
	if looked != 1 {
		t.Errorf("five questions at once made %d looks", looked)
	}
	l.until = time.Now()
	if s, err := l.last(look); err != nil || s.Height != 2 {
		t.Errorf("later: %+v, %v", s, err)
	}
	l.until = time.Time{}
	if _, err := l.last(func() (Soundness, error) { return Soundness{}, errors.New("no state") }); err == nil {
		t.Error("no error")
	}
}
