package stratum1

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"hearth/pool/job"
)

// Code is the number of an error as pools and miners know it.
type Code int

// The codes that Stratum V1 has names for.
const (
	Other         Code = 20
	Stale         Code = 21 // the job is unknown or no longer worth anything
	Duplicate     Code = 22
	LowDifficulty Code = 23
	Unauthorized  Code = 24
	NotSubscribed Code = 25
)

// AppendNotify appends the notification of j, with its line feed. It is the
// same for every miner, for what a miner has of its own is in the extranonce:
// encode it once and send the bytes to all. With clean the miner drops what it
// had; for a miner's first job of a source it should, whatever j says.
func AppendNotify(b []byte, j *job.Job, clean bool) []byte {
	b = append(b, `{"id":null,"method":"mining.notify","params":["`...)
	b = appendWord(b, j.ID)
	b = append(b, `","`...)
	b = appendPrev(b, j.Prev)
	b = append(b, `","`...)
	b = hex.AppendEncode(b, j.Prefix)
	b = append(b, `","`...)
	b = hex.AppendEncode(b, j.Suffix)
	b = append(b, `",[`...)
	for i := range j.Branch {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = hex.AppendEncode(b, j.Branch[i][:])
		b = append(b, '"')
	}
	b = append(b, `],"`...)
	b = appendWord(b, j.Version)
	b = append(b, `","`...)
	b = appendWord(b, j.Bits)
	b = append(b, `","`...)
	b = appendWord(b, j.Time)
	b = append(b, `",`...)
	b = strconv.AppendBool(b, clean)
	return append(b, "]}\n"...)
}

// AppendDifficulty appends the message that sets the difficulty of the jobs that
// follow. Whole numbers are written without a fraction, because some firmware
// reads nothing else; small ones without an exponent, for the same reason.
func AppendDifficulty(b []byte, d job.Difficulty) []byte {
	b = append(b, `{"id":null,"method":"mining.set_difficulty","params":[`...)
	b = strconv.AppendFloat(b, float64(d), 'f', -1, 64)
	return append(b, "]}\n"...)
}

// appendMask appends the message that says which bits of the version may be
// rolled, from now on.
func appendMask(b []byte, mask uint32) []byte {
	b = append(b, `{"id":null,"method":"mining.set_version_mask","params":["`...)
	b = appendWord(b, mask)
	return append(b, "\"]}\n"...)
}

// appendResult appends the answer to a request. The result is JSON.
func appendResult(b, id []byte, result string) []byte {
	b = appendID(b, id)
	b = append(b, `,"result":`...)
	b = append(b, result...)
	return append(b, ",\"error\":null}\n"...)
}

// appendError appends the refusal of a request. why is cut to what a line may
// bear.
func appendError(b, id []byte, code Code, why string) []byte {
	b = appendID(b, id)
	b = append(b, `,"result":null,"error":[`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, ',')
	b = appendText(b, why)
	return append(b, ",null]}\n"...)
}

func appendID(b, id []byte) []byte {
	b = append(b, `{"id":`...)
	if len(id) == 0 {
		return append(b, "null"...)
	}
	return append(b, id...)
}

// maxWhy is the longest text that is taken from or sent to a peer.
const maxWhy = 200

// appendText appends s as a JSON string. Bytes that are not printable ASCII
// become question marks: the other end is a microcontroller.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range min(len(s), maxWhy) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c > 0x7e:
			b = append(b, '?')
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendWord(b []byte, v uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[v>>shift&15])
	}
	return b
}

// appendPrev writes the hash of the previous block as notify has it: the bytes
// of the header, each group of four reversed.
func appendPrev(b []byte, h job.Hash) []byte {
	for i := 0; i < len(h); i += 4 {
		b = appendWord(b, binary.LittleEndian.Uint32(h[i:]))
	}
	return b
}

// prev reads what appendPrev writes.
func prev(s []byte) (job.Hash, bool) {
	var h job.Hash
	if len(s) != 2*len(h) {
		return h, false
	}
	for i := 0; i < len(h); i += 4 {
		v, ok := word(s[2*i : 2*i+8])
		if !ok {
			return h, false
		}
		binary.LittleEndian.PutUint32(h[i:], v)
	}
	return h, true
}
