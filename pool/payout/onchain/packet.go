package onchain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"hearth/pool/job"
	"hearth/pool/payout"
)

// maxPacket bounds an unsigned or signed transaction as a file or an answer
// has it.
const maxPacket = 1 << 20

// outputs says what a batch pays. An intent that cannot be paid on the chain
// is a refusal.
func outputs(batch []payout.Intent, n job.Network) ([]*wire.TxOut, error) {
	var outs []*wire.TxOut
	for _, in := range batch {
		refused := func(format string, args ...any) ([]*wire.TxOut, error) {
			return nil, &payout.Refusal{ID: in.ID, Why: fmt.Sprintf(format, args...)}
		}
		script, err := job.Script(in.To, n)
		if err != nil {
			return refused("%v", err)
		}
		sats := in.Millisats / 1000
		switch dust := job.Dust(script); {
		case in.Millisats%1000 != 0:
			return refused("%d msat is not a whole number of sats", in.Millisats)
		case sats < dust:
			return refused("%d sats is dust: an output to this kind of address has %d at least", sats, dust)
		}
		outs = append(outs, wire.NewTxOut(sats, script))
	}
	return outs, nil
}

// check makes sure that a packet pays what it shall and nothing else, but for
// one output of change, and that its id is final. It returns the fee in sats and
// the index of the change, -1 if there is none.
func check(p *psbt.Packet, outs []*wire.TxOut) (fee int64, change int, err error) {
	change = -1
	rest := slices.Clone(outs)
	for i, o := range p.UnsignedTx.TxOut {
		fee -= o.Value
		at := slices.IndexFunc(rest, func(w *wire.TxOut) bool { return psbt.TxOutsEqual(o, w) })
		switch {
		case at >= 0:
			rest = slices.Delete(rest, at, at+1)
		case change < 0:
			change = i
		default:
			return 0, 0, errors.New("the wallet made a transaction that pays others as well")
		}
	}
	if len(rest) > 0 {
		return 0, 0, errors.New("the wallet made a transaction that does not pay everybody")
	}
	if len(p.Inputs) == 0 || len(p.Inputs) != len(p.UnsignedTx.TxIn) {
		return 0, 0, errors.New("the wallet made a transaction without coins")
	}
	for i, in := range p.Inputs {
		if in.WitnessUtxo == nil {
			return 0, 0, fmt.Errorf("the coin %s is not said to be of a kind with witnesses", p.UnsignedTx.TxIn[i].PreviousOutPoint)
		}
		if !native(in.WitnessUtxo.PkScript) {
			return 0, 0, fmt.Errorf("the coin %s is of an old kind, whose signature changes the transaction's id: move it to an address that begins with bc1", p.UnsignedTx.TxIn[i].PreviousOutPoint)
		}
		fee += in.WitnessUtxo.Value
	}
	if fee < 0 {
		return 0, 0, fmt.Errorf("the wallet made a transaction that pays %d sats more than its coins hold", -fee)
	}
	return fee, change, nil
}

// native tells whether a script is a witness program: what signs for it is in
// the witness alone, which the id does not cover (BIP 141).
func native(script []byte) bool {
	if len(script) < 4 || len(script) > 42 || int(script[1]) != len(script)-2 {
		return false
	}
	return script[0] == 0 || script[0] >= 0x51 && script[0] <= 0x60
}

// affordable checks that the fee, shared by all, is within what each allows.
func affordable(fee int64, batch []payout.Intent) error {
	share := (fee*1000 + int64(len(batch)) - 1) / int64(len(batch))
	for _, in := range batch {
		if share > in.MaxFee {
			return fmt.Errorf("the fee of %d sats makes %d msat for each of %d payees, and %d are allowed: it waits for lower fees or more payees", fee, share, len(batch), in.MaxFee)
		}
	}
	return nil
}

// ticket is what a ticket's data hold.
type ticket struct {
	// PSBT is the unsigned transaction with what signers need of its coins.
	PSBT []byte `json:"psbt"`
	// Change is the index of the change output, -1 if there is none.
	Change int `json:"change"`
	// Height is how long the chain was when it was made: what became of its
	// coins stands behind.
	Height int64 `json:"height"`

	packet *psbt.Packet
}

func (t ticket) id() string { return t.packet.UnsignedTx.TxHash().String() }

func (t ticket) fee() int64 {
	var fee int64
	for _, in := range t.packet.Inputs {
		fee += in.WitnessUtxo.Value
	}
	for _, o := range t.packet.UnsignedTx.TxOut {
		fee -= o.Value
	}
	return fee
}

// spends tells whether a transaction takes one of the ticket's coins.
func (t ticket) spends(tx *wire.MsgTx) bool {
	return slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool {
		return slices.ContainsFunc(t.packet.UnsignedTx.TxIn, func(own *wire.TxIn) bool {
			return own.PreviousOutPoint == in.PreviousOutPoint
		})
	})
}

// paidBy counts how many of the ticket's payees another transaction pays as
// much, and how many there are.
func (t ticket) paidBy(tx *wire.MsgTx) (paid, of int) {
	rest := slices.Clone(tx.TxOut)
	for i, o := range t.packet.UnsignedTx.TxOut {
		if i == t.Change {
			continue
		}
		of++
		if at := slices.IndexFunc(rest, func(w *wire.TxOut) bool {
			return bytes.Equal(o.PkScript, w.PkScript) && w.Value >= o.Value
		}); at >= 0 {
			paid++
			rest = slices.Delete(rest, at, at+1)
		}
	}
	return paid, of
}

// names tells whether another transaction pays any of the ticket's payees
// anything.
func (t ticket) names(tx *wire.MsgTx) bool {
	for i, o := range t.packet.UnsignedTx.TxOut {
		if i != t.Change && slices.ContainsFunc(tx.TxOut, func(w *wire.TxOut) bool { return bytes.Equal(o.PkScript, w.PkScript) }) {
			return true
		}
	}
	return false
}

// pack makes the ticket of a packet. What is large and not needed to sign is
// left out of it: the whole transactions that its coins come from.
func pack(p *psbt.Packet, change int, height int64) (payout.Ticket, error) {
	slim := *p
	slim.Inputs = slices.Clone(p.Inputs)
	for i := range slim.Inputs {
		slim.Inputs[i].NonWitnessUtxo = nil
	}
	var b bytes.Buffer
	if err := slim.Serialize(&b); err != nil {
		return payout.Ticket{}, err
	}
	data, err := json.Marshal(ticket{PSBT: b.Bytes(), Change: change, Height: height})
	if err != nil {
		return payout.Ticket{}, err
	}
	if len(data) > payout.MaxData {
		return payout.Ticket{}, fmt.Errorf("the transaction needs %d coins, more than can be written down: send the wallet's small coins to itself in one", len(p.Inputs))
	}
	return payout.Ticket{Key: p.UnsignedTx.TxHash().String(), Data: data}, nil
}

func unpack(t payout.Ticket) (ticket, error) {
	var d ticket
	if err := json.Unmarshal(t.Data, &d); err != nil {
		return ticket{}, fmt.Errorf("the ticket %s is not one of the chain: %w", t.Key, err)
	}
	p, err := parse(d.PSBT)
	if err == nil && p.UnsignedTx.TxHash().String() != t.Key {
		err = errors.New("it holds another transaction")
	}
	if err == nil && (d.Change < -1 || d.Change >= len(p.UnsignedTx.TxOut)) {
		err = fmt.Errorf("it has no output %d", d.Change)
	}
	if err == nil {
		for i, in := range p.Inputs {
			if in.WitnessUtxo == nil {
				err = fmt.Errorf("it does not say what its coin %d holds", i)
			}
		}
	}
	if err != nil {
		return ticket{}, fmt.Errorf("the ticket %s is not one of the chain: %w", t.Key, err)
	}
	d.packet = p
	return d, nil
}

// parse reads a packet, binary or base64.
func parse(b []byte) (*psbt.Packet, error) {
	if len(b) > maxPacket {
		return nil, fmt.Errorf("a transaction of %d bytes: want %d at most", len(b), maxPacket)
	}
	text := bytes.TrimSpace(b)
	p, err := psbt.NewFromRawBytes(bytes.NewReader(text), !bytes.HasPrefix(text, []byte("psbt\xff")))
	if err != nil {
		return nil, fmt.Errorf("not an unsigned transaction (PSBT): %w", err)
	}
	if len(p.Inputs) != len(p.UnsignedTx.TxIn) || len(p.Outputs) != len(p.UnsignedTx.TxOut) {
		return nil, errors.New("not an unsigned transaction (PSBT): its parts do not fit together")
	}
	return p, nil
}
