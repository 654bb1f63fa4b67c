package pool

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"hearth/pool/job"
)

// FallbackSource is the name of the source that makes heat and nothing else.
const FallbackSource = "fallback"

// fallbackBits is the short form of a target that no heater will meet: of a
// network's usual difficulty. Were a share to meet it nobody could use it, since
// the block before does not exist.
const fallbackBits = 0x17020000

// fallbackJob is work that looks like any other to a miner and that nobody pays
// for. Its block before is a hash of its own number, so it can never be part of
// a chain, and its coinbase pays nobody. It is the same for the same id and
// time.
func fallbackJob(id uint32, now time.Time, clean bool, room int) (*job.Job, error) {
	var seed [8]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(now.Unix()/int64(fallbackEvery.Seconds())))
	prev := sha256.Sum256(append([]byte("hearth makes heat and nothing else"), seed[:]...))
	t, err := job.Empty(job.Head{
		Height: 1, Prev: job.Hash(prev), Bits: fallbackBits, Version: 0x20000000,
		Time: uint32(now.Unix()), MinTime: uint32(now.Add(-time.Hour).Unix()),
	}, job.Mainnet)
	if err != nil {
		return nil, fmt.Errorf("make work that nobody pays: %w", err)
	}
	// An output that nobody can ever spend.
	j, err := job.New(t, job.CoinbaseSpec{Tag: "heat only, unpaid", Payees: []job.Payee{{Script: []byte{0x6a}, Sats: t.Coinbase}}, Extranonce: room}, id, FallbackSource)
	if err != nil {
		return nil, fmt.Errorf("make work that nobody pays: %w", err)
	}
	j.Unpaid, j.Clean, j.Block, j.Height = true, clean, nil, 0
	return j, nil
}

// fallbackEvery is how long one job of the fallback lasts. A heater of 200 TH/s
// that rolls no version bits has used up its part of a job long before.
const fallbackEvery = 30 * time.Second
