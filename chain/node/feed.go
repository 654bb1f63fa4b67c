package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/chain/app"
	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/relay"
)

// Feed keeps an application supplied with rounds of the beacon that its chain
// follows, from relays, and with reveals of the node's own key, until the
// context ends. A node that does not validate has no use for it, and it does no
// harm.
func (f Files) Feed(ctx context.Context, a *app.App, relays []string) error {
	own, err := f.beaconKey()
	if err != nil {
		return err
	}
	reveal := func(message []byte) (drand.Signature, error) { return own.Sign(drand.Reveals, message) }
	a.SetSources(beacon.Sources{Reveal: reveal})
	chain, err := followed(ctx, a)
	if err != nil {
		return err
	}
	if len(relays) == 0 && chain.Hash == drand.Quicknet().Hash {
		relays = relay.Public()
	}
	if len(relays) == 0 {
		// Others bring the rounds; this node reveals when nobody does.
		<-ctx.Done()
		return ended(ctx)
	}
	client, err := relay.New(relay.Config{Chain: chain, Relays: relays})
	if err != nil {
		return fmt.Errorf("reach the beacon: %w", err)
	}
	defer client.Close()
	feed := relay.NewFeed(client, time.Now)
	a.SetSources(beacon.Sources{Rounds: feed.Rounds, Reveal: reveal})
	if err := feed.Run(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("follow the beacon: %w", err)
	}
	return ended(ctx)
}

// followed waits until the chain has a state that can be asked, and returns what
// it follows.
func followed(ctx context.Context, a *app.App) (drand.Chain, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		// A node that was started again knows its height before it answers: that
		// takes the next block.
		if state, err := a.CreateQueryContext(0, false); err == nil && a.LastBlockHeight() > 0 {
			p, err := a.Beacon.Params(state)
			if err != nil {
				return drand.Chain{}, fmt.Errorf("ask which beacon the chain follows: %w", err)
			}
			return p.Chain()
		}
		select {
		case <-ctx.Done():
			return drand.Chain{}, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// ended is nil when a context was cancelled, which is how a node stops.
func ended(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
