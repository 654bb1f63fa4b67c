package onchain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Node is the Bitcoin node that a folder's wallet is watched through: btcd with
// txindex and addrindex, or Bitcoin Core.
type Node struct {
	// URL is where it takes JSON-RPC, "http://127.0.0.1:8332".
	URL string
	// User and Password authenticate; Password is a file's path. Bitcoin Core's
	// cookie file serves as well: then User is empty.
	User, Password string
}

// maxAnswer bounds what is read of a node's answer.
const maxAnswer = 32 << 20

// The errors that callers branch on.
const (
	rpcNoMethod = -32601
	rpcNoTx     = -5
)

// errRPC is an error that the node answers.
type errRPC struct {
	Code    int
	Message string
}

func (e *errRPC) Error() string {
	return fmt.Sprintf("the node answers: %.200q (%d)", e.Message, e.Code)
}

func isRPC(err error, code int) bool {
	e, ok := errors.AsType[*errRPC](err)
	return ok && e.Code == code
}

type node struct {
	cfg  Node
	http *http.Client
}

func newNode(cfg Node) (*node, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%q is not the address of a Bitcoin node: write it as http://127.0.0.1:8332", cfg.URL)
	}
	return &node{cfg: cfg, http: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// call calls a method. Both dialects take an id and version 1.0.
func (n *node) call(ctx context.Context, out any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": "hearth", "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	secret, err := os.ReadFile(n.cfg.Password)
	if err != nil {
		return fmt.Errorf("the node's password: %w", err)
	}
	user, password := n.cfg.User, strings.TrimSpace(string(secret))
	if user == "" {
		user, password, _ = strings.Cut(password, ":")
	}
	req.SetBasicAuth(user, password)
	res, err := n.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the Bitcoin node: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("ask the Bitcoin node: %w", err)
	}
	var answer struct {
		Result json.RawMessage
		Error  *errRPC
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("the Bitcoin node answers %s: %.100q", res.Status, strings.ToValidUTF8(string(text), "?"))
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: %w", method, answer.Error)
	}
	if err := json.Unmarshal(answer.Result, out); err != nil {
		return fmt.Errorf("%s: the Bitcoin node answers something else than expected: %w", method, err)
	}
	return nil
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
func (n *node) output(ctx context.Context, txid string, index uint32) (*unspent, error) {
	var o *unspent
	err := n.call(ctx, &o, "gettxout", txid, index, true)
	return o, err
}

// seen is a transaction as getrawtransaction has it.
type seen struct {
	Hex           string
	Confirmations int64
}

// transaction returns a transaction that waits or, if the node keeps an index,
// is in a block; nil if it is not to be found.
func (n *node) transaction(ctx context.Context, txid string) (*seen, error) {
	var s seen
	err := n.call(ctx, &s, "getrawtransaction", txid, 1)
	if isRPC(err, rpcNoTx) {
		return nil, nil
	}
	return &s, err
}

func (n *node) height(ctx context.Context) (int64, error) {
	var h int64
	err := n.call(ctx, &h, "getblockcount")
	return h, err
}

// rate estimates the fee for a confirmation within some blocks, in sats per
// 1000 virtual bytes.
func (n *node) rate(ctx context.Context, blocks int64) (int64, error) {
	var core struct {
		Feerate *json.Number
		Errors  []string
	}
	err := n.call(ctx, &core, "estimatesmartfee", blocks)
	if err == nil && core.Feerate != nil {
		return sats(*core.Feerate)
	}
	if isRPC(err, rpcNoMethod) {
		var btcd json.Number
		if err = n.call(ctx, &btcd, "estimatefee", min(blocks, 25)); err == nil && !strings.HasPrefix(string(btcd), "-") {
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
func (n *node) places(ctx context.Context, address string) ([]place, error) {
	// Bitcoin Core looks through all that is unspent, which takes a minute.
	var scan struct {
		Success  bool
		Unspents []struct {
			Txid string
			Vout uint32
		}
	}
	err := n.call(ctx, &scan, "scantxoutset", "start", []any{map[string]string{"desc": "addr(" + address + ")"}})
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
	if !isRPC(err, rpcNoMethod) {
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
		err := n.call(ctx, &found, "searchrawtransactions", address, 1, skip, page, 0, true)
		if isRPC(err, rpcNoTx) {
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
