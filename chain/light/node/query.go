package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"hearth/chain/light"
)

// An Answer is what a node says that a store holds under a key.
type Answer struct {
	// Height is that of the block after which it was so. The header of the next
	// block proves it.
	Height int64
	// Value is empty where nothing is there, and where an empty value is: the
	// proof knows.
	Value []byte
	Proof light.StateProof
}

type query struct {
	Response struct {
		Code      uint32
		Codespace string
		Log       string
		Key       []byte
		Value     []byte
		Height    int64 `json:",string"`
		Proof     *struct {
			Ops []struct {
				Type string
				Key  []byte
				Data []byte
			}
		} `json:"proofOps"`
	}
}

// Value asks what a store held under a key after the block of a height, with
// the proof. Height 0 stands for the newest block that can be proven.
func (n *Node) Value(ctx context.Context, store string, key []byte, height int64) (Answer, error) {
	var q query
	err := n.ask(ctx, "abci_query", map[string]any{
		"path": "/store/" + store + "/key", "data": hex.EncodeToString(key), "height": strconv.FormatInt(height, 10), "prove": true,
	}, &q)
	if err != nil {
		return Answer{}, err
	}
	a, err := q.answer(key)
	if err == nil && height != 0 && a.Height != height {
		err = fmt.Errorf("it is that of height %d", a.Height)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("value of %s %X at height %d of node %s: %w", store, key, height, n.url, err)
	}
	return a, nil
}

func (q query) answer(key []byte) (Answer, error) {
	r := q.Response
	if err := q.refused(); err != nil {
		return Answer{}, err
	}
	if !bytes.Equal(r.Key, key) {
		return Answer{}, fmt.Errorf("the answer is for the key %X", r.Key)
	}
	if r.Proof == nil || len(r.Proof.Ops) != 2 || r.Proof.Ops[0].Type != light.StoreOperation || r.Proof.Ops[1].Type != light.StoresOperation {
		if r.Log != "" {
			return Answer{}, fmt.Errorf("there is no proof: %s", shortened(r.Log))
		}
		return Answer{}, errors.New("there is no proof of the known form")
	}
	return Answer{Height: r.Height, Value: r.Value, Proof: light.StateProof{Store: r.Proof.Ops[0].Data, Stores: r.Proof.Ops[1].Data}}, nil
}

func (q query) refused() error {
	if r := q.Response; r.Code != 0 {
		return &Refusal{Method: "the query", Code: int(r.Code), Message: r.Codespace, Data: shortened(r.Log)}
	}
	return nil
}

// Hint asks the application a question of its gRPC interface, such as
// "/cosmos.auth.v1beta1.Query/Account", with the request's encoding. There is no
// proof of the answer.
func (n *Node) Hint(ctx context.Context, method string, request []byte) ([]byte, error) {
	var q query
	if err := n.ask(ctx, "abci_query", map[string]any{"path": method, "data": hex.EncodeToString(request)}, &q); err != nil {
		return nil, err
	}
	if err := q.refused(); err != nil {
		return nil, fmt.Errorf("ask node %s for %s: %w", n.url, method, err)
	}
	return q.Response.Value, nil
}
