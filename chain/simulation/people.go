package simulation

import (
	"crypto/ed25519"
	"fmt"

	"github.com/zeebo/blake3"

	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cmted25519 "github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"

	"hearth/chain/app"
	"hearth/chain/beacon/drand"
	"hearth/chain/coin"
)

// person has an account.
type person struct {
	name    string
	key     *secp256k1.PrivKey
	address string

	number, sequence uint64
}

func newPerson(name string) *person {
	key := secp256k1.GenPrivKeyFromSecret([]byte(name))
	return &person{name: name, key: key, address: sdk.MustBech32ifyAddressBytes(app.Prefix, key.PubKey().Address())}
}

// character is how somebody plays.
type character int

const (
	honest character = iota
	lazy             // judges without running anything, mines and does not deliver
	lying            // judges against the truth, makes work up
)

func (c character) String() string { return [...]string{"honest", "lazy", "lying"}[c] }

// operator runs a validator, or will.
type operator struct {
	*person
	character
	keys   []identity // the newest last: older ones may still be in force
	asleep bool
	power  int64 // after the last block
}

// identity is what a validator signs blocks and reveals with.
type identity struct {
	consensus *cmted25519.PrivKey
	beacon    drand.SecretKey
}

func newOperator(name string, c character) (*operator, error) {
	o := &operator{person: newPerson(name), character: c}
	return o, o.newKeys()
}

// newKeys gives an operator an identity that it has not had.
func (o *operator) newKeys() error {
	name := fmt.Sprintf("%s consensus %d", o.name, len(o.keys))
	seed := blake3.Sum256([]byte(name))
	key, err := drand.NewSecretKey(seed[:])
	o.keys = append(o.keys, identity{cmted25519.GenPrivKeyFromSecret([]byte(name)), key})
	return err
}

// newest is the identity that an operator has or has asked for.
func (o *operator) newest() identity { return o.keys[len(o.keys)-1] }

// show is what an operator registers of its newest identity.
func (o *operator) show() (key *codectypes.Any, beacon, proof []byte, err error) {
	i := o.newest()
	if key, err = codectypes.NewAnyWithValue(i.consensus.PubKey()); err != nil {
		return nil, nil, nil, err
	}
	signed, err := i.beacon.Possession()
	public := i.beacon.Public()
	return key, public[:], signed[:], err
}

// miner mines: a cold account, a hot one and the key of its executor.
type miner struct {
	character
	owner, hot *person
	executor   ed25519.PrivateKey
}

func newMiner(name string, c character) *miner {
	seed := blake3.Sum256([]byte(name + " executor"))
	return &miner{c, newPerson(name), newPerson(name + " hot"), ed25519.NewKeyFromSeed(seed[:])}
}

// key is the executor's public one.
func (m *miner) key() []byte { return m.executor.Public().(ed25519.PublicKey) }

// transaction signs messages as SIGN_MODE_DIRECT wants it.
func (p *person) transaction(fee, gas uint64, msgs ...sdk.Msg) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("write a transaction of %s: %w", p.name, err) }
	var body txtypes.TxBody
	for _, m := range msgs {
		packed, err := codectypes.NewAnyWithValue(m)
		if err != nil {
			return fail(err)
		}
		body.Messages = append(body.Messages, packed)
	}
	public, err := codectypes.NewAnyWithValue(p.key.PubKey())
	if err != nil {
		return fail(err)
	}
	mode := &txtypes.ModeInfo{Sum: &txtypes.ModeInfo_Single_{Single: &txtypes.ModeInfo_Single{Mode: signing.SignMode_SIGN_MODE_DIRECT}}}
	auth := txtypes.AuthInfo{
		SignerInfos: []*txtypes.SignerInfo{{PublicKey: public, ModeInfo: mode, Sequence: p.sequence}},
		Fee:         &txtypes.Fee{Amount: coin.Of(fee), GasLimit: gas},
	}
	var raw txtypes.TxRaw
	if raw.BodyBytes, err = body.Marshal(); err != nil {
		return fail(err)
	}
	if raw.AuthInfoBytes, err = auth.Marshal(); err != nil {
		return fail(err)
	}
	doc := txtypes.SignDoc{BodyBytes: raw.BodyBytes, AuthInfoBytes: raw.AuthInfoBytes, ChainId: chainID, AccountNumber: p.number}
	signed, err := doc.Marshal()
	if err != nil {
		return fail(err)
	}
	signature, err := p.key.Sign(signed)
	if err != nil {
		return fail(err)
	}
	raw.Signatures = [][]byte{signature}
	p.sequence++
	return raw.Marshal()
}
