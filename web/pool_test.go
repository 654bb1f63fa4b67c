package web_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"hearth/httpapi"
	"hearth/internal/browsertest"
	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/site"
	"hearth/units"
	"hearth/web/storybook"
)

// The page says first what matters most: what is unpaid, worthless, stopped or
// does not add up.
func TestPoolSaysWhatMatters(t *testing.T) {
	for _, c := range []struct {
		name       string
		home       func() *storybook.Home
		has, lacks []string
	}{
		{"earning", storybook.Sats, []string{
			"the last 24 hours should have earned 1934 sats", "99 sats", "expected, about 0.06 EUR", "says kraken", "1\u202f874 sats a day at this pace", "Nothing: it is not connected.",
			"2\u202f363.636 sats", "Stop all payments", `href="/pool/statements/host?month=2026-01"`, "within luck",
			"ledger: sats are divided here, after they came in",
		}, []string{"worth nothing", "no other machine reaches it", "unpaid", "does not add up", "simulated"}},
		{"unpaid", storybook.SatsUnpaid, []string{
			"<strong>Unpaid.</strong>", `<strong class="no">unpaid</strong> · heat only`, "Nothing: it makes heat only", "no such host",
		}, []string{"mines for ocean", "a day at this pace"}},
		{"stopped", storybook.SatsStopped, []string{"Payments are stopped, by a person who logged in.", "Let payments go out again", "nobody knows yet: it is not paid again"}, []string{"Stop all payments"}},
		{"drift", storybook.SatsDrift, []string{"ocean does not add up.", "7.4% less", "turned away as"}, nil},
		{"test network", storybook.SatsTest, []string{"Coins of regtest are worth nothing.", "Coins of a test network, worth nothing.", "owed, worth nothing", "Who is credited", "divided among the last shares", "This computer’s own: no other machine reaches it"}, []string{"EUR"}},
		{"begun", storybook.SatsBegun, []string{"No miner is paired yet", "no share came in yet", "Let a miner in"}, []string{">0 sats/"}},
		{"none", storybook.Heating, []string{"This home has no pool of its own", "upstreams:", "hearth check"}, []string{"Stop all payments", "Let a miner in"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := get(t, serve(t, c.home())+"/pool")
			if status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			for _, want := range c.has {
				if !strings.Contains(body, want) {
					t.Errorf("it lacks %q", want)
				}
			}
			for _, never := range c.lacks {
				if strings.Contains(body, never) {
					t.Errorf("it has %q", never)
				}
			}
		})
	}
}

// earningNothing is a home on a test network that earns, and for which a price of
// bitcoin is configured.
type earningNothing struct{ *storybook.Home }

// Pool implements the home.
func (h earningNothing) Pool() *pool.State {
	st := h.Home.Pool()
	st.Money.Day = units.Know[units.Sats](238_125_000_000, st.At, units.Estimate)
	st.Money.PerKWh = units.Know[units.Sats](1_000_000, st.At, units.Estimate)
	st.Money.Price = storybook.Sats().Pool().Money.Price
	return st
}

// silent is a home whose pool has been taken for alive until just now.
type silent struct{ *storybook.Home }

// Pool implements the home.
func (h silent) Pool() *pool.State {
	st := h.Home.Pool()
	st.Sources = slices.Clone(st.Sources)
	for i := range st.Sources {
		if st.Sources[i].Kind == "pool" {
			st.Sources[i].Name, st.Sources[i].Up = "pool", false
		}
	}
	st.Heaters = slices.Clone(st.Heaters)
	for i := range st.Heaters {
		st.Heaters[i].Source = "pool"
	}
	return st
}

// A heater whose pool is silent mines for nobody, and the pool is called by its
// name in the configuration.
func TestHeatersWaitForASilentPool(t *testing.T) {
	_, body := get(t, serve(t, silent{storybook.Sats()})+"/pool")
	if n := strings.Count(body, "waits for work: ocean does not answer"); n != 2 || strings.Contains(body, "mines for") {
		t.Errorf("%d of 2 heaters wait", n)
	}
}

// Coins of a test network are not told in money, even where somebody configured a
// price.
func TestCoinsOfATestNetworkAreWorthNothing(t *testing.T) {
	_, body := get(t, serve(t, earningNothing{storybook.SatsTest()})+"/pool")
	if n := strings.Count(body, "expected, worth nothing"); n != 2 {
		t.Errorf("%d of 2 figures are worth nothing", n)
	}
	if !strings.Contains(body, "238\u202f125\u202f000\u202f000 sats<") {
		t.Error("the thousands of a large amount are not set apart")
	}
	if strings.Contains(body, "expected, about") {
		t.Error("the page says what coins of a test network are worth")
	}
}

// The front page says what is earned if that is known, and nothing else.
func TestSentenceOfTheHomeThatMines(t *testing.T) {
	for _, c := range []struct {
		home func() *storybook.Home
		want string
	}{
		{storybook.Sats, "826 W. Earning about 80 sats/h.</h1>"},
		{storybook.SatsUnpaid, "826 W. Mining unpaid: heat only.</h1>"},
		{storybook.SatsBegun, "826 W.</h1>"},
		{storybook.Heating, "826 W.</h1>"},
	} {
		if _, body := get(t, serve(t, c.home())); !strings.Contains(body, c.want) {
			t.Errorf("the page does not say %q", c.want)
		}
	}
	// A home without rooms is its miners.
	res, err := client().Get(serve(t, storybook.SatsTest()))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/pool" {
		t.Errorf("a home without rooms: %s to %q", res.Status, res.Header.Get("Location"))
	}
	if _, body := get(t, serve(t, storybook.Heating())); strings.Contains(body, `href="/pool"`) {
		t.Error("a home without a pool leads to one")
	}
}

func TestPoolForms(t *testing.T) {
	h := storybook.Sats()
	base := serve(t, h)
	post := func(path, form string) (int, string, string) {
		t.Helper()
		res, err := client().Post(base+path, "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("Location"), string(b)
	}
	ok := func(path, form, back, call string) {
		t.Helper()
		status, location, body := post(path, form+"&back="+url.QueryEscape(back))
		calls := h.Calls()
		if status != http.StatusSeeOther || location != back || len(calls) == 0 || calls[len(calls)-1] != call+" by someone at this computer" {
			t.Errorf("%s %s: %d to %q, the home was told %q: %s", path, form, status, location, calls, body)
		}
	}
	ok("/pool/miners/shed/unpair", "", "/pool", "unpair shed")
	ok("/pool/payouts", "stopped=true", "/pool", "payouts stopped true")
	ok("/pool/payouts", "stopped=false", "/pool", "payouts stopped false")
	ok("/devices/mini3/pool", "to=earlier", "/devices", "restore mini3")
	ok("/devices/mini3/pool", "to=hearth", "/devices", "point mini3")

	// The token is told once, on a page that nothing keeps.
	res, err := client().Post(base+"/pool/miners", "application/x-www-form-urlencoded", strings.NewReader("name=cellar"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || !strings.Contains(string(b), "k7q2m5x3d4h6n2pa") || !strings.Contains(string(b), "stratum&#43;tcp://192.168.1.10:3333") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("pairing: %s %q\n%s", res.Status, res.Header.Get("Cache-Control"), b)
	}
	if _, body := get(t, base+"/pool"); strings.Contains(body, "k7q2m5x3d4h6n2pa") || !strings.Contains(body, "cellar") {
		t.Error("the token is told twice, or the miner is not there")
	}
	if status, _, body := post("/pool/miners", "name=hall&address=192.168.1.44"); status != http.StatusOK || !strings.Contains(body, "known by its address") || strings.Contains(body, `id="token"`) {
		t.Errorf("pairing by address: %d %s", status, body)
	}

	told := len(h.Calls())
	no := func(path, form string, want int, text string) {
		t.Helper()
		status, _, body := post(path, form)
		if status != want || !strings.Contains(body, text) || !strings.Contains(body, "data-problem") {
			t.Errorf("%s %s: %d, want %d with %q:\n%s", path, form, status, want, text, body)
		}
	}
	no("/pool/miners", "name=shed&address=next+door", 422, "is not an address")
	no("/pool/payouts", "", 422, "Say whether payments are to stop")
	no("/devices/mini3/pool", "to=stratum%2Btcp%3A%2F%2Fevil.example", 422, "is no place to mine at")
	if calls := h.Calls(); len(calls) != told {
		t.Errorf("the home was told %q", calls[told:])
	}
	no("/devices/backup/pool", "to=hearth", 422, "set them on its own page")
	no("/pool/miners/attic/unpair", "", 404, "no miner is paired")
	none := serve(t, storybook.Heating())
	for _, path := range []string{"/pool/miners", "/pool/miners/shed/unpair", "/pool/payouts", "/devices/mini3/pool"} {
		res, err := client().Post(none+path, "application/x-www-form-urlencoded", strings.NewReader("name=a&stopped=true&to=hearth"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s of a home without a pool: %s", path, res.Status)
		}
	}
}

// Who may look may not let miners in, and is not told a token.
func TestReadersMayNotPair(t *testing.T) {
	h := storybook.Sats()
	base, auth := serveAuth(t, h)
	if err := auth.SetPassword("correct horse battery"); err != nil {
		t.Fatal(err)
	}
	token, err := auth.AddToken("wall display", httpapi.ScopeRead, storybook.Now())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/pool/miners": 403, "/pool/payouts": 403, "/devices/mini3/pool": 403, "/pool/miners/shed/unpair": 403} {
		req, _ := http.NewRequest(http.MethodPost, base+path, strings.NewReader("name=cellar&stopped=true&to=hearth"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want || len(h.Calls()) != 0 {
			t.Errorf("%s: %s, the home was told %q", path, res.Status, h.Calls())
		}
	}
}

// The statement on the page is the one that is signed.
func TestStatementPage(t *testing.T) {
	base := serve(t, storybook.Sats())
	_, body := get(t, base+"/pool/statements/host?month=2026-01")
	for _, want := range []string{
		"Statement for Anna Berg: Heat for the Berg living room", "2\u202f964.636 sats", "according to kraken", "30% of what remained", "The time of this statement is not over",
		"/api/v1/pool/statements/host?format=json&amp;month=2026-01", `download="statement-host-2026-01.csv"`, "hearth pool verify-statement",
		"<dt>Anna Berg</dt>", "<dt>Dalen Savings Bank</dt>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the statement lacks %q:\n%s", want, body)
		}
	}
	for path, want := range map[string]int{
		"/pool/statements/landlord?month=2026-01": 422, "/pool/statements/host?month=January": 422, "/pool/statements/host": 200,
	} {
		if status, _ := get(t, base+path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if status, _ := get(t, serve(t, storybook.SatsTest())+"/pool/statements/host"); status != 422 {
		t.Errorf("a statement where nothing was agreed: %d", status)
	}
}

// abroad is a home whose agreement reckons in another time zone than the page.
type abroad struct {
	*storybook.Home
	zone *time.Location
}

// Pool implements the home.
func (h abroad) Pool() *pool.State {
	st := h.Home.Pool()
	st.Location = h.zone
	return st
}

// A statement tells the time of the agreement, and says so.
func TestStatementPageTellsTheAgreementsTime(t *testing.T) {
	far := time.FixedZone("Pacific/Apia", 13*3600)
	base := serve(t, abroad{storybook.Sats(), far})
	_, body := get(t, base+"/pool/statements/host?month=2026-01")
	if want := storybook.Now().In(far).Format("2 January 2006 15:04:05"); !strings.Contains(body, "Times are those of Pacific/Apia.") || !strings.Contains(body, want) {
		t.Errorf("the page does not tell the agreement's time, %s:\n%s", want, body)
	}
	_, body = get(t, serve(t, storybook.Sats())+"/pool/statements/host?month=2026-01")
	if !strings.Contains(body, "Times are those of CET.") {
		t.Error("a page at the agreement's place does not name its time")
	}
}

// onRegtest is a home whose statements are of coins of a test network.
type onRegtest struct{ *storybook.Home }

// Statement implements the home.
func (h onRegtest) Statement(ctx context.Context, party string, month time.Time, format string) ([]byte, error) {
	b, err := h.Home.Statement(ctx, party, month, format)
	if err != nil {
		return nil, err
	}
	var sealed struct{ Statement agreement.Statement }
	if err := json.Unmarshal(b, &sealed); err != nil {
		return nil, err
	}
	sealed.Statement.Network = "regtest"
	return sealed.Statement.Sign(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
}

// A statement of test coins says so, and says of none what it is worth.
func TestStatementPageOfTestCoins(t *testing.T) {
	_, body := get(t, serve(t, onRegtest{storybook.Sats()})+"/pool/statements/host?month=2026-01")
	if !strings.Contains(body, "Coins of regtest are worth nothing") || !strings.Contains(body, "Together") {
		t.Errorf("the page does not say that the coins are worth nothing:\n%s", body)
	}
	if strings.Contains(body, "when it came in") || strings.Contains(body, "according to kraken") {
		t.Errorf("the page says what coins of a test network are worth:\n%s", body)
	}
}

// What was agreed, shared out and paid is told in the ledger in plain words.
func TestLedgerTellsOfSats(t *testing.T) {
	h := storybook.Sats()
	base := serve(t, h)
	all := ""
	for _, from := range []string{"1", "31", "61", "91", "121", "151", "181", "211", "241", "271", "301"} {
		_, body := get(t, base+"/ledger?from="+from)
		all += body
	}
	for _, want := range []string{
		"Agreement between host, operator, financier", "One bitcoin costs 61240.00 EUR, says kraken", "182 shares, work of difficulty 31,930 for ocean", "1 too late, 0 refused",
		"1\u202f934.512 sats earned. A day of shares", "Shared out: from ocean −1\u202f934.512 sats, to berg/host +", "600 sats to anna@example.com by lnd: decided", "by lnd: paid, cost 1 sat. Proof: 5e5e",
		"under way as berg/host/2026-01-13",
	} {
		if !strings.Contains(all, strings.ReplaceAll(want, "+", "&#43;")) {
			t.Errorf("the ledger does not say %q", want)
		}
	}
	if strings.Contains(all, `&#34;msat&#34;`) {
		t.Error("a record is shown as JSON")
	}
}

// Names come from miners and pools; none of them becomes markup.
func TestHostilePoolNames(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{.}}javascript:`
	h := storybook.SatsDrift()
	h.Rename(evil)
	base := serve(t, h)
	for _, path := range []string{"/pool", "/", "/devices", "/pool/statements/" + url.PathEscape(evil), "/pool/statements/host?month=" + url.QueryEscape(evil)} {
		_, body := get(t, base+path)
		for _, markup := range []string{"<script>", "<img", "onerror=alert(2)>'", `href="javascript`} {
			if i := strings.Index(body, markup); i >= 0 {
				t.Errorf("%s: %s gets through: …%s…", path, markup, body[max(0, i-80):min(len(body), i+80)])
			}
		}
	}
}

func TestPoolInBrowser(t *testing.T) {
	b := browsertest.Start(t)
	t.Run("without a script", func(t *testing.T) {
		h := storybook.Sats()
		ctx, complaints := browsertest.Tab(b, t)
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		base := serve(t, h)
		browsertest.Do(ctx, t, chromedp.Navigate(base+"/pool"))
		browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS(`form[action="/pool/payouts"] button`)))
		browsertest.Do(ctx, t, chromedp.Navigate(base+"/pool"), chromedp.SendKeys(chromedp.CSS("[name=name]"), "cellar"))
		browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS(".pairing button")))
		browsertest.Do(ctx, t, chromedp.WaitReady(chromedp.CSS("#token")), chromedp.Navigate(base+"/devices"))
		browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS(`form[action="/devices/mini3/pool"] button`)))
		want := []string{"payouts stopped true by someone at this computer", "pair cellar by someone at this computer", "restore mini3 by someone at this computer"}
		if got := h.Calls(); !slices.Equal(got, want) {
			t.Errorf("the home was told %q, want %q", got, want)
		}
		if list := complaints(); len(list) > 0 {
			t.Errorf("the browser complains: %q", list)
		}
	})
	t.Run("with one", func(t *testing.T) {
		h := storybook.Sats()
		ctx, complaints := browsertest.Tab(b, t)
		browsertest.Do(ctx, t, chromedp.Navigate(serve(t, h)+"/pool"), chromedp.WaitReady(chromedp.CSS("main")),
			chromedp.Click(chromedp.CSS(`form[action="/pool/payouts"] button`)))
		browsertest.Await(ctx, t, `document.querySelector("main").textContent.includes("Payments are stopped")`)
		// What changes elsewhere is seen here.
		if err := h.StopPayouts(context.Background(), false, "the other page"); err != nil {
			t.Fatal(err)
		}
		browsertest.Await(ctx, t, `document.querySelector("main").textContent.includes("Stop all payments")`)
		browsertest.Do(ctx, t, chromedp.SendKeys(chromedp.CSS("[name=name]"), "cellar"))
		browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS(".pairing button")))
		h.Change(func(*site.State) {})
		if got := browsertest.Eval[string](ctx, t, `document.getElementById("token").textContent`); got != "k7q2m5x3d4h6n2pa" {
			t.Errorf("the token is %q", got)
		}
		if list := complaints(); len(list) > 0 {
			t.Errorf("the browser complains: %q", list)
		}
	})
}
