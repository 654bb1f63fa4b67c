package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	rpc "github.com/cometbft/cometbft/rpc/client/http"
	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/client/flags"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	"github.com/spf13/cobra"

	"hearth/chain/app"
	"hearth/chain/node"
)

// newJoin returns the command that makes a node of a network that runs.
func newJoin() *cobra.Command {
	var j joining
	cmd := &cobra.Command{
		Use:   "join URL",
		Short: "Make the files of a node of a network that runs",
		Long: `Make the files of a node of a network that runs, from what one of its nodes
says at its RPC address: the genesis and where its peers are. "start" then
fetches all blocks and checks them.

With --state-sync the node begins with a recent state instead, which the network
offers. Then --trust must name a block that somebody you trust vouches for:
HEIGHT:HASH, as "hearthnode query block" shows it. Nobody can lie to a node that
began from a true block.

The genesis is what the chain is known by: compare its hash, which is printed,
with what others have.`,
		Args:              cobra.ExactArgs(1),
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			j.from = args[0]
			return j.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&j.home, flags.FlagHome, defaultHome(), "the node's folder")
	cmd.Flags().StringVar(&j.moniker, "moniker", "hearth", "what the node calls itself to its peers")
	cmd.Flags().StringVar(&j.genesis, "genesis-hash", "", "refuse a genesis whose `SHA-256` is another")
	cmd.Flags().BoolVar(&j.sync, "state-sync", false, "begin with a recent state")
	cmd.Flags().StringVar(&j.trust, "trust", "", "a block somebody you trust vouches for, as `HEIGHT:HASH`")
	cmd.Flags().StringSliceVar(&j.beacon, "beacon", nil, "relays of the beacon; drand's public ones if the network follows those")
	cmd.Flags().StringSliceVar(&j.weights, "weights", nil, "where the weights of models are fetched from")
	return cmd
}

// joining is how a node joins.
type joining struct {
	from, home, moniker, genesis, trust string
	sync                                bool
	beacon, weights                     []string
}

func (j joining) run(ctx context.Context, out io.Writer) error {
	f := node.Files{Home: j.home}
	if _, err := os.Stat(f.Genesis()); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already (%w): choose another --%s", f.Genesis(), fs.ErrExist, flags.FlagHome)
	}
	if !strings.Contains(j.from, "://") {
		j.from = "http://" + j.from
	}
	if !j.sync && j.trust != "" {
		return errors.New("--trust is for --state-sync: without it, all blocks are fetched and checked")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	c, err := rpc.New(j.from, "/websocket")
	if err != nil {
		return fmt.Errorf("reach %s: %w", j.from, err)
	}
	status, err := c.Status(ctx)
	if err != nil {
		return fmt.Errorf("ask %s for its status (is it the RPC address of a node, such as http://192.168.1.20:26657?): %w", j.from, err)
	}
	genesis, hash, err := fetchGenesis(ctx, c)
	if err != nil {
		return fmt.Errorf("fetch the genesis from %s: %w", j.from, err)
	}
	if j.genesis != "" && !strings.EqualFold(j.genesis, hash) {
		return fmt.Errorf("the genesis of %s has the hash %s, and you trust %s: this is another network", j.from, hash, j.genesis)
	}
	peers, err := peersOf(ctx, c, j.from)
	if err != nil {
		return err
	}
	comet := node.DefaultComet()
	comet.Moniker = j.moniker
	comet.P2P.PersistentPeers = strings.Join(peers, ",")
	comet.P2P.AddrBookStrict = !private(j.from)
	if j.sync {
		s := comet.StateSync
		if s.TrustHeight, s.TrustHash, err = trusted(ctx, c, j.trust); err != nil {
			return err
		}
		s.Enable = true
		// It wants two to compare; with one address they are the same.
		s.RPCServers = []string{j.from, j.from}
		s.TrustPeriod = node.Limits().Evidence.MaxAgeDuration
	}
	settings := node.DefaultSettings()
	settings.Hearth.Beacon, settings.Hearth.Weights = j.beacon, j.weights
	client := *clientconfig.DefaultConfig()
	client.ChainID = status.NodeInfo.Network
	if err := f.Write(comet, settings, client); err != nil {
		return err
	}
	if _, err := f.Identify(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(genesis, "", " ")
	if err != nil {
		return fmt.Errorf("write the genesis: %w", err)
	}
	if err := os.WriteFile(f.Genesis(), text, 0o644); err != nil {
		return fmt.Errorf("write the genesis: %w", err)
	}
	fmt.Fprintf(out, "%s, at block %d, with %d peers\ngenesis %s\nfiles   %s\n%s\n\nNow: hearthnode start --home %s\n",
		status.NodeInfo.Network, status.SyncInfo.LatestBlockHeight, len(peers), hash, j.home, app.Worthless, j.home)
	return nil
}

// trusted reads HEIGHT:HASH and compares it with what the node has, which is no
// proof, but finds mistakes before they are looked for in a log.
func trusted(ctx context.Context, c *rpc.HTTP, text string) (height int64, hash string, err error) {
	number, hash, ok := strings.Cut(text, ":")
	if !ok {
		return 0, "", errors.New("state sync needs --trust HEIGHT:HASH: a block that somebody you trust vouches for")
	}
	if height, err = strconv.ParseInt(number, 10, 64); err != nil || height < 1 {
		return 0, "", fmt.Errorf("--trust %s: %q is no height of a block", text, number)
	}
	if b, err := hex.DecodeString(hash); err != nil || len(b) != sha256.Size {
		return 0, "", fmt.Errorf("--trust %s: the hash of a block is 64 hexadecimal digits", text)
	}
	block, err := c.Commit(ctx, &height)
	if err != nil {
		return 0, "", fmt.Errorf("ask for block %d, which is trusted: %w", height, err)
	}
	if got := block.Commit.BlockID.Hash.String(); !strings.EqualFold(got, hash) {
		return 0, "", fmt.Errorf("block %d of this node has the hash %s, and you trust %s: one of the two is of another chain", height, got, hash)
	}
	return height, hash, nil
}

// mostGenesis is more than a genesis has, in parts as nodes hand it out.
const mostGenesis = 64

// fetchGenesis fetches the genesis, in parts if it is large, and hashes it as
// nodes hand it out.
func fetchGenesis(ctx context.Context, c *rpc.HTTP) (*genutiltypes.AppGenesis, string, error) {
	var text []byte
	for i := uint(0); ; i++ {
		part, err := c.GenesisChunked(ctx, i)
		if err != nil {
			return nil, "", err
		}
		if part.TotalChunks > mostGenesis {
			return nil, "", fmt.Errorf("it has %d parts of 16 MB: at most %d are taken", part.TotalChunks, mostGenesis)
		}
		b, err := base64.StdEncoding.DecodeString(part.Data)
		if err != nil {
			return nil, "", err
		}
		if text = append(text, b...); int(i+1) >= part.TotalChunks {
			break
		}
	}
	g, err := genutiltypes.AppGenesisFromReader(strings.NewReader(string(text)))
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(text)
	return g, hex.EncodeToString(sum[:]), g.ValidateAndComplete()
}

// peersOf returns the node that was asked and those that it knows, with
// addresses that can be dialled from here.
func peersOf(ctx context.Context, c *rpc.HTTP, from string) ([]string, error) {
	u, err := url.Parse(from)
	if err != nil {
		return nil, fmt.Errorf("read the address %s: %w", from, err)
	}
	status, err := c.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s where it listens: %w", from, err)
	}
	listening := func(address, host string) (string, bool) {
		a, err := url.Parse(address)
		if err != nil || a.Port() == "" {
			_, port, err := net.SplitHostPort(address)
			return net.JoinHostPort(host, port), err == nil
		}
		return net.JoinHostPort(host, a.Port()), true
	}
	var all []string
	if a, ok := listening(status.NodeInfo.ListenAddr, u.Hostname()); ok {
		all = append(all, string(status.NodeInfo.DefaultNodeID)+"@"+a)
	}
	known, err := c.NetInfo(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its peers: %w", from, err)
	}
	for _, p := range known.Peers {
		if a, ok := listening(p.NodeInfo.ListenAddr, p.RemoteIP); ok {
			all = append(all, string(p.NodeInfo.DefaultNodeID)+"@"+a)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s names no address for peers", from)
	}
	return all, nil
}

// private tells whether an address is of a home or of this machine, where peers
// have addresses that CometBFT would not note otherwise.
func private(from string) bool {
	u, err := url.Parse(from)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}
