package work

import (
	"crypto/ed25519"
	"encoding/binary"

	"github.com/zeebo/blake3"

	"hearth/infer/model"
)

const (
	ticketLabel     = "hearth ticket 1\n"
	signatureLabel  = "hearth ticket signature 1\n"
	ticketFixed     = len(ticketLabel) + 32 + 2 + 1 + 4 + 4 + 2 + 2 + ed25519.SignatureSize
	maxTicketAnswer = MaxJobTokens
	// MaxTicketSize is the length of the longest encoding of a ticket.
	MaxTicketSize = ticketFixed + MaxK + 4*maxTicketAnswer
)

// Ticket is the proof of a ticket that won: where it was found and the row it
// was found on. The weights are the model's; whoever does not have them takes
// an [Opening] beside it.
type Ticket struct {
	Claim    model.Hash // [Claim.ID]
	At       model.Operation
	Position int
	Tile     int
	// Row holds the activations as stored, with 128 added.
	Row []uint8
	// Answer holds the tokens of the answer up to Position, that one included.
	Answer    []int32
	Signature [ed25519.SignatureSize]byte
}

func (t *Ticket) content() []byte {
	b := make([]byte, 0, ticketFixed+len(t.Row)+4*len(t.Answer))
	b = append(b, ticketLabel...)
	b = append(b, t.Claim[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(t.At.Layer))
	b = append(b, uint8(t.At.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Position))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Tile))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(t.Row)))
	b = append(b, t.Row...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(t.Answer)))
	return appendTokens(b, t.Answer)
}

// Encode returns the ticket in its one encoding; see spec/work.md.
func (t *Ticket) Encode() []byte { return append(t.content(), t.Signature[:]...) }

// DecodeTicket reads a ticket from its encoding, all of b. It takes time and
// memory proportional to b, and rejects what is longer than [MaxTicketSize]
// unread.
func DecodeTicket(b []byte) (*Ticket, error) {
	if len(b) > MaxTicketSize {
		return nil, reject(ReasonMalformed, "a ticket of %d bytes: none has more than %d", len(b), MaxTicketSize)
	}
	r := reader{b: b}
	r.label(ticketLabel)
	t := &Ticket{Claim: r.hash()}
	t.At.Layer, t.At.Kind = int(r.uint16()), model.OperationKind(r.uint8())
	position, tile := r.uint32(), r.uint32()
	t.Position, t.Tile = int(position), int(tile)
	t.Row = r.bytes(int(r.uint16()))
	t.Answer = r.tokens(int(r.uint16()))
	copy(t.Signature[:], r.bytes(ed25519.SignatureSize))
	if err := r.end(); err != nil {
		return nil, reject(ReasonMalformed, "a ticket cannot be read: %v", err)
	}
	switch {
	case position > MaxJobTokens || tile > 1<<24 || len(t.Row) > MaxK || len(t.Answer) > maxTicketAnswer:
		return nil, reject(ReasonMalformed, "a ticket at position %d, tile %d, on a row of %d, with %d tokens: no job has that",
			position, tile, len(t.Row), len(t.Answer))
	}
	return t, nil
}

// Sign signs the ticket as its claim's executor.
func (t *Ticket) Sign(key ed25519.PrivateKey) {
	copy(t.Signature[:], ed25519.Sign(key, t.signed()))
}

func (t *Ticket) signed() []byte {
	h := blake3.Sum256(t.content())
	return append([]byte(signatureLabel), h[:]...)
}

// Nullifier names the attempt that won: a chain credits each once, whatever the
// bytes it comes in.
func (t *Ticket) Nullifier() (id model.Hash) {
	b := append([]byte(nil), t.Claim[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(t.At.Layer))
	b = append(b, uint8(t.At.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Position))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Tile))
	blake3.DeriveKey(contextNullifier, b, id[:])
	return id
}

const contextNullifier = "hearth work 1 nullifier"
