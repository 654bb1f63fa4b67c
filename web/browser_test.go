package web_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"hearth/control"
	"hearth/httpapi"
	"hearth/internal/browsertest"
	"hearth/site"
	"hearth/units"
	"hearth/web/storybook"
)

var pictures = flag.String("pictures", "", "write a picture of each page in each situation to this `folder`")

// refusing is a home that cannot set anything just now.
type refusing struct{ *storybook.Home }

// SetPoint implements the home.
func (refusing) SetPoint(context.Context, string, units.Celsius, time.Time, string) error {
	return fmt.Errorf("the thermostat is %w", site.ErrUnavailable)
}

func TestInBrowser(t *testing.T) {
	b := browsertest.Start(t)
	// Each of these opens a page of a home of its own in a tab of its own, and
	// the browser must have nothing to complain about.
	open := func(t *testing.T, h httpapi.Home, path string) context.Context {
		t.Helper()
		ctx, complaints := browsertest.Tab(b, t)
		browsertest.Do(ctx, t, chromedp.Navigate(serve(t, h)+path), chromedp.WaitReady(chromedp.CSS("main")))
		t.Cleanup(func() {
			for _, c := range complaints() {
				t.Errorf("the browser complains: %s", c)
			}
		})
		return ctx
	}
	told := func(t *testing.T, h *storybook.Home, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, h.Calls()); diff != "" {
			t.Errorf("the home was told (-want +got):\n%s", diff)
		}
	}
	const settled = `!document.querySelector(".dial[data-busy]")`

	t.Run("set by keyboard", func(t *testing.T) {
		h := storybook.Heating()
		ctx := open(t, h, "/")
		browsertest.Await(ctx, t, `document.querySelector(".face[role=slider]")`)
		browsertest.Do(ctx, t, chromedp.Focus(chromedp.CSS(".face")), chromedp.KeyEvent(kb.ArrowUp+kb.ArrowUp+kb.ArrowDown+kb.PageUp))
		if got := browsertest.Eval[string](ctx, t, `document.querySelector(".face").getAttribute("aria-valuetext")`); got != "set to 22.5 °C" {
			t.Errorf("while turning the slider says %q", got)
		}
		browsertest.Await(ctx, t, settled+` && document.querySelector(".set-value").textContent === "22.5 °C"`)
		told(t, h, "setpoint living 22.5 °C by someone at this computer")
		if got := browsertest.Eval[string](ctx, t, `document.activeElement.getAttribute("role") + " " + document.activeElement.getAttribute("aria-valuenow")`); got != "slider 22.5" {
			t.Errorf("afterwards the focus is on %q", got)
		}
		browsertest.Await(ctx, t, `document.getElementById("announce").textContent !== ""`)
		browsertest.Do(ctx, t, chromedp.KeyEvent(kb.End))
		browsertest.Await(ctx, t, settled+` && document.querySelector(".set-value").textContent === "28.0 °C"`)
		if !browsertest.Eval[bool](ctx, t, `document.querySelector("[data-turn='1']").disabled`) {
			t.Error("at its end the dial can still go up")
		}
	})

	t.Run("set by button", func(t *testing.T) {
		h := storybook.Heating()
		ctx := open(t, h, "/")
		// Pressed from within the page: by mouse, on a loaded machine, they are now and
		// then too far apart to be one wish.
		browsertest.Eval[any](ctx, t, `for (let i = 0; i < 3; i++) document.querySelector("[data-turn='-1']").click()`)
		browsertest.Await(ctx, t, settled+` && document.querySelector(".set-value").textContent === "19.5 °C"`)
		// Three presses are one wish.
		told(t, h, "setpoint living 19.5 °C by someone at this computer")
		browsertest.Do(ctx, t, chromedp.Click(chromedp.CSS(".presets form:nth-child(2) button")))
		browsertest.Await(ctx, t, `document.querySelector(".presets form:nth-child(2) [aria-pressed=true]")`)
		browsertest.Do(ctx, t, chromedp.Click(chromedp.CSS(".presets form:last-child button")))
		browsertest.Await(ctx, t, `document.querySelector("h1").textContent.startsWith("Off.")`)
	})

	t.Run("set by dragging", func(t *testing.T) {
		h := storybook.Heating()
		ctx := open(t, h, "/")
		at := browsertest.Eval[[]float64](ctx, t, `(() => { const f = document.querySelector(".face").getBoundingClientRect(), c = document.querySelector(".handle").getBoundingClientRect();
			return [c.x + c.width / 2, c.y + c.height / 2, f.x + f.width / 2, f.y + f.height * 28 / 320] })()`)
		browsertest.Do(ctx, t, chromedp.DragAndDropXY(at[0], at[1], at[2], at[3]))
		browsertest.Await(ctx, t, settled+` && document.querySelector(".set-value").textContent === "16.5 °C"`)
		told(t, h, "setpoint living 16.5 °C by someone at this computer")
	})

	t.Run("live", func(t *testing.T) {
		h := storybook.Heating()
		ctx := open(t, h, "/")
		browsertest.Await(ctx, t, `document.querySelector(".face[role=slider]")`)
		browsertest.Do(ctx, t, chromedp.Evaluate[chromedp.Void](`document.querySelector(".more").open = true; document.querySelector(".chart").id = "kept"`))
		h.Change(func(s *site.State) {
			s.Zones[0].Temp = units.Know[units.Celsius](20.9, s.At, units.Meter)
			s.Sentence = "Heating. Living room 20.9 °C, 826 W."
		})
		browsertest.Await(ctx, t, `document.querySelector(".now").textContent.startsWith("20.9") && document.querySelector("h1").textContent.includes("20.9")`)
		if got := browsertest.Eval[string](ctx, t, `document.getElementById("announce").textContent`); got != "" {
			t.Errorf("a tenth of a degree interrupts a listener: %q", got)
		}
		if !browsertest.Eval[bool](ctx, t, `document.querySelector(".more").open && document.getElementById("kept") !== null`) {
			t.Error("an update closed what was open, or drew the chart anew")
		}
		h.Change(func(s *site.State) {
			s.Zones[0].Temp = units.Unknown[units.Celsius]("the thermometer is silent", s.At)
			s.Zones[0].Activity = control.NoSensor
			s.Sentence = "Living room: temperature unknown."
		})
		browsertest.Await(ctx, t, `document.querySelector(".now").textContent === "unknown" && document.querySelector("main").textContent.includes("the thermometer is silent")`)
		browsertest.Await(ctx, t, `document.getElementById("announce").textContent === "Living room: temperature unknown."`)
	})

	t.Run("the home is gone", func(t *testing.T) {
		h := storybook.Heating()
		ctx, _ := browsertest.Tab(b, t)                 // a browser logs a connection that breaks
		t.Run("while it is there", func(t *testing.T) { // the server ends with this
			browsertest.Do(ctx, t, chromedp.Navigate(serve(t, h)), chromedp.WaitReady(chromedp.CSS("main")))
			browsertest.Await(ctx, t, `document.getElementById("stale").hidden`)
		})
		browsertest.Await(ctx, t, `!document.getElementById("stale").hidden`)
		if got := browsertest.Eval[string](ctx, t, `document.getElementById("stale").textContent`); got != "No connection to the home. These figures are from 18:30." {
			t.Errorf("the page says %q", got)
		}
	})

	t.Run("refused", func(t *testing.T) {
		ctx, _ := browsertest.Tab(b, t) // a browser logs an answer of 503
		browsertest.Do(ctx, t, chromedp.Navigate(serve(t, refusing{storybook.Heating()})), chromedp.Click(chromedp.CSS("[data-turn='1']")))
		browsertest.Await(ctx, t, `!document.getElementById("problem").hidden`)
		if got := browsertest.Eval[string](ctx, t, `document.getElementById("problem").textContent`); !strings.Contains(got, "not available now") {
			t.Errorf("the page says %q", got)
		}
		browsertest.Await(ctx, t, settled+` && document.querySelector(".set-value").textContent === "21.0 °C"`)
	})

	t.Run("without a script", func(t *testing.T) {
		h := storybook.Heating()
		ctx, complaints := browsertest.Tab(b, t)
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		url := serve(t, h)
		browsertest.Do(ctx, t, chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS(".face[role=img]")),
			chromedp.Click(chromedp.CSS("[data-turn='1']")), chromedp.WaitReady(chromedp.CSS(".dial[data-set='21.5']")))
		told(t, h, "setpoint living 21.5 °C by someone at this computer")
		browsertest.Do(ctx, t, chromedp.Navigate(url+"/devices"))
		browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS("#device-mini3 form button")))
		told(t, h, "setpoint living 21.5 °C by someone at this computer", "blink mini3")
		if list := complaints(); len(list) > 0 {
			t.Errorf("the browser complains: %q", list)
		}
	})

	t.Run("pointing at the chart", func(t *testing.T) {
		ctx := open(t, storybook.SensorLost(), "/")
		tip := func(share float64) string {
			return browsertest.Eval[string](ctx, t, fmt.Sprintf(`(() => { const c = document.querySelector(".chart"), r = c.getBoundingClientRect();
				c.dispatchEvent(new PointerEvent("pointermove", {bubbles: true, clientX: r.x + r.width * %v, clientY: r.y + 50}));
				return document.querySelector(".tip").textContent })()`, share))
		}
		if got := tip(0.5); got != "14 Jan 06:30\nSet-point 21.0 °C\nRoom 18.6 °C\nPower 1.35 kW" {
			t.Errorf("in the middle: %q", got)
		}
		if got := tip(0.99); got != "14 Jan 18:15\nSet-point 21.0 °C\nRoom unknown\nPower unknown" {
			t.Errorf("where the thermometer is silent: %q", got)
		}
	})

	t.Run("logging in", func(t *testing.T) {
		h := storybook.Heating()
		url, auth := serveAuth(t, h)
		if err := auth.SetPassword("correct horse battery"); err != nil {
			t.Fatal(err)
		}
		ctx, _ := browsertest.Tab(b, t)
		browsertest.Do(ctx, t, chromedp.Navigate(url+"/devices"))
		browsertest.Lead(ctx, t, chromedp.SendKeys(chromedp.CSS("#password"), "wrong horse"+kb.Enter))
		if got := browsertest.Eval[string](ctx, t, `document.querySelector("[role=alert].reason").textContent`); got != "That password is wrong." {
			t.Errorf("after a wrong password the page says %q", got)
		}
		browsertest.Lead(ctx, t, chromedp.SendKeys(chromedp.CSS("#password"), "correct horse battery"+kb.Enter))
		if got := browsertest.Eval[string](ctx, t, `location.pathname`); got != "/devices" {
			t.Errorf("after the right password the page is %s", got)
		}
		if got := browsertest.Eval[string](ctx, t, `document.cookie`); got != "" {
			t.Errorf("a script can read the cookie: %q", got)
		}
		browsertest.Do(ctx, t, chromedp.Navigate(url), chromedp.Click(chromedp.CSS("[data-turn='1']")))
		browsertest.Await(ctx, t, settled+` && document.querySelector(".set-value").textContent === "21.5 °C"`)
		told(t, h, "setpoint living 21.5 °C by a person who logged in")
		browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS(".leave button")))
		browsertest.Do(ctx, t, chromedp.WaitReady(chromedp.CSS("#password")))
	})

	t.Run("finding devices", func(t *testing.T) {
		h := storybook.Heating()
		ctx := open(t, h, "/find")
		browsertest.Do(ctx, t, chromedp.SendKeys(chromedp.CSS("[name=scan]"), "192.168.1.0/24"), chromedp.Click(chromedp.CSS(".strong")))
		browsertest.Await(ctx, t, `document.querySelectorAll("article").length === 2`)
		told(t, h, "discover 192.168.1.0/24")
	})

	t.Run("the first press of Tab skips to the content", func(t *testing.T) {
		ctx := open(t, storybook.Heating(), "/")
		browsertest.Do(ctx, t, chromedp.KeyEvent(kb.Tab))
		if got := browsertest.Eval[string](ctx, t, `document.activeElement.className`); got != "skip" {
			t.Errorf("Tab goes to %q", got)
		}
	})
}

// Every page in every situation, on a phone and on a desk, light and dark:
// nothing sticks out, everything can be read and has a name.
func TestEveryPageCanBeUsed(t *testing.T) {
	b := browsertest.Start(t)
	for _, s := range storybook.Situations() {
		t.Run(s.Name, func(t *testing.T) {
			url := serve(t, s.Open())
			paths := []string{"/"}
			switch s.Name {
			case "simulated", "unplugged":
				paths = append(paths, "/devices", "/history", "/events", "/ledger?verify=1", "/settings", "/nowhere", "/find", "/install", "/install?kind=shelly&address=192.168.1.60", "/install/mini3")
			case "tank-and-room":
				paths = append(paths, "/zones/tank")
			case "heating", "sats-unpaid", "sats-stopped", "sats-drift", "sats-begun":
				paths = append(paths, "/pool")
			case "sats":
				paths = append(paths, "/pool", "/devices", "/ledger", "/pool/statements/host?month=2026-01")
			}
			ctx, complaints := browsertest.Tab(b, t)
			for _, path := range paths {
				browsertest.Screen(ctx, t, 360, 740, false)
				browsertest.Do(ctx, t, chromedp.Navigate(url+path), chromedp.WaitReady(chromedp.CSS("main")),
					chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll("details")) d.open = true; undefined`))
				for _, dark := range []bool{false, true} {
					browsertest.Screen(ctx, t, 360, 740, dark)
					for _, finding := range browsertest.Eval[[]string](ctx, t, browsertest.Audit) {
						t.Errorf("%s, dark %v: %s", path, dark, finding)
					}
				}
			}
			for _, c := range complaints() {
				if !strings.Contains(c, "/nowhere") {
					t.Errorf("the browser complains: %s", c)
				}
			}
		})
	}
}

func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("asked for with -pictures")
	}
	if err := os.MkdirAll(*pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	b := browsertest.Start(t)
	shots := []struct {
		name string
		w, h int64
		dark bool
	}{{"light", 1280, 800, false}, {"dark", 1280, 800, true}, {"phone", 390, 844, false}}
	for _, s := range storybook.Situations() {
		t.Run(s.Name, func(t *testing.T) {
			url := serve(t, s.Open())
			paths := []string{"/"}
			if s.Name == "heating" || s.Name == "simulated" || s.Name == "unplugged" {
				paths = append(paths, "/devices", "/history", "/events", "/ledger?verify=1", "/settings")
			}
			if s.Open().Pool() != nil {
				paths = append(paths, "/pool")
			}
			if s.Name == "sats" {
				paths = append(paths, "/devices", "/ledger", "/pool/statements/host?month=2026-01")
			}
			for _, path := range paths {
				for _, shot := range shots {
					ctx, _ := browsertest.Tab(b, t)
					browsertest.Screen(ctx, t, shot.w, shot.h, shot.dark)
					browsertest.Do(ctx, t, chromedp.Navigate(url+path), chromedp.WaitReady(chromedp.CSS("main")))
					png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					page, _, _ := strings.Cut(strings.TrimSuffix(strings.ReplaceAll(path, "/", "-"), "-"), "?")
					if err := os.WriteFile(filepath.Join(*pictures, s.Name+page+"-"+shot.name+".png"), png, 0o644); err != nil {
						t.Fatal(err)
					}
					chromedp.Cancel(ctx) // the picture is taken
				}
			}
		})
	}
}
