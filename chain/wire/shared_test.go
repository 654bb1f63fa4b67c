package wire_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/chain/wire"
)

// times draws times that protobuf and the chain can write.
func times() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		sec := rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds")
		return time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
	})
}

func key(t testing.TB, last byte) wire.Key {
	t.Helper()
	b := make([]byte, 32)
	b[31] = last
	k, err := wire.KeyFromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
