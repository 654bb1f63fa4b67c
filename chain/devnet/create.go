package devnet

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"
	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/app"
	"hearth/chain/coin"
	"hearth/chain/node"
)

// coins that accounts begin with, in uhth.
const (
	many = 1_000_000_000_000
	some = 100_000_000_000
)

// Accounts that have a part in every network.
const (
	clientName = "client"
	minerName  = "miner"
	homeName   = "home"
)

// people are the accounts that every network has.
func people() []Account {
	return []Account{
		{Name: "alice", Coins: many, About: "to try things with"},
		{Name: "bob", Coins: some, About: "to send coins to"},
		{Name: clientName, Coins: many, About: "pays for jobs"},
		{Name: minerName, Coins: some, About: "owns the miner; its key is cold"},
	}
}

// Create makes the files of a network, at a time that its genesis bears.
func Create(plan Plan, at time.Time) (*Network, error) {
	if plan.Validators < 1 || plan.Validators > 64 {
		return nil, fmt.Errorf("a network of %d validators cannot be: choose 1 to 64", plan.Validators)
	}
	if err := empty(plan.Home); err != nil {
		return nil, err
	}
	encoding, err := app.NewEncoding()
	if err != nil {
		return nil, err
	}
	plan.beacon, err = newBeacon(plan.Home, at)
	if err != nil {
		return nil, err
	}
	ports, err := addresses(plan)
	if err != nil {
		return nil, err
	}
	plan.content = ports[0][1]
	n := &Network{Dir: plan.Home, ChainID: plan.ChainID, Relay: ports[0][0], Content: plan.content}
	// The first node's folder is the one that people ask with.
	ring, err := keyring.New(app.Name, keyring.BackendTest, filepath.Join(plan.Home, homeOf(0)), nil, encoding.Codec)
	if err != nil {
		return nil, fmt.Errorf("open the network's keyring: %w", err)
	}
	for _, a := range people() {
		if a.Address, err = newKey(ring, a.Name); err != nil {
			return nil, err
		}
		n.Accounts = append(n.Accounts, a)
	}
	n.Accounts = append(n.Accounts, plan.Accounts...)
	if plan.miner, err = n.newMiner(); err != nil {
		return nil, err
	}
	n.Accounts = append(n.Accounts, Account{Name: "miner-hot", Address: plan.miner.Account.String(), Coins: some, About: "signs the miner's transactions; its key is in miner"})
	n.Home = newHome()
	n.Accounts = append(n.Accounts, Account{Name: homeName, Address: n.Home.Address, Coins: some, About: "of a home that joins by itself; its key is in " + description})
	var founders []founder
	for i, p := range ports[1:] {
		one := Node{
			Name: fmt.Sprintf("validator%d", i), Home: homeOf(i),
			RPC: p[1], GRPC: p[2], API: p[3], Explorer: p[4],
		}
		f := node.Files{Home: filepath.Join(plan.Home, one.Home)}
		who, err := f.Identify()
		if err != nil {
			return nil, err
		}
		one.Peer = string(who.Peer) + "@" + p[0]
		own, err := keyring.New(app.Name, keyring.BackendTest, f.Home, nil, encoding.Codec)
		if err != nil {
			return nil, fmt.Errorf("open the keyring of %s: %w", one.Name, err)
		}
		if one.Operator, err = newKey(own, operatorKey); err != nil {
			return nil, err
		}
		n.Nodes = append(n.Nodes, one)
		founders = append(founders, founder{Node: one, key: who.PubKey, beacon: who.Beacon})
		n.Accounts = append(n.Accounts, Account{Name: one.Name, Address: one.Operator, Coins: some, About: "operates " + one.Home + "; its key is in that folder"})
	}
	for i, one := range n.Nodes {
		comet, settings := n.settings(i, plan)
		client := *clientconfig.DefaultConfig()
		client.ChainID, client.KeyringBackend, client.Node = plan.ChainID, keyring.BackendTest, "tcp://"+one.RPC
		if err := n.Files(i).Write(comet, settings, client); err != nil {
			return nil, err
		}
	}
	if err := n.writeGenesis(plan, at, founders); err != nil {
		return nil, err
	}
	return n, n.save()
}

func homeOf(i int) string { return fmt.Sprintf("node%d", i) }

// operatorKey is the name of the key, in a validator's own keyring, that signs
// its verdicts.
const operatorKey = "operator"

// newHome makes an account whose key lies open.
func newHome() Home {
	key := secp256k1.GenPrivKey()
	return Home{Address: sdk.AccAddress(key.PubKey().Address()).String(), Secret: hex.EncodeToString(key.Bytes())}
}

// newKey makes a key whose words nobody sees: what it holds is worthless.
func newKey(ring keyring.Keyring, name string) (string, error) {
	record, _, err := ring.NewMnemonic(name, keyring.English, sdk.GetConfig().GetFullBIP44Path(), keyring.DefaultBIP39Passphrase, hd.Secp256k1)
	if err != nil {
		return "", fmt.Errorf("make the key of %s: %w", name, err)
	}
	address, err := record.GetAddress()
	if err != nil {
		return "", fmt.Errorf("read the key of %s: %w", name, err)
	}
	return address.String(), nil
}

// settings are those of the i-th node: everybody on the loopback.
func (n *Network) settings(i int, plan Plan) (*cmtcfg.Config, *node.Settings) {
	one := n.Nodes[i]
	c := node.DefaultComet()
	c.Moniker = one.Name
	c.P2P.ListenAddress = "tcp://" + addressOf(one.Peer)
	c.P2P.PersistentPeers = n.peers(i)
	c.P2P.AddrBookStrict = false
	c.P2P.AllowDuplicateIP = true
	c.P2P.PexReactor = false
	c.RPC.ListenAddress = "tcp://" + one.RPC
	c.RPC.CORSAllowedOrigins = []string{"*"}
	c.Consensus.TimeoutCommit = time.Second
	if plan.Pace != Steady {
		c.Consensus.TimeoutCommit = 200 * time.Millisecond
		c.Consensus.TimeoutPropose = time.Second
		c.Consensus.PeerGossipSleepDuration = 5 * time.Millisecond
		c.P2P.FlushThrottleTimeout = time.Millisecond
	}
	if plan.Pace == Flat {
		c.Consensus.TimeoutCommit, c.Consensus.SkipTimeoutCommit = 0, true
		c.RPC.ListenAddress = ""
		c.TxIndex.Indexer = "null"
		c.Mempool.Size = 100_000
	}
	s := node.DefaultSettings()
	s.MinGasPrices = "0" + coin.Denom
	s.GRPC.Address = one.GRPC
	s.API.Address = "tcp://" + one.API
	s.API.EnableUnsafeCORS = true // a page on this machine may ask
	s.StateSync.SnapshotInterval = 100
	if plan.Pace == Flat {
		s.StateSync.SnapshotInterval = 0
	}
	if i == 0 && plan.Pace != Flat {
		s.Hearth.Invariants = 50 // one of them looks: all have the same state
	}
	s.Hearth.Explorer = one.Explorer
	s.Hearth.Operator = operatorKey
	s.Hearth.Beacon = []string{"http://" + n.Relay}
	s.Hearth.Weights = []string{"http://" + n.Content + "/weights"}
	return c, s
}

// addressOf returns the address of id@address.
func addressOf(peer string) string {
	_, address, _ := strings.Cut(peer, "@")
	return address
}

// writeGenesis writes the genesis into every node's folder.
func (n *Network) writeGenesis(plan Plan, at time.Time, founders []founder) error {
	g, err := newGenesis(plan, at, n.Accounts, founders)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		return fmt.Errorf("write the genesis: %w", err)
	}
	for i := range n.Nodes {
		if err := put(n.Files(i).Genesis(), text); err != nil {
			return err
		}
	}
	return nil
}
