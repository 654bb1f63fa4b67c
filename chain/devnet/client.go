package devnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	rpc "github.com/cometbft/cometbft/rpc/client/http"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"

	"hearth/chain/app"
	"hearth/chain/node"
	"hearth/chain/work"
	"hearth/chain/work/market"
	format "hearth/work"
)

const (
	// waiting is how many of its jobs the client keeps on offer.
	waiting = 4
	// orderGas is enough for the largest of its jobs.
	orderGas = 2_000_000
	// tip goes to whoever delivers, in uhth.
	tip = 10_000
	// counter is the file that the number of jobs is kept in.
	counter = "orders"
)

// Connect returns a connection to the i-th node, over HTTP, which signs with a
// key of the node's keyring.
func (n *Network) Connect(i int, key string) (*node.Signer, error) {
	encoding, err := app.NewEncoding()
	if err != nil {
		return nil, err
	}
	c, err := rpc.New("http://"+n.Nodes[i].RPC, "/websocket")
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", n.Nodes[i].Name, err)
	}
	ring, err := keyring.New(app.Name, keyring.BackendTest, n.Files(i).Home, nil, encoding.Codec)
	if err != nil {
		return nil, fmt.Errorf("open the keyring of %s: %w", n.Nodes[i].Name, err)
	}
	return node.NewSigner(node.Connect(encoding, c, n.ChainID), ring, key)
}

// Order keeps some paid jobs on offer until the context ends: to go on from
// passages of the corpus.
func (n *Network) Order(ctx context.Context, log *slog.Logger) error {
	made, err := newContent()
	if err != nil {
		return err
	}
	client, err := n.Connect(0, clientName)
	if err != nil {
		return err
	}
	number, err := n.ordered()
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		ok, err := n.orderOne(ctx, made, client, number)
		if err != nil && ctx.Err() == nil {
			log.Warn("a job was not posted", "err", err)
		}
		if ok {
			number++
			if err := os.WriteFile(n.path(counter), []byte(strconv.FormatUint(number, 10)+"\n"), 0o600); err != nil {
				return fmt.Errorf("keep count of the jobs: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// orderOne posts a job if few are waiting.
func (n *Network) orderOne(ctx context.Context, made *content, client *node.Signer, number uint64) (bool, error) {
	now, err := work.NewQueryClient(client.Conn()).Market(ctx, &work.QueryMarketRequest{})
	if err != nil {
		return false, fmt.Errorf("ask what work costs: %w", err)
	}
	if now.Market.OpenJobs >= waiting {
		return false, nil
	}
	job, err := made.order(number)
	if err != nil {
		return false, err
	}
	macs := format.Cost(made.model.Config(), len(job.Prompt)+job.Most, job.Most)
	fee := market.Cost(now.Market.BaseFee, macs)
	return true, client.Send(ctx, orderGas, &work.MsgPostJob{Client: client.Address, Job: job.Encode(), MaxFee: 2*fee + 1, Tip: tip})
}

// ordered returns how many jobs were posted in earlier runs.
func (n *Network) ordered() (uint64, error) {
	b, err := os.ReadFile(n.path(counter))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read how many jobs were posted: %w", err)
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}
