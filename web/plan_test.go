package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hearth/internal/browsertest"
	"hearth/web/storybook"
)

// farmhouse is a question with everything that decides it, so that new figures
// of regions do not change its page.
const farmhouse = "/plan?place=Duluth&building=poor+medium+farmhouse&heater=propane&fuel-price=0.10&tariff=0.12&industrial=0.06&device=Avalon+Q&device-price=1200"

func TestPlanPageAnswers(t *testing.T) {
	base := serve(t, storybook.Heating())
	for _, tt := range []struct{ name, path, want string }{
		{"a farmhouse", farmhouse, "Heating with Avalon Q and a propane boiler costs"},
		{"reuse", farmhouse, "A kWh computed here costs"},
		{"the link holds all of it", farmhouse, "hearth plan home --place Duluth --building &#39;poor medium farmhouse&#39; --heater propane"},
		{"what was assumed is said", farmhouse, `<span class="tag">assumed</span>`},
		{"where the clock of the home is", "/plan", `<option value="Ljubljana" selected>`},
		{"why", farmhouse + "&why=option.machine.value", "present cost of today&#39;s heater − present cost of this"},
		{"a figure that there is not", farmhouse + "&why=option.perpetuum.cost", "Every figure is a link"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := get(t, base+tt.path)
			if status != http.StatusOK || !strings.Contains(body, tt.want) {
				t.Errorf("status %d, and the page lacks %q", status, tt.want)
			}
		})
	}
}

// One mistake does not empty the form.
func TestPlanPageKeepsTheForm(t *testing.T) {
	status, body := get(t, serve(t, storybook.Heating())+"/plan?place=Denver&tariff=11")
	for _, want := range []string{
		"say its unit, such as ct/kWh", `<option value="Antminer S19j Pro" selected>`, `<option value="gas" selected>`, `name="years"`,
	} {
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, want) {
			t.Errorf("status %d, and the page lacks %q", status, want)
		}
	}
}

// Heat that is not made costs nothing, and is no gain.
func TestPlanPageClaimsNoGainOfAColdHome(t *testing.T) {
	_, body := get(t, serve(t, storybook.Heating())+farmhouse)
	if !strings.Contains(body, "undone, and the rooms at") {
		t.Fatal("nothing is said of the machine alone being too small")
	}
	for _, figure := range []string{"value", "payback"} {
		if strings.Contains(body, "why=option.machine_alone."+figure) {
			t.Errorf("the page tells the %s of a machine that leaves the home cold", figure)
		}
	}
}

func TestPlanPageRefuses(t *testing.T) {
	base := serve(t, storybook.Heating())
	for _, tt := range []struct {
		name, query string
		status      int
		want        string
	}{
		{"a place nobody knows", "place=Atlantis", http.StatusUnprocessableEntity, "place"},
		{"an impossible house", "place=Denver&wall-u=-3", http.StatusUnprocessableEntity, "wall-u"},
		{"a tariff in words", "place=Denver&tariff=cheap", http.StatusUnprocessableEntity, "tariff"},
		{"a file of the server", "place=Denver&weather=/etc/passwd", http.StatusUnprocessableEntity, "files are not read here"},
		{"prices from a file", "place=Denver&tariff=file:/etc/passwd", http.StatusUnprocessableEntity, "files are not read here"},
		{"a key that there is not", "plaice=Denver", http.StatusBadRequest, "plaice"},
		{"a key twice", "place=Denver&place=Oslo", http.StatusBadRequest, "twice"},
		{"a very long value", "place=" + strings.Repeat("x", 5000), http.StatusBadRequest, "too long"},
		{"a script", "place=%3Cscript%3Ealert(1)%3C/script%3E", http.StatusUnprocessableEntity, "&lt;script&gt;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := get(t, base+"/plan?"+tt.query)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("status %d, want %d and %q in the page", status, tt.status, tt.want)
			}
			if strings.Contains(body, "<script>") {
				t.Error("the page says a script that the link brought")
			}
		})
	}
}

// Without a script the form sends all that it shows; what was only shown as a
// default is not thereby said.
func TestPlanFormSaysOnlyWhatWasSaid(t *testing.T) {
	base := serve(t, storybook.Heating())
	form := url.Values{
		"was":   {url.Values{"tariff": {"0.14"}, "years": {"10"}}.Encode()},
		"place": {"Denver"}, "tariff": {"0.14"}, "years": {"12"}, "pool": {""},
	}
	res, err := client().Get(base + "/plan?" + form.Encode())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got, want := res.Header.Get("Location"), "/plan?place=Denver&years=12"; res.StatusCode != http.StatusSeeOther || got != want {
		t.Errorf("status %d to %q, want the link %q", res.StatusCode, got, want)
	}
}

func TestPlanInBrowser(t *testing.T) {
	b := browsertest.Start(t)
	ctx, complaints := browsertest.Tab(b, t)
	browsertest.Do(ctx, t, chromedp.Navigate(serve(t, storybook.Heating())+farmhouse), chromedp.WaitReady(chromedp.CSS(".decision")))
	before := browsertest.Eval[string](ctx, t, `document.querySelector(".decision").textContent`)

	// Dearer power, one step of the slider: the answer follows, and so does the
	// link.
	browsertest.Do(ctx, t, chromedp.Focus(chromedp.CSS("input[name=tariff]")), chromedp.KeyEvent(kb.ArrowRight+kb.ArrowRight+kb.ArrowRight))
	browsertest.Await(ctx, t, `!location.search.includes("tariff=0.12&")`)
	browsertest.Await(ctx, t, `document.querySelector(".decision").textContent !== `+quote(before))
	if link := browsertest.Eval[string](ctx, t, `location.search`); !strings.Contains(link, "place=Duluth") || strings.Contains(link, "was=") || strings.Contains(link, "years=") {
		t.Errorf("the link is %q", link)
	}

	// Another place brings its own prices, where none were said.
	browsertest.Do(ctx, t, chromedp.Navigate(browsertest.Eval[string](ctx, t, `location.origin`)+"/plan?place=Denver&heater=propane&device=Avalon+Q&device-price=1200"), chromedp.WaitReady(chromedp.CSS(".decision")))
	price := browsertest.Eval[string](ctx, t, `document.querySelector("input[name=tariff]").value`)
	browsertest.Eval[bool](ctx, t, `(() => { const s = document.querySelector("select[name=place]"); s.value = "Honolulu"; return s.dispatchEvent(new Event("input", {bubbles: true})); })()`)
	browsertest.Await(ctx, t, `document.querySelector("input[name=tariff]").value !== `+quote(price))
	if link := browsertest.Eval[string](ctx, t, `location.search`); strings.Contains(link, "tariff") || !strings.Contains(link, "place=Honolulu") {
		t.Errorf("the link is %q", link)
	}
	for _, c := range complaints() {
		t.Errorf("the browser complains: %s", c)
	}
}

// quote writes a string for a script.
func quote(s string) string { return "`" + strings.NewReplacer("`", "\\`", `\`, `\\`).Replace(s) + "`" }
