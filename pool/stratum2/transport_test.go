package stratum2

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/pool/stratum2/message"
	"hearth/pool/stratum2/noise"
)

func key(t testing.TB, b byte) *noise.Key {
	t.Helper()
	k, err := noise.NewKey([32]byte(bytes.Repeat([]byte{b}, 32)), [32]byte{b})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func noon() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

// connect is a handshake: the miner's end and the pool's.
func connect(t testing.TB, most int) (miner, pool *Transport) {
	t.Helper()
	authority, err := noise.NewAuthority([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	static := key(t, 3)
	c, err := authority.Certify(static.X(), noon(), noon().AddDate(1, 0, 0), [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	i := noise.NewInitiator(key(t, 1))
	hello := i.Hello()
	answer, p, err := noise.Respond(hello[:], key(t, 2), &noise.Identity{Key: static, Certificate: c})
	if err != nil {
		t.Fatal(err)
	}
	peer, m, err := i.Finish(answer[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Verify(authority.Key(), noon()); err != nil {
		t.Fatal(err)
	}
	return NewTransport(m, FromPools), NewTransport(p, most)
}

// frame is a frame with a payload of n bytes, which say where they are.
func frame(n int) []byte {
	b := message.Header{Extension: 0x4000, Kind: 7, Size: n}.Append(nil)
	for i := range n {
		b = append(b, byte(i>>8)^byte(i))
	}
	return b
}

func seal(t interface{ Fatal(...any) }, from *Transport, frames []byte) []byte {
	b, err := from.Seal(nil, frames)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Around the borders of the pieces a payload is encrypted in.
func TestSealed(t *testing.T) {
	for n, want := range map[int]int{
		0: 0, 1: 17, 65518: 65534, 65519: 65535, 65520: 65520 + 32, 2 * 65519: 2 * 65535, 2*65519 + 1: 2*65535 + 17, 1 << 17: 1<<17 + 48,
	} {
		if got := Sealed(n); got != want {
			t.Errorf("a payload of %d bytes has %d sealed, want %d", n, got, want)
		}
		miner, pool := connect(t, 1<<20)
		b := seal(t, miner, frame(n))
		if len(b) != HeaderSize+want {
			t.Fatalf("a frame of %d bytes has %d sealed, want %d", n, len(b), HeaderSize+want)
		}
		h, err := pool.OpenHeader(b[:HeaderSize])
		if err != nil {
			t.Fatal(err)
		}
		got, err := pool.Open(b[HeaderSize:])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(h.Append(nil), frame(n)[:message.HeaderSize]) || !bytes.Equal(got, frame(n)[message.HeaderSize:]) {
			t.Errorf("a frame of %d bytes was not opened as it was sealed", n)
		}
	}
}

// However a socket cuts what it delivers, the frames are the same, each exactly
// once and in order.
func TestFrames(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		miner, pool := connect(t, 1<<18)
		sizes := rapid.SliceOfN(rapid.OneOf(
			rapid.IntRange(0, 300),
			rapid.SampledFrom([]int{0, 1, 65518, 65519, 65520, 131038, 131039}),
		), 1, 5).Draw(rt, "sizes")
		var want []byte
		for _, n := range sizes {
			want = append(want, frame(n)...)
		}
		stream := seal(rt, miner, want)
		f := Frames{Transport: pool}
		var got []byte
		n := 0
		cut := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "cuts"), 0))
		longest := rapid.SampledFrom([]int{30, 300, 4096, 1 << 18}).Draw(rt, "longest piece")
		for len(stream) > 0 {
			piece := stream[:1+cut.IntN(min(longest, len(stream)))]
			stream = stream[len(piece):]
			if err := f.Feed(piece, func(h message.Header, payload []byte) error {
				got = append(h.Append(got), payload...)
				n++
				return nil
			}); err != nil {
				rt.Fatal(err)
			}
		}
		if n != len(sizes) || !bytes.Equal(got, want) {
			rt.Fatalf("%d frames of %d bytes arrived, want %d of %d", n, len(got), len(sizes), len(want))
		}
		if cap(f.pending) > idle {
			rt.Fatalf("%d bytes are kept", cap(f.pending))
		}
	})
}

// Who announces much and sends little costs little.
func TestFramesGrowWithWhatArrives(t *testing.T) {
	miner, pool := connect(t, 1<<20)
	b := seal(t, miner, frame(1<<20))
	f := Frames{Transport: pool}
	if err := f.Feed(b[:HeaderSize+100], nil); err != nil {
		t.Fatal(err)
	}
	if cap(f.pending) > 1<<10 {
		t.Errorf("100 bytes of an announced megabyte take %d", cap(f.pending))
	}
}

func TestFramesTooLong(t *testing.T) {
	miner, pool := connect(t, FromMiners)
	b := seal(t, miner, frame(FromMiners))
	f := Frames{Transport: pool}
	none := func(message.Header, []byte) error { return nil }
	if err := f.Feed(b, none); err != nil {
		t.Errorf("the longest frame: %v", err)
	}
	b = seal(t, miner, frame(FromMiners+1))
	if err := f.Feed(b[:HeaderSize], none); err == nil || !strings.Contains(err.Error(), "8192") {
		t.Errorf("a frame that is too long: %v", err)
	}
}

// Whatever byte is changed, nothing more comes out.
func TestFramesForged(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		miner, pool := connect(t, FromMiners)
		stream := seal(rt, miner, append(frame(33), frame(10)...))
		at := rapid.IntRange(0, len(stream)-1).Draw(rt, "at")
		stream[at] ^= rapid.ByteRange(1, 255).Draw(rt, "by")
		f := Frames{Transport: pool}
		n := 0
		count := func(message.Header, []byte) error { n++; return nil }
		if err := f.Feed(stream, count); err == nil {
			rt.Fatal("a forged stream was taken")
		}
		if at < HeaderSize+Sealed(33) && n > 0 {
			rt.Fatalf("%d frames came out before byte %d", n, at)
		}
		before := n
		if err := f.Feed(seal(rt, miner, frame(1)), count); err == nil || n != before {
			rt.Fatal("something came out after a forged frame")
		}
	})
}

func TestFramesStop(t *testing.T) {
	miner, pool := connect(t, FromMiners)
	f := Frames{Transport: pool}
	stop := errors.New("stop")
	if err := f.Feed(seal(t, miner, frame(5)), func(message.Header, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error is %v", err)
	}
}

func TestSealPartial(t *testing.T) {
	miner, _ := connect(t, FromMiners)
	for _, b := range [][]byte{frame(5)[:3], frame(5)[:8], append(frame(5), 1)} {
		if _, err := miner.Seal(nil, b); err == nil {
			t.Errorf("%d bytes that are no whole frames were sealed", len(b))
		}
	}
}

// Random bytes in place of frames never come out, and never panic.
func FuzzFrames(f *testing.F) {
	f.Add(make([]byte, HeaderSize), make([]byte, 40))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		_, pool := connect(t, FromMiners)
		frames := Frames{Transport: pool}
		for _, piece := range [][]byte{a, b} {
			if frames.Feed(piece, func(message.Header, []byte) error {
				t.Fatal("a frame came out of nothing")
				return nil
			}) != nil {
				return
			}
		}
	})
}
