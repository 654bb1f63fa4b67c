package onchain

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"hearth/pool/payout/lnd/rest"
)

// hold is how long lnd keeps the coins of a transaction for it. It is sent
// at once as a rule.
const hold = 3600 // seconds

// NewLnd makes the rail "onchain", which pays from the wallet of an lnd. It
// does not talk to the node yet.
func NewLnd(terms Terms, cfg rest.Config) (*Rail, error) {
	node, err := rest.New(cfg)
	if err != nil {
		return nil, err
	}
	terms = terms.defaults()
	return &Rail{name: "onchain", terms: terms, wallet: &lndWallet{node: node, terms: terms}}, nil
}

type lndWallet struct {
	node  *rest.Client
	terms Terms
}

func (w *lndWallet) fund(ctx context.Context, outs []*wire.TxOut) (*psbt.Packet, int64, func(context.Context), error) {
	// What is found later is sought from this height on.
	var info struct {
		Height int64 `json:"block_height"`
		Synced bool  `json:"synced_to_chain"`
	}
	if err := w.node.Do(ctx, "GET", "/v1/getinfo", nil, &info); err != nil {
		return nil, 0, nil, err
	}
	if !info.Synced {
		return nil, 0, nil, errors.New("lnd has not caught up with the chain")
	}
	tx := wire.NewMsgTx(2)
	tx.TxOut = outs
	template, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		return nil, 0, nil, err
	}
	var b bytes.Buffer
	if err := template.Serialize(&b); err != nil {
		return nil, 0, nil, err
	}
	in := map[string]any{"psbt": b.Bytes(), "min_confs": 1, "lock_expiration_seconds": strconv.Itoa(hold)}
	if w.terms.Rate > 0 {
		in["sat_per_vbyte"] = strconv.FormatInt(w.terms.Rate, 10)
	} else {
		in["target_conf"] = w.terms.Target
	}
	var out struct {
		Packet []byte `json:"funded_psbt"`
		Locked []struct {
			ID       []byte `json:"id"`
			Outpoint struct {
				Txid  string `json:"txid_str"`
				Index int64  `json:"output_index"`
			} `json:"outpoint"`
		} `json:"locked_utxos"`
	}
	if err := w.node.Do(ctx, "POST", "/v2/wallet/psbt/fund", in, &out); err != nil {
		return nil, 0, nil, fmt.Errorf("choose coins: %w", err)
	}
	release := func(ctx context.Context) {
		for _, l := range out.Locked {
			// What cannot be given back is free again when its time is over.
			var none struct{}
			_ = w.node.Do(ctx, "POST", "/v2/wallet/utxos/release", map[string]any{
				"id": l.ID, "outpoint": map[string]any{"txid_str": l.Outpoint.Txid, "output_index": l.Outpoint.Index},
			}, &none)
		}
	}
	p, err := parse(out.Packet)
	if err != nil {
		release(context.WithoutCancel(ctx))
		return nil, 0, nil, fmt.Errorf("lnd chose coins: %w", err)
	}
	return p, info.Height, release, nil
}

func (w *lndWallet) send(ctx context.Context, t ticket, label string) (string, error) {
	var signed struct {
		Tx []byte `json:"raw_final_tx"`
	}
	if err := w.node.Do(ctx, "POST", "/v2/wallet/psbt/finalize", map[string]any{"funded_psbt": t.PSBT}, &signed); err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	tx := new(wire.MsgTx)
	if err := tx.Deserialize(bytes.NewReader(signed.Tx)); err != nil {
		return "", fmt.Errorf("lnd signed something that is not a transaction: %w", err)
	}
	if got := tx.TxHash().String(); got != t.id() {
		return "", fmt.Errorf("lnd signed the transaction %s, not %s", got, t.id())
	}
	var published struct {
		Error string `json:"publish_error"`
	}
	if err := w.node.Do(ctx, "POST", "/v2/wallet/tx", map[string]any{"tx_hex": signed.Tx, "label": label}, &published); err != nil {
		return "", fmt.Errorf("broadcast: %w", err)
	}
	if published.Error != "" {
		return "", fmt.Errorf("broadcast: %.200s", published.Error)
	}
	return "it was broadcast", nil
}

// reorg is how many blocks back a transaction may be found that was made at
// the tip.
const reorg = 144

func (w *lndWallet) find(ctx context.Context, t ticket) (sighting, error) {
	var list struct {
		Transactions []struct {
			ID            string `json:"tx_hash"`
			Confirmations int64  `json:"num_confirmations"`
			Fees          int64  `json:"total_fees,string"`
			Raw           string `json:"raw_tx_hex"`
		}
	}
	q := url.Values{"start_height": {strconv.FormatInt(max(0, t.Height-reorg), 10)}, "end_height": {"-1"}}
	if err := w.node.Do(ctx, "GET", "/v1/transactions?"+q.Encode(), nil, &list); err != nil {
		return sighting{}, err
	}
	var s sighting
	for _, x := range list.Transactions {
		if x.ID == t.id() {
			return sighting{known: true, confirmations: x.Confirmations}, nil
		}
		tx := new(wire.MsgTx)
		if err := tx.Deserialize(hex.NewDecoder(strings.NewReader(x.Raw))); err != nil {
			return sighting{}, fmt.Errorf("lnd lists the transaction %.64q in a way that cannot be read: %w", x.ID, err)
		}
		if t.spends(tx) && (s.rival == nil || x.Confirmations > s.rivalDepth) {
			s.rival, s.rivalDepth, s.rivalFee = tx, x.Confirmations, x.Fees
		}
	}
	return s, nil
}
