package account

import (
	"fmt"
	"strings"

	"hearth/ledger"
	"hearth/pool/split"
)

// Class is what kind of account an account is.
type Class uint8

// The classes.
const (
	RevenueClass  Class = iota + 1 // what a source paid, below zero by what was shared out
	PartyClass                     // what a party is owed
	HeldClass                      // what is set aside until it is known whose it is
	PayoutClass                    // what went out or is on its way
	FeesClass                      // what paying cost
	RoundingClass                  // what sharing left over
)

// Rounding is the account of what sharing left over.
const Rounding = "rounding"

// Revenue is the account of what a source paid.
func Revenue(who string) string { return "revenue:" + who }

// Party is the account of a party to an agreement.
func Party(agreement, name string) string { return "party:" + agreement + "/" + name }

// Held is the account of what an agreement set aside.
func Held(agreement string) string { return "held:" + agreement }

// Payout is the account of one payout.
func Payout(intent string) string { return "payout:" + intent }

// Fees is the account of what paying by a rail cost.
func Fees(rail string) string { return "fees:" + rail }

// ClassOf returns the class of an account, and false for a name that is not an
// account's.
func ClassOf(account string) (Class, bool) {
	if account == Rounding {
		return RoundingClass, true
	}
	prefix, rest, ok := strings.Cut(account, ":")
	if !ok || rest == "" {
		return 0, false
	}
	switch prefix {
	case "revenue":
		return RevenueClass, true
	case "party":
		return PartyClass, true
	case "held":
		return HeldClass, true
	case "payout":
		return PayoutClass, true
	case "fees":
		return FeesClass, true
	}
	return 0, false
}

// Share returns the transfer that shares an amount out from one account among
// others, the names of the parts, by largest remainder. Who would get nothing
// is left out. The id must be the same whenever the same is shared out again.
func Share(id, from string, msat int64, parts []split.Part, what, proof string) (ledger.Transfer, error) {
	weights := make([]uint64, len(parts))
	for i, p := range parts {
		weights[i] = p.Weight
	}
	amounts, err := split.Divide(msat, weights)
	if err != nil {
		return ledger.Transfer{}, fmt.Errorf("share out %d msat from %s: %w", msat, from, err)
	}
	t := ledger.Transfer{ID: id, Entries: []ledger.Posting{{Account: from, Millisats: -msat}}, For: what, Proof: proof}
	for i, p := range parts {
		if amounts[i] != 0 {
			t.Entries = append(t.Entries, ledger.Posting{Account: p.Name, Millisats: amounts[i]})
		}
	}
	return t, nil
}
