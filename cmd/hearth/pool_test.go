package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/httpapi"
	"hearth/web/storybook"
)

// poolHome serves a home of the storybook and runs commands against it.
type poolHome struct {
	home *storybook.Home
	url  string
	dir  string
}

func newPoolHome(t *testing.T, h *storybook.Home) poolHome {
	t.Helper()
	auth, err := httpapi.OpenAuth(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(httpapi.New(httpapi.Options{Home: h, Auth: auth, Log: slog.New(slog.DiscardHandler), Version: "0.1.0"}))
	t.Cleanup(srv.Close)
	return poolHome{h, srv.URL, t.TempDir()}
}

// do runs "hearth pool …" against the home and returns its code and what it
// wrote.
func (h poolHome) do(t *testing.T, args ...string) (code int, text string) {
	t.Helper()
	var out bytes.Buffer
	p := &program{ctx: t.Context(), in: strings.NewReader(""), out: &out, err: &out}
	code = p.run(append([]string{"pool", args[0], "--url", h.url}, args[1:]...))
	return code, out.String()
}

// What a person types, what comes back, and what the home was told.
func TestPoolCommands(t *testing.T) {
	const by = " by someone at this computer"
	for _, c := range []struct {
		name  string
		home  func() *storybook.Home
		args  []string
		code  int
		wants []string // in what is printed
		told  string
	}{
		{"status", storybook.Sats, []string{"status"}, 0, []string{"2 of 3 heaters mine", "Per kWh of heat   99 sats, expected\n", "expected by the shares that came in\n", "sat, booked\n", "61280.00 EUR, says kraken", "mini3", "37.2 TH/s", "not connected", "financier", "40%", "192.168.1.10:3333"}, ""},
		{"unpaid is said loudly", storybook.SatsUnpaid, []string{"status"}, 0, []string{"Unpaid: nobody gives paid work", "nobody: unpaid", "does not answer  ", "\nocean: ", "no such host"}, ""},
		{"stopped is said loudly", storybook.SatsStopped, []string{"status"}, 0, []string{"Payments are stopped, by a person who logged in", "resume-payouts", "unknown: lnd does not answer"}, ""},
		{"an alarm is said loudly", storybook.SatsDrift, []string{"status"}, 0, []string{"7.4% less", "turned away"}, ""},
		{"test coins are worth nothing", storybook.SatsTest, []string{"status"}, 0, []string{"Coins of regtest are worth nothing", "unknown (a test network's difficulty says nothing of earnings)", "booked, worth nothing", "127.0.0.1:3333, Stratum V1 and V2.\nThat address is this computer's own"}, ""},
		{"no pool", storybook.Heating, []string{"status"}, 1, []string{"This home has no pool of its own", `section "pool"`}, ""},
		{"miners", storybook.Sats, []string{"miners"}, 0, []string{"bitaxe", "1.21 TH/s", "\nshed: It is not connected"}, ""},
		{"nobody is paired", storybook.SatsBegun, []string{"miners"}, 0, []string{"hearth pool pair NAME"}, ""},
		{"pair", storybook.Sats, []string{"pair", "cellar"}, 0, []string{"stratum+tcp://192.168.1.10:3333", "k7q2m5x3d4h6n2pa", "cellar.k7q2m5x3d4h6n2pa", "stratum2+tcp://", "shown this once"}, "pair cellar" + by},
		{"pair by address", storybook.Sats, []string{"pair", "cellar", "--address", "192.168.1.90"}, 0, []string{"known by its address"}, "pair cellar" + by},
		{"pair at no address", storybook.Sats, []string{"pair", "cellar", "--address", "next door"}, 2, []string{"not an address"}, ""},
		{"pair twice", storybook.Sats, []string{"pair", "mini3"}, 1, []string{"is paired"}, "pair mini3" + by},
		{"unpair", storybook.Sats, []string{"unpair", "shed"}, 0, []string{"let in no more"}, "unpair shed" + by},
		{"unpair nobody", storybook.Sats, []string{"unpair", "attic"}, 1, []string{"no miner is paired"}, "unpair attic" + by},
		{"point", storybook.SatsBegun, []string{"point", "mini3"}, 0, []string{"mini3 mines here now"}, "point mini3" + by},
		{"point all", storybook.SatsBegun, []string{"point", "--all"}, 0, []string{"mini3 mines here", "bitaxe mines here"}, "point bitaxe" + by},
		{"point what cannot be", storybook.Sats, []string{"point", "backup"}, 1, []string{"set them on its own page"}, "point backup" + by},
		{"point what and everything", storybook.Sats, []string{"point", "mini3", "--all"}, 2, []string{"name one device, or say --all"}, ""},
		{"point all of none", storybook.SatsTest, []string{"point", "--all"}, 0, []string{"Hearth can set the pools of no further device here", "hearth pool pair NAME"}, ""},
		{"restore all of none", storybook.SatsTest, []string{"restore", "--all"}, 0, []string{"no miner was pointed here"}, ""},
		{"restore", storybook.Sats, []string{"restore", "mini3"}, 0, []string{"earlier pools back"}, "restore mini3" + by},
		{"restore what was never pointed", storybook.Sats, []string{"restore", "bitaxe"}, 1, []string{"no earlier pools"}, "restore bitaxe" + by},
		{"stop", storybook.Sats, []string{"stop-payouts"}, 0, []string{"Payments are stopped"}, "payouts stopped true" + by},
		{"resume", storybook.SatsStopped, []string{"resume-payouts"}, 0, []string{"go out again"}, "payouts stopped false" + by},
		{"receipt", storybook.Sats, []string{"receipt", "ocean", "0.00021 BTC", "--proof", "tx1"}, 0, []string{"Booked: 21000 sat from ocean"}, "receipt of 21000000 msat from ocean, proof tx1," + by},
		{"receipt taken back", storybook.Sats, []string{"receipt", "ocean", "--proof", "tx1", "--", "-1.5 sats"}, 0, []string{"-1.5 sat"}, "receipt of -1500 msat from ocean, proof tx1," + by},
		{"receipt of nothing", storybook.Sats, []string{"receipt", "ocean", "0 sats", "--proof", "tx1"}, 2, []string{"not an amount"}, ""},
		{"receipt without unit", storybook.Sats, []string{"receipt", "ocean", "21", "--proof", "tx1"}, 2, []string{"not an amount"}, ""},
		{"receipt of half a thousandth", storybook.Sats, []string{"receipt", "ocean", "0.0005 sats", "--proof", "tx1"}, 2, []string{"thousandth"}, ""},
		{"receipt of too much", storybook.Sats, []string{"receipt", "ocean", "99999999999999 BTC", "--proof", "tx1"}, 2, []string{"not an amount"}, ""},
		{"receipt with an exponent", storybook.Sats, []string{"receipt", "ocean", "1e999999999 BTC", "--proof", "tx1"}, 2, []string{"not an amount"}, ""},
		{"report", storybook.Sats, []string{"report", "ocean", "1900 sats", "--from", "2026-01-13T00:00:00Z", "--to", "2026-01-14T00:00:00Z"}, 0, []string{"agree with the shares"}, "report of 1900000 msat from ocean" + by},
		{"report that does not add up", storybook.SatsDrift, []string{"report", "ocean", "1 sat", "--from", "2026-01-13T00:00:00Z", "--to", "2026-01-14T00:00:00Z"}, 4, []string{"7.4% less"}, "report of 1000 msat from ocean" + by},
		{"report of when", storybook.Sats, []string{"report", "ocean", "1 sat", "--from", "monday", "--to", "tuesday"}, 2, []string{"write a time as"}, ""},
		{"report of a span backwards", storybook.Sats, []string{"report", "ocean", "1 sat", "--from", "2026-01-14T00:00:00Z", "--to", "2026-01-13T00:00:00Z"}, 2, []string{"must lie before --to 2026-01-13"}, ""},
		{"statement", storybook.Sats, []string{"statement", "host", "--month", "2026-01"}, 0, []string{"Statement for Anna Berg", "2\u202f964.636 sats"}, ""},
		{"statement of nobody", storybook.Sats, []string{"statement", "landlord", "--month", "2026-01"}, 1, []string{"landlord"}, ""},
		{"statement of no month", storybook.Sats, []string{"statement", "host", "--month", "January"}, 2, []string{"write it as 2026-11"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newPoolHome(t, c.home())
			code, text := h.do(t, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", code, c.code, text)
			}
			for _, want := range c.wants {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
			told := h.home.Calls()
			if last := append([]string{""}, told...)[len(told)]; last != c.told {
				t.Errorf("the home was told %q, want %q", told, c.told)
			}
		})
	}
}

// A statement is signed, and can be worked out again from the exported ledger by
// somebody who has nothing but files; a changed one cannot.
func TestStatementIsVerifiedOffline(t *testing.T) {
	h := newPoolHome(t, storybook.Sats())
	at := func(name string) string { return filepath.Join(h.dir, name) }
	write := func(name string, b []byte) string {
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	if code, text := h.do(t, "statement", "host", "--month", "2026-01", "--format", "json", "--out", at("statement.json")); code != 0 {
		t.Fatalf("statement: %d %s", code, text)
	}
	if code, text := h.do(t, "statement", "host", "--month", "2026-01", "--format", "json", "--out", at("statement.json")); code != 1 || !strings.Contains(text, "exists") {
		t.Errorf("a file that is there: %d %s", code, text)
	}
	res, err := http.Get(h.url + "/api/v1/ledger/export.chain")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	chain, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	write("chain", chain)
	write("contract.yaml", []byte(storybook.Contract))
	statement, err := os.ReadFile(at("statement.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sealed struct{ Key string }
	if err := json.Unmarshal(statement, &sealed); err != nil {
		t.Fatal(err)
	}
	verify := func(statement, records, key string) (int, string) {
		var out bytes.Buffer
		p := &program{ctx: t.Context(), out: &out, err: &out}
		return p.run([]string{"pool", "verify-statement", statement, "--agreement", at("contract.yaml"), "--records", records, "--key", key}), out.String()
	}
	if code, text := verify(at("statement.json"), at("chain"), sealed.Key); code != 0 || strings.Contains(text, "DIFFERS") || !strings.Contains(text, "agrees:") {
		t.Errorf("a good statement: %d\n%s", code, text)
	}
	// A home that says its party got more than it did.
	more := write("more.json", bytes.Replace(statement, []byte(`"msat":2964636`), []byte(`"msat":3964636`), 1))
	if code, text := verify(more, at("chain"), sealed.Key); code != 4 || !strings.Contains(text, "DIFFERS") {
		t.Errorf("a changed statement: %d\n%s", code, text)
	}
	if code, text := verify(at("statement.json"), at("chain"), hex.EncodeToString(make([]byte, 32))); code != 4 || !strings.Contains(text, "DIFFERS") {
		t.Errorf("another key: %d\n%s", code, text)
	}
	if code, text := verify(at("statement.json"), write("short", chain[:len(chain)/2]), sealed.Key); code == 0 {
		t.Errorf("half a ledger: %d\n%s", code, text)
	}
	if code, text := verify(at("statement.json"), at("nothing"), sealed.Key); code != 2 || !strings.Contains(text, "read the records") {
		t.Errorf("no ledger: %d\n%s", code, text)
	}
	if code, text := verify(at("statement.json"), at("chain"), "my key"); code != 2 || !strings.Contains(text, "64 hexadecimal digits") {
		t.Errorf("no key: %d\n%s", code, text)
	}
}
