package nip44

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"pgregory.net/rapid"
)

type vectors struct {
	EncryptDecrypt []struct {
		Sec1, Sec2      string
		ConversationKey string `json:"conversation_key"`
		Nonce           string
		Plaintext       string
		Payload         string
	} `json:"encrypt_decrypt"`
	Long []struct {
		ConversationKey string `json:"conversation_key"`
		Nonce, Pattern  string
		Repeat          int
		PlaintextSHA    string `json:"plaintext_sha256"`
		PayloadSHA      string `json:"payload_sha256"`
	} `json:"encrypt_decrypt_long"`
	ConversationKey []struct {
		Sec1, Pub2      string
		ConversationKey string `json:"conversation_key"`
	} `json:"conversation_key"`
	MessageKeys []struct {
		ConversationKey string `json:"conversation_key"`
		Nonce           string
		ChachaKey       string `json:"chacha_key"`
		ChachaNonce     string `json:"chacha_nonce"`
		HMACKey         string `json:"hmac_key"`
	} `json:"message_keys"`
	InvalidDecrypt []struct {
		ConversationKey string `json:"conversation_key"`
		Payload, Note   string
	} `json:"invalid_decrypt"`
	InvalidKey []struct{ Sec1, Pub2, Note string } `json:"invalid_conversation_key"`
}

func load(t *testing.T) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.EncryptDecrypt) < 10 || len(v.Long) < 3 || len(v.ConversationKey) < 30 || len(v.MessageKeys) < 30 || len(v.InvalidDecrypt) < 10 || len(v.InvalidKey) < 8 {
		t.Fatal("vectors are missing")
	}
	return v
}

func bytes32(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("%q is not 32 bytes: %v", s, err)
	}
	return [32]byte(b)
}

func public(secret [32]byte) [32]byte {
	_, pub := btcec.PrivKeyFromBytes(secret[:])
	return [32]byte(schnorr.SerializePubKey(pub))
}

func TestTheVectorsOfTheStandard(t *testing.T) {
	v := load(t)
	for i, c := range v.EncryptDecrypt {
		want := Key(bytes32(t, c.ConversationKey))
		for _, pair := range [][2]string{{c.Sec1, c.Sec2}, {c.Sec2, c.Sec1}} {
			if key, err := NewKey(bytes32(t, pair[0]), public(bytes32(t, pair[1]))); err != nil || key != want {
				t.Errorf("message %d: key %x, %v", i, key, err)
			}
		}
		if got, err := want.Seal(c.Plaintext, bytes32(t, c.Nonce)); err != nil || got != c.Payload {
			t.Errorf("message %d is sealed as %s, %v", i, got, err)
		}
		if got, err := want.Open(c.Payload); err != nil || got != c.Plaintext {
			t.Errorf("message %d is opened as %q, %v", i, got, err)
		}
	}
	for i, c := range v.Long {
		key := Key(bytes32(t, c.ConversationKey))
		plain := strings.Repeat(c.Pattern, c.Repeat)
		sealed, err := key.Seal(plain, bytes32(t, c.Nonce))
		sum, plainSum := sha256.Sum256([]byte(sealed)), sha256.Sum256([]byte(plain))
		if err != nil || hex.EncodeToString(sum[:]) != c.PayloadSHA || hex.EncodeToString(plainSum[:]) != c.PlaintextSHA {
			t.Errorf("long message %d: %v", i, err)
		}
		if got, err := key.Open(sealed); err != nil || got != plain {
			t.Errorf("long message %d is opened as %d bytes, %v", i, len(got), err)
		}
	}
	for i, c := range v.ConversationKey {
		if key, err := NewKey(bytes32(t, c.Sec1), bytes32(t, c.Pub2)); err != nil || hex.EncodeToString(key[:]) != c.ConversationKey {
			t.Errorf("key %d: %x, %v", i, key, err)
		}
	}
	for i, c := range v.MessageKeys {
		nonce := bytes32(t, c.Nonce)
		s, err := Key(bytes32(t, c.ConversationKey)).keys(nonce[:])
		if err != nil || hex.EncodeToString(s.cipher[:]) != c.ChachaKey || hex.EncodeToString(s.nonce[:]) != c.ChachaNonce || hex.EncodeToString(s.mac[:]) != c.HMACKey {
			t.Errorf("keys %d: %x, %v", i, s, err)
		}
	}
	for _, c := range v.InvalidDecrypt {
		if got, err := Key(bytes32(t, c.ConversationKey)).Open(c.Payload); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: opened as %q, %v", c.Note, got, err)
		}
	}
	for _, c := range v.InvalidKey {
		if key, err := NewKey(bytes32(t, c.Sec1), bytes32(t, c.Pub2)); err == nil {
			t.Errorf("%s: %x", c.Note, key)
		}
	}
}

func TestLengths(t *testing.T) {
	// From the table of the standard.
	for n, want := range map[int]int{1: 32, 16: 32, 32: 32, 33: 64, 37: 64, 45: 64, 49: 64, 64: 64, 65: 96, 100: 128, 111: 128, 200: 224, 250: 256, 320: 320, 383: 384, 384: 384, 400: 448, 500: 512, 512: 512, 515: 640, 700: 768, 800: 896, 900: 1024, 1020: 1024, 65535: 65536} {
		if got := padded(n); got != want {
			t.Errorf("%d bytes are padded to %d, want %d", n, got, want)
		}
	}
	for _, n := range []int{0, MaxPlain + 1} {
		if s, err := (Key{}).Seal(strings.Repeat("x", n), [32]byte{}); err == nil {
			t.Errorf("%d bytes are sealed as %d", n, len(s))
		}
	}
}

func TestWhatIsChangedIsNotOpened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := Key(sha256.Sum256([]byte(rapid.String().Draw(t, "key"))))
		plain := rapid.StringN(1, 200, 2000).Filter(func(s string) bool { return s != "" }).Draw(t, "plain")
		sealed, err := key.Seal(plain, sha256.Sum256([]byte(plain)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := key.Open(sealed); err != nil || got != plain {
			t.Fatalf("opened as %q, %v", got, err)
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		b := []byte(sealed)
		if b[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip")); string(b) != sealed {
			if got, err := key.Open(string(b)); err == nil {
				t.Fatalf("changed at %d it is opened as %q", i, got)
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add("AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb")
	f.Add("#")
	f.Fuzz(func(t *testing.T, sealed string) {
		if got, err := (Key{1}).Open(sealed); err == nil && (got == "" || len(got) > MaxPlain) {
			t.Fatalf("%d bytes", len(got))
		} else if err != nil && !errors.Is(err, ErrSealed) {
			t.Fatal(err)
		}
	})
}
