package stage

import (
	"crypto/ed25519"
	"fmt"

	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cmted25519 "github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	"github.com/zeebo/blake3"

	"hearth/chain/app"
	"hearth/chain/beacon/drand"
	"hearth/chain/coin"
)

// Person has an account.
type Person struct {
	Name    string
	Key     *secp256k1.PrivKey
	Address string

	Number, Sequence uint64 // of the account
}

// NewPerson returns somebody whose key follows from a name.
func NewPerson(name string) *Person {
	key := secp256k1.GenPrivKeyFromSecret([]byte(name))
	return &Person{Name: name, Key: key, Address: sdk.MustBech32ifyAddressBytes(app.Prefix, key.PubKey().Address())}
}

// Operator runs a validator, or will.
type Operator struct {
	*Person
	Keys []Identity // the newest last: older ones may still be in force
}

// Identity is what a validator signs blocks and reveals with.
type Identity struct {
	Consensus *cmted25519.PrivKey
	Beacon    drand.SecretKey
}

// NewOperator returns one with a first identity.
func NewOperator(name string) (*Operator, error) {
	o := &Operator{Person: NewPerson(name)}
	return o, o.NewKeys()
}

// NewKeys gives an operator an identity that it has not had.
func (o *Operator) NewKeys() error {
	name := fmt.Sprintf("%s consensus %d", o.Name, len(o.Keys))
	seed := blake3.Sum256([]byte(name))
	key, err := drand.NewSecretKey(seed[:])
	o.Keys = append(o.Keys, Identity{cmted25519.GenPrivKeyFromSecret([]byte(name)), key})
	return err
}

// Newest is the identity that an operator has or has asked for.
func (o *Operator) Newest() Identity { return o.Keys[len(o.Keys)-1] }

// Show is what an operator registers of its newest identity.
func (o *Operator) Show() (key *codectypes.Any, beacon, proof []byte, err error) {
	i := o.Newest()
	if key, err = codectypes.NewAnyWithValue(i.Consensus.PubKey()); err != nil {
		return nil, nil, nil, err
	}
	signed, err := i.Beacon.Possession()
	public := i.Beacon.Public()
	return key, public[:], signed[:], err
}

// Miner mines: a cold account, a hot one and the key of its executor.
type Miner struct {
	Owner, Hot *Person
	Executor   ed25519.PrivateKey
}

// NewMiner returns one with keys that follow from its name.
func NewMiner(name string) *Miner {
	seed := blake3.Sum256([]byte(name + " executor"))
	return &Miner{NewPerson(name), NewPerson(name + " hot"), ed25519.NewKeyFromSeed(seed[:])}
}

// Key is the executor's public one.
func (m *Miner) Key() []byte { return m.Executor.Public().(ed25519.PublicKey) }

// Transaction signs messages as SIGN_MODE_DIRECT wants it.
func (p *Person) Transaction(fee, gas uint64, msgs ...sdk.Msg) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("write a transaction of %s: %w", p.Name, err) }
	var body txtypes.TxBody
	for _, m := range msgs {
		packed, err := codectypes.NewAnyWithValue(m)
		if err != nil {
			return fail(err)
		}
		body.Messages = append(body.Messages, packed)
	}
	public, err := codectypes.NewAnyWithValue(p.Key.PubKey())
	if err != nil {
		return fail(err)
	}
	mode := &txtypes.ModeInfo{Sum: &txtypes.ModeInfo_Single_{Single: &txtypes.ModeInfo_Single{Mode: signing.SignMode_SIGN_MODE_DIRECT}}}
	auth := txtypes.AuthInfo{
		SignerInfos: []*txtypes.SignerInfo{{PublicKey: public, ModeInfo: mode, Sequence: p.Sequence}},
		Fee:         &txtypes.Fee{Amount: coin.Of(fee), GasLimit: gas},
	}
	var raw txtypes.TxRaw
	if raw.BodyBytes, err = body.Marshal(); err != nil {
		return fail(err)
	}
	if raw.AuthInfoBytes, err = auth.Marshal(); err != nil {
		return fail(err)
	}
	doc := txtypes.SignDoc{BodyBytes: raw.BodyBytes, AuthInfoBytes: raw.AuthInfoBytes, ChainId: ChainID, AccountNumber: p.Number}
	signed, err := doc.Marshal()
	if err != nil {
		return fail(err)
	}
	signature, err := p.Key.Sign(signed)
	if err != nil {
		return fail(err)
	}
	raw.Signatures = [][]byte{signature}
	p.Sequence++
	return raw.Marshal()
}

// Proof shows that who registers a miner has its executor's key.
func (m *Miner) Proof() []byte {
	return ed25519.Sign(m.Executor, []byte("hearth executor 1\n"+ChainID+"\n"+m.Owner.Address))
}
