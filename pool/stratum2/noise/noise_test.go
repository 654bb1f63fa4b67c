package noise

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ellswift"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const vectors = "../../../spec/vectors/stratum2"

var update = flag.Bool("update", false, "write the handshake vector anew")

// read returns the rows of a file of vectors after its headline.
func read(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(vectors, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func field(t *testing.T, s string) *btcec.FieldVal {
	t.Helper()
	var f btcec.FieldVal
	f.SetByteSlice(unhex(t, s))
	return f.Normalize()
}

// The beginning that every implementation must share.
func TestBegin(t *testing.T) {
	got := begin()
	if want := "2eb47881208e9eee1f669f67c66ee70ea9ea88090d503fe830dc4bc83e29bf10"; hex.EncodeToString(got.chain[:]) != want {
		t.Errorf("the chaining key begins as %x, want %s", got.chain, want)
	}
}

// BIP 324: ellswift decoding.
func TestDecode(t *testing.T) {
	for _, row := range read(t, "ellswift-decode.csv") {
		p, err := point((*[KeySize]byte)(unhex(t, row[0])))
		if err != nil {
			t.Fatalf("%s: %v", row[0], err)
		}
		if got := hex.EncodeToString(p.X.Bytes()[:]); got != row[1] {
			t.Errorf("%s has x %s, want %s", row[0], got, row[1])
		}
	}
}

// BIP 324: every way to encode an x with a given u.
func TestInverse(t *testing.T) {
	for _, row := range read(t, "ellswift-inverse.csv") {
		for i, want := range row[2:] {
			got := ""
			if f := ellswift.XSwiftECInv(field(t, row[0]), field(t, row[1]), i); f != nil {
				got = hex.EncodeToString(f.Bytes()[:])
			}
			if got != want {
				t.Errorf("u %s, x %s, case %d: t %q, want %q", row[0], row[1], i, got, want)
			}
		}
	}
}

// BIP 324: the shared secret; and blinding does not change it.
func TestShared(t *testing.T) {
	for _, row := range read(t, "ellswift-ecdh.csv") {
		k, err := NewKey([32]byte(unhex(t, row[0])), [32]byte{})
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := [KeySize]byte(unhex(t, row[1])), [KeySize]byte(unhex(t, row[2]))
		p, err := point(&theirs)
		if err != nil {
			t.Fatal(err)
		}
		x := k.exchange(p)
		if got := hex.EncodeToString(x[:]); got != row[4] {
			t.Errorf("shared x %s, want %s", got, row[4])
		}
		for _, mask := range [][32]byte{{}, {31: 1}, {0: 0xff, 31: 0xff}, [32]byte(bytes.Repeat([]byte{0xff}, 32)), k.secret.Bytes()} {
			if got := k.blinded(p, mask); got != x {
				t.Errorf("blinded with %x: shared x %x, want %x", mask, got, x)
			}
		}
		first, second := &ours, &theirs
		if row[3] == "0" {
			first, second = second, first
		}
		got := shared(first, second, x)
		if hex.EncodeToString(got[:]) != row[5] {
			t.Errorf("shared secret %x, want %s", got, row[5])
		}
	}
}

// Section 4.7.1 of the specification.
func TestAuthorityKeyText(t *testing.T) {
	const text = "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh"
	key := AuthorityKey{118, 99, 112, 0, 151, 156, 28, 17, 175, 12, 48, 11, 205, 140, 127, 228, 134, 16, 252, 233, 185, 193, 30, 61, 174, 227, 90, 224, 176, 138, 116, 85}
	if got := key.String(); got != text {
		t.Errorf("text %s, want %s", got, text)
	}
	got, err := ParseAuthorityKey(text)
	if err != nil || got != key {
		t.Errorf("parsed %x, %v; want %x", got, err, key)
	}
	for _, bad := range []string{
		"", "9", text[1:], text + "1", strings.Replace(text, "b", "c", 1), strings.Repeat("z", 1<<20),
		"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", // an address
		AuthorityKey(bytes.Repeat([]byte{0xff}, 32)).String(),
	} {
		if got, err := ParseAuthorityKey(bad); err == nil {
			t.Errorf("%.80q was taken for the key %x", bad, got)
		}
	}
}

func FuzzParseAuthorityKey(f *testing.F) {
	f.Add("9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseAuthorityKey(s)
		if err == nil && k.String() != s {
			t.Errorf("%q was read as %q", s, k)
		}
	})
}

func secret(b byte) (s [32]byte) {
	for i := range s {
		s[i] = b
	}
	return s
}

func newKey(t testing.TB, b byte) *Key {
	t.Helper()
	k, err := NewKey(secret(b), secret(b+100))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newIdentity(t testing.TB) (*Identity, AuthorityKey) {
	t.Helper()
	a, err := NewAuthority(secret(4))
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t, 3)
	c, err := a.Certify(key.X(), day(0), day(365), secret(5))
	if err != nil {
		t.Fatal(err)
	}
	return &Identity{key, c}, a.Key()
}

func day(n int) time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

// handshake is a whole handshake with fixed keys: spec/vectors/stratum2/handshake.json.
type handshake struct {
	Note          string
	Initiator     party
	Responder     party
	Static        party
	Authority     string
	AuthorityText string
	ValidFrom     int64
	NotValidAfter int64
	SignatureAux  string
	Hello         string
	Answer        string
	Signature     string
	Texts         []sealed
}

// party is a key pair.
type party struct{ Secret, Aux, X, Encoding string }

// sealed is a text sent after the handshake.
type sealed struct {
	Initiator     bool
	Plain, Sealed string
}

func asParty(k *Key, b byte) party {
	s, a, e := secret(b), secret(b+100), k.Encoding()
	return party{hex.EncodeToString(s[:]), hex.EncodeToString(a[:]), hex.EncodeToString(k.x[:]), hex.EncodeToString(e[:])}
}

// play is the handshake with the keys of newKey, and some texts after it.
func play(t testing.TB) handshake {
	t.Helper()
	id, authority := newIdentity(t)
	e, re := newKey(t, 1), newKey(t, 2)
	aux, key := secret(5), secret(4)
	v := handshake{
		Note:      "A handshake with fixed keys, made by package pool/stratum2/noise and held to the specification by check.py. Bytes are hexadecimal.",
		Initiator: asParty(e, 1), Responder: asParty(re, 2), Static: asParty(id.Key, 3),
		Authority: hex.EncodeToString(key[:]), AuthorityText: authority.String(),
		ValidFrom: id.Certificate.From.Unix(), NotValidAfter: id.Certificate.Until.Unix(),
		SignatureAux: hex.EncodeToString(aux[:]), Signature: hex.EncodeToString(id.Certificate.Signature[:]),
	}
	i := NewInitiator(e)
	hello := i.Hello()
	v.Hello = hex.EncodeToString(hello[:])
	answer, server, err := Respond(hello[:], re, id)
	if err != nil {
		t.Fatal(err)
	}
	v.Answer = hex.EncodeToString(answer[:])
	peer, client, err := i.Finish(answer[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Verify(authority, day(1)); err != nil {
		t.Fatal(err)
	}
	for n, text := range []string{"", "a", "SetupConnection", strings.Repeat("0123456789abcdef", 10)} {
		for _, c := range []struct {
			initiator bool
			out, in   *Cipher
		}{{true, client.Out, server.In}, {false, server.Out, client.In}} {
			out, err := c.out.Seal(nil, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			v.Texts = append(v.Texts, sealed{c.initiator, hex.EncodeToString([]byte(text)), hex.EncodeToString(out)})
			got, err := c.in.Open(nil, out)
			if err != nil || string(got) != text {
				t.Fatalf("text %d was opened as %q, %v", n, got, err)
			}
		}
	}
	return v
}

func TestHandshakeVector(t *testing.T) {
	got := play(t)
	file := filepath.Join(vectors, "handshake.json")
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want handshake
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("not as recorded (-want +got):\n%s", diff)
	}
}

// Every key has an encoding that decodes to it, whatever the randomness.
func TestKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes32 := rapid.SliceOfN(rapid.Byte(), 32, 32)
		s, aux := [32]byte(bytes32.Draw(t, "secret")), [32]byte(bytes32.Draw(t, "aux"))
		k, err := NewKey(s, aux)
		var n btcec.ModNScalar
		if overflow := n.SetBytes(&s); overflow != 0 || n.IsZero() {
			if err == nil {
				t.Fatalf("secret %x makes a key", s)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		e := k.Encoding()
		p, err := point(&e)
		if err != nil {
			t.Fatal(err)
		}
		if *p.X.Bytes() != k.X() {
			t.Fatalf("%x decodes to %x, want %x", e, p.X.Bytes(), k.X())
		}
	})
}

func TestSecretsThatAreNone(t *testing.T) {
	order := btcec.S256().N.Bytes()
	for _, s := range [][32]byte{{}, [32]byte(order), secret(0xff)} {
		if _, err := NewKey(s, [32]byte{}); err == nil {
			t.Errorf("%x makes a key", s)
		}
		if _, err := NewAuthority(s); err == nil {
			t.Errorf("%x makes an authority", s)
		}
	}
	if _, err := GenerateKey(bytes.NewReader(make([]byte, 63))); err == nil {
		t.Error("63 random bytes make a key")
	}
}

// Any byte of the answer that is changed ends the handshake; a hello that is
// changed on its way does too.
func TestHandshakeDamaged(t *testing.T) {
	id, _ := newIdentity(t)
	rapid.Check(t, func(rt *rapid.T) {
		i := NewInitiator(newKey(t, 1))
		hello := i.Hello()
		at, by := rapid.IntRange(0, HelloSize+AnswerSize-1).Draw(rt, "at"), rapid.ByteRange(1, 255).Draw(rt, "by")
		if at < HelloSize {
			hello[at] ^= by
		}
		answer, _, err := Respond(hello[:], newKey(t, 2), id)
		if err != nil {
			rt.Fatal(err)
		}
		if at >= HelloSize {
			answer[at-HelloSize] ^= by
		}
		if _, _, err := i.Finish(answer[:]); err == nil {
			rt.Fatal("the handshake went on")
		}
		if _, _, err := i.Finish(answer[:]); err == nil {
			rt.Fatal("the handshake was finished twice")
		}
	})
}

func TestHandshakeShort(t *testing.T) {
	id, _ := newIdentity(t)
	for _, n := range []int{0, 1, HelloSize - 1, HelloSize + 1, 1 << 16} {
		if _, _, err := Respond(make([]byte, n), newKey(t, 2), id); err == nil {
			t.Errorf("a hello of %d bytes was answered", n)
		}
	}
	for _, n := range []int{0, AnswerSize - 1, AnswerSize + 1} {
		if _, _, err := NewInitiator(newKey(t, 1)).Finish(make([]byte, n)); err == nil {
			t.Errorf("an answer of %d bytes was taken", n)
		}
	}
}

// Two handshakes with other keys share nothing but the static key.
func TestEphemeralKeysMatter(t *testing.T) {
	id, _ := newIdentity(t)
	hello := NewInitiator(newKey(t, 1)).Hello()
	a, pa, err := Respond(hello[:], newKey(t, 2), id)
	if err != nil {
		t.Fatal(err)
	}
	b, pb, err := Respond(hello[:], newKey(t, 6), id)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a[:KeySize], b[:KeySize]) || bytes.Equal(a[KeySize:], b[KeySize:]) {
		t.Error("the answers share bytes")
	}
	x, _ := pa.Out.Seal(nil, []byte("text"))
	y, _ := pb.Out.Seal(nil, []byte("text"))
	if bytes.Equal(x, y) {
		t.Error("the ciphers are the same")
	}
}

func TestCertificate(t *testing.T) {
	id, authority := newIdentity(t)
	other, err := NewAuthority(secret(9))
	if err != nil {
		t.Fatal(err)
	}
	good := id.Certificate
	change := func(f func(c *Certificate)) Certificate {
		c := good
		f(&c)
		return c
	}
	for _, c := range []struct {
		name string
		c    Certificate
		key  AuthorityKey
		now  time.Time
		why  string // "" if it is trusted
	}{
		{"good", good, authority, day(100), ""},
		{"on the first second", good, authority, day(0), ""},
		{"on the last second", good, authority, day(365).Add(999 * time.Millisecond), ""},
		{"too early", good, authority, day(0).Add(-time.Second), "is the clock right"},
		{"too late", good, authority, day(365).Add(time.Second), "is the clock right"},
		{"of somebody else", good, other.Key(), day(100), "has the pool another key now"},
		{"prolonged", change(func(c *Certificate) { c.Until = day(1000) }), authority, day(100), "was not signed"},
		{"begun earlier", change(func(c *Certificate) { c.From = day(-1) }), authority, day(100), "was not signed"},
		{"damaged signature", change(func(c *Certificate) { c.Signature[63] ^= 1 }), authority, day(100), "was not signed"},
		{"no signature", change(func(c *Certificate) { c.Signature = [64]byte(bytes.Repeat([]byte{0xff}, 64)) }), authority, day(100), "not signed"},
		{"another version", change(func(c *Certificate) { c.Version = 1 }), authority, day(100), "version 1"},
		{"no key", good, AuthorityKey(bytes.Repeat([]byte{0xff}, 32)), day(100), "is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			again, err := ParseCertificate(c.c.Append(nil))
			if err != nil || !again.Equal(c.c) {
				t.Fatalf("the certificate is read back as %+v, %v", again, err)
			}
			err = Peer{id.Key.X(), again}.Verify(c.key, c.now)
			switch {
			case c.why == "" && err != nil:
				t.Error(err)
			case c.why != "" && (!errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), c.why)):
				t.Errorf("verified with %v; want ErrUntrusted with %q", err, c.why)
			}
		})
	}
	if err := (Peer{newKey(t, 1).X(), good}).Verify(authority, day(100)); err == nil {
		t.Error("the certificate holds for another key")
	}
	a, err := NewAuthority(secret(4))
	if err != nil {
		t.Fatal(err)
	}
	for _, until := range []time.Time{time.Unix(-1, 0), time.Unix(math.MaxUint32+1, 0)} {
		if _, err := a.Certify(id.Key.X(), day(0), until, [32]byte{}); err == nil {
			t.Errorf("a certificate until %v was signed", until)
		}
	}
}

// After one forged text the cipher is of no use, even for the right one.
func TestCipherFails(t *testing.T) {
	seal, err := newCipher(secret(7))
	if err != nil {
		t.Fatal(err)
	}
	open, _ := newCipher(secret(7))
	out, _ := seal.Seal(nil, []byte("text"))
	for _, forged := range [][]byte{nil, out[:15], append(bytes.Clone(out[:3]), out[4:]...)} {
		c, _ := newCipher(secret(7))
		if _, err := c.Open(nil, forged); err == nil {
			t.Errorf("%x was opened", forged)
		}
	}
	bad := bytes.Clone(out)
	bad[0] ^= 1
	if _, err := open.Open(nil, bad); err == nil {
		t.Fatal("a forged text was opened")
	}
	if _, err := open.Open(nil, out); err == nil {
		t.Error("a text was opened after a forged one")
	}
}

// Texts replayed, dropped or swapped are forged.
func TestCipherOrder(t *testing.T) {
	texts := make([][]byte, 3)
	seal, _ := newCipher(secret(7))
	for i := range texts {
		texts[i], _ = seal.Seal(nil, []byte{byte(i)})
	}
	for _, order := range [][]int{{0, 0}, {1}, {0, 2}} {
		open, _ := newCipher(secret(7))
		var err error
		for _, i := range order {
			_, err = open.Open(nil, texts[i])
		}
		if err == nil {
			t.Errorf("texts %v were opened", order)
		}
	}
}

func TestCipherExhausted(t *testing.T) {
	c, _ := newCipher(secret(7))
	c.n = math.MaxUint64 - 1
	if _, err := c.Seal(nil, nil); err != nil {
		t.Fatalf("the last nonce but one: %v", err)
	}
	for range 2 {
		if out, err := c.Seal([]byte("before"), nil); !errors.Is(err, errExhausted) || string(out) != "before" {
			t.Errorf("after the last nonce: %q, %v", out, err)
		}
	}
}

// Nothing that a stranger sends makes the handshake panic.
func FuzzRespond(f *testing.F) {
	id, _ := newIdentity(f)
	f.Add(make([]byte, HelloSize))
	f.Add(bytes.Repeat([]byte{0xff}, HelloSize))
	for _, s := range []string{
		"000000000000000000000000000000000000000000000000000000000000000001d3475bf7655b0fb2d852921035b2ef607f49069b97454e6795251062741771",
		"0a2d2ba93507f1df233770c2a797962cc61f6d15da14ecd47d8d27ae1cd5f8530000000000000000000000000000000000000000000000000000000000000000",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, hello []byte) {
		_, _, err := Respond(hello, newKey(t, 2), id)
		if (err == nil) != (len(hello) == HelloSize) {
			t.Errorf("a hello of %d bytes: %v", len(hello), err)
		}
	})
}

func FuzzFinish(f *testing.F) {
	v := play(f)
	f.Add(unhex(f, v.Answer))
	f.Add(make([]byte, AnswerSize))
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, _, err := NewInitiator(newKey(t, 1)).Finish(answer)
		if err == nil && hex.EncodeToString(answer) != v.Answer {
			t.Error("an answer that nobody gave was taken")
		}
	})
}

func FuzzParseCertificate(f *testing.F) {
	id, _ := newIdentity(f)
	f.Add(id.Certificate.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCertificate(b)
		if err == nil && !bytes.Equal(c.Append(nil), b) {
			t.Errorf("%x was read as %x", b, c.Append(nil))
		}
	})
}

func BenchmarkHandshake(b *testing.B) {
	id, authority := newIdentity(b)
	b.ReportAllocs()
	for b.Loop() {
		i := NewInitiator(newKey(b, 1))
		hello := i.Hello()
		answer, _, err := Respond(hello[:], newKey(b, 2), id)
		if err != nil {
			b.Fatal(err)
		}
		peer, _, err := i.Finish(answer[:])
		if err != nil {
			b.Fatal(err)
		}
		if err := peer.Verify(authority, day(1)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRespond(b *testing.B) {
	id, _ := newIdentity(b)
	hello := NewInitiator(newKey(b, 1)).Hello()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Respond(hello[:], newKey(b, 2), id); err != nil {
			b.Fatal(err)
		}
	}
}

// A frame of a submitted share: its header and its 33 bytes, sealed and opened.
func BenchmarkSubmit(b *testing.B) {
	seal, _ := newCipher(secret(7))
	open, _ := newCipher(secret(7))
	plain, out := make([]byte, 39), make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		out, _ = seal.Seal(out[:0], plain[:6])
		out, _ = seal.Seal(out, plain[6:])
		if _, err := open.Open(out[:0], out[:22]); err != nil {
			b.Fatal(err)
		}
		if _, err := open.Open(out[22:22], out[22:]); err != nil {
			b.Fatal(err)
		}
	}
}
