package browsertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hearth/internal/browsertest"
)

func TestTheAuditFindsFaults(t *testing.T) {
	b := browsertest.Start(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `<!doctype html><meta name=viewport content="width=device-width"><main><h1>One</h1><h3>Three</h3>
			<p style="color:#aaa;background:#fff">faint</p><div id=a>wide</div><div id=a></div><button></button><input></main>
			<style>#a{width:500px}</style>`)
	}))
	defer srv.Close()
	ctx, _ := browsertest.Tab(b, t)
	browsertest.Screen(ctx, t, 360, 740, false)
	browsertest.Do(ctx, t, chromedp.Navigate(srv.URL))
	findings := strings.Join(browsertest.Eval[[]string](ctx, t, browsertest.Audit), "\n")
	for _, want := range []string{"508 px wide", "contrast 2.32", "has no name: <button>", "has no name: <input>", "id a", "skips a level", "inline style"} {
		if !strings.Contains(findings, want) {
			t.Errorf("no %q among\n%s", want, findings)
		}
	}
}

func TestWhatTheBrowserComplainsAboutIsKept(t *testing.T) {
	b := browsertest.Start(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `<!doctype html><link rel=icon href=data:,><main>here</main><script>console.error("broken"); missing()</script>`)
	}))
	defer srv.Close()
	ctx, complaints := browsertest.Tab(b, t)
	browsertest.Do(ctx, t, chromedp.Navigate(srv.URL), chromedp.WaitReady(chromedp.CSS("main")))
	if got := strings.Join(complaints(), "\n"); !strings.Contains(got, "broken") || !strings.Contains(got, "exception") {
		t.Errorf("complaints:\n%s", got)
	}
}
