package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// content is a file that differs everywhere.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*i>>7 + i)
	}
	return b
}

func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func blobOf(b []byte) string {
	h := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(b), b))
	return hex.EncodeToString(h[:])
}

// testFetcher waits for nothing.
func testFetcher() *fetcher {
	return &fetcher{
		client: newClient(), progress: func(Progress) {},
		pause: func(int) time.Duration { return 0 }, stall: time.Minute,
	}
}

// log is what a server was asked.
type log struct {
	mu   sync.Mutex
	seen []string
}

func (l *log) add(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.seen, "\n")
}

// serve serves on a real socket.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// file serves a body with ranges, as a well-behaved server does.
func file(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("ETag", `"`+sumOf(body)[:8]+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// breaking sends the answer of next, but closes the connection after n bytes
// of the body.
func breaking(w http.ResponseWriter, r *http.Request, body []byte, n int) {
	from := 0
	if v, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		from, _ = strconv.Atoi(strings.TrimSuffix(v, "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
	}
	w.Header().Set("ETag", `"`+sumOf(body)[:8]+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(body[from:min(from+n, len(body))])
	if from+n < len(body) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestAFileThatBreaksOffIsFinishedWhereItStopped(t *testing.T) {
	body := content(10_000)
	var asked log
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		breaking(w, r, body, 3000)
	})
	dir := t.TempDir()
	got, err := testFetcher().fetch(t.Context(), dir, remote{URL: s.URL + "/f", Path: "f", Size: 10_000, SHA256: sumOf(body)})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Taken{"f", 10_000, sumOf(body)}); got != want {
		t.Errorf("took %v, want %v", got, want)
	}
	want := "GET /f\nGET /f bytes=3000-\nGET /f bytes=6000-\nGET /f bytes=9000-"
	if asked.String() != want {
		t.Errorf("asked\n%s\nwant\n%s", &asked, want)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "f")); !bytes.Equal(b, body) {
		t.Error("the file on disk is another")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Two runs of the program: the first is interrupted by its person.
func TestAnInterruptedPullGoesOnInTheNextRun(t *testing.T) {
	body := content(10_000)
	var asked log
	ctx, interrupt := context.WithCancel(t.Context())
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		if ctx.Err() == nil {
			w.Header().Set("ETag", `"`+sumOf(body)[:8]+`"`)
			w.Header().Set("Content-Length", "10000")
			w.Write(body[:4000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		file(w, r, body)
	})
	dir := t.TempDir()
	f := remote{URL: s.URL + "/f", Path: "sub/f", Size: -1}
	first := testFetcher()
	first.progress = func(p Progress) {
		if p.Done == 4000 {
			interrupt()
		}
	}
	if _, err := first.fetch(ctx, dir, f); !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted run: %v", err)
	}
	got, err := testFetcher().fetch(t.Context(), dir, f)
	if err != nil {
		t.Fatal(err)
	}
	if got.SHA256 != sumOf(body) {
		t.Error("the joined file is another")
	}
	if want := "GET /f\nGET /f bytes=4000-"; asked.String() != want {
		t.Errorf("asked\n%s\nwant\n%s", &asked, want)
	}
}

// The part that is here is of a file that has changed since.
func TestAChangedFileIsFetchedAnew(t *testing.T) {
	old, body := content(9000), content(10_000)
	body[0]++
	n := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			breaking(w, r, old, 5000)
			return
		}
		file(w, r, body) // answers If-Range with the whole file
	})
	got, err := testFetcher().fetch(t.Context(), t.TempDir(), remote{URL: s.URL + "/f", Path: "f", Size: -1})
	if err != nil || got.SHA256 != sumOf(body) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestServersThatDoNotKeepTheirWord(t *testing.T) {
	body := content(5000)
	for _, c := range []struct {
		name  string
		serve func(w http.ResponseWriter, r *http.Request)
		f     remote
		want  string // part of the error
		is    error
	}{
		{
			name:  "another file of the same size",
			serve: func(w http.ResponseWriter, r *http.Request) { file(w, r, append(content(4999), 0)) },
			f:     remote{Size: 5000, SHA256: sumOf(body)}, want: "its SHA-256 is", is: ErrWrongContent,
		},
		{
			name:  "not the blob of the commit",
			serve: func(w http.ResponseWriter, r *http.Request) { file(w, r, append(content(4999), 0)) },
			f:     remote{Size: 5000, Blob: blobOf(body)}, want: "the repository lists", is: ErrWrongContent,
		},
		{
			name:  "a longer file",
			serve: func(w http.ResponseWriter, r *http.Request) { file(w, r, content(6000)) },
			f:     remote{Size: 5000, SHA256: sumOf(body)}, want: "says it has 6000 bytes", is: ErrWrongContent,
		},
		{
			name: "more than it announced, without end",
			serve: func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := w.Write(body); err != nil {
						return
					}
				}
			},
			f: remote{Size: 5000, SHA256: sumOf(body)}, want: "more than the 5000 bytes", is: ErrWrongContent,
		},
		{
			name: "an absurd size",
			serve: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "9000000000000000000")
			},
			f: remote{Size: -1}, want: "more than any model", is: ErrWrongContent,
		},
		{
			name: "a range nobody asked for",
			serve: func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") == "" {
					breaking(w, r, body, 1000)
				}
				w.Header().Set("Content-Range", "bytes 2000-4999/5000")
				w.WriteHeader(http.StatusPartialContent)
			},
			f: remote{Size: 5000, SHA256: sumOf(body)}, want: "asked for the bytes from 1000 on", is: ErrWrongContent,
		},
		{
			name:  "nothing there",
			serve: http.NotFound,
			f:     remote{Size: 5000}, want: "404", is: os.ErrNotExist,
		},
		{
			name:  "not for everybody",
			serve: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) },
			f:     remote{Size: 5000}, want: "--token-file",
		},
		{
			name:  "redirects in a circle",
			serve: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) },
			f:     remote{Size: 5000}, want: "redirects more than 5 times",
		},
		{
			name:  "always busy",
			serve: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
			f:     remote{Size: 5000}, want: "503", is: nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.serve)
			c.f.URL, c.f.Path = s.URL+"/f", "f"
			dir := t.TempDir()
			_, err := testFetcher().fetch(t.Context(), dir, c.f)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want an error with %q (%v)", err, c.want, c.is)
			}
			if _, err := os.Stat(filepath.Join(dir, "f")); err == nil {
				t.Error("a file was left that looks complete")
			}
			if n := size(filepath.Join(dir, "f.part")); n > 5000 {
				t.Errorf("%d bytes were kept of a file of 5000", n)
			}
		})
	}
}

func TestAServerThatAsksToWaitIsAskedAgain(t *testing.T) {
	body := content(100)
	n := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n <= 2 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		file(w, r, body)
	})
	var waits []string
	f := testFetcher()
	f.progress = func(p Progress) {
		if p.Step == StepWait {
			waits = append(waits, p.Name)
		}
	}
	if _, err := f.fetch(t.Context(), t.TempDir(), remote{URL: s.URL, Path: "f", Size: 100, SHA256: sumOf(body)}); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 2 || !strings.Contains(waits[0], "429") {
		t.Errorf("waits: %q", waits)
	}
}

// A connection that stays open and says nothing is given up.
func TestASilentServerIsAskedAgain(t *testing.T) {
	body := content(100)
	n := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			w.Header().Set("Content-Length", "100")
			w.Write(body[:10])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		file(w, r, body)
	})
	f := testFetcher()
	f.stall = 50 * time.Millisecond
	if _, err := f.fetch(t.Context(), t.TempDir(), remote{URL: s.URL, Path: "f", Size: 100, SHA256: sumOf(body)}); err != nil {
		t.Fatal(err)
	}
	if n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestACompleteFileIsOnlyHashed(t *testing.T) {
	body := content(100)
	var asked log
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { asked.add(r); file(w, r, body) })
	dir := t.TempDir()
	f := remote{URL: s.URL + "/f", Path: "f", Size: 100, Blob: blobOf(body)}
	for range 2 {
		if _, err := testFetcher().fetch(t.Context(), dir, f); err != nil {
			t.Fatal(err)
		}
	}
	if asked.String() != "GET /f" {
		t.Errorf("asked\n%s", &asked)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = testFetcher().fetch(t.Context(), t.TempDir(), remote{URL: "http://" + l.Addr().String() + "/f", Path: "f", Size: 1})
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// A proxy of the environment is used; the process's own environment is not
// touched here, so the transport is given what it would have read.
func TestAProxyIsUsed(t *testing.T) {
	body := content(100)
	var asked string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.RequestURI
		file(w, r, body)
	})
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := testFetcher()
	f.client.Transport.(*http.Transport).Proxy = http.ProxyURL(u)
	if _, err := f.fetch(t.Context(), t.TempDir(), remote{URL: "http://models.example/f", Path: "f", Size: 100, SHA256: sumOf(body)}); err != nil {
		t.Fatal(err)
	}
	if asked != "http://models.example/f" {
		t.Errorf("the proxy was asked for %q", asked)
	}
}

// A redirect to another host does not take the token along.
func TestATokenStaysWithItsHost(t *testing.T) {
	body := content(100)
	var there string
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) {
		there = r.Header.Get("Authorization")
		file(w, r, body)
	})
	// The same machine under another name is another host.
	target := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	})
	_, err := testFetcher().fetch(t.Context(), t.TempDir(), remote{
		URL: s.URL, Path: "f", Size: 100, SHA256: sumOf(body), Header: http.Header{"Authorization": {"Bearer secret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if there != "" {
		t.Errorf("the other host got %q", there)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, io.LimitReader(zeros{}, largestAnswer+1))
	})
	if _, _, err := testFetcher().readAll(t.Context(), s.URL, nil); !errors.Is(err, ErrWrongContent) {
		t.Errorf("got %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
