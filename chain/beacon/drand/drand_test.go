package drand

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	"pgregory.net/rapid"
)

// published are rounds of quicknet as its relays serve them. The randomness is
// given where the source gives it.
var published = []struct {
	number                uint64
	signature, randomness string
}{
	{number: 2, signature: "b6b6a585449b66eb12e875b64fcbab3799861a00e4dbf092d99e969a5eac57dd3f798acf61e705fe4f093db926626807"},
	{number: 3, signature: "b3fab6df720b68cc47175f2c777e86d84187caab5770906f515ff1099cb01e4deaa027075d860823e49477b93c72bd64"},
	{number: 42, signature: "95a9f9f5b231b7714de1553105d8ffdf3dcda24cfdb1e689319bccf79a9c8ce430a91b811fbfaf763900bc998b5d686a"},
	{123, "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92", "fb8f7bc29bf24db51871ec8c79f3a1e4bd0557bc0dfcee9ed1d924e69d1c60dc"},
	{1000, "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39", "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"},
	{657413, "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b", "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587"},
	{number: 6000100, signature: "b6018631cdb80412e0690267164e381fc744e6a62ba3397c9becae5370100e87dcabde17a7325d5e7fb8d0d135cb664d"},
	{number: 20791007, signature: "8d2c8bbc37170dbacc5e280a21d4e195cff5f32a19fd6a58633fa4e4670478b5fb39bc13dd8f8c4372c5a76191198ac5"},
	{number: 20905307, signature: "8a60486975062d9f06633c284cf1a7b46fb343f56f329f180530ca40a9e86320244f4fbfc37ae866cf25ef499665a31f"},
	{number: 27985651, signature: "b3548e49211c5285c23420d01f4be07ef60d55680f1d609191524aa3e4089360ad869393f6a7b28451617e3acbf0c58f"},
}

func TestQuicknetPublishedRounds(t *testing.T) {
	v := verifier(t, Quicknet().PublicKey)
	for _, p := range published {
		s := signature(t, p.signature)
		if err := v.VerifyRound(Round{p.number, s}); err != nil {
			t.Error(err)
		}
		for _, other := range []uint64{0, p.number - 1, p.number + 1, p.number << 8, math.MaxUint64} {
			if v.VerifyRound(Round{other, s}) == nil {
				t.Errorf("the signature of round %d passes for round %d", p.number, other)
			}
		}
		if r := s.Randomness(); p.randomness != "" && hex.EncodeToString(r[:]) != p.randomness {
			t.Errorf("round %d: randomness %x, want %s", p.number, r, p.randomness)
		}
	}
}

// The hash over what quicknet's /info says must be the hash that names it.
func TestQuicknetHash(t *testing.T) {
	c := Quicknet()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	var group [32]byte
	if _, err := hex.Decode(group[:], []byte("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e")); err != nil {
		t.Fatal(err)
	}
	if got := HashOf(c.PublicKey, c.Genesis, uint32(c.Period), group, QuicknetID); got != c.Hash {
		t.Errorf("hash %x, want %x", got, c.Hash)
	}
}

func TestRoundsAndTimes(t *testing.T) {
	c := Quicknet()
	for _, k := range []struct {
		at        int64
		round     uint64
		published int64 // of that round
	}{
		{math.MinInt64, 0, c.Genesis},
		{c.Genesis - 1, 0, c.Genesis},
		{c.Genesis, 1, c.Genesis},
		{c.Genesis + 2, 1, c.Genesis},
		{c.Genesis + 3, 2, c.Genesis + 3},
		{1776760317, 27985651, 1776760317}, // from a public log of that round
		{math.MaxInt64, (math.MaxInt64-1692803367)/3 + 1, math.MaxInt64 - (math.MaxInt64-1692803367)%3},
	} {
		if got := c.RoundAt(k.at); got != k.round {
			t.Errorf("at %d: round %d, want %d", k.at, got, k.round)
		}
		if got := c.After(k.at); got != k.round+1 {
			t.Errorf("after %d: round %d, want %d", k.at, got, k.round+1)
		}
		if got := c.TimeOf(k.round); got != k.published {
			t.Errorf("round %d is published at %d, want %d", k.round, got, k.published)
		}
	}
	if got := c.TimeOf(math.MaxUint64); got != math.MaxInt64 {
		t.Errorf("the last round of all is published at %d", got)
	}
}

func TestFirstRoundAfterATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Chain{Genesis: rapid.Int64Range(1, 1<<40).Draw(t, "genesis"), Period: rapid.Int64Range(1, 1<<20).Draw(t, "period")}
		at := rapid.Int64Range(-1<<40, 1<<45).Draw(t, "at")
		next := c.After(at)
		if c.TimeOf(next) <= at {
			t.Fatalf("round %d is published at %d, not after %d", next, c.TimeOf(next), at)
		}
		if next > 1 && c.TimeOf(next-1) > at {
			t.Fatalf("round %d is published after %d already", next-1, at)
		}
		if got := c.RoundAt(c.TimeOf(next)); got != next {
			t.Fatalf("at the time of round %d the last is %d", next, got)
		}
	})
}

func TestChainsThatMakeNoSense(t *testing.T) {
	for _, k := range []struct {
		change func(*Chain)
		want   string
	}{
		{func(c *Chain) { c.Period = 0 }, "period"},
		{func(c *Chain) { c.Period = 1 << 32 }, "period"},
		{func(c *Chain) { c.Genesis = 0 }, "genesis"},
		{func(c *Chain) { c.Hash = [32]byte{} }, "hash"},
		{func(c *Chain) { c.PublicKey = PublicKey{} }, "public key"},
		{func(c *Chain) { c.PublicKey = PublicKey{0: 0xc0} }, "infinity"},
	} {
		c := Quicknet()
		k.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("want an error about %q, got %v", k.want, err)
		}
	}
}

// The vectors of RFC 9380, J.9.1, hold the curve's library to the standard.
func TestHashToCurve(t *testing.T) {
	const tag = "QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
	for message, want := range map[string][2]string{
		"": {
			"052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
			"08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
		},
		"abc": {
			"03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
			"0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
		},
		"abcdef0123456789": {
			"11e0b079dea29a68f0383ee94fed1b940995272407e3bb916bbf268c263ddd57a6a27200a784cbc248e84f357ce82d98",
			"03a87ae2caf14e8ee52e51fa2ed8eefe80f02457004ba4d486d6aa1f517c0889501dc7413753f9599b099ebcbbd2d709",
		},
	} {
		p, err := bls.HashToG1([]byte(message), []byte(tag))
		if err != nil {
			t.Fatal(err)
		}
		x, y := p.X.Bytes(), p.Y.Bytes()
		if hex.EncodeToString(x[:]) != want[0] || hex.EncodeToString(y[:]) != want[1] {
			t.Errorf("%q: (%x, %x)", message, x, y)
		}
	}
}

// Encodings that other libraries may take or refuse have to be refused here,
// or two nodes could differ.
func TestSignaturesNotTaken(t *testing.T) {
	v := verifier(t, Quicknet().PublicKey)
	good := signature(t, published[4].signature)
	edit := func(f func(s *Signature)) Signature { s := good; f(&s); return s }
	modulus := fp.Modulus().FillBytes(make([]byte, 48))
	modulus[0] |= 0x80
	for name, s := range map[string]Signature{
		"nothing at all":           {},
		"the point at infinity":    {0: 0xc0},
		"infinity with a sign":     {0: 0xe0},
		"infinity and more":        {0: 0xc0, 47: 1},
		"not marked as compressed": edit(func(s *Signature) { s[0] &^= 0x80 }),
		"the other root":           edit(func(s *Signature) { s[0] ^= 0x20 }),
		"x beyond the field":       Signature(modulus),
		"x all ones":               Signature(bytes.Repeat([]byte{0xff}, 48)),
		"off the curve":            {0: 0x80, 47: 1},
		"of order 3":               {0: 0x80}, // (0, 2), on the curve, outside the subgroup
		"on the curve, not in the subgroup": func() Signature {
			for x := uint64(2); ; x++ {
				var p bls.G1Affine
				p.X.SetUint64(x)
				y := new(fp.Element).Square(&p.X)
				y.Mul(y, &p.X)
				four := fp.NewElement(4)
				if y.Add(y, &four); p.Y.Sqrt(y) != nil && !p.IsInSubGroup() {
					return p.Bytes()
				}
			}
		}(),
		"the hash itself": func() Signature {
			h, err := bls.HashToG1(RoundMessage(1000), []byte(Rounds))
			if err != nil {
				t.Fatal(err)
			}
			return h.Bytes()
		}(),
	} {
		if v.VerifyRound(Round{1000, s}) == nil {
			t.Errorf("%s: %x is taken for a signature", name, s)
		}
	}
}

func TestKeysNotTaken(t *testing.T) {
	good := Quicknet().PublicKey
	for name, k := range map[string]PublicKey{
		"nothing at all":           {},
		"the point at infinity":    {0: 0xc0},
		"not marked as compressed": func(k PublicKey) PublicKey { k[0] &^= 0x80; return k }(good),
		"x beyond the field":       PublicKey(bytes.Repeat([]byte{0xff}, 96)),
		"outside the subgroup": func() PublicKey {
			for x := byte(1); ; x++ {
				k := PublicKey{0: 0x80, 95: x}
				if _, err := new(bls.G2Affine).SetBytes(k[:]); err != nil && strings.Contains(err.Error(), "subgroup") {
					return k
				}
			}
		}(),
	} {
		if _, err := NewVerifier(k); err == nil {
			t.Errorf("%s: %x is taken for a key", name, k)
		}
	}
}

func TestRunOfRounds(t *testing.T) {
	v := verifier(t, Quicknet().PublicKey)
	run := []Signature{signature(t, published[0].signature), signature(t, published[1].signature)}
	if err := v.VerifyRun(2, run); err != nil {
		t.Error(err)
	}
	for first, wrong := range map[uint64][]Signature{
		1: run, 3: run, 0: run, math.MaxUint64: run,
		2: {run[1], run[0]},
	} {
		if v.VerifyRun(first, wrong) == nil {
			t.Errorf("rounds 2 and 3 pass as a run from %d", first)
		}
	}
	if err := v.VerifyRun(7, nil); err != nil {
		t.Errorf("a run of no rounds: %v", err)
	}

	// Errors that make up for each other in a plain sum.
	a, b := new(bls.G1Affine), new(bls.G1Affine)
	if _, err := a.SetBytes(run[0][:]); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SetBytes(run[1][:]); err != nil {
		t.Fatal(err)
	}
	_, _, g, _ := bls.Generators()
	a.Add(a, &g)
	b.Sub(b, &g)
	err := v.VerifyRun(2, []Signature{a.Bytes(), b.Bytes()})
	if err == nil || !strings.Contains(err.Error(), "round 2:") {
		t.Errorf("two wrong signatures that make up for each other: %v", err)
	}
}

func TestRunSaysWhatSingleRoundsSay(t *testing.T) {
	key := secret(t, 1)
	v := verifier(t, key.Public())
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Range(1, 1<<40).Draw(t, "first")
		run := make([]Signature, rapid.IntRange(1, 5).Draw(t, "rounds"))
		for i := range run {
			number := first + uint64(i)
			if rapid.IntRange(0, 7).Draw(t, "wrong") == 0 {
				number++
			}
			r, err := key.SignRound(number)
			if err != nil {
				t.Fatal(err)
			}
			run[i] = r.Signature
		}
		var want string
		for i := range run {
			if err := v.VerifyRound(Round{first + uint64(i), run[i]}); err != nil {
				want = err.Error()
				break
			}
		}
		var got string
		if err := v.VerifyRun(first, run); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Fatalf("as a run: %q, one by one: %q", got, want)
		}
	})
}

// Seeds and keys of EIP-2333, whose master keys are made by the same KeyGen.
func TestKeyFromSeed(t *testing.T) {
	for seed, want := range map[string]string{
		"c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04": "6083874454709270928345386274498605044986640685124978867557563392430687146096",
		"3141592653589793238462643383279502884197169399375105820974944592":                                                                 "29757020647961307431480504535336562678282505419141012933316116377660817309383",
		"0099ff991111002299dd7744ee3355bbdd8844115566cc55663355668888cc00":                                                                 "27580842291869792442942448775674722299803720648445448686099262467207037398656",
		"d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3":                                                                 "19022158461524446591288038168518313374041767046816487870552872741050760015818",
	} {
		b, err := hex.DecodeString(seed)
		if err != nil {
			t.Fatal(err)
		}
		k, err := NewSecretKey(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.scalar.BigInt(new(big.Int)).String(); got != want {
			t.Errorf("seed %s: %s, want %s", seed, got, want)
		}
	}
	if _, err := NewSecretKey(make([]byte, LeastSeed-1)); err == nil {
		t.Error("a seed too short to be secret is taken")
	}
}

func TestSignatureHoldsForItsKeyTagAndMessageOnly(t *testing.T) {
	one, other := secret(t, 1), secret(t, 2)
	message := []byte("a chain, a height, a value")
	s, err := one.Sign(Reveals, message)
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, one.Public())
	if err := v.Verify(Reveals, message, s); err != nil {
		t.Error(err)
	}
	if v.Verify(Rounds, message, s) == nil {
		t.Error("it holds under another tag")
	}
	if v.Verify(Reveals, append(message, 0), s) == nil {
		t.Error("it holds for another message")
	}
	if verifier(t, other.Public()).Verify(Reveals, message, s) == nil {
		t.Error("it holds for another key")
	}
	again, err := one.Sign(Reveals, message)
	if err != nil || again != s {
		t.Errorf("signing again gives another signature: %x, %v", again, err)
	}
	if _, err := (SecretKey{}).Sign(Reveals, message); err == nil {
		t.Error("an empty key signs")
	}
	if _, err := one.SignRound(0); err == nil {
		t.Error("round 0 is signed")
	}
}

func TestPossession(t *testing.T) {
	one, other := secret(t, 1), secret(t, 2)
	proof, err := one.Possession()
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier(t, one.Public()).VerifyPossession(proof); err != nil {
		t.Error(err)
	}
	if verifier(t, other.Public()).VerifyPossession(proof) == nil {
		t.Error("one key's proof passes for another's")
	}
	// A key may be asked to sign anything as a reveal, never a proof.
	public := one.Public()
	s, err := one.Sign(Reveals, public[:])
	if err != nil {
		t.Fatal(err)
	}
	if verifier(t, public).VerifyPossession(s) == nil {
		t.Error("a reveal passes for a proof of possession")
	}
}

func FuzzVerifyRound(f *testing.F) {
	for _, p := range published {
		b, err := hex.DecodeString(p.signature)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.number, b)
	}
	f.Add(uint64(1), []byte{0xc0})
	v, err := NewVerifier(Quicknet().PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, number uint64, b []byte) {
		var s Signature
		copy(s[:], b)
		if p, err := s.point(); err == nil && p.Bytes() != s {
			t.Fatalf("%x is read, and written as %x", s, p.Bytes())
		}
		if v.VerifyRound(Round{number, s}) != nil {
			return
		}
		for _, p := range published {
			if p.number == number && p.signature == hex.EncodeToString(s[:]) {
				return
			}
		}
		t.Fatalf("round %d: %x passes, and was never published", number, s)
	})
}

func FuzzPublicKey(f *testing.F) {
	key := Quicknet().PublicKey
	f.Add(key[:])
	f.Add([]byte{0xc0})
	f.Add([]byte{0xe0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var k PublicKey
		copy(k[:], b)
		if p, err := k.point(); err == nil && p.Bytes() != k {
			t.Fatalf("%x is read, and written as %x", k, p.Bytes())
		}
	})
}

func BenchmarkVerifyRound(b *testing.B) {
	v, r := verifier(b, Quicknet().PublicKey), Round{1000, signature(b, published[4].signature)}
	for b.Loop() {
		if err := v.VerifyRound(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyRun(b *testing.B) {
	key := secret(b, 1)
	v := verifier(b, key.Public())
	for _, n := range []int{2, 4, 8, 32} {
		run := make([]Signature, n)
		for i := range run {
			r, err := key.SignRound(uint64(i) + 1)
			if err != nil {
				b.Fatal(err)
			}
			run[i] = r.Signature
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if err := v.VerifyRun(1, run); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/round")
		})
	}
}

func BenchmarkNewVerifier(b *testing.B) {
	key := Quicknet().PublicKey
	for b.Loop() {
		verifier(b, key)
	}
}

func BenchmarkSign(b *testing.B) {
	key := secret(b, 1)
	for b.Loop() {
		if _, err := key.SignRound(1000); err != nil {
			b.Fatal(err)
		}
	}
}

func verifier(t testing.TB, key PublicKey) *Verifier {
	t.Helper()
	v, err := NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func signature(t testing.TB, s string) (out Signature) {
	t.Helper()
	if n, err := hex.Decode(out[:], []byte(s)); err != nil || n != len(out) {
		t.Fatalf("%d bytes of a signature: %v", n, err)
	}
	return out
}

func secret(t testing.TB, n byte) SecretKey {
	t.Helper()
	k, err := NewSecretKey(bytes.Repeat([]byte{n}, LeastSeed))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestLocalChainsDiffer(t *testing.T) {
	a, b := secret(t, 1).Public(), secret(t, 2).Public()
	seen := make(map[[32]byte]bool)
	for _, c := range []Chain{Local(a, 1000, 1), Local(b, 1000, 1), Local(a, 1001, 1), Local(a, 1000, 2)} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if seen[c.Hash] {
			t.Errorf("two chains have the hash %x", c.Hash)
		}
		seen[c.Hash] = true
	}
}
