package wire

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// An Any is a message with the name of its type.
type Any struct {
	// Type is the message's full name with a slash in front.
	Type string
	// Value is the message's encoding.
	Value []byte
}

// Message is the google.protobuf.Any.
func (a Any) message() Message {
	var m Message
	m.Text(1, a.Type)
	m.Data(2, a.Value)
	return m
}

// A Coin is an amount of one kind of coin, in its smallest unit.
type Coin struct {
	Denom  string
	Amount uint64
}

// String is the amount and the denomination, as the chain writes coins.
func (c Coin) String() string { return strconv.FormatUint(c.Amount, 10) + c.Denom }

func (c Coin) message() Message {
	var m Message
	m.Text(1, c.Denom)
	m.Text(2, strconv.FormatUint(c.Amount, 10))
	return m
}

// A Transaction is what one account asks the chain to do, and what it pays for
// that. All of its messages take effect, or none.
type Transaction struct {
	Messages []Any
	// Memo is a public remark.
	Memo string
	// TimeoutHeight is the last block that may hold the transaction; 0 for no
	// limit.
	TimeoutHeight uint64
	// Unordered transactions are not counted by the account's sequence, so that
	// several can be under way at once. They need a TimeoutTime and no sequence.
	Unordered bool
	// TimeoutTime is the time of the block after which the transaction is void;
	// the zero time for no limit.
	TimeoutTime time.Time

	// Fee is what is paid, sorted by denomination, each once and none of 0.
	Fee []Coin
	// Gas is the most that the transaction may use.
	Gas uint64
	// FeeGranter is the account that pays, where it has allowed that; empty
	// where the signer pays.
	FeeGranter string
}

// A Signer says for which chain, account and turn a transaction is signed. A
// signature is worth nothing anywhere else.
type Signer struct {
	Chain string
	// Account is the number that the chain gave to the account.
	Account uint64
	// Sequence counts the account's transactions. It is 0 for unordered ones.
	Sequence uint64
}

// Sign returns the transaction's bytes as the chain takes them (TxRaw), signed
// in SIGN_MODE_DIRECT. The same arguments give the same bytes.
func (t Transaction) Sign(key Key, as Signer) ([]byte, error) {
	if err := t.check(as); err != nil {
		return nil, fmt.Errorf("sign transaction: %w", err)
	}
	body, auth := t.body(), t.auth(key.PublicKey(), as.Sequence)
	var raw Message
	raw.Data(1, body.b)
	raw.Data(2, auth.b)
	raw.Element(3, key.Sign(signDoc(body, auth, as)))
	return raw.b, nil
}

// Simulated returns the transaction's bytes with an empty signature, which is
// what the chain takes to say how much gas it would use.
func (t Transaction) Simulated(key PublicKey, as Signer) ([]byte, error) {
	if err := t.check(as); err != nil {
		return nil, fmt.Errorf("write transaction: %w", err)
	}
	var raw Message
	raw.Data(1, t.body().b)
	raw.Data(2, t.auth(key, as.Sequence).b)
	raw.Element(3, nil)
	return raw.b, nil
}

func (t Transaction) check(as Signer) error {
	if len(t.Messages) == 0 {
		return errors.New("it has no message")
	}
	if as.Chain == "" {
		return errors.New("the chain's name is missing")
	}
	for i, c := range t.Fee {
		if c.Amount == 0 || i > 0 && t.Fee[i-1].Denom >= c.Denom {
			return fmt.Errorf("the fee's coin %d (%s): coins have to be sorted by denomination, each once and none of 0", i, c)
		}
	}
	if t.Gas > math.MaxInt64 {
		return fmt.Errorf("%d is more gas than the chain can count", t.Gas)
	}
	if t.Unordered && (t.TimeoutTime.IsZero() || as.Sequence != 0) {
		return errors.New("an unordered transaction needs a time at which it is void, and the sequence 0")
	}
	return nil
}

// body is the TxBody.
func (t Transaction) body() Message {
	var m Message
	for _, msg := range t.Messages {
		m.Sub(1, msg.message())
	}
	m.Text(2, t.Memo)
	m.Uint(3, t.TimeoutHeight)
	m.Bool(4, t.Unordered)
	if !t.TimeoutTime.IsZero() {
		m.Time(5, t.TimeoutTime)
	}
	return m
}

// signModeDirect is SIGN_MODE_DIRECT of cosmos/tx/signing/v1beta1.
const signModeDirect = 1

// auth is the AuthInfo: one signer and the fee.
func (t Transaction) auth(key PublicKey, sequence uint64) Message {
	var single, mode, signer, fee, m Message
	single.Uint(1, signModeDirect)
	mode.Sub(1, single)
	signer.Sub(1, key.any().message())
	signer.Sub(2, mode)
	signer.Uint(3, sequence)
	for _, c := range t.Fee {
		fee.Sub(1, c.message())
	}
	fee.Uint(2, t.Gas)
	fee.Text(4, t.FeeGranter)
	m.Sub(1, signer)
	m.Sub(2, fee)
	return m
}

func signDoc(body, auth Message, as Signer) []byte {
	var m Message
	m.Data(1, body.b)
	m.Data(2, auth.b)
	m.Text(3, as.Chain)
	m.Uint(4, as.Account)
	return m.b
}

// Hash is the name of a transaction on the chain: SHA-256 of its bytes.
func Hash(transaction []byte) [32]byte { return sha256.Sum256(transaction) }
