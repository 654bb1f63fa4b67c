package web_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"hearth/web/storybook"
)

var pictures = flag.String("pictures", "", "write a picture of each page in each situation to this `folder`")

// chromium finds the browser. In CI its absence is a failure.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no Chromium in CI: .ci/run installs it")
	}
	t.Skip("no Chromium found (chromium, chromium-browser, google-chrome)")
	return ""
}

// browser starts one Chromium for a test.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()),
		chromedp.ExecPath(chromium(t)), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) //nolint:errcheck // waits until Chromium has let go of its folder
		cancel()
	})
	do(t, ctx)
	return ctx
}

// tab opens a new tab and collects what the browser complains about in it.
func tab(t *testing.T, parent context.Context) (ctx context.Context, complaints func() []string) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	ctx, cancelTime := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancelTime)
	var mu sync.Mutex
	var list []string
	add := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, s)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			for _, a := range e.Args {
				add("console " + string(e.Type) + ": " + string(a.Value) + a.Description)
			}
		case *runtime.EventExceptionThrown:
			add("exception: " + e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			add(string(e.Entry.Level) + ": " + e.Entry.Text + " " + e.Entry.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), list...)
	}
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("browser: %v", err)
	}
}

// eval evaluates a script expression in the tab.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// await waits until a script expression is true.
func await(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](expression)); err != nil {
		t.Fatalf("await %s: %v", expression, err)
	}
}

// screen sets the size of the tab, and light or dark.
func screen(t *testing.T, ctx context.Context, w, h int64, dark bool) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: w, Height: h, DeviceScaleFactor: 1, Mobile: w < 500,
	})
	if err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("asked for with -pictures")
	}
	if err := os.MkdirAll(*pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	b := browser(t)
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
			for _, path := range paths {
				for _, shot := range shots {
					ctx, _ := tab(t, b)
					screen(t, ctx, shot.w, shot.h, shot.dark)
					do(t, ctx, chromedp.Navigate(url+path), chromedp.WaitReady(chromedp.CSS("main")))
					png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					page, _, _ := strings.Cut(strings.TrimSuffix(strings.ReplaceAll(path, "/", "-"), "-"), "?")
					if err := os.WriteFile(filepath.Join(*pictures, s.Name+page+"-"+shot.name+".png"), png, 0o644); err != nil {
						t.Fatal(err)
					}
					chromedp.Cancel(ctx) //nolint:errcheck // the picture is taken
				}
			}
		})
	}
}
