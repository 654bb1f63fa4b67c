package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"hearth/internal/jsonscan"
)

// Refusal is the node's answer to a block that it does not take. The block is
// lost; to hand it over again is no use.
type Refusal struct {
	// Reason is the node's own word for it, for instance "high-hash" or
	// "rejected: …".
	Reason string
}

func (r *Refusal) Error() string { return "the Bitcoin node does not take the block: " + r.Reason }

// SubmitBlock hands over a block, and tries again until ctx ends if the node
// cannot be reached, so give it time: a block is worth more than anything else
// here. A block that the node knows already is taken. An error is a [*Refusal]
// if the node does not want the block, and otherwise the last reason why it could
// not be handed over.
//
// A Refusal of "inconclusive" means that the block may be good, but another came
// first.
func (c *Client) SubmitBlock(ctx context.Context, block []byte) error {
	text := hex.EncodeToString(block)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := c.submit(ctx, text)
		if err == nil {
			return nil
		}
		if _, ok := errors.AsType[*Refusal](err); ok {
			return err
		}
		if e, ok := errors.AsType[*Error](err); ok && e.Code != codeStarting {
			return &Refusal{Reason: e.Message}
		}
		c.cfg.Log.Warn("a block could not be handed to the Bitcoin node yet", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("hand a block to the Bitcoin node: %w", err)
		}
	}
}

func (c *Client) submit(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*Timeout)
	defer cancel()
	var reason string
	err := c.call(ctx, "submitblock", []any{text}, nil, func(cur *jsonscan.Cursor) error {
		if !cur.Null() {
			reason = short(string(cur.Text()))
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case reason == "", reason == "duplicate", strings.HasPrefix(reason, "rejected: already have block"):
		return nil
	}
	return &Refusal{Reason: reason}
}
