package onchain

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"hearth/internal/durable"
	"hearth/pool/job"
	"hearth/pool/node"
)

// Folder is a wallet whose keys Hearth does not see, and the folder over which
// its owner and Hearth exchange transactions.
type Folder struct {
	// Path is the folder. Hearth writes <id>.psbt there; the signed file may
	// have any name that ends in .psbt. Deleting a file that was never signed
	// frees its coins for others, but not its payment.
	Path string
	// Addresses are those of the wallet whose coins may be spent. Change goes
	// to the first of them.
	Addresses []string
	// Node is the Bitcoin node that the wallet is watched through: btcd with
	// txindex and addrindex, or Bitcoin Core.
	Node node.Config
	// Now is the time; nil: the computer's.
	Now func() time.Time
}

// The bounds of a folder and a wallet.
const (
	maxFiles = 200
	maxCoins = 1000
)

// NewFolder makes the rail "psbt", which pays with what a person signs. It does
// not talk to the node yet.
func NewFolder(terms Terms, cfg Folder) (*Rail, error) {
	terms = terms.defaults()
	if len(cfg.Addresses) == 0 {
		return nil, errors.New("a wallet without addresses: name those whose coins may be spent")
	}
	w := &folder{cfg: cfg, terms: terms, held: make(map[wire.OutPoint]time.Time)}
	for _, a := range cfg.Addresses {
		script, err := job.Script(a, terms.Network)
		if err != nil {
			return nil, err
		}
		if !native(script) {
			return nil, fmt.Errorf("the address %s is of an old kind: take one that begins with bc1", a)
		}
		w.scripts = append(w.scripts, script)
	}
	if info, err := os.Stat(cfg.Path); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder for transactions to sign: make one", cfg.Path)
	}
	rpc, err := node.New(cfg.Node)
	if err != nil {
		return nil, err
	}
	w.node = &chain{rpc}
	if w.cfg.Now == nil {
		w.cfg.Now = time.Now
	}
	return &Rail{name: "psbt", terms: terms, wallet: w}, nil
}

type folder struct {
	cfg     Folder
	terms   Terms
	scripts [][]byte
	node    *chain

	mu   sync.Mutex
	held map[wire.OutPoint]time.Time // coins of transactions that are not in the folder yet
}

// coin is an output that can be spent now.
type coin struct {
	at  wire.OutPoint
	out *wire.TxOut
}

// coins lists what the wallet can spend, the largest first.
func (w *folder) coins(ctx context.Context) ([]coin, error) {
	taken, err := w.taken()
	if err != nil {
		return nil, err
	}
	var list []coin
	for i, address := range w.cfg.Addresses {
		places, err := w.node.places(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("look for coins of %s: %w", address, err)
		}
		for _, p := range places {
			hash, err := chainhash.NewHashFromStr(p.txid)
			if err != nil {
				return nil, fmt.Errorf("the node names the transaction %.80q: %w", p.txid, err)
			}
			at := wire.OutPoint{Hash: *hash, Index: p.index}
			if taken[at] {
				continue
			}
			o, err := w.node.output(ctx, p.txid, p.index)
			if err != nil {
				return nil, err
			}
			// What is spent, not yet in a block or freshly mined cannot be used.
			if o == nil || o.Confirmations < 1 || o.Coinbase && o.Confirmations < 100 {
				continue
			}
			v, err := sats(o.Value)
			if err != nil {
				return nil, err
			}
			if o.Script.Hex != hex.EncodeToString(w.scripts[i]) {
				return nil, fmt.Errorf("the node says that %s pays to another script than %s", at, address)
			}
			if list = append(list, coin{at, wire.NewTxOut(v, w.scripts[i])}); len(list) >= maxCoins {
				break
			}
		}
	}
	slices.SortFunc(list, func(x, y coin) int {
		return cmp.Or(cmp.Compare(y.out.Value, x.out.Value), cmp.Compare(x.at.String(), y.at.String()))
	})
	return list, nil
}

// taken are the coins of transactions that wait in the folder, or soon will.
func (w *folder) taken() (map[wire.OutPoint]bool, error) {
	taken := make(map[wire.OutPoint]bool)
	files, err := w.files()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		for _, in := range f.packet.UnsignedTx.TxIn {
			taken[in.PreviousOutPoint] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.cfg.Now()
	for at, since := range w.held {
		if now.Sub(since) > hold*time.Second {
			delete(w.held, at)
			continue
		}
		taken[at] = true
	}
	return taken, nil
}

// Virtual bytes, rounded up: of a transaction without coins and payees, and of
// a coin of the kinds that there are, with its signature (BIP 141).
const (
	sizeBase   = 11
	sizeInput  = 68
	sizeOutput = 9 // and the script
)

func (w *folder) fund(ctx context.Context, outs []*wire.TxOut) (*psbt.Packet, int64, func(context.Context), error) {
	rate := w.terms.Rate * 1000
	if rate == 0 {
		var err error
		if rate, err = w.node.rate(ctx, w.terms.Target); err != nil {
			return nil, 0, nil, err
		}
	}
	height, err := w.node.height(ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	coins, err := w.coins(ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	tx := wire.NewMsgTx(2)
	tx.TxOut = slices.Clone(outs)
	var want, have int64
	size := int64(sizeBase)
	for _, o := range outs {
		want += o.Value
		size += sizeOutput + int64(len(o.PkScript))
	}
	cost := func(size int64) int64 { return (size*rate + 999) / 1000 }
	var used []coin
	for _, c := range coins {
		if have >= want+cost(size) {
			break
		}
		used = append(used, c)
		have += c.out.Value
		size += sizeInput
		in := wire.NewTxIn(&c.at, nil, nil)
		in.Sequence = wire.MaxTxInSequenceNum - 2 // its fee may be raised
		tx.AddTxIn(in)
	}
	if have < want+cost(size) {
		return nil, 0, nil, fmt.Errorf("the wallet has %d sats to spend, and %d are needed", have, want+cost(size))
	}
	change := wire.NewTxOut(0, w.scripts[0])
	if rest := have - want - cost(size+sizeOutput+int64(len(change.PkScript))); rest >= max(job.Dust(change.PkScript), cost(sizeInput)) {
		change.Value = rest
		tx.AddTxOut(change)
	}
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		return nil, 0, nil, err
	}
	if err := psbt.InPlaceSort(p); err != nil {
		return nil, 0, nil, err
	}
	if err := w.describe(p, used); err != nil {
		return nil, 0, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range used {
		w.held[c.at] = w.cfg.Now()
	}
	release := func(context.Context) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range used {
			delete(w.held, c.at)
		}
	}
	return p, height, release, nil
}

// describe says in the packet what each coin holds.
func (w *folder) describe(p *psbt.Packet, used []coin) error {
	for i, in := range p.UnsignedTx.TxIn {
		at := slices.IndexFunc(used, func(c coin) bool { return c.at == in.PreviousOutPoint })
		if at < 0 {
			return fmt.Errorf("the coin %s is lost", in.PreviousOutPoint)
		}
		p.Inputs[i].WitnessUtxo = used[at].out
	}
	return nil
}

// file is a transaction in the folder, signed or not.
type file struct {
	name   string
	packet *psbt.Packet
}

// files reads the folder. What is not a transaction is left alone.
func (w *folder) files() ([]file, error) {
	entries, err := os.ReadDir(w.cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("the folder of transactions to sign: %w", err)
	}
	var list []file
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.EqualFold(filepath.Ext(e.Name()), ".psbt") {
			continue
		}
		if len(list) >= maxFiles {
			return nil, fmt.Errorf("%s holds more than %d transactions: take away those that are done", w.cfg.Path, maxFiles)
		}
		name := filepath.Join(w.cfg.Path, e.Name())
		if info, err := e.Info(); err != nil || info.Size() > maxPacket {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if p, err := parse(b); err == nil {
			list = append(list, file{name, p})
		}
	}
	return list, nil
}

// signed returns the ticket's transaction with all its signatures if it lies
// in the folder, and where the unsigned one lies.
func (w *folder) signed(t ticket) (tx *wire.MsgTx, unsigned string, err error) {
	files, err := w.files()
	if err != nil {
		return nil, "", err
	}
	for _, f := range files {
		if f.packet.UnsignedTx.TxHash().String() != t.id() {
			continue
		}
		unsigned = cmp.Or(unsigned, f.name)
		// A signer may say what a coin holds in its own way; ours counts.
		for i := range f.packet.Inputs {
			f.packet.Inputs[i].WitnessUtxo = t.packet.Inputs[i].WitnessUtxo
		}
		if psbt.MaybeFinalizeAll(f.packet) != nil {
			continue // not signed, or not by all
		}
		if tx, err := psbt.Extract(f.packet); err == nil {
			return tx, f.name, nil
		}
	}
	return nil, unsigned, nil
}

func (w *folder) send(ctx context.Context, t ticket, _ string) (string, error) {
	tx, _, err := w.signed(t)
	if err != nil {
		return "", err
	}
	if tx == nil {
		name := filepath.Join(w.cfg.Path, t.id()+".psbt")
		if err := durable.Replace(name, t.PSBT, 0o644); err != nil {
			return "", fmt.Errorf("write the transaction to sign: %w", err)
		}
		return awaitsSignature(name), nil
	}
	if got := tx.TxHash().String(); got != t.id() {
		return "", fmt.Errorf("the signed transaction is %s, not %s", got, t.id())
	}
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		return "", err
	}
	var id string
	if err := w.node.call(ctx, &id, "sendrawtransaction", hex.EncodeToString(b.Bytes())); err != nil {
		return "", fmt.Errorf("broadcast: %w", err)
	}
	return "it was broadcast", nil
}

func awaitsSignature(name string) string { return "it waits to be signed: " + name }

// find asks the node. Who else spent a coin it cannot say of every node, so
// then a person must: the error stays until the payment is settled by hand.
func (w *folder) find(ctx context.Context, t ticket) (sighting, error) {
	tx := t.packet.UnsignedTx
	for i := range tx.TxOut {
		o, err := w.node.output(ctx, t.id(), uint32(i))
		if err != nil {
			return sighting{}, err
		}
		if o != nil {
			return sighting{known: true, confirmations: o.Confirmations}, nil
		}
	}
	// Every output may have been spent already.
	switch s, err := w.node.transaction(ctx, t.id()); {
	case err != nil:
		return sighting{}, err
	case s != nil:
		return sighting{known: true, confirmations: s.Confirmations}, nil
	}
	for _, in := range tx.TxIn {
		at := in.PreviousOutPoint
		o, err := w.node.output(ctx, at.Hash.String(), at.Index)
		if err != nil {
			return sighting{}, err
		}
		if o == nil {
			return sighting{}, fmt.Errorf("its coin %s was spent by another transaction, which may be the same payment with another fee: look in the wallet, and settle it by hand", at)
		}
	}
	done, unsigned, err := w.signed(t)
	if err != nil || done != nil || unsigned == "" {
		return sighting{}, err
	}
	return sighting{awaits: awaitsSignature(unsigned)}, nil
}
