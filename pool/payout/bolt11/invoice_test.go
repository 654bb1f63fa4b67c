package bolt11_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"pgregory.net/rapid"

	"hearth/pool/payout/bolt11"
	"hearth/pool/payout/payouttest"
)

// The examples of BOLT 11. They are all signed by one key and, but for the one
// in pico-bitcoin, have one payment hash and time.
func TestTheExamplesOfTheStandard(t *testing.T) {
	const (
		hash  = "0001020304050607080900010203040506070809000102030405060708090102"
		payee = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
		cake  = "One piece of chocolate cake, one icecream cone, one pickle, one slice of swiss cheese, one slice of salami, one lollypop, one piece of cherry pie, one sausage, one cupcake, and one slice of watermelon"
	)
	for _, c := range []struct {
		name, text  string
		network     bolt11.Network
		millisats   int64
		expiry      time.Duration
		description string
		hashed      bool
	}{
		{"any amount", "lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq8rkx3yf5tcsyz3d73gafnh3cax9rn449d9p5uxz9ezhhypd0elx87sjle52x86fux2ypatgddc6k63n7erqz25le42c4u4ecky03ylcqca784w", bolt11.Mainnet, 0, time.Hour, "Please consider supporting this project", false},
		{"3 dollars within a minute", "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpuaztrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp", bolt11.Mainnet, 250_000_000, time.Minute, "1 cup coffee", false},
		{"not ASCII", "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrny", bolt11.Mainnet, 250_000_000, time.Minute, "ナンセンス 1杯", false},
		{"a hash of the description", "lnbc20m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqscc6gd6ql3jrc5yzme8v4ntcewwz5cnw92tz0pc8qcuufvq7khhr8wpald05e92xw006sq94mg8v2ndf4sefvf9sygkshp5zfem29trqq2yxxz7", bolt11.Mainnet, 2_000_000_000, time.Hour, cake, true},
		{"testnet, fallback address", "lntb20m1pvjluezhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqfpp3x9et2e20v6pu37c5d9vax37wxq72un98kmzzhznpurw9sgl2v0nklu2g4d0keph5t7tj9tcqd8rexnd07ux4uv2cjvcqwaxgj7v4uwn5wmypjd5n69z2xm3xgksg28nwht7f6zspwp3f9t", bolt11.Testnet, 2_000_000_000, time.Hour, cake, true},
		{"a private route", "lnbc20m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqsfpp3qjmp7lwpagxun9pygexvgpjdc4jdj85fr9yq20q82gphp2nflc7jtzrcazrra7wwgzxqc8u7754cdlpfrmccae92qgzqvzq2ps8pqqqqqqpqqqqq9qqqvpeuqafqxu92d8lr6fvg0r5gv0heeeqgcrqlnm6jhphu9y00rrhy4grqszsvpcgpy9qqqqqqgqqqqq7qqzqj9n4evl6mr5aj9f58zp6fyjzup6ywn3x6sk8akg5v4tgn2q8g4fhx05wf6juaxu9760yp46454gpg5mtzgerlzezqcqvjnhjh8z3g2qqdhhwkj", bolt11.Mainnet, 2_000_000_000, time.Hour, cake, true},
		{"a payment secret and features", "lnbc25m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5vdhkven9v5sxyetpdeessp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9q5sqqqqqqqqqqqqqqqpqsq67gye39hfg3zd8rgc80k32tvy9xk2xunwm5lzexnvpx6fd77en8qaq424dxgt56cag2dpt359k3ssyhetktkpqh24jqnjyw6uqd08sgptq44qu", bolt11.Mainnet, 2_500_000_000, time.Hour, "coffee beans", false},
		{"upper case", "LNBC25M1PVJLUEZPP5QQQSYQCYQ5RQWZQFQQQSYQCYQ5RQWZQFQQQSYQCYQ5RQWZQFQYPQDQ5VDHKVEN9V5SXYETPDEESSP5ZYG3ZYG3ZYG3ZYG3ZYG3ZYG3ZYG3ZYG3ZYG3ZYG3ZYG3ZYG3ZYGS9Q5SQQQQQQQQQQQQQQQPQSQ67GYE39HFG3ZD8RGC80K32TVY9XK2XUNWM5LZEXNVPX6FD77EN8QAQ424DXGT56CAG2DPT359K3SSYHETKTKPQH24JQNJYW6UQD08SGPTQ44QU", bolt11.Mainnet, 2_500_000_000, time.Hour, "coffee beans", false},
		{"fields that must be ignored", "lnbc25m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5vdhkven9v5sxyetpdeessp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9q5sqqqqqqqqqqqqqqqpqsq2qrqqqfppnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqppnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpp4qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqhpnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqhp4qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqspnqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqsp4qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnp5qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnpkqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq2jxxfsnucm4jf4zwtznpaxphce606fvhvje5x7d4gw7n73994hgs7nteqvenq8a4ml8aqtchv5d9pf7l558889hp4yyrqv6a7zpq9fgpskqhza", bolt11.Mainnet, 2_500_000_000, time.Hour, "coffee beans", false},
	} {
		in, err := bolt11.Decode(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if in.Network != c.network || in.Millisats != c.millisats || in.Expires.Sub(in.At) != c.expiry || in.At.Unix() != 1496314658 || in.PaymentHash.String() != hash || hex.EncodeToString(in.Payee[:]) != payee {
			t.Errorf("%s: %+v", c.name, in)
		}
		if in.Hashed != c.hashed || !c.hashed && in.Description != c.description || c.hashed && in.DescriptionHash != bolt11.Hash(sha256.Sum256([]byte(c.description))) {
			t.Errorf("%s: described as %q, %s", c.name, in.Description, in.DescriptionHash)
		}
	}
	pico, err := bolt11.Decode("lightning:lnbc9678785340p1pwmna7lpp5gc3xfm08u9qy06djf8dfflhugl6p7lgza6dsjxq454gxhj9t7a0sd8dgfkx7cmtwd68yetpd5s9xar0wfjn5gpc8qhrsdfq24f5ggrxdaezqsnvda3kkum5wfjkzmfqf3jkgem9wgsyuctwdus9xgrcyqcjcgpzgfskx6eqf9hzqnteypzxz7fzypfhg6trddjhygrcyqezcgpzfysywmm5ypxxjemgw3hxjmn8yptk7untd9hxwg3q2d6xjcmtv4ezq7pqxgsxzmnyyqcjqmt0wfjjq6t5v4khxxqyjw5qcqp2rzjq0gxwkzc8w6323m55m4jyxcjwmy7stt9hwkwe2qxmy8zpsgg7jcuwz87fcqqeuqqqyqqqqlgqqqqn3qq9qn07ytgrxxzad9hc4xt3mawjjt8znfv8xzscs7007v9gh9j569lencxa8xeujzkxs0uamak9aln6ez02uunw6rd2ht2sqe4hz8thcdagpleym0j")
	if err != nil || pico.Millisats != 967_878_534 || pico.Expires.Sub(pico.At) != 7*24*time.Hour || pico.PaymentHash.String() != "462264ede7e14047e9b249da94fefc47f41f7d02ee9b091815a5506bc8abf75f" {
		t.Errorf("pico-bitcoin: %+v, %v", pico, err)
	}
}

// The invalid examples of BOLT 11, but for the one of an unknown feature, which
// is the wallet's to refuse; and some more.
func TestInvalidInvoicesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"checksum":          "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrnt",
		"no separator":      "pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrny",
		"mixed case":        "LNBC2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrny",
		"nobody signed it":  "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpuaxtrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspk28uwq",
		"too short":         "lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6na6hlh",
		"multiplier":        "lnbc2500x1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpujr6jxr9gq9pv6g46y7d20jfkegkg4gljz2ea2a3m9lmvvr95tq2s0kvu70u3axgelz3kyvtp2ywwt0y8hkx2869zq5dll9nelr83zzqqpgl2zg",
		"part of a msat":    "lnbc2500000001p1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu7hqtk93pkf7sw55rdv4k9z2vj050rxdr6za9ekfs3nlt5lr89jqpdmxsmlj9urqumg0h9wzpqecw7th56tdms40p2ny9q4ddvjsedzcplva53s",
		"a bitcoin address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		"nothing":           "",
		"too long":          "lnbc1" + strings.Repeat("q", 10_000),
	} {
		if in, err := bolt11.Decode(text); !errors.Is(err, bolt11.ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := sha256.Sum256([]byte(rapid.String().Draw(t, "key")))
		key, _ := btcec.PrivKeyFromBytes(seed[:])
		at := time.Unix(rapid.Int64Range(1, 1<<34).Draw(t, "at"), 0).UTC()
		want := bolt11.Invoice{
			Network:     rapid.SampledFrom([]bolt11.Network{bolt11.Mainnet, bolt11.Testnet, bolt11.Signet, bolt11.Regtest, bolt11.Simnet}).Draw(t, "network"),
			Millisats:   rapid.Int64Range(0, 1<<50).Draw(t, "millisats"),
			At:          at,
			Expires:     at.Add(time.Duration(rapid.Int64Range(1, 1<<30).Draw(t, "expiry")) * time.Second),
			PaymentHash: sha256.Sum256(seed[:]),
			Hashed:      rapid.Bool().Draw(t, "hashed"),
		}
		if want.Hashed {
			want.DescriptionHash = sha256.Sum256([]byte("x"))
		} else {
			want.Description = rapid.StringN(0, 100, 600).Draw(t, "description")
		}
		copy(want.Payee[:], key.PubKey().SerializeCompressed())
		text, err := payouttest.Encode(want, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bolt11.Decode(text)
		if err != nil || got != want {
			t.Fatalf("%s\nread  %+v, %v\nwrote %+v", text, got, err, want)
		}
		if !got.Paid(hex.EncodeToString(seed[:])) || got.Paid(strings.Repeat("00", 32)) || got.Paid("x") {
			t.Fatal("the preimage and only it proves that it was paid")
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add("lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpuaztrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp")
	f.Add("lntb1")
	f.Fuzz(func(t *testing.T, text string) {
		in, err := bolt11.Decode(text)
		if err != nil {
			if !errors.Is(err, bolt11.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if in.Millisats < 0 || in.Expires.Before(in.At) || in.Network == "" || in.PaymentHash == (bolt11.Hash{}) {
			t.Fatalf("%+v", in)
		}
	})
}

func TestPayable(t *testing.T) {
	at := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	in := bolt11.Invoice{Network: bolt11.Regtest, Millisats: 245_000, At: at, Expires: at.Add(time.Hour)}
	for _, c := range []struct {
		name      string
		millisats int64
		wallet    bolt11.Network
		now       time.Time
		want      string
	}{
		{"as it shall be", 245_000, bolt11.Regtest, at.Add(time.Minute), ""},
		{"less", 244_999, bolt11.Regtest, at, "the invoice is of 245000 msat, not of 244999"},
		{"more", 245_001, bolt11.Regtest, at, "the invoice is of 245000 msat, not of 245001"},
		{"money of another network", 245_000, bolt11.Mainnet, at, "the invoice is of the network lnbcrt, the wallet of lnbc"},
		{"a clock that is off", 245_000, bolt11.Regtest, at.Add(-12 * time.Hour), ""},
		{"to come", 245_000, bolt11.Regtest, at.Add(-12*time.Hour - 1), "the invoice is of 2026-10-01T12:00:00Z, which is still to come: see whether both clocks are right"},
		{"just in time", 245_000, bolt11.Regtest, at.Add(time.Hour - 30*time.Second), ""},
		{"too late to be paid", 245_000, bolt11.Regtest, at.Add(time.Hour - 30*time.Second + 1), "the invoice expires at 2026-10-01T13:00:00Z already"},
		{"past", 245_000, bolt11.Regtest, at.Add(2 * time.Hour), "the invoice expires at 2026-10-01T13:00:00Z already"},
	} {
		got := ""
		if err := in.Payable(c.millisats, c.wallet, c.now); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if err := (bolt11.Invoice{Network: bolt11.Regtest, Expires: at}).Payable(245_000, bolt11.Regtest, at.Add(-time.Hour)); err == nil {
		t.Error("an invoice of any amount is one of this amount")
	}
}
