package wiretest_test

import (
	"bytes"
	"testing"

	"github.com/cosmos/gogoproto/types"
	"pgregory.net/rapid"

	"hearth/chain/wire"
)

func TestScalarsAreWrittenAsProtobufDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, i := rapid.Uint64().Draw(t, "unsigned"), rapid.Int64().Draw(t, "signed")
		s, b := rapid.String().Draw(t, "text"), rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		truth, when := rapid.Bool().Draw(t, "truth"), times().Draw(t, "time")
		for name, c := range map[string]struct {
			add  func(*wire.Message)
			want interface{ Marshal() ([]byte, error) }
		}{
			"Uint": {func(m *wire.Message) { m.Uint(1, u) }, &types.UInt64Value{Value: u}},
			"Int":  {func(m *wire.Message) { m.Int(1, i) }, &types.Int64Value{Value: i}},
			"Text": {func(m *wire.Message) { m.Text(1, s) }, &types.StringValue{Value: s}},
			"Data": {func(m *wire.Message) { m.Data(1, b) }, &types.BytesValue{Value: b}},
			"Bool": {func(m *wire.Message) { m.Bool(1, truth) }, &types.BoolValue{Value: truth}},
		} {
			var m wire.Message
			c.add(&m)
			want, err := c.want.Marshal()
			if err != nil || !bytes.Equal(m.Bytes(), want) {
				t.Fatalf("%s: %x, protobuf writes %x (%v)", name, m.Bytes(), want, err)
			}
		}
		want, err := types.StdTimeMarshal(when)
		stamp := wire.Timestamp(when)
		if err != nil || !bytes.Equal(stamp.Bytes(), want) {
			t.Fatalf("time %v: %x, protobuf writes %x (%v)", when, stamp.Bytes(), want, err)
		}
	})
}
