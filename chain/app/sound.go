package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	"hearth/chain/invariant"
)

// SoundPath is the path of the ABCI query that is answered with a [Soundness]
// in JSON.
const SoundPath = "/hearth/sound"

// Soundness is what a look at all invariants has found.
type Soundness struct {
	Height int64 `json:"height"` // after whose block it was looked
	Looked int   `json:"looked"` // at so many invariants
	// Broken says for each that does not hold what was found.
	Broken []string `json:"broken"`
}

// Err is nil if all invariants hold.
func (s Soundness) Err() error {
	var all []error
	for _, b := range s.Broken {
		all = append(all, errors.New(b))
	}
	return errors.Join(all...)
}

// Invariants returns what must hold of the state after every block.
func (a *App) Invariants() []invariant.Invariant {
	return slices.Concat(
		a.Beacon.Invariants(), a.Model.Invariants(), a.Work.Invariants(),
		a.Power.Invariants(), a.Emission.Invariants(), a.Commons.Invariants(),
	)
}

// Sound looks at all invariants of the latest state. It only reads, beside
// blocks, and takes the longer the more there is.
func (a *App) Sound() (Soundness, error) {
	s := Soundness{Height: a.LastBlockHeight(), Broken: []string{}}
	if s.Height == 0 {
		return s, errors.New("there is no block yet")
	}
	// Not CreateQueryContext, which counts gas and waits for a first block after
	// every start.
	state, err := a.CommitMultiStore().CacheMultiStoreWithVersion(s.Height)
	if err != nil {
		return s, fmt.Errorf("read the state after block %d: %w", s.Height, err)
	}
	ctx := sdk.NewContext(state, a.header(), true, a.Logger())
	for _, i := range a.Invariants() {
		s.Looked++
		if err := guarded(ctx, i); err != nil {
			s.Broken = append(s.Broken, err.Error())
		}
	}
	return s, nil
}

// guarded looks at one invariant. Who counts coins stops at what cannot be: that
// is found here, too.
func guarded(ctx context.Context, i invariant.Invariant) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", i.Name, r)
		}
	}()
	return invariant.Check(ctx, i)
}

// Query implements the ABCI. It answers [SoundPath] itself.
func (a *App) Query(ctx context.Context, req *abci.RequestQuery) (*abci.ResponseQuery, error) {
	if req.Path != SoundPath {
		return a.BaseApp.Query(ctx, req)
	}
	s, err := a.sound.last(a.Sound)
	if err != nil {
		return sdkerrors.QueryResult(fmt.Errorf("%w: %w", sdkerrors.ErrInvalidRequest, err), false), nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write what does not hold: %w", err)
	}
	return &abci.ResponseQuery{Value: text, Height: s.Height}, nil
}

// looks answers strangers, who may ask as often as they like: one look at a
// time, and at most a tenth of the time.
type looks struct {
	mu    sync.Mutex
	found Soundness
	until time.Time // the answer stands so long
}

func (l *looks) last(look func() (Soundness, error)) (Soundness, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	began := time.Now()
	if began.Before(l.until) {
		return l.found, nil
	}
	s, err := look()
	if err != nil {
		return s, err
	}
	took := time.Since(began)
	l.found, l.until = s, began.Add(10*took)
	return s, nil
}
