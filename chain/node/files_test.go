package node_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/google/go-cmp/cmp"

	"hearth/chain/model"
	"hearth/chain/node"
)

func TestSettingsAreReadAsTheyWereWritten(t *testing.T) {
	f := node.Files{Home: t.TempDir()}
	comet, settings := node.DefaultComet(), node.DefaultSettings()
	comet.Moniker = "somebody's home"
	settings.Hearth = node.Hearth{
		Explorer: "127.0.0.1:9", Beacon: []string{"http://one", "http://two"}, Operator: "operator",
		Weights: []string{"http://three"}, Duty: 123, Invariants: 45,
	}
	if err := f.Write(comet, settings, *clientconfig.DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	gotComet, options, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	got := node.DefaultSettings()
	got.Hearth = node.Hearth{}
	if err := options.Unmarshal(got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(settings.Hearth, got.Hearth); d != "" {
		t.Errorf("[hearth] (-written +read):\n%s", d)
	}
	if d := cmp.Diff(settings.API, got.API); d != "" {
		t.Errorf("[api] (-written +read):\n%s", d)
	}
	if d := cmp.Diff(comet.Mempool, gotComet.Mempool); d != "" || gotComet.Moniker != comet.Moniker {
		t.Errorf("config.toml: moniker %q; [mempool] (-written +read):\n%s", gotComet.Moniker, d)
	}

	// A file of an earlier version says nothing of what came later.
	text, err := os.ReadFile(f.AppConfig())
	if err != nil {
		t.Fatal(err)
	}
	older := strings.NewReplacer("\nduty = 123", "", "\ninvariants = 45", "").Replace(string(text))
	if err := os.WriteFile(f.AppConfig(), []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, options, err = f.Load(); err != nil {
		t.Fatal(err)
	}
	got = node.DefaultSettings()
	if err := options.Unmarshal(got); err != nil || got.Hearth.Duty != 500 || got.Hearth.Invariants != 0 {
		t.Errorf("an older app.toml: duty %d, invariants %d, %v", got.Hearth.Duty, got.Hearth.Invariants, err)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		duty       int
		invariants int64
		ok         bool
	}{{500, 0, true}, {1, 1, true}, {1000, 1e6, true}, {0, 0, false}, {1001, 0, false}, {-1, 0, false}, {500, -1, false}} {
		if err := (node.Hearth{Duty: c.duty, Invariants: c.invariants}).Check(); (err == nil) != c.ok {
			t.Errorf("duty %d, invariants %d: %v", c.duty, c.invariants, err)
		}
	}
}

// The largest transaction is a challenge of a tile of 16384 rows and 128 columns
// of weights: it must get into a pool, through every door, and into a block.
func TestThereIsRoomForAChallenge(t *testing.T) {
	const tile = 2 << 20
	const transaction = tile + 64<<10 // the path to the root, signatures
	comet, settings, limits := node.DefaultComet(), node.DefaultSettings(), node.Limits()
	if comet.Mempool.MaxTxBytes < transaction || limits.Block.MaxBytes < int64(comet.Mempool.MaxTxBytes)+64<<10 {
		t.Errorf("%d bytes: the pool takes %d, a block %d", transaction, comet.Mempool.MaxTxBytes, limits.Block.MaxBytes)
	}
	if limits.Block.MaxBytes > 4<<20 {
		t.Errorf("a block may have %d bytes: homes must send it on within a second", limits.Block.MaxBytes)
	}
	request := int64(base64.StdEncoding.EncodedLen(transaction)) + 1000
	if comet.RPC.MaxBodyBytes < request || int64(settings.API.RPCMaxBodyBytes) < request {
		t.Errorf("a request of %d bytes: RPC takes %d, REST %d", request, comet.RPC.MaxBodyBytes, settings.API.RPCMaxBodyBytes)
	}
	gas := transaction*authtypes.DefaultTxSizeCostPerByte + tile>>10*model.DefaultParams().GasPerWeightKib
	if most := uint64(limits.Block.MaxGas); gas > most/2 {
		t.Errorf("a challenge takes %d gas of a block's %d", gas, most)
	}
}

func TestKeysAreMadeOnce(t *testing.T) {
	f := node.Files{Home: t.TempDir()}
	first, err := f.Identify()
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Identify()
	if err != nil {
		t.Fatal(err)
	}
	if first.Peer != again.Peer || !first.PubKey.Equals(again.PubKey) || first.Beacon.Public() != again.Beacon.Public() {
		t.Error("a node is another when it is asked again")
	}
	other, err := node.Files{Home: t.TempDir()}.Identify()
	if err != nil {
		t.Fatal(err)
	}
	if first.Peer == other.Peer || first.PubKey.Equals(other.PubKey) || first.Beacon.Public() == other.Beacon.Public() {
		t.Error("two nodes have a key in common")
	}
	name := filepath.Join(f.Home, "config", "beacon_key.json")
	if s, err := os.Stat(name); err != nil || s.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("the key that reveals: %v, %v", s.Mode(), err)
	}
	for _, broken := range []string{"", "{", `{"seed":"AA=="}`} {
		if err := os.WriteFile(name, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Identify(); err == nil {
			t.Errorf("a key file with %q was taken", broken)
		}
		if b, _ := os.ReadFile(name); string(b) != broken {
			t.Errorf("a key file with %q was overwritten", broken)
		}
	}
}

func TestOneProcessRunsAFolder(t *testing.T) {
	home := filepath.Join(t.TempDir(), "not", "there", "yet")
	for range 2 {
		held, err := node.Hold(home)
		if err != nil {
			t.Fatal(err)
		}
		_, err = node.Hold(home)
		if want := fmt.Sprintf("process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), home) {
			t.Errorf("a second one: %v, want it to name %s and %s", err, want, home)
		}
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Hold(file); err == nil {
		t.Error("a file is held as a folder")
	}
}
