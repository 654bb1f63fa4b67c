package pooltest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BtcdConfig says what kind of Bitcoin node is wanted.
type BtcdConfig struct {
	// Network is "regtest" or "simnet". A regtest node forgets its blocks when
	// it is started again.
	Network string
	// TLS makes the node speak HTTPS, as lnd wants it.
	TLS bool
	// Mining is the address that Generate pays to; may be empty.
	Mining string
	// Args are more of btcd's options.
	Args []string
}

// Btcd is a running Bitcoin node.
type Btcd struct {
	// URL is where it takes JSON-RPC, for instance "http://127.0.0.1:18334".
	URL            string
	User, Password string
	// Cert is the path of its certificate, empty without TLS.
	Cert string
	// RPC and Listen are its addresses for JSON-RPC and for other nodes.
	RPC, Listen string

	cfg    BtcdConfig
	binary string
	dir    string
	proc   *process
	client *http.Client
}

// StartBtcd runs a btcd until the test ends.
func StartBtcd(tb testing.TB, cfg BtcdConfig) *Btcd {
	tb.Helper()
	b := &Btcd{User: "hearth", Password: "hearth", cfg: cfg, binary: need(tb, btcd()), dir: tb.TempDir()}
	if cfg.TLS {
		b.Cert = filepath.Join(b.dir, "rpc.cert")
	}
	tries(tb, func() error {
		ports, err := freePorts(tb.Context(), 2)
		if err != nil {
			return err
		}
		b.RPC, b.Listen = ports[0], ports[1]
		return b.run(tb.Context())
	})
	tb.Cleanup(b.Kill)
	return b
}

// Restart ends the node and starts it again at the same addresses, paying to
// another address from then on.
func (b *Btcd) Restart(tb testing.TB, mining string) {
	tb.Helper()
	b.proc.stop()
	b.cfg.Mining = mining
	tries(tb, func() error { return b.run(tb.Context()) })
}

// Kill ends the node as a power cut would.
func (b *Btcd) Kill() {
	b.client.CloseIdleConnections()
	b.proc.kill()
}

func (b *Btcd) run(ctx context.Context) (err error) {
	args := []string{
		"--" + b.cfg.Network, "--configfile=" + os.DevNull, "--datadir=" + filepath.Join(b.dir, "data"),
		"--logdir=" + filepath.Join(b.dir, "log"), "--rpcuser=" + b.User, "--rpcpass=" + b.Password,
		"--rpclisten=" + b.RPC, "--listen=" + b.Listen, "--nodnsseed", "--txindex", "--addrindex", "--debuglevel=warn",
		"--rpcmaxclients=100",
	}
	b.URL = "http://" + b.RPC
	if b.cfg.TLS {
		b.URL = "https://" + b.RPC
		args = append(args, "--rpccert="+b.Cert, "--rpckey="+filepath.Join(b.dir, "rpc.key"))
	} else {
		args = append(args, "--notls")
	}
	if b.cfg.Mining != "" {
		args = append(args, "--miningaddr="+b.cfg.Mining)
	}
	if b.proc, err = start(b.dir, b.binary, append(args, b.cfg.Args...)...); err != nil {
		return err
	}
	err = b.proc.until(ctx, func(ctx context.Context) error {
		if err := b.connect(); err != nil {
			return err
		}
		_, err := b.Call(ctx, "getblockcount")
		return err
	})
	if err != nil {
		b.proc.kill()
	}
	return err
}

// connect makes the client, once the node wrote its certificate.
func (b *Btcd) connect() error {
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	if b.Cert != "" {
		pool, err := certPool(b.Cert)
		if err != nil {
			return err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	b.client = &http.Client{Transport: transport}
	return nil
}

func certPool(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return pool, nil
}

// Call calls a method of the node's JSON-RPC and returns the result. An answer
// that is an error is an error that shows it.
func (b *Btcd) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(b.User, b.Password)
	req.Header.Set("Content-Type", "application/json")
	res, err := b.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	var out struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("%s: status %s, %q: %w", method, res.Status, tail(text), err)
	}
	if out.Error != nil {
		return nil, fmt.Errorf("%s: error %d: %s", method, out.Error.Code, out.Error.Message)
	}
	return out.Result, nil
}

// Generate mines n blocks to the mining address and returns their hashes.
func (b *Btcd) Generate(tb testing.TB, n int) []string {
	tb.Helper()
	raw, err := b.Call(tb.Context(), "generate", n)
	if err != nil {
		tb.Fatal(err)
	}
	var hashes []string
	if err := json.Unmarshal(raw, &hashes); err != nil {
		tb.Fatal(err)
	}
	return hashes
}

// Height returns the number of blocks above the first.
func (b *Btcd) Height(tb testing.TB) int64 {
	tb.Helper()
	raw, err := b.Call(tb.Context(), "getblockcount")
	if err != nil {
		tb.Fatal(err)
	}
	var n int64
	if err := json.Unmarshal(raw, &n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// Eventually asks again and again, and fails the test when a long time passed
// and the answer is still an error.
func Eventually(tb testing.TB, what string, ask func() error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startLimit)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatalf("%s: %v", what, errors.Join(err, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
