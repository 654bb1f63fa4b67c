package explorer_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/chain/explorer"
	"hearth/chain/explorer/storybook"
)

var update = flag.Bool("update", false, "write golden files")

// serve serves a story on a real socket and returns its address.
func serve(t *testing.T, story *storybook.Story) string {
	t.Helper()
	source, err := story.Source()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := explorer.New(source, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(pages)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

func busy(t *testing.T) *storybook.Story {
	t.Helper()
	s, err := storybook.Busy()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// lists are the pages that need nothing in their address.
func lists() []string {
	return []string{
		"/", "/blocks", "/transactions", "/tickets", "/jobs", "/claims", "/trials", "/projects", "/models", "/miners", "/validators", "/penalties", "/emission", "/beacon",
	}
}

// pages are those of a busy chain, each kind once.
func pages(t *testing.T, story *storybook.Story) []string {
	t.Helper()
	s, b := story.State, story.Blocks
	id := hex.EncodeToString
	return append(lists(),
		"/blocks/5412", "/blocks/5411", "/transactions/"+id(hashOf(b.Txs[5411][0])), "/transactions/"+id(hashOf(b.Txs[5411][1])), "/transactions/"+id(hashOf(b.Txs[5412][1])),
		"/tickets/"+id(s.Tickets[0].Nullifier), "/jobs/"+id(s.Jobs[1].Id), "/claims/"+id(s.Claims[2].Key), "/claims/"+id(s.Claims[4].Key),
		"/trials/"+id(s.Trials[2].Claim), "/projects/1", "/models/"+id(s.Models[0].Id),
		"/miners/"+s.Miners[0].Owner, "/validators/"+s.Validators[3].Operator, "/accounts/"+s.Miners[0].Owner,
	)
}

// normal puts each element on a line and leaves out what a person does not
// read, and all but three rows of long tables.
func normal(page string) string {
	_, page, _ = strings.Cut(page, "<main")
	page, _, _ = strings.Cut("<main"+page, "</main>")
	for _, rule := range []struct{ from, to string }{
		{`(?s)(<tbody>(?:.*?</tr>){3}).*?</tbody>`, "$1…</tbody>"},
		{`(?:<rect [^>]*/>){4,}`, "<rect/>…"},
		{`\s+`, " "},
		{` ?(</?(?:main|section|form|p|h[1-6]|dl|div|figure|figcaption|svg|table|thead|tbody|tr|summary|details|aside|pre)[ >])`, "\n$1"},
	} {
		page = regexp.MustCompile(rule.from).ReplaceAllString(page, rule.to)
	}
	return strings.TrimSpace(page) + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "pages", name+".html")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the page differs (go test ./chain/explorer -update writes it anew):\n%s", diff)
	}
}

func fileName(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		if len(p) > 16 {
			parts[i] = p[:8]
		}
	}
	if name := strings.Join(parts, "-"); name != "" {
		return name
	}
	return "overview"
}

// The pages of a busy chain, word for word.
func TestPages(t *testing.T) {
	story := busy(t)
	url := serve(t, story)
	for _, path := range pages(t, story) {
		t.Run(path, func(t *testing.T) {
			res, body := get(t, url+path)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s\n%s", path, res.Status, body)
			}
			golden(t, "busy-"+fileName(path), normal(body))
		})
	}
}

func TestAnEmptyChainSaysSo(t *testing.T) {
	url := serve(t, storybook.Begun())
	for _, path := range lists() {
		res, body := get(t, url+path)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
		if path == "/" {
			golden(t, "begun-overview", normal(body))
		}
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	url := serve(t, storybook.Begun())
	for path, want := range map[string]struct {
		code int
		said string
	}{
		"/nowhere":                     {404, "There is no page here."},
		"/blocks/2":                    {404, "There is no block 2 yet: the newest is 1."},
		"/blocks/-1":                   {400, "is no height of a block"},
		"/blocks/99999999999999999999": {400, "is no height of a block"},
		"/blocks?before=x":             {400, "is no height of a block"},
		"/transactions/" + strings.Repeat("0", 64):   {404, "no transaction with this hash"},
		"/tickets/" + strings.Repeat("0", 64):        {404, "This is not on the chain."},
		"/tickets/abc":                               {400, "is not a hash"},
		"/jobs/" + strings.Repeat("f", 64):           {404, "This is not on the chain."},
		"/jobs?status=77":                            {400, "no such status"},
		"/claims?from=*":                             {400, "no page of this list"},
		"/projects/7":                                {404, "This is not on the chain."},
		"/projects/x":                                {400, "is no number of a project"},
		"/accounts/cosmos1qqqqqqqqqqqqqqqqqqqqqqqq":  {400, "is not an address of this chain"},
		"/validators/" + storybook.Address("nobody"): {404, "This is not on the chain."},
		"/search?q=":                                 {400, "Nothing was entered."},
		"/search?q=teapot":                           {404, "is called “teapot”"},
		"/static/secrets":                            {404, "no such file"},
	} {
		res, body := get(t, url+path)
		if res.StatusCode != want.code || !strings.Contains(body, want.said) {
			t.Errorf("%s: got %s, want %d and %q in\n%s", path, res.Status, want.code, want.said, normal(body))
		}
	}
}

func TestANodeThatDoesNotAnswerIsNoEmptyChain(t *testing.T) {
	t.Run("at all", func(t *testing.T) {
		url := serve(t, storybook.Silent())
		for _, path := range []string{"/", "/blocks", "/transactions", "/blocks/1"} {
			res, body := get(t, url+path)
			if res.StatusCode != http.StatusBadGateway || !strings.Contains(body, "application state is being loaded") {
				t.Errorf("%s: %s\n%s", path, res.Status, normal(body))
			}
		}
	})
	t.Run("in part", func(t *testing.T) {
		url := serve(t, storybook.Halved())
		res, body := get(t, url+"/")
		if res.StatusCode != http.StatusOK {
			t.Errorf("the overview: %s", res.Status)
		}
		golden(t, "halved-overview", normal(body))
		if res, _ := get(t, url+"/tickets"); res.StatusCode != http.StatusBadGateway {
			t.Errorf("tickets: %s", res.Status)
		}
	})
}

// Nothing that a stranger writes into the chain is markup or a link on a page,
// and nothing in it is invisible.
func TestStrangersWriteTextOnly(t *testing.T) {
	story, err := storybook.Hostile()
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, story)
	invisible := regexp.MustCompile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\x00-\x08]")
	seen := 0
	for _, path := range append(pages(t, story), "/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E") {
		_, body := get(t, url+path)
		seen += strings.Count(body, "&lt;script&gt;")
		for _, bad := range []string{"<script>", "<img", `href="javascript:`, `href="data:`, "ZgotmplZ"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s contains %s", path, bad)
			}
		}
		if at := invisible.FindStringIndex(body); at != nil {
			t.Errorf("%s contains %q", path, body[at[0]:at[1]])
		}
	}
	if seen < 20 {
		t.Errorf("what strangers wrote is shown %d times: the story does not reach the pages", seen)
	}
}

func TestSearchLeadsToWhatItFinds(t *testing.T) {
	story := busy(t)
	url := serve(t, story)
	id := func(b []byte) string { return hex.EncodeToString(b) }
	s := story.State
	for q, want := range map[string]string{
		"5412":                                "/blocks/5412",
		"5%2C412":                             "/blocks/5412",
		s.Miners[0].Owner:                     "/accounts/" + s.Miners[0].Owner,
		id(hashOf(story.Blocks.Txs[5411][0])): "/transactions/" + id(hashOf(story.Blocks.Txs[5411][0])),
		strings.ToUpper(id(s.Jobs[0].Id)):     "/jobs/" + id(s.Jobs[0].Id),
		"0x" + id(s.Claims[1].Key):            "/claims/" + id(s.Claims[1].Key),
		id(s.Tickets[1].Nullifier):            "/tickets/" + id(s.Tickets[1].Nullifier),
		id(s.Models[1].Id):                    "/models/" + id(s.Models[1].Id),
	} {
		res, _ := get(t, url+"/search?q="+q)
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("search for %s: %s %q, want %q", q, res.Status, got, want)
		}
	}
}

func TestLongListsHavePages(t *testing.T) {
	story := busy(t)
	for len(story.State.Jobs) < 120 {
		story.State.Jobs = append(story.State.Jobs, story.State.Jobs[0])
	}
	url := serve(t, story)
	link := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	path, rows := "/jobs", 0
	for range 10 {
		_, body := get(t, url+path)
		rows += strings.Count(body, "<tr>") - 1
		next := link.FindStringSubmatch(body)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	if rows != 120 {
		t.Errorf("the pages of a list of 120 have %d entries", rows)
	}
}

// More paid for than verified must be seen at once.
func TestTheHeadlineIsNotAlwaysGood(t *testing.T) {
	story := busy(t)
	story.State.Epochs[3].MegaPaid += 1_000_000
	_, body := get(t, serve(t, story)+"/")
	for _, want := range []string{`<p class="figure bad">`, "More was paid for than was verified."} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, normal(body))
		}
	}
}

func TestOnlyTestNetworksSayThatTheirCoinsAreWorthless(t *testing.T) {
	story := busy(t)
	for _, real := range []bool{false, true} {
		story.Real = real
		url := serve(t, story)
		for _, path := range pages(t, story) {
			if _, body := get(t, url+path); strings.Contains(body, "coins are worthless") == real {
				t.Errorf("%s of a real network %v", path, real)
			}
		}
	}
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	story := busy(t)
	url := serve(t, story)
	loads := regexp.MustCompile(`(?:src|srcset|action|<link[^>]* href)="(https?:|//)`)
	for _, path := range pages(t, story) {
		res, body := get(t, url+path)
		if loads.MatchString(body) {
			t.Errorf("%s loads from elsewhere", path)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	if res, err := http.Post(url+"/", "text/plain", strings.NewReader("")); err != nil {
		t.Error(err)
	} else if res.Body.Close(); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered with %s", res.Status)
	}
}

func TestANewBlockIsTold(t *testing.T) {
	url := serve(t, busy(t))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if lines.Text() == "data: 5412" {
			return
		}
	}
	t.Errorf("the stream ended without a block: %v", lines.Err())
}
