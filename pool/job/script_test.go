package job_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"hearth/pool/job"
)

func TestScripts(t *testing.T) {
	for _, c := range []struct {
		address string
		network job.Network
		script  string
		dust    int64
	}{
		// BIP 173, BIP 350, BIP 341 and the address of the first block.
		{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", job.Mainnet, "0014751e76e8199196d454941c45d1b3a323f1433bd6", 294},
		{"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", job.Testnet, "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", 330},
		{"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", job.Signet, "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", 330},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", job.Mainnet, "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", 330},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", job.Mainnet, "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac", 546},
		{"3P14159f73E4gFr7JterCCQh9QjiTjiZrG", job.Mainnet, "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87", 540},
	} {
		got, err := job.Script(c.address, c.network)
		if err != nil || hex.EncodeToString(got) != c.script {
			t.Errorf("%s: %x, %v; want %s", c.address, got, err, c.script)
		}
		if got := job.Dust(got); got != c.dust {
			t.Errorf("%s: less than %d sats is dust, want %d", c.address, got, c.dust)
		}
		// What btcd makes of the address.
		net := map[job.Network]*chaincfg.Params{job.Mainnet: &chaincfg.MainNetParams, job.Testnet: &chaincfg.TestNet3Params, job.Signet: &chaincfg.SigNetParams}[c.network]
		a, err := address.DecodeAddress(c.address, net)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := txscript.PayToAddrScript(a); err != nil || hex.EncodeToString(want) != c.script {
			t.Errorf("btcd pays %s with %x, %v", c.address, want, err)
		}
	}
	for _, net := range []struct {
		n job.Network
		p *chaincfg.Params
	}{{job.Regtest, &chaincfg.RegressionNetParams}, {job.Simnet, &chaincfg.SimNetParams}} {
		a, err := address.NewAddressWitnessPubKeyHash(make([]byte, 20), net.p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := job.Script(a.EncodeAddress(), net.n); err != nil || hex.EncodeToString(got) != "0014"+strings.Repeat("00", 20) {
			t.Errorf("%s: %x, %v", a, got, err)
		}
	}
}

func TestAddressesThatAreNotPaid(t *testing.T) {
	for _, c := range []struct {
		address string
		network job.Network
		want    string
	}{
		{"", job.Mainnet, "unknown format"},
		{"farm", job.Mainnet, "copy it again (decoded address is of unknown format)"},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", job.Mainnet, "a letter of it is wrong or missing: copy it again (invalid checksum"},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", job.Mainnet, "a letter of it is wrong or missing: copy it again"},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", job.Testnet, "of another network than testnet3"},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", job.Mainnet, "checksum"},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", job.Testnet, "not of the network"},
		{"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", job.Mainnet, "not of the network"},
		{"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", job.Regtest, "not of the network"},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", job.Testnet, "unknown address type"},
		{"bc1pfeessrawgf", job.Mainnet, "anybody can spend"},
		{"02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5", job.Mainnet, "a kind that is not paid"},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "mars", "no Bitcoin network"},
	} {
		if got, err := job.Script(c.address, c.network); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q on %s: %x, %v; want %q", c.address, c.network, got, err, c.want)
		}
	}
}

func TestDust(t *testing.T) {
	if got := job.Dust([]byte{0x6a, 0x24}); got != 0 {
		t.Errorf("what cannot be spent is dust below %d", got)
	}
	if got := job.Dust(make([]byte, 300)); got != 3*(8+3+300+148) {
		t.Errorf("a long script: %d", got)
	}
}
