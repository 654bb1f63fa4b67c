package job

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Transaction is a transaction of a template. It does not change.
type Transaction struct {
	ID     Hash  // of the transaction without witness: what the merkle tree is made of
	WID    Hash  // of all of it: what the witness commitment is made of
	Fee    int64 // sats
	Weight int64 // weight units; 0 if the node does not say
	text   []byte
}

// NewTransaction is a transaction from its bytes on the wire, with witness if it
// has one, as they stand in a template in hexadecimal. The ids are believed.
func NewTransaction(id, wid Hash, fee, weight int64, hexadecimal []byte) Transaction {
	return Transaction{ID: id, WID: wid, Fee: fee, Weight: weight, text: hexadecimal}
}

// Size is how many bytes the transaction has on the wire.
func (t Transaction) Size() int { return len(t.text) / 2 }

// Append appends the transaction as it is on the wire to b.
func (t Transaction) Append(b []byte) ([]byte, error) {
	b, err := hex.AppendDecode(b, t.text)
	if err != nil {
		return b, fmt.Errorf("reading transaction %s of the template: %w", t.ID, err)
	}
	return b, nil
}

// Block is what a job needs to become a block. It does not change.
type Block struct {
	transactions []Transaction
	reward       int64 // sats
	size         int   // bytes of the transactions
	witness      bool  // the coinbase commits to witnesses and so carries one itself
}

// Count is how many transactions the block has, the coinbase included.
func (b *Block) Count() int { return len(b.transactions) + 1 }

// Reward is what the coinbase pays out: subsidy and fees, in sats.
func (b *Block) Reward() int64 { return b.reward }

// Assemble makes the block of a share: header and transactions as they go on
// the wire, the coinbase with its witness. It does not ask whether the share is
// good enough.
func (j *Job) Assemble(extranonce []byte, version, ntime, nonce uint32) ([]byte, error) {
	if j.Block == nil {
		return nil, fmt.Errorf("making a block of a share of job %08x: %s keeps its blocks to itself", j.ID, j.Source)
	}
	if len(extranonce) != j.Extranonce {
		return nil, fmt.Errorf("making a block of a share of job %08x: the extranonce has %d bytes, want %d", j.ID, len(extranonce), j.Extranonce)
	}
	coinbase := make([]byte, 0, len(j.Prefix)+len(j.Suffix)+len(extranonce))
	coinbase = append(coinbase, j.Prefix...)
	coinbase = append(coinbase, extranonce...)
	coinbase = append(coinbase, j.Suffix...)
	if len(coinbase) < 8 {
		return nil, errors.New("making a block of a share: the coinbase is cut short")
	}

	out := make([]byte, 0, HeaderSize+9+len(coinbase)+36+j.Block.size)
	out = j.Header(extranonce, version, ntime, nonce).Append(out)
	out = appendCount(out, uint64(j.Block.Count()))
	if j.Block.witness {
		out = append(out, coinbase[:4]...)
		out = append(out, 0, 1) // marker and flag
		out = append(out, coinbase[4:len(coinbase)-4]...)
		out = append(out, 1, 32) // one item: the reserved value, all zeros
		out = append(out, make([]byte, 32)...)
		out = append(out, coinbase[len(coinbase)-4:]...)
	} else {
		out = append(out, coinbase...)
	}
	var err error
	for _, t := range j.Block.transactions {
		if out, err = t.Append(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// appendCount appends n in the form in which Bitcoin writes counts: 1, 3, 5 or 9
// bytes.
func appendCount(b []byte, n uint64) []byte {
	switch {
	case n < 0xfd:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	case n <= 0xffffffff:
		return binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xff), n)
}
