package explorer_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	cmttypes "github.com/cometbft/cometbft/types"

	"hearth/chain/explorer/storybook"
	"hearth/internal/browsertest"
)

var pictures = flag.String("pictures", "", "write a picture of each page in each story to this `folder`")

func hashOf(tx []byte) []byte { return cmttypes.Tx(tx).Hash() }

// Every page of every story can be read on a small phone, in light and dark,
// and the browser has nothing to complain about.
func TestEveryPageCanBeUsed(t *testing.T) {
	b := browsertest.Start(t)
	stories, err := storybook.Stories()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stories {
		t.Run(s.Name, func(t *testing.T) {
			url := serve(t, s)
			paths := lists()
			switch s.Name {
			case "busy", "hostile":
				paths = append(pages(t, s), "/nowhere")
			case "silent", "halved":
				paths = []string{"/", "/tickets"}
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
				if !strings.Contains(c, "status of 404") && !strings.Contains(c, "status of 502") {
					t.Errorf("the browser complains: %s", c)
				}
			}
		})
	}
}

func TestSearchByKeyboard(t *testing.T) {
	b := browsertest.Start(t)
	ctx, _ := browsertest.Tab(b, t)
	browsertest.Do(ctx, t, chromedp.Navigate(serve(t, busy(t))), chromedp.WaitReady(chromedp.CSS("main")))
	browsertest.Lead(ctx, t, chromedp.Focus(chromedp.CSS("#q")), chromedp.KeyEvent("5411"+kb.Enter))
	if got := browsertest.Eval[string](ctx, t, `document.querySelector("h1").textContent`); got != "Block 5,411" {
		t.Errorf("the search led to %q", got)
	}
}

// A new block is on the page without anybody doing anything, and what a reader
// had opened stays open.
func TestPagesFollowTheChain(t *testing.T) {
	story := busy(t)
	var height atomic.Int64
	height.Store(story.Blocks.Count)
	story.Blocks.Height = height.Load
	url := serve(t, story)
	b := browsertest.Start(t)
	ctx, _ := browsertest.Tab(b, t)
	browsertest.Do(ctx, t, chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("main")),
		chromedp.Evaluate[chromedp.Void](`document.querySelector("details").open = true; undefined`))
	browsertest.Await(ctx, t, `document.querySelector("footer").textContent.includes("block 5,412")`)
	height.Add(1)
	browsertest.Await(ctx, t, `document.querySelector("footer").textContent.includes("block 5,413")`)
	if !browsertest.Eval[bool](ctx, t, `document.querySelector("details").open`) {
		t.Error("what was open is closed")
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
	stories, err := storybook.Stories()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stories {
		t.Run(s.Name, func(t *testing.T) {
			url := serve(t, s)
			paths := []string{"/"}
			if s.Name == "busy" {
				paths = pages(t, s)
			}
			for _, path := range paths {
				for _, shot := range []struct {
					name string
					w, h int64
					dark bool
				}{{"light", 1280, 800, false}, {"dark", 1280, 800, true}, {"phone", 390, 844, false}} {
					ctx, _ := browsertest.Tab(b, t)
					browsertest.Screen(ctx, t, shot.w, shot.h, shot.dark)
					browsertest.Do(ctx, t, chromedp.Navigate(url+path), chromedp.WaitReady(chromedp.CSS("main")))
					png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(*pictures, s.Name+"-"+fileName(path)+"-"+shot.name+".png"), png, 0o644); err != nil {
						t.Fatal(err)
					}
					chromedp.Cancel(ctx) // the picture is taken
				}
			}
		})
	}
}
