package pooltest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Lnd is a running Lightning node with a wallet of its own.
type Lnd struct {
	// URL is where it takes REST, for instance "https://127.0.0.1:8080".
	URL string
	// Cert and Macaroon are the paths of its certificate and of the macaroon
	// that may do everything.
	Cert, Macaroon string
	// Key is its public key, Listen its address for other nodes.
	Key, Listen string

	binary, dir   string
	chain         *Btcd
	ports         []string
	args          []string
	proc          *process
	client        *http.Client
	macaroonBytes []byte
}

// StartLnd runs an lnd on a btcd with TLS until the test ends.
func StartLnd(tb testing.TB, chain *Btcd, args ...string) *Lnd {
	tb.Helper()
	l := &Lnd{binary: need(tb, lnd()), dir: tb.TempDir(), chain: chain, args: args}
	l.Cert = filepath.Join(l.dir, "tls.cert")
	l.Macaroon = filepath.Join(l.dir, "data", "chain", "bitcoin", chain.cfg.Network, "admin.macaroon")
	tries(tb, func() (err error) {
		if l.ports, err = freePorts(tb.Context(), 3); err != nil {
			return err
		}
		l.URL, l.Listen = "https://"+l.ports[0], l.ports[2]
		return l.run(tb.Context())
	})
	tb.Cleanup(l.Kill)
	return l
}

// Restart ends the node in order and starts it again at the same addresses.
func (l *Lnd) Restart(tb testing.TB) {
	tb.Helper()
	l.proc.stop()
	tries(tb, func() error { return l.run(tb.Context()) })
}

// Kill ends the node as a power cut would.
func (l *Lnd) Kill() {
	l.client.CloseIdleConnections()
	l.proc.kill()
}

func (l *Lnd) run(ctx context.Context) (err error) {
	args := []string{
		"--lnddir=" + l.dir, "--configfile=" + os.DevNull, "--bitcoin." + l.chain.cfg.Network, "--bitcoin.node=btcd",
		"--btcd.rpchost=" + l.chain.RPC, "--btcd.rpcuser=" + l.chain.User, "--btcd.rpcpass=" + l.chain.Password,
		"--btcd.rpccert=" + l.chain.Cert, "--noseedbackup", "--nobootstrap", "--debuglevel=warn",
		"--restlisten=" + l.ports[0], "--rpclisten=" + l.ports[1], "--listen=" + l.ports[2],
		// A test does not wait for the gentle pace of the world's network.
		"--trickledelay=50", "--maxpendingchannels=10",
	}
	if l.proc, err = start(l.dir, l.binary, append(args, l.args...)...); err != nil {
		return err
	}
	err = l.proc.until(ctx, func(ctx context.Context) error {
		if err := l.connect(); err != nil {
			return err
		}
		var info struct {
			Key    string `json:"identity_pubkey"`
			Synced bool   `json:"synced_to_chain"`
		}
		if err := l.Call(ctx, "GET", "/v1/getinfo", nil, &info); err != nil {
			return err
		}
		l.Key = info.Key
		// Before its first block the chain looks old, and the node asleep.
		if !info.Synced && l.chain.cfg.Mining != "" {
			return errors.New("it has not caught up with the chain")
		}
		return nil
	})
	if err != nil {
		l.proc.kill()
	}
	return err
}

// connect makes the client, once the node wrote certificate and macaroon.
func (l *Lnd) connect() error {
	pool, err := certPool(l.Cert)
	if err != nil {
		return err
	}
	if l.macaroonBytes, err = os.ReadFile(l.Macaroon); err != nil {
		return err
	}
	l.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 4,
	}}
	return nil
}

// Call makes one request of the node's REST interface, with in as the body
// unless it is nil, and decodes the answer into out unless that is nil. An
// answer with a bad status is an error that shows it.
func (l *Lnd) Call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, l.URL+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Grpc-Metadata-Macaroon", hex.EncodeToString(l.macaroonBytes))
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: status %s: %s", method, path, res.Status, tail(text))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (l *Lnd) must(tb testing.TB, method, path string, in, out any) {
	tb.Helper()
	if err := l.Call(tb.Context(), method, path, in, out); err != nil {
		tb.Fatal(err)
	}
}

// Bake writes a macaroon that may do no more than the given calls of lnd's
// gRPC interface ("/routerrpc.Router/SendPaymentV2"), and returns its path.
func (l *Lnd) Bake(tb testing.TB, calls ...string) string {
	tb.Helper()
	type permission struct {
		Entity string `json:"entity"`
		Action string `json:"action"`
	}
	var in struct {
		Permissions []permission `json:"permissions"`
	}
	for _, c := range calls {
		in.Permissions = append(in.Permissions, permission{"uri", c})
	}
	var out struct{ Macaroon string }
	l.must(tb, "POST", "/v1/macaroon", in, &out)
	b, err := hex.DecodeString(out.Macaroon)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "payout.macaroon")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Address returns a new address of the node's wallet.
func (l *Lnd) Address(tb testing.TB) string {
	tb.Helper()
	var out struct{ Address string }
	l.must(tb, "GET", "/v1/newaddress?type=WITNESS_PUBKEY_HASH", nil, &out)
	return out.Address
}

// Invoice is an invoice that a node made.
type Invoice struct {
	Request string // BOLT11
	Hash    string // payment hash, hexadecimal
}

// Invoice makes an invoice over an amount in millisats, or over any for 0,
// that can be paid for some seconds.
func (l *Lnd) Invoice(tb testing.TB, millisats, seconds int64) Invoice {
	tb.Helper()
	var out struct {
		Request string `json:"payment_request"`
		Hash    []byte `json:"r_hash"`
	}
	l.must(tb, "POST", "/v1/invoices", map[string]any{
		"value_msat": fmt.Sprint(millisats), "expiry": fmt.Sprint(seconds), "memo": "heat",
	}, &out)
	return Invoice{out.Request, hex.EncodeToString(out.Hash)}
}

// Received returns how many millisats were received for an invoice, and
// whether it is settled.
func (l *Lnd) Received(tb testing.TB, hash string) (millisats int64, settled bool) {
	tb.Helper()
	var out struct {
		Paid  int64 `json:"amt_paid_msat,string"`
		State string
	}
	l.must(tb, "GET", "/v1/invoice/"+hash, nil, &out)
	return out.Paid, out.State == "SETTLED"
}

// Balance returns the node's own millisats in its channels: what was sent left it.
func (l *Lnd) Balance(tb testing.TB) int64 {
	tb.Helper()
	var out struct {
		Local struct {
			Msat int64 `json:"msat,string"`
		} `json:"local_balance"`
	}
	l.must(tb, "GET", "/v1/balance/channels", nil, &out)
	return out.Local.Msat
}

// Lightning is a small network on a chain of its own: the payer has a
// channel with a node in between, and that has one with the payee. The node in between takes a fee of one sat and a millionth.
type Lightning struct {
	Chain                 *Btcd
	Payer, Between, Payee *Lnd
}

// StartWallet runs a chain of 450 blocks and a Lightning node that mined them
// until the test ends. It takes some seconds.
func StartWallet(tb testing.TB) (*Btcd, *Lnd) {
	tb.Helper()
	need(tb, lnd())
	chain := StartBtcd(tb, BtcdConfig{Network: "simnet", TLS: true})
	l := StartLnd(tb, chain)
	// The wallet has addresses before there are coins, and coins can be spent
	// after 100 blocks, with witnesses after 300. A wallet that starts on a long
	// chain has caught up faster than one that is told of each block.
	address := l.Address(tb)
	l.proc.stop()
	chain.Restart(tb, address)
	chain.Generate(tb, 450)
	l.Restart(tb)
	l.Synced(tb)
	return chain, l
}

// Channel is the capacity of each channel of [Lightning], in sats. All of it
// lies on the payer's side at first.
const Channel = 2_000_000

// StartLightning runs the network until the test ends. It takes about half a
// minute: tests of one package share one.
func StartLightning(tb testing.TB) *Lightning {
	tb.Helper()
	need(tb, lnd())
	n := new(Lightning)
	n.Chain, n.Payer = StartWallet(tb)
	var both sync.WaitGroup
	both.Go(func() { n.Between = StartLnd(tb, n.Chain) })
	both.Go(func() { n.Payee = StartLnd(tb, n.Chain) })
	both.Wait()
	if tb.Failed() {
		tb.FailNow()
	}

	n.Payer.Send(tb, n.Between.Address(tb), 10*Channel)
	n.Mine(tb, 3)
	n.Between.connectTo(tb, n.Payee)
	n.Payer.connectTo(tb, n.Between)
	n.Payer.open(tb, n.Between)
	n.Between.open(tb, n.Payee)
	n.Mine(tb, 6)
	n.Between.active(tb, 2)
	n.Payer.knows(tb, 2)
	return n
}

// Mine mines n blocks and waits until all nodes have seen them.
func (n *Lightning) Mine(tb testing.TB, blocks int) {
	tb.Helper()
	n.Chain.Generate(tb, blocks)
	for _, l := range []*Lnd{n.Payer, n.Between, n.Payee} {
		l.Synced(tb)
	}
}

// Synced waits until the node and its wallet have seen all blocks.
func (l *Lnd) Synced(tb testing.TB) {
	tb.Helper()
	height := l.chain.Height(tb)
	Eventually(tb, "the Lightning node follows the chain", func() error {
		var info struct {
			Height int64 `json:"block_height"`
			Synced bool  `json:"synced_to_chain"`
		}
		if err := l.Call(tb.Context(), "GET", "/v1/getinfo", nil, &info); err != nil {
			return err
		}
		if !info.Synced || info.Height < height {
			return fmt.Errorf("it is at block %d of %d, synced %t", info.Height, height, info.Synced)
		}
		return nil
	})
}

// Send pays sats to an address from the wallet, and returns the transaction's id.
func (l *Lnd) Send(tb testing.TB, address string, sats int64) string {
	tb.Helper()
	var out struct{ Txid string }
	Eventually(tb, "the wallet has coins", func() error {
		var out struct{ Utxos []json.RawMessage }
		if err := l.Call(tb.Context(), "POST", "/v2/wallet/utxos", map[string]any{"min_confs": 1, "max_confs": 1 << 30}, &out); err != nil {
			return err
		}
		if len(out.Utxos) == 0 {
			return errors.New("it has none")
		}
		return nil
	})
	Eventually(tb, "the wallet sends", func() error {
		return l.Call(tb.Context(), "POST", "/v1/transactions", map[string]any{
			"addr": address, "amount": fmt.Sprint(sats), "sat_per_vbyte": "2",
		}, &out)
	})
	return out.Txid
}

func (l *Lnd) connectTo(tb testing.TB, other *Lnd) {
	tb.Helper()
	Eventually(tb, "the nodes meet", func() error {
		return l.Call(tb.Context(), "POST", "/v1/peers", map[string]any{
			"addr": map[string]string{"pubkey": other.Key, "host": other.Listen}, "perm": true,
		}, nil)
	})
}

func (l *Lnd) open(tb testing.TB, other *Lnd) {
	tb.Helper()
	key, err := hex.DecodeString(other.Key)
	if err != nil {
		tb.Fatal(err)
	}
	Eventually(tb, "the channel opens", func() error {
		return l.Call(tb.Context(), "POST", "/v1/channels", map[string]any{
			"node_pubkey": key, "local_funding_amount": fmt.Sprint(Channel), "sat_per_vbyte": "2",
		}, nil)
	})
}

func (l *Lnd) active(tb testing.TB, channels int) {
	tb.Helper()
	Eventually(tb, "the channels stand", func() error {
		var out struct{ Channels []json.RawMessage }
		if err := l.Call(tb.Context(), "GET", "/v1/channels?active_only=true", nil, &out); err != nil {
			return err
		}
		if len(out.Channels) < channels {
			return fmt.Errorf("%d of %d channels", len(out.Channels), channels)
		}
		return nil
	})
}

// knows waits until the node knows of channels, with the terms of both sides.
func (l *Lnd) knows(tb testing.TB, channels int) {
	tb.Helper()
	Eventually(tb, "the channels are announced", func() error {
		var out struct {
			Edges []struct {
				One *json.RawMessage `json:"node1_policy"`
				Two *json.RawMessage `json:"node2_policy"`
			}
		}
		if err := l.Call(tb.Context(), "GET", "/v1/graph", nil, &out); err != nil {
			return err
		}
		n := 0
		for _, e := range out.Edges {
			if e.One != nil && e.Two != nil {
				n++
			}
		}
		if n < channels {
			return fmt.Errorf("%d of %d channels", n, channels)
		}
		return nil
	})
}
