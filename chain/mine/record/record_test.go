package record_test

import (
	"strings"
	"testing"

	"hearth/chain/mine/record"
	"hearth/chain/wire"
	"hearth/infer/model"
)

func TestClaimsAreRead(t *testing.T) {
	want := record.Claim{
		Name: model.Hash{1}, Job: model.Hash{2}, Class: record.Audit, Owner: "owner", Executor: [32]byte{3}, Model: model.Hash{4},
		Height: 5, Prefix: 6, Beacon: model.Hash{7}, ID: model.Hash{8}, Opens: 9, Closes: 10, Deposit: 11, Status: record.Open,
		Tickets: 12, MACs: 13, Target: model.Hash{14}, TicketMACs: 15, Reason: "why", Delivered: 16, Project: 17, Index: 18,
	}
	var m wire.Message
	m.Data(1, want.Name[:])
	m.Data(2, want.Job[:])
	m.Int(3, int64(want.Class))
	m.Text(4, want.Owner)
	m.Data(5, want.Executor[:])
	m.Data(6, want.Model[:])
	m.Int(7, want.Height)
	m.Int(8, int64(want.Prefix))
	m.Data(9, want.Beacon[:])
	m.Data(10, want.ID[:])
	m.Int(11, want.Opens)
	m.Int(12, want.Closes)
	m.Uint(13, want.Deposit)
	m.Int(14, int64(want.Status))
	m.Int(15, int64(want.Tickets))
	m.Uint(17, want.MACs)
	m.Uint(20, want.Project)
	m.Uint(21, want.Index)
	m.Data(22, want.Target[:])
	m.Uint(23, want.TicketMACs)
	m.Text(24, want.Reason)
	m.Int(25, want.Delivered)
	m.Text(99, "of a later version")
	got, err := record.ReadClaim(m.Bytes())
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestDamagedRecords(t *testing.T) {
	field := func(fill func(*wire.Message)) []byte {
		var m wire.Message
		fill(&m)
		return m.Bytes()
	}
	for name, c := range map[string]struct {
		in   []byte
		says string
	}{
		"half a message":      {[]byte{0x0a}, "cut off"},
		"a short hash":        {field(func(m *wire.Message) { m.Data(1, []byte{1}) }), "a hash has 1 bytes"},
		"a height below zero": {field(func(m *wire.Message) { m.Int(7, -1) }), "no height"},
		"a number for text":   {field(func(m *wire.Message) { m.Uint(4, 1) }), "field 4"},
	} {
		if _, err := record.ReadClaim(c.in); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.says)
		}
	}
	var m wire.Message
	for range 65 {
		m.Element(4, []byte("http://x"))
	}
	if _, err := record.ReadModel(m.Bytes()); err == nil {
		t.Error("a model with 65 sources was read")
	}
}

// Whatever a node proves or claims, reading it ends with a record or an error.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{0x0a, 0x01, 'x', 0x18, 0x05})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = record.ReadClaim(b)
		_, _ = record.ReadJob(b)
		_, _ = record.ReadMiner(b)
		_, _ = record.ReadAssignment(b)
		_, _ = record.ReadTicket(b)
		_, _ = record.ReadParams(b)
		_, _ = record.ReadMarket(b)
		_, _ = record.ReadEarned(b)
		_, _ = record.ReadBeaconValue(b)
		if p, err := record.ReadProject(b); err == nil && len(p.Sources) > len(b) {
			t.Errorf("%d sources were read from %d bytes", len(p.Sources), len(b))
		}
		_, _ = record.ReadModel(b)
	})
}
