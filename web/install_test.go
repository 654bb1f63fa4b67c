package web_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hearth/httpapi"
	"hearth/internal/browsertest"
	"hearth/site"
	"hearth/web/storybook"
)

// The forms of an installer, without a script.
func TestInstallForms(t *testing.T) {
	h := storybook.Heating()
	base := serve(t, h)
	f := func(path, form string, status int, text, call string) {
		t.Helper()
		res, err := client().Post(base+path, "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if got := res.Header.Get("Location") + string(b); res.StatusCode != status || !strings.Contains(got, text) {
			t.Errorf("%s %s: %d, want %d with %q:\n%s", path, form, res.StatusCode, status, text, got)
		}
		last := ""
		if calls := h.Calls(); len(calls) > 0 {
			last = calls[len(calls)-1]
		}
		if !strings.HasPrefix(last, call) {
			t.Errorf("%s %s: the home was told %q, want %q", path, form, last, call)
		}
	}
	const device = "kind=avalon&address=192.168.1.52%3A4028&role=primary&"
	f("/install", device+"zone=living", 422, "needs an id", "")
	f("/install", device+"id=nano&zone=%2Bnew", 422, "Give the new place a name", "")
	f("/install", device+"id=nano&zone=%2Bnew&zone_name=Living", 422, "There is a place", "")
	f("/install", device+"id=nano&zone=living&limit=much", 422, "limit: ", "")
	f("/install", device+"id=nano&zone=%2Bnew&zone_name=Attic&sensor=%2Bown&setpoint=warm", 422, "setpoint: ", "")
	f("/install", device+"id=nano&zone=%2Bnew&zone_name=The+attic&limit=140%2C5", 303, "/install/nano",
		`place nano: avalon at 192.168.1.52:4028, zone "the-attic" "The attic", sensor "", limit 140.5 W, by someone`)
	f("/install", device+"id=nano2&zone=%2Bnew&zone_name=Bath&sensor=%2Bown&setpoint=21", 303, "/install/nano2",
		`place nano2: avalon at 192.168.1.52:4028, zone "bath" "Bath", sensor "nano2/"`)
	f("/install/nano/sheet", "", 422, "no check has been made", "sign nano")
	f("/install/nano/checks/control", "back=/install/nano", 303, "/install/nano", "check nano control")
	f("/install/nano/checks/smash", "back=/install/nano", 422, "there is no check", "check nano smash")
	f("/install/gone/checks/control", "", 404, "gone", "")
	h.EndCheck("nano", site.CheckControl, site.CheckPassed, "It did all it was told.", "run at eco: obeyed after 40s; it draws 130 W.")
	f("/install/nano/sheet", "", 303, "/install/nano/sheet", "sign nano by someone at this computer")

	for path, want := range map[string]string{
		"/install/nano":       "Signed 18:30, ledger record",
		"/install/nano/sheet": "run at eco: obeyed after 40s; it draws 130 W.",
	} {
		if status, body := get(t, base+path); status != 200 || !strings.Contains(body, want) || strings.Contains(body, "SIMULATED") {
			t.Errorf("%s: %d without %q:\n%s", path, status, want, body)
		}
	}
	if status, _ := get(t, base+"/install/mini3/sheet"); status != 404 {
		t.Errorf("a sheet that was never signed: %d", status)
	}
}

// A simulated home says what the first real device does to it, offers nothing
// of its own, and its sheets cannot be taken for real ones.
func TestInstallInSimulatedHome(t *testing.T) {
	h := storybook.Simulated()
	base := serve(t, h)
	_, body := get(t, base+"/install?kind=avalon&address=192.168.1.52")
	if !strings.Contains(body, "The first real device ends the simulation.") || strings.Contains(body, `value="living"`) {
		t.Errorf("the form of a simulated home:\n%s", body)
	}
	if err := h.StartCheck(t.Context(), "mini3", site.CheckControl, "me"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SignSheet(t.Context(), "mini3", "me"); err != nil {
		t.Fatal(err)
	}
	if _, body = get(t, base+"/install/mini3/sheet"); !strings.Contains(body, "SIMULATED") || !strings.Contains(body, "Nothing was installed.") {
		t.Errorf("the sheet of a simulated device:\n%s", body)
	}
}

// written is a home whose devices stand in a file and nowhere else.
type written struct{ httpapi.Home }

func TestInstallWhereNothingCanBeAdded(t *testing.T) {
	base := serve(t, written{storybook.Heating()})
	if status, body := get(t, base+"/install"); status != http.StatusNotFound || !strings.Contains(body, "configuration file") {
		t.Errorf("%d %s", status, body)
	}
}

// The whole first hour in a browser, by mouse and keys.
func TestFirstHourInBrowser(t *testing.T) {
	b := browsertest.Start(t)
	h := storybook.Heating()
	ctx, complaints := browsertest.Tab(b, t)
	picture := func(name string) {
		t.Helper()
		browsertest.Screen(ctx, t, 360, 740, true)
		for _, finding := range browsertest.Eval[[]string](ctx, t, browsertest.Audit) {
			t.Errorf("%s: %s", name, finding)
		}
		for _, shot := range []struct {
			name string
			w, h int64
		}{{"phone", 390, 844}, {"light", 1280, 800}} {
			browsertest.Screen(ctx, t, shot.w, shot.h, false)
			if *pictures == "" {
				continue
			}
			png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err == nil {
				err = os.WriteFile(filepath.Join(*pictures, "install-"+name+"-"+shot.name+".png"), png, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	browsertest.Screen(ctx, t, 1280, 800, false)
	browsertest.Do(ctx, t, chromedp.Navigate(serve(t, h)+"/devices"))
	browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS(".between .button")))
	picture("find")
	browsertest.Lead(ctx, t, chromedp.SendKeys(chromedp.CSS("[name=scan]"), "192.168.1.0/24"), chromedp.Click(chromedp.CSS("form[action='/find'] button")))
	browsertest.Await(ctx, t, `document.querySelectorAll("article a.strong").length === 1`)
	picture("found")
	browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS("article a.strong")))
	if got := browsertest.Eval[string](ctx, t, `document.querySelector("[name=id]").value`); got != "canaan-avalon-nano-3s" {
		t.Errorf("the proposed id is %q", got)
	}
	browsertest.Do(ctx, t, chromedp.SetValue(chromedp.CSS("[name=zone]"), "+new"), chromedp.SendKeys(chromedp.CSS("[name=zone_name]"), "Bathroom"),
		chromedp.SendKeys(chromedp.CSS("[name=limit]"), "140"))
	picture("form")
	browsertest.Lead(ctx, t, chromedp.SendKeys(chromedp.CSS("[name=limit]"), kb.Enter))
	const id = "canaan-avalon-nano-3s"
	browsertest.Await(ctx, t, `location.pathname === "/install/`+id+`" && document.querySelector("#check-control button")`)
	picture("device")

	browsertest.Do(ctx, t, chromedp.Click(chromedp.CSS("#check-control button")))
	browsertest.Await(ctx, t, `document.querySelector("#check-control h2").textContent.includes("under way")`)
	h.EndCheck(id, site.CheckControl, site.CheckPassed, "The Nano did all it was told, as read back.",
		"run at low: obeyed after 42s; it draws 75 W.", "pause: obeyed after 10s; it draws 8 W.")
	browsertest.Await(ctx, t, `document.querySelector("#check-control h2").textContent.includes("Passed")`)
	browsertest.Do(ctx, t, chromedp.Click(chromedp.CSS("#check-unplug button")))
	browsertest.Await(ctx, t, `document.querySelector("#check-unplug h2").textContent.includes("waiting for you")`)
	picture("checks")
	h.EndCheck(id, site.CheckUnplug, site.CheckFailed, "Nobody unplugged it.")
	browsertest.Await(ctx, t, `document.querySelector("#check-unplug h2").textContent.includes("Failed")`)
	browsertest.Lead(ctx, t, chromedp.Click(chromedp.CSS("[aria-labelledby=sign-title] button")))
	browsertest.Await(ctx, t, `location.pathname === "/install/`+id+`/sheet" && document.querySelector(".signatures")`)
	picture("sheet")
	for _, c := range complaints() {
		t.Errorf("the browser complains: %s", c)
	}
}
