package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hearth/httpapi"
	"hearth/web"
	"hearth/web/storybook"
)

// front is the front page of a home that mines.
func front(t *testing.T, m *web.Mining) string {
	t.Helper()
	auth, err := httpapi.OpenAuth(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Options{
		Home: storybook.Heating(), Auth: auth, Log: slog.New(slog.DiscardHandler), Location: storybook.Zone(),
		Mining: func() *web.Mining { return m },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	body := w.Body.String()
	from := strings.Index(body, `id="mining"`)
	if m == nil {
		if from >= 0 {
			t.Error("a home that does not mine shows a network")
		}
		return ""
	}
	if from < 0 {
		t.Fatal("the page does not show the network")
	}
	part, _, _ := strings.Cut(body[from:], "</section>")
	return part
}

func TestWhatIsMinedIsShownAsCoinsAndNeverAsMoney(t *testing.T) {
	front(t, nil)
	part := front(t, &web.Mining{
		Network: "hearth-devnet", Test: true, Height: 61, At: storybook.Now(), Earned: "62.266304 HTH", Vesting: "1.000000 HTH", Work: "4.2", Claims: 3,
		Latest: []web.Mined{{At: storybook.Now(), Text: "The network pays 62.266304 HTH.", Proof: "block 61, header <ABCD>"}},
	})
	for _, want := range []string{"hearth-devnet", "worth nothing", "62.266304 HTH", "proven by block 61", "jobs claimed", "The network pays", "header &lt;ABCD&gt;"} {
		if !strings.Contains(part, want) {
			t.Errorf("it lacks %q:\n%s", want, part)
		}
	}
	for _, never := range []string{"sat", "€", "$"} {
		if strings.Contains(part, never) {
			t.Errorf("it speaks of %q:\n%s", never, part)
		}
	}
	if real := front(t, &web.Mining{Network: "hearth-1", Height: 1}); strings.Contains(real, "worth nothing") {
		t.Error("coins that are no test coins are called so")
	}
	if part := front(t, &web.Mining{Test: true, Trouble: "no node answers"}); !strings.Contains(part, "Not now: no node answers") || strings.Contains(part, "Paid out") {
		t.Errorf("a network that is not there: %s", part)
	}
}
