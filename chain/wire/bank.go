package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Send moves coins from one account to another (cosmos.bank.v1beta1.MsgSend).
// The coins are sorted by denomination.
func Send(from, to Address, coins ...Coin) Any {
	var m Message
	m.Text(1, from.String())
	m.Text(2, to.String())
	for _, c := range coins {
		m.Sub(3, c.message())
	}
	return Any{Type: "/cosmos.bank.v1beta1.MsgSend", Value: m.b}
}

// Exec carries messages of other accounts that have allowed the grantee to
// send them (cosmos.authz.v1beta1.MsgExec): how a hot key works for a cold one.
func Exec(grantee Address, messages ...Any) Any {
	var m Message
	m.Text(1, grantee.String())
	for _, msg := range messages {
		m.Sub(2, msg.message())
	}
	return Any{Type: "/cosmos.authz.v1beta1.MsgExec", Value: m.b}
}

// Grant lets the grantee send messages of one type for the granter until the
// time given (cosmos.authz.v1beta1.MsgGrant with a GenericAuthorization). The
// granter signs it.
func Grant(granter, grantee Address, messageType string, until time.Time) Any {
	var generic, grant, m Message
	generic.Text(1, messageType)
	grant.Sub(1, Any{Type: "/cosmos.authz.v1beta1.GenericAuthorization", Value: generic.b}.message())
	grant.Time(2, until)
	m.Text(1, granter.String())
	m.Text(2, grantee.String())
	m.Sub(3, grant)
	return Any{Type: "/cosmos.authz.v1beta1.MsgGrant", Value: m.b}
}

// Revoke takes back what Grant gave (cosmos.authz.v1beta1.MsgRevoke).
func Revoke(granter, grantee Address, messageType string) Any {
	var m Message
	m.Text(1, granter.String())
	m.Text(2, grantee.String())
	m.Text(3, messageType)
	return Any{Type: "/cosmos.authz.v1beta1.MsgRevoke", Value: m.b}
}

// Where the chain's state holds what a home has to know of its account. Names
// are those of stores, keys those of the collections of auth and bank.
const (
	AccountStore = "acc"
	BankStore    = "bank"
)

// AccountKey is the key of an account in [AccountStore].
func AccountKey(a Address) []byte { return append([]byte{1}, a[:]...) }

// BalanceKey is the key of an account's balance of one coin in [BankStore].
func BalanceKey(a Address, denom string) []byte {
	return slices.Concat([]byte{2, byte(len(a))}, a[:], []byte(denom))
}

// An Account is what the chain knows of an account beside its coins.
type Account struct {
	Address  Address
	Number   uint64
	Sequence uint64
}

// ParseAccount reads the value at [AccountKey]: the Any of a BaseAccount.
func ParseAccount(value []byte) (Account, error) {
	a, err := parseAny(value)
	if err != nil {
		return Account{}, fmt.Errorf("read account: %w", err)
	}
	if a.Type != "/cosmos.auth.v1beta1.BaseAccount" {
		return Account{}, fmt.Errorf("read account: a %s cannot sign transactions", a.Type)
	}
	var acc Account
	var named bool
	for f, err := range Fields(a.Value) {
		if err != nil {
			return Account{}, fmt.Errorf("read account: %w", err)
		}
		switch f.Number {
		case 1:
			var s string
			if s, err = f.Text(); err == nil {
				acc.Address, err = ParseAddress(s)
			}
			named = true
		case 2: // the public key, which the address stands for
		case 3:
			acc.Number, err = f.Uint()
		case 4:
			acc.Sequence, err = f.Uint()
		default:
			err = fmt.Errorf("it has no field %d", f.Number)
		}
		if err != nil {
			return Account{}, fmt.Errorf("read account: %w", err)
		}
	}
	if !named {
		return Account{}, errors.New("read account: it has no address")
	}
	return acc, nil
}

// ParseBalance reads the value at [BalanceKey]: an amount in decimal digits.
func ParseBalance(value []byte) (uint64, error) {
	n, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != string(value) {
		return 0, fmt.Errorf("read balance: %.40q is not a whole number of 64 bits", value)
	}
	return n, nil
}

func parseAny(b []byte) (Any, error) {
	var a Any
	for f, err := range Fields(b) {
		if err != nil {
			return Any{}, err
		}
		switch f.Number {
		case 1:
			a.Type, err = f.Text()
		case 2:
			a.Value, err = f.Data()
		default:
			err = fmt.Errorf("an Any has no field %d", f.Number)
		}
		if err != nil {
			return Any{}, err
		}
	}
	return a, nil
}
