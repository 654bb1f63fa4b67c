package agreement_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/pool/agreement"
)

// TestExamples reads the contracts in the documentation and holds what they say
// in plain words against a file.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../docs/agreements/*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v: %v", files, err)
	}
	var b bytes.Buffer
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		a, err := agreement.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if a.Text() != string(text) || a.Record().Text != string(text) || a.Record().Digest != a.Digest() {
			t.Errorf("%s is not kept as it is", f)
		}
		fmt.Fprintf(&b, "%s\n  %s\n\n", filepath.Base(f), strings.Join(a.Sentences(), "\n  "))
	}
	golden(t, "testdata/examples.txt", b.Bytes())
}

// TestRefused changes one thing in a good contract: the error shows the line that
// was changed, or another one where that is the wrong one, and says what would be
// right.
func TestRefused(t *testing.T) {
	good := example(t, "farmhouse")
	for _, c := range []struct{ old, by, want, line string }{
		{"agreement: 1\n", "agreement: 2\n", `the first line says which form of agreement this is: write "agreement: 1"`, ""},
		{"name: farmhouse", "name: Farm House", `name: "Farm House" is not a name: use up to 40 lower-case letters, digits and dashes`, ""},
		{"mode: ledger  ", "mode: leger  ", `mode: "leger" is not known: did you mean "ledger"?`, ""},
		{"mode: ledger  ", "mode: coinbase  ", `in mode coinbase a party is not paid by lightning: there is address`, "paid: {lightning"},
		{"currency: EUR\n", "currency: euro\n", `currency: "euro" is not a currency: write its three capital letters, such as EUR`, ""},
		{"currency: EUR\n", "", `base: the agreement has no currency: add a line such as "currency: EUR"`, "base: 0.16"},
		{"start: 2026-10-01", "start: 1.10.2026", `start: "1.10.2026" is not a date: write it as 2026-10-01`, ""},
		{"end: 2031-09-30", "end: 2026-09-30", `the agreement ends on 2026-09-30: that must lie after its start on 2026-10-01, and within 30 years`, ""},
		{"notice: 90 days", "notice: 3 months", `notice: "3 months" is not a number of days: write it as 30 days`, ""},
		{"interval: 15m", "interval: 7m", `interval: "7m": take 5m, 6m, 10m, 12m, 15m, 20m, 30m or 1h`, ""},
		{"paid: stays", "paid: nowhere", `paid: write "stays", or how and where, such as {lightning: anna@example.com}`, ""},
		{"anna@example.com", "anna", `lightning: "anna" is not a Lightning address: write it as anna@example.com`, ""},
		{"{lightning:", "{lighting:", `lighting: "lighting" is not known: did you mean "lightning"?`, ""},
		{"address: bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "address: bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", `address: address "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"`, ""},
		{"address: bc1q", "node: bc1q", `node: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4" is not the key of a node: want 66 hexadecimal digits that begin with 02 or 03`, ""},
		{"complete: 95% ", "complete: 0% ", `complete: at 0% an interval of which nothing is known would count as measured`, ""},
		{"worst: estimate", "worst: simulated", `worst: "simulated" is not known: there is meter, psu, estimate, nameplate`, ""},
		{"workers: [cellar, barn] ", "workers: [cellar, cellar] ", `"cellar" stands twice in workers`, ""},
		{"income: [braiins]", "income: []", `income is empty: name one at least`, ""},
		{"max_age: 6h", "max_age: 60d", `max_age: "60d" is not an age of a price: write it as 6h`, ""},
		{"bitcoin_price: {source: kraken, max_age: 6h}\n", "", `amounts in EUR are paid in sats, and nothing says at what price: add "bitcoin_price", with source and max_age`, "agreement: 1"},
		{"fee: {to: operator, monthly: 15 EUR}", "fee: {to: operater, monthly: 15 EUR}", `"operater" is not a party: did you mean "operator"?`, ""},
		{"fee: {to: operator, monthly: 15 EUR}", "fee: {to: operator, monthly: 15 NOK}", `monthly: "15 NOK": write it as 12.50 EUR or 5000 sat`, ""},
		{"fee: {to: operator, monthly: 15 EUR}", "fee: {to: operator, price: 15 EUR}", `step 3 (fee) has no key "price": there is from, to, settle, monthly`, ""},
		{"fee: {to: operator, monthly: 15 EUR}", "fees: {to: operator, monthly: 15 EUR}", `fees: "fees" is not known: did you mean "fee"?`, ""},
		{"fee: {to: operator, monthly: 15 EUR}", "fee: {from: operator, to: operator, monthly: 15 EUR}", `operator pays itself`, ""},
		{"fee: {to: operator, monthly: 15 EUR}", "fee: {to: operator, settle: outside, monthly: 15 EUR}", `what is not settled in sats is owed by somebody: say by whom, with "from"`, ""},
		{"fee: {to: operator, monthly: 15 EUR}", "fee: {from: host, to: operator, settle: outside, monthly: 15 sat}", `what is settled outside is not in sats: write the amount in a currency`, ""},
		{"heat_rebate: {to: host, price: 0.01 EUR/kWh}", "heat_price: {to: host, price: 0.01 EUR/kWh}", `heat that is bought has a buyer: say who pays for it, with "from"`, ""},
		{"heat_rebate: {to: host, price: 0.01 EUR/kWh}", "heat_rebate: {to: host, price: 0.01 EUR}", `price: "0.01 EUR": write it as 0.18 EUR/kWh`, ""},
		{"heat_rebate: {to: host, price: 0.01 EUR/kWh}", "heat_rebate: {to: host, price: 1.2.3 EUR/kWh}", `price: "1.2.3 EUR/kWh": write it as 0.18 EUR/kWh`, ""},
		{"heat_rebate: {to: host, price: 0.01 EUR/kWh}", "heat_rebate: {to: host, price: 0.0000001 EUR/kWh}", `price: 0.0000001 has more than 6 decimals`, ""},
		{"heat_rebate: {to: host, price: 0.01 EUR/kWh}", "heat_rebate: {to: host, price: 0.01 EUR/kWh, part: 101%}", `part: 101% is more than all`, ""},
		{"monthly_cap: 400 EUR", "monthly_cap: 400 sat", `monthly_cap: write an amount of EUR above zero`, ""},
		{"most: 0.30 EUR/kWh", "most: 0.01 EUR/kWh", `the price is at least 0.02 EUR/kWh and at most 0.01 EUR/kWh`, ""},
		{"follows: home", "folows: home", `price has no key "folows": did you mean "follows"?`, ""},
		{"shares: {host: 30%, operator: 30%, financier: 40%}", "shares: {host: 30%, operator: 30%, financier: 39%}", `the shares come to 99%: they must come to 100%`, ""},
		{"shares: {host: 30%, operator: 30%, financier: 40%}", "shares: {host: 30%, operator: 30%, financier: 0.4}", `financier: "0.4" is not a share: write it as 40%`, ""},
		{"from: 1 October", "from: October 1", `from: "October 1" is not a day of the year: write it as 1 October`, ""},
		{"to: 30 April", "to: 31 April", `to: "31 April": April has 30 days`, ""},
		{"monthly_caps: {operator: 120 EUR}", "monthly_caps: {host: 1 EUR, operator: 1 EUR, financier: 1 EUR}", `every party with a share has a cap: leave one without, who gets what the caps cut off`, "monthly_caps"},
		{"monthly_caps: {operator: 120 EUR}", "monthly_caps: {host: 5 EUR}", `host gets at least 10.00 EUR and at most 5.00 EUR a month`, "monthly_floors"},
		{"monthly_caps: {operator: 120 EUR}", "monthly_caps: {operator: 0 EUR}", `operator: remove the line, or write an amount above zero`, ""},
		{"arrears: carried  ", "arrears: yes  ", `arrears: "yes" is not known: there is carried, lapse`, ""},
		{"arrears: carried  ", "#", `nothing says what becomes of what cannot be paid: add "arrears: carried" or "arrears: lapse"`, "agreement: 1"},
		{"unknown: release after 30 days\n", "", `nothing says what happens while a reading or a price is unknown: add "unknown: hold" or "unknown: release after 30 days"`, "agreement: 1"},
		{"unknown: release after 30 days", "unknown: zero", `unknown: "zero": write "hold", or "release after 30 days"`, ""},
		{"books_close: after 60 days", "books_close: after 20 days", `books are closed after 20 days, but sats are set aside for 30: close them no sooner`, "books_close"},
		{"name: Fjell Heat AS\n    paid: stays ", "name: Fjell Heat AS #", `operator gets sats, but nothing says where: add "paid"`, "host:"},
		{"parties:\n", "parties:\n  ghost: {name: Nobody}\n", `ghost has no part in anything: give it a share or a step, or leave it out`, "ghost:"},
		{"  heat: [living, tank] ", "  #", `heat is paid for, but nothing is named whose heat counts: add "heat" to meters`, "electricity: [miner"},
		{"name: farmhouse", "name: &x farmhouse", `name wants a single value`, ""},
		{"name: farmhouse", "name: [a]", `name wants a single value`, ""},
		{"name: farmhouse", "name:", `name has no value: give one or remove the line`, ""},
		{"name: farmhouse", "name: farmhouse\nname: again", `mapping key "name" already defined at`, "name: again"},
		{"name: farmhouse", "owner: me", `the agreement has no key "owner": there is agreement, name, title,`, ""},
		{"waterfall:\n  - electricity:", "waterfall:\n  - {fee: {to: host, monthly: 1 EUR}, electricity: {}}\n  - electricity:", `step 1 wants one key`, "{fee"},
		{"name: farmhouse", "name: {", `not YAML: ',' or '}' must be specified`, "mode: ledger"},
		{"title: Heat for Berg farm", "title: \"Heat\\u0007\"", `title wants a line of 1 to 255 characters`, ""},
	} {
		_, err := agreement.Parse([]byte(replace(t, good, c.old, c.by)))
		if err == nil {
			t.Errorf("%q was taken", c.by)
			continue
		}
		if c.line == "" {
			c.line, _, _ = strings.Cut(c.by, "\n")
		}
		var at *agreement.Error
		if !errors.As(err, &at) || !strings.Contains(at.Text, c.want) || !strings.Contains(at.Source, c.line) {
			t.Errorf("%q:\n got %s\nwant %s", c.by, err, c.want)
		}
	}
	for want, text := range map[string]string{
		"an agreement begins with \"agreement: 1\"": "",
		"the agreement wants keys and values":       "- a",
		"several documents":                         "a: 1\n---\nb: 2\n",
		"an agreement has at most 24576":            strings.Repeat("#", 25<<10),
		"brackets are nested too deeply":            strings.Repeat("[", 60),
		"is not UTF-8":                              "agreement: \xff",
		"has no \"name\"":                           "agreement: 1",
	} {
		if _, err := agreement.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func TestErrorPointsAtTheLine(t *testing.T) {
	_, err := agreement.Parse([]byte(replace(t, example(t, "own-miner"), "carer: 5%", "carer: 6%")))
	const want = `line 27: the shares come to 101%: they must come to 100%
    27 | shares: {owner: 95%, carer: 6%}
       |         ^`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestOtherTimeZone(t *testing.T) {
	a := parse(t, example(t, "farmhouse"))
	for _, loc := range []*time.Location{nil, time.UTC, zone(t, "Europe/Berlin")} {
		if _, err := agreement.NewEvidence(a, loc, false); err == nil || !strings.Contains(err.Error(), "its days begin in Europe/Oslo") {
			t.Errorf("%v: %v", loc, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"farmhouse", "own-miner", "euro-rebate"} {
		f.Add([]byte(example(f, name)))
	}
	f.Add([]byte("agreement: 1\nname: a\n"))
	f.Add([]byte("{a: [b, c: {d}]}"))
	f.Add([]byte("a: !!binary x\nb: *c\n<<: &d {}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := agreement.Parse(text)
		if err != nil {
			return
		}
		if len(a.Parties) < 2 || len(a.Sentences()) == 0 || a.Text() != string(text) {
			t.Errorf("%+v", a)
		}
		again, err := agreement.Parse([]byte(a.Text()))
		if err != nil || again.Digest() != a.Digest() {
			t.Error("the same text is another agreement")
		}
		// Whatever it says, it can be worked out.
		loc, err := time.LoadLocation(a.Zone)
		if err != nil {
			return
		}
		e, err := agreement.NewEvidence(a, loc, false)
		if err != nil {
			return
		}
		start := a.Start.In(loc)
		for _, err := range e.Intervals(start.AddDate(0, 0, 2)) {
			if err != nil {
				t.Error(err)
			}
		}
	})
}
