package devnet

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"cosmossdk.io/log/v2"
	"github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	authsigning "github.com/cosmos/cosmos-sdk/x/auth/signing"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"golang.org/x/sync/errgroup"

	"hearth/chain/app"
	"hearth/chain/coin"
	"hearth/chain/node"
)

// Figures are what a network of this machine reached.
type Figures struct {
	Validators int `json:"validators"`
	Processors int `json:"processors"`
	// Blocks without transactions.
	Blocks          int64   `json:"blocks"`
	BlocksPerSecond float64 `json:"blocks_per_second"`
	// Transfers of coins, signed before the clock started, checked by every
	// validator and in a block at the end. No more than Waiting are sent ahead.
	Transactions          int     `json:"transactions"`
	Waiting               int     `json:"waiting"`
	TransactionsPerSecond float64 `json:"transactions_per_second"`
	// Memory is what the Go runtime of all validators together, in this process,
	// holds; Disk what one of them has written.
	Memory          uint64  `json:"memory_bytes"`
	Disk            int64   `json:"disk_bytes"`
	DiskPerBlock    float64 `json:"disk_bytes_per_empty_block"`
	DiskPerTransfer float64 `json:"disk_bytes_per_transfer"`
}

// Load is what a network is measured with.
type Load struct {
	// Blocks without transactions, then Transfers.
	Blocks    int64
	Transfers int
	// Waiting is how many transactions a node has in its pool when a sender holds
	// back: all that wait are checked again after every block.
	Waiting int
}

// Measure runs a network flat out in this process.
func Measure(ctx context.Context, plan Plan, load Load) (Figures, error) {
	if load.Waiting < 1 {
		return Figures{}, fmt.Errorf("with %d transactions waiting none can be sent: let at least 1 wait", load.Waiting)
	}
	if _, err := app.NewEncoding(); err != nil { // names the prefix of addresses
		return Figures{}, err
	}
	plan.Pace = Flat
	senders := payers(min(load.Transfers, 500))
	for _, s := range senders {
		plan.Accounts = append(plan.Accounts, Account{Name: s.name, Address: s.address.String(), Coins: some})
	}
	n, err := Create(plan, time.Now())
	if err != nil {
		return Figures{}, err
	}
	f := Figures{Validators: len(n.Nodes), Processors: runtime.GOMAXPROCS(0), Transactions: load.Transfers, Waiting: load.Waiting}
	var running []*node.Running
	defer func() {
		for _, r := range running {
			_ = r.Stop() // what was measured stands
		}
	}()
	for i := range n.Nodes {
		r, err := n.Files(i).Start(ctx, log.NewNopLogger())
		if err != nil {
			return Figures{}, err
		}
		running = append(running, r)
	}
	first := running[0].App
	if err := reach(ctx, first, 3); err != nil {
		return Figures{}, err
	}
	data := filepath.Join(n.Files(0).Home, "data")
	grown, err := sizeOf(data)
	if err != nil {
		return Figures{}, err
	}
	began, from := time.Now(), first.LastBlockHeight()
	if err := reach(ctx, first, from+load.Blocks); err != nil {
		return Figures{}, err
	}
	f.Blocks = first.LastBlockHeight() - from
	f.BlocksPerSecond = float64(f.Blocks) / time.Since(began).Seconds()
	if f.Disk, err = sizeOf(data); err != nil {
		return Figures{}, err
	}
	f.DiskPerBlock = float64(f.Disk-grown) / float64(f.Blocks)

	if load.Transfers > 0 {
		from = first.LastBlockHeight()
		took, err := pay(ctx, running, senders, load)
		if err != nil {
			return Figures{}, err
		}
		f.TransactionsPerSecond = float64(load.Transfers) / took.Seconds()
		before := f.Disk
		if f.Disk, err = sizeOf(data); err != nil {
			return Figures{}, err
		}
		f.DiskPerTransfer = max(0, (float64(f.Disk-before)-float64(first.LastBlockHeight()-from)*f.DiskPerBlock)/float64(load.Transfers))
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	f.Memory = memory.Sys - memory.HeapReleased
	return f, nil
}

// reach waits for a height.
func reach(ctx context.Context, a *app.App, height int64) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for a.LastBlockHeight() < height {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for block %d, at %d: %w", height, a.LastBlockHeight(), context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

// room waits until fewer transactions than that wait in a node's pool.
func room(ctx context.Context, r *node.Running, waiting int) error {
	pool := r.Comet.Mempool()
	if pool.Size() < waiting {
		return nil
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for pool.Size() >= waiting {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d transactions wait: %w", pool.Size(), context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

// payer is an account that sends coins.
type payer struct {
	name    string
	key     *secp256k1.PrivKey
	address sdk.AccAddress
}

func payers(n int) []payer {
	all := make([]payer, n)
	for i := range all {
		name := fmt.Sprintf("payer%d", i)
		key := secp256k1.GenPrivKeyFromSecret([]byte(name))
		all[i] = payer{name: name, key: key, address: sdk.AccAddress(key.PubKey().Address())}
	}
	return all
}

// pay sends transfers to all nodes in turn and waits until the first has them
// in blocks.
func pay(ctx context.Context, running []*node.Running, senders []payer, load Load) (time.Duration, error) {
	first := running[0].App
	last := map[int]uint64{} // transfers signed by each sender
	signed := make([][]byte, load.Transfers)
	for i := range signed {
		from, to := i%len(senders), (i+1)%len(senders)
		b, err := transfer(ctx, first, senders[from], senders[to].address, last[from])
		if err != nil {
			return 0, err
		}
		signed[i] = b
		last[from]++
	}
	began := time.Now()
	var group errgroup.Group
	for i, r := range running {
		group.Go(func() error {
			// Of one sender all transactions go the same way: they have an order.
			for j, b := range signed {
				if j%len(senders)%len(running) != i {
					continue
				}
				if err := room(ctx, r, load.Waiting); err != nil {
					return fmt.Errorf("send transfer %d: %w", j, err)
				}
				answer, err := r.Client.BroadcastTxSync(ctx, b)
				if err != nil {
					return fmt.Errorf("send transfer %d: %w", j, err)
				}
				if answer.Code != 0 {
					return fmt.Errorf("send transfer %d: %s", j, answer.Log)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	for {
		done, err := included(first, senders)
		if err != nil {
			return 0, err
		}
		if done == uint64(load.Transfers) {
			return time.Since(began), nil
		}
		if err := reach(ctx, first, first.LastBlockHeight()+1); err != nil {
			return 0, fmt.Errorf("%d of %d transfers in blocks: %w", done, load.Transfers, err)
		}
	}
}

// transfer signs one: the number is that of the sender's transactions before.
func transfer(ctx context.Context, a *app.App, from payer, to sdk.AccAddress, number uint64) ([]byte, error) {
	state, err := a.CreateQueryContext(0, false)
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	account := a.Account.GetAccount(state, from.address)
	if account == nil {
		return nil, fmt.Errorf("%s has no account", from.name)
	}
	b := a.Tx.NewTxBuilder()
	b.SetGasLimit(150_000)
	if err := b.SetMsgs(banktypes.NewMsgSend(from.address, to, sdk.NewCoins(sdk.NewInt64Coin(coin.Denom, 1)))); err != nil {
		return nil, err
	}
	who := authsigning.SignerData{
		Address: from.address.String(), ChainID: a.ChainID(), AccountNumber: account.GetAccountNumber(),
		Sequence: account.GetSequence() + number, PubKey: from.key.PubKey(),
	}
	mode := signing.SignMode_SIGN_MODE_DIRECT
	// The signature covers who signs how, so that comes first.
	if err := b.SetSignatures(signing.SignatureV2{PubKey: from.key.PubKey(), Data: &signing.SingleSignatureData{SignMode: mode}, Sequence: who.Sequence}); err != nil {
		return nil, err
	}
	signature, err := tx.SignWithPrivKey(ctx, mode, who, b, from.key, a.Tx, who.Sequence)
	if err != nil {
		return nil, fmt.Errorf("sign a transfer: %w", err)
	}
	if err := b.SetSignatures(signature); err != nil {
		return nil, err
	}
	return a.Tx.TxEncoder()(b.GetTx())
}

// included counts the transactions of senders that are in blocks.
func included(a *app.App, senders []payer) (uint64, error) {
	state, err := a.CreateQueryContext(0, false)
	if err != nil {
		return 0, fmt.Errorf("read the state: %w", err)
	}
	var n uint64
	for _, s := range senders {
		n += a.Account.GetAccount(state, s.address).GetSequence()
	}
	return n, nil
}

// sizeOf adds up the files below a folder.
func sizeOf(dir string) (int64, error) {
	var n int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // compacted away while we looked
		}
		if err != nil || d.IsDir() {
			return err
		}
		if i, err := d.Info(); err == nil {
			n += i.Size()
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", dir, err)
	}
	return n, nil
}
