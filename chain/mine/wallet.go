package mine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"hearth/chain/light/node"
	"hearth/chain/wire"
)

// Denom is the smallest unit of the network's coin.
const Denom = "uhth"

// Wallet sends the transactions of one account. It counts their sequence, so that
// several can be under way, and asks the chain anew where the count is wrong. It
// is safe for concurrent use.
type Wallet struct {
	on  *Chain
	key wire.Key
	// price is what a million units of gas cost, in uhth.
	price   uint64
	granter string

	mu     sync.Mutex
	number uint64
	next   uint64
	known  bool
}

// ErrNoAccount says that the chain does not know the account: nobody has sent it
// anything yet.
var ErrNoAccount = errors.New("the chain does not know the account: it has to be sent some coins first")

// read reads the account's number and sequence, proven.
func (w *Wallet) read(ctx context.Context) error {
	p, err := get(ctx, w.on, wire.AccountStore, wire.AccountKey(w.key.Address()), wire.ParseAccount)
	if err != nil {
		return fmt.Errorf("read account %s: %w", w.key.Address(), err)
	}
	if !p.found {
		return fmt.Errorf("account %s: %w", w.key.Address(), ErrNoAccount)
	}
	w.number, w.known = p.record.Number, true
	w.next = max(w.next, p.record.Sequence)
	return nil
}

// ErrUnsent says that a transaction was not sent to anybody: what it asks cannot
// happen because of it.
var ErrUnsent = errors.New("nothing was sent")

// sequenceTries is how often a transaction is signed anew for another sequence.
const sequenceTries = 4

// Send signs and sends one transaction that is void after a block, and returns its
// hash. The error holds a [*node.Rejection] or [*node.Refusal] where the chain
// gives a reason.
func (w *Wallet) Send(ctx context.Context, until int64, least uint64, messages ...wire.Any) (hash [32]byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known {
		if err := w.read(ctx); err != nil {
			return hash, fmt.Errorf("%w: %w", ErrUnsent, err)
		}
	}
	sent := false
	t := wire.Transaction{Messages: messages, TimeoutHeight: uint64(until), FeeGranter: w.granter}
	for range sequenceTries {
		var raw []byte
		var agreed bool
		if raw, err = w.sign(ctx, t, least); err == nil {
			sent, hash = true, wire.Hash(raw)
			agreed, err = w.broadcast(ctx, raw)
		}
		if err == nil {
			w.next++
			if !agreed { // one of them is wrong about the sequence, or lies
				w.known, w.next = false, 0
			}
			return hash, nil
		}
		expected, ok := sequenceIn(err)
		if !ok {
			break
		}
		w.next = expected
	}
	// Something else was wrong with what is known, perhaps: read it again.
	w.known, w.next = false, 0
	if !sent {
		err = fmt.Errorf("%w: %w", ErrUnsent, err)
	}
	return hash, err
}

// sign puts a price on a transaction, by the gas that a node says it would use,
// and signs it.
func (w *Wallet) sign(ctx context.Context, t wire.Transaction, least uint64) ([]byte, error) {
	as := wire.Signer{Chain: w.on.network.Chain, Account: w.number, Sequence: w.next}
	raw, err := t.Simulated(w.key.PublicKey(), as)
	if err != nil {
		return nil, err
	}
	used, err := w.simulate(ctx, raw)
	if err != nil {
		return nil, err
	}
	t.Gas = max(least, used+used/3+20_000)
	if fee := (t.Gas*w.price + 999_999) / 1_000_000; fee > 0 {
		t.Fee = []wire.Coin{{Denom: Denom, Amount: fee}}
	}
	return t.Sign(w.key, as)
}

// mostGas bounds what a node may talk a worker into: what a hundred tickets need.
const mostGas = 40_000_000

// simulate asks what gas a transaction would use. A reason against it that the
// chain gives now saves the fee.
func (w *Wallet) simulate(ctx context.Context, raw []byte) (uint64, error) {
	var m wire.Message
	m.Data(2, raw)
	answer, err := w.on.hint(ctx, "/cosmos.tx.v1beta1.Service/Simulate", m)
	if err != nil {
		return 0, fmt.Errorf("ask what a transaction costs: %w", err)
	}
	var used uint64
	err = eachField(answer, func(f wire.Field) error {
		if f.Number != 1 {
			return nil
		}
		info, err := f.Data()
		if err != nil {
			return err
		}
		return eachField(info, func(f wire.Field) (err error) {
			if f.Number == 2 {
				used, err = f.Uint()
			}
			return err
		})
	})
	if err == nil && used > mostGas {
		err = fmt.Errorf("%d units of gas are more than any transaction of a worker uses", used)
	}
	if err != nil {
		return 0, fmt.Errorf("read what a transaction costs: %w", err)
	}
	return used, nil
}

func eachField(b []byte, take func(wire.Field) error) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return err
		}
		if err := take(f); err != nil {
			return err
		}
	}
	return nil
}

// broadcast gives a transaction to every node: one that says that it took it, and
// keeps it to itself, must not be able to hold it up. Agreed says that no node
// had a reason of the chain against it.
func (w *Wallet) broadcast(ctx context.Context, raw []byte) (agreed bool, err error) {
	answers := make([]error, len(w.on.nodes))
	var all sync.WaitGroup
	for i, n := range w.on.nodes {
		all.Go(func() { answers[i] = n.Broadcast(ctx, raw) })
	}
	all.Wait()
	taken := false
	var rejected, failed []error
	for i, err := range answers {
		var refused *node.Refusal
		if errors.As(err, &refused) && strings.Contains(refused.Data+refused.Message, "tx already exists in cache") {
			err = nil // another node has passed it on
		}
		r, isRejected := errors.AsType[*node.Rejection](err)
		switch {
		case err == nil:
			taken = true
		case isRejected:
			rejected = append(rejected, fmt.Errorf("node %s: %w", w.on.nodes[i], r))
		default:
			failed = append(failed, err)
		}
	}
	switch {
	case taken:
		return len(rejected) == 0, nil
	case len(rejected) > 0:
		return false, errors.Join(rejected...)
	}
	return false, errors.Join(failed...)
}

// sequenceIn finds the sequence that the chain expects in its reason against a
// transaction: "account sequence mismatch, expected 7, got 5".
func sequenceIn(err error) (uint64, bool) {
	_, after, found := strings.Cut(err.Error(), "account sequence mismatch, expected ")
	if !found {
		return 0, false
	}
	var n uint64
	if _, err := fmt.Sscanf(after, "%d,", &n); err != nil {
		return 0, false
	}
	return n, true
}
