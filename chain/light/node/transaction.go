package node

import (
	"context"
	"fmt"

	"hearth/chain/light"
)

// A Rejection is the chain's reason not to take a transaction, or not to do what
// it asks.
type Rejection struct {
	// Codespace and Code name the reason, Log explains it.
	Codespace string
	Code      uint32
	Log       string
}

// Error gives the chain's reason.
func (r *Rejection) Error() string {
	return fmt.Sprintf("the chain refuses the transaction (%s %d): %s", r.Codespace, r.Code, r.Log)
}

// Broadcast sends a transaction and waits until the node has looked at it. Nil
// says that the node will pass it on; whether it comes into a block,
// [Node.Transaction] tells. The error holds a [*Rejection] where the node's
// state speaks against the transaction, and a [*Refusal] where the node does not
// take it for another reason, such as having it already.
func (n *Node) Broadcast(ctx context.Context, transaction []byte) error {
	var r Rejection
	if err := n.ask(ctx, "broadcast_tx_sync", map[string]any{"tx": transaction}, &r); err != nil {
		return err
	}
	if r.Code != 0 {
		r.Log = shortened(r.Log)
		return fmt.Errorf("send transaction to node %s: %w", n.url, &r)
	}
	return nil
}

// An Inclusion says in which block a transaction is and what came of it.
type Inclusion struct {
	Height int64
	// Transaction is the bytes, and Path leads from them to the header's hash of
	// the block's transactions ([light.Header.Includes]).
	Transaction []byte
	Path        light.Path
	// Rejection is nil where the transaction did what it asked. Of it, and of Gas,
	// there is no proof here: the state has one of what matters.
	Rejection      *Rejection
	GasWanted, Gas int64
}

// Transaction looks a transaction up by its hash. The error is [ErrUnknown] where
// it is in no block yet.
func (n *Node) Transaction(ctx context.Context, hash [32]byte) (Inclusion, error) {
	var r struct {
		Height int64 `json:",string"`
		Tx     []byte
		Result struct {
			Code      uint32
			Codespace string
			Log       string
			Wanted    int64 `json:"gas_wanted,string"`
			Used      int64 `json:"gas_used,string"`
		} `json:"tx_result"`
		Proof struct {
			Proof struct {
				Total int64 `json:",string"`
				Index int64 `json:",string"`
				Aunts [][]byte
			}
		}
	}
	if err := n.ask(ctx, "tx", map[string]any{"hash": hash[:], "prove": true}, &r); err != nil {
		return Inclusion{}, err
	}
	out := Inclusion{
		Height: r.Height, Transaction: r.Tx, GasWanted: r.Result.Wanted, Gas: r.Result.Used,
		Path: light.Path{Index: r.Proof.Proof.Index, Total: r.Proof.Proof.Total},
	}
	for _, a := range r.Proof.Proof.Aunts {
		if len(a) != len(light.Digest{}) {
			return Inclusion{}, fmt.Errorf("transaction %X of node %s: a hash has %d bytes", hash, n.url, len(a))
		}
		out.Path.Aunts = append(out.Path.Aunts, light.Digest(a))
	}
	if r.Result.Code != 0 {
		out.Rejection = &Rejection{Codespace: r.Result.Codespace, Code: r.Result.Code, Log: shortened(r.Result.Log)}
	}
	return out, nil
}
