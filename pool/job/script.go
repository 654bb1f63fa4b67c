package job

import (
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
)

// params are the address prefixes of a network and its halving.
func (n Network) params() (*chaincfg.Params, error) {
	switch n {
	case Mainnet:
		return &chaincfg.MainNetParams, nil
	case Testnet:
		return &chaincfg.TestNet3Params, nil
	case Signet:
		return &chaincfg.SigNetParams, nil
	case Regtest:
		return &chaincfg.RegressionNetParams, nil
	case Simnet:
		return &chaincfg.SimNetParams, nil
	}
	return nil, fmt.Errorf("%q is no Bitcoin network known here: mainnet, testnet, signet, regtest, simnet", string(n))
}

// Subsidy is how many sats a block of a height makes, besides its fees.
func (n Network) Subsidy(height int64) (int64, error) {
	p, err := n.params()
	if err != nil {
		return 0, err
	}
	if height < 0 {
		return 0, fmt.Errorf("a block has no height %d", height)
	}
	halvings := height / int64(p.SubsidyReductionInterval)
	if halvings > 62 {
		return 0, nil
	}
	return 50e8 >> halvings, nil
}

// Script is the script that pays to an address of the network.
func Script(addr string, n Network) ([]byte, error) {
	p, err := n.params()
	if err != nil {
		return nil, err
	}
	script, err := payTo(addr, p)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	return script, nil
}

// witness is an address of segwit.
type witness interface {
	address.Address
	WitnessVersion() byte
	WitnessProgram() []byte
}

func payTo(addr string, p *chaincfg.Params) ([]byte, error) {
	a, err := address.DecodeAddress(addr, p)
	switch {
	case errors.Is(err, address.ErrUnknownAddressType):
		return nil, fmt.Errorf("it is of another network than %s, or of a kind that is not known (%w)", p.Name, err)
	case err != nil:
		return nil, fmt.Errorf("a letter of it is wrong or missing: copy it again (%w)", err)
	}
	if !a.IsForNet(p) {
		return nil, fmt.Errorf("it is not of the network %s", p.Name)
	}
	if !strings.EqualFold(a.EncodeAddress(), addr) {
		// The decoder takes version 1 with 20 bytes for version 0.
		return nil, errors.New("it is of a kind that is not paid to")
	}
	switch a := a.(type) {
	case *address.AddressPubKeyHash:
		h := a.Hash160()
		return append(append([]byte{0x76, 0xa9, 20}, h[:]...), 0x88, 0xac), nil
	case *address.AddressScriptHash:
		h := a.Hash160()
		return append(append([]byte{0xa9, 20}, h[:]...), 0x87), nil
	case *address.AddressPayToAnchor:
		return nil, errors.New("anybody can spend what is paid to an anchor")
	case witness:
		version, program := a.WitnessVersion(), a.WitnessProgram()
		if version > 0 {
			version += 0x50
		}
		return append([]byte{version, byte(len(program))}, program...), nil
	}
	return nil, errors.New("it is of a kind that is not paid to")
}

// Dust is the fewest sats that nodes relay in an output with this script, at
// Bitcoin Core's default of 3 sats per virtual byte: what it costs to make the
// output and to spend it again. An output that cannot be spent is never dust.
//
// Coinbases need not keep to it, but what is below costs more than it is worth.
func Dust(script []byte) int64 {
	if len(script) > 0 && script[0] == 0x6a {
		return 0
	}
	const spend, rate = 148, 3
	size := 8 + len(appendCount(nil, uint64(len(script)))) + len(script)
	if isWitness(script) {
		// A quarter of the 107 bytes is all that the signature counts.
		return int64(rate * (size + 41 + 107/4))
	}
	return int64(rate * (size + spend))
}

// isWitness reports whether a script is an address of segwit: a version and one
// push of 2 to 40 bytes.
func isWitness(s []byte) bool {
	return len(s) >= 4 && len(s) <= 42 && (s[0] == 0 || s[0] >= 0x51 && s[0] <= 0x60) && int(s[1]) == len(s)-2
}
