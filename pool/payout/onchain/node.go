package onchain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hearth/pool/node"
)

// scanTime is how long a node may look for the coins of an address.
const scanTime = 30 * time.Minute

// chain is what a node says of coins and transactions.
type chain struct{ rpc *node.Client }

// call calls a method that is answered at once.
func (c *chain) call(ctx context.Context, out any, method string, params ...any) error {
	ctx, cancel := context.WithTimeout(ctx, node.Timeout)
	defer cancel()
	return c.rpc.Call(ctx, out, method, params...)
}

// sats reads an amount in bitcoins as nodes write it, exactly.
func sats(n json.Number) (int64, error) {
	whole, part, _ := strings.Cut(string(n), ".")
	if strings.ContainsAny(string(n), "eE-+") {
		// Small amounts may come as 1e-08.
		f, err := strconv.ParseFloat(string(n), 64)
		if err != nil || f < 0 || f > 21e6 {
			return 0, fmt.Errorf("%q is not an amount", n)
		}
		return int64(f*1e8 + 0.5), nil
	}
	if whole == "" || len(part) > 8 {
		return 0, fmt.Errorf("%q is not an amount of whole sats", n)
	}
	v, err := strconv.ParseInt(whole+part+strings.Repeat("0", 8-len(part)), 10, 64)
	if err != nil || v > 21e14 {
		return 0, fmt.Errorf("%q is not an amount", n)
	}
	return v, nil
}

// unspent is an output as gettxout has it.
type unspent struct {
	Confirmations int64
	Value         json.Number
	Script        struct {
		Hex string `json:"hex"`
	} `json:"scriptPubKey"`
	Coinbase bool
}

// output returns an output unless it is spent, in a block or by a transaction
// that waits for one; nil if it is, or never was.
func (c *chain) output(ctx context.Context, txid string, index uint32) (*unspent, error) {
	var o *unspent
	err := c.call(ctx, &o, "gettxout", txid, index, true)
	return o, err
}

// seen is a transaction as getrawtransaction has it.
type seen struct {
	Hex           string
	Confirmations int64
}

// transaction returns a transaction that waits or, if the node keeps an index,
// is in a block; nil if it is not to be found.
func (c *chain) transaction(ctx context.Context, txid string) (*seen, error) {
	var s seen
	err := c.call(ctx, &s, "getrawtransaction", txid, 1)
	if node.IsCode(err, node.NotFound) {
		return nil, nil
	}
	return &s, err
}

func (c *chain) height(ctx context.Context) (int64, error) {
	var h int64
	err := c.call(ctx, &h, "getblockcount")
	return h, err
}

// rate estimates the fee for a confirmation within some blocks, in sats per
// 1000 virtual bytes.
func (c *chain) rate(ctx context.Context, blocks int64) (int64, error) {
	var core struct {
		Feerate *json.Number
		Errors  []string
	}
	err := c.call(ctx, &core, "estimatesmartfee", blocks)
	if err == nil && core.Feerate != nil {
		return sats(*core.Feerate)
	}
	if node.IsCode(err, node.UnknownMethod) {
		var btcd json.Number
		if err = c.call(ctx, &btcd, "estimatefee", min(blocks, 25)); err == nil && !strings.HasPrefix(string(btcd), "-") {
			return sats(btcd)
		}
	}
	return 0, fmt.Errorf("the node cannot say what fee is needed: set the rate in sats per virtual byte (%w)", errors.Join(err, errors.New(strings.Join(core.Errors, ", "))))
}

// place is an output: a transaction's id and an index.
type place struct {
	txid  string
	index uint32
}

// places returns where an address received something; some of it may be
// spent again.
func (c *chain) places(ctx context.Context, address string) ([]place, error) {
	// Bitcoin Core looks through all that is unspent, which takes minutes.
	var scan struct {
		Success  bool
		Unspents []struct {
			Txid string
			Vout uint32
		}
	}
	scanning, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	err := c.rpc.Call(scanning, &scan, "scantxoutset", "start", []any{map[string]string{"desc": "addr(" + address + ")"}})
	if err == nil && !scan.Success {
		err = errors.New("scantxoutset was broken off: try again")
	}
	if err == nil {
		var list []place
		for _, u := range scan.Unspents {
			list = append(list, place{u.Txid, u.Vout})
		}
		return list, nil
	}
	if !node.IsCode(err, node.UnknownMethod) {
		return nil, err
	}
	// btcd keeps an index of addresses, from the newest on.
	const page = 100
	var list []place
	for skip := 0; ; skip += page {
		var found []struct {
			Txid string
			Vout []struct {
				N      uint32
				Script struct {
					Address   string
					Addresses []string
				} `json:"scriptPubKey"`
			}
		}
		err := c.rpc.Call(scanning, &found, "searchrawtransactions", address, 1, skip, page, 0, true)
		if node.IsCode(err, node.NotFound) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		for _, tx := range found {
			for _, o := range tx.Vout {
				if o.Script.Address == address || len(o.Script.Addresses) == 1 && o.Script.Addresses[0] == address {
					list = append(list, place{tx.Txid, o.N})
				}
			}
		}
		if len(found) < page || len(list) >= maxCoins {
			return list, nil
		}
	}
}
