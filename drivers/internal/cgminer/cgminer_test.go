package cgminer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	"hearth/drivers/internal/cgminer"
)

const head = `{"STATUS":[{"STATUS":"S","When":1753434816,"Code":11,"Msg":"Summary","Description":"cgminer 4.11.1"}],`

// Each reply is broken in one way that is known from the field, and means what
// the columns say. An absent value is written "-".
func TestBrokenRepliesAreRepaired(t *testing.T) {
	for _, c := range []struct{ name, reply, elapsed, mhs string }{
		{"sound", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}],"id":1}`, "60", "5.5"},
		{"a NUL at the end", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}],"id":1}` + "\x00", "60", "5.5"},
		{"a NUL and rubbish", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}],"id":1}` + "\x00ubbish", "60", "5.5"},
		{"a newline at the end", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}],"id":1}` + "\n", "60", "5.5"},
		{"a comma before a brace", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5,}],"id":1,}`, "60", "5.5"},
		{"a comma before a bracket", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5},],"id":1}`, "60", "5.5"},
		{"a comma after a bracket", head + `"SUMMARY":[,{"Elapsed":60,"MHS av":5.5}],"id":1}`, "60", "5.5"},
		{"no comma between objects", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}{"Elapsed":61}],"id":1}`, "60", "5.5"},
		{"two replies in one", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}],"id":1}` + head + `"id":1}`, "60", "5.5"},
		{"a line break in a string", head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5,"Note":"two` + "\r\n\tlines" + `"}],"id":1}`, "60", "5.5"},
		{"no comma between strings", head + `"SUMMARY":[{"Elapsed":60,"Pool":"x""MHS av":5.5}],"id":1}`, "60", "5.5"},
		{"an empty string before a key", head + `"SUMMARY":[{"temp":"""MHS av":5.5,"Elapsed":60}],"id":1}`, "60", "5.5"},
		{"not a number", head + `"SUMMARY":[{"Elapsed":60,"MHS av":nan}],"id":1}`, "60", "-"},
		{"minus not a number", head + `"SUMMARY":[{"Elapsed":60,"MHS av":-nan}],"id":1}`, "60", "-"},
		{"infinite", head + `"SUMMARY":[{"Elapsed":60,"MHS av":inf}],"id":1}`, "60", "-"},
		{"minus infinite", head + `"SUMMARY":[{"Elapsed":60,"MHS av": -inf}],"id":1}`, "60", "-"},
		{"infinite in a string", head + `"SUMMARY":[{"Elapsed":60,"MHS av":"inf"}],"id":1}`, "60", "-"},
		{"an exponent", head + `"SUMMARY":[{"Elapsed":6e1,"MHS av":55e-1}],"id":1}`, "60", "5.5"},
		{"too large a number", head + `"SUMMARY":[{"Elapsed":60,"MHS av":1e999}],"id":1}`, "60", "-"},
		{"a lost brace", "," + head[1:] + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}],"id":1}`, "60", "5.5"},
		{"numbers as strings", head + `"SUMMARY":[{"Elapsed":"60","MHS av":" 5.5 "}],"id":1}`, "60", "5.5"},
		{"quotes in a string", head + `"SUMMARY":[{"Note":"say \"},{\" twice","Elapsed":60,"MHS av":5.5}],"id":1}`, "60", "5.5"},
		{"text", "STATUS=S,When=1753434816,Code=11,Msg=Summary,Description=cgminer 4.11.1|SUMMARY,Elapsed=60,MHS av=5.5|\x00", "60", "5.5"},
		{"text with brackets", "STATUS=S,When=1753434816,Code=11,Msg=Summary,Description=cgminer 4.11.1|SUMMARY=0,MM ID0=W[In Work, 1|2],Elapsed=60,MHS av=5.5|\n", "60", "5.5"},
		{"text with escapes", `STATUS=S,When=1753434816,Code=11,Msg=Summary,Description=cgminer 4.11.1|SUMMARY,Note=a\,Elapsed\=7\|b,Elapsed=60,MHS av=5.5|`, "60", "5.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := cgminer.Decode([]byte(c.reply))
			if err != nil {
				t.Fatal(err)
			}
			want := cgminer.Status{Severity: cgminer.Success, When: time.Unix(1753434816, 0), Code: 11, Msg: "Summary", Description: "cgminer 4.11.1"}
			if d := cmp.Diff(want, r.Status); d != "" {
				t.Errorf("status (-want +got):\n%s", d)
			}
			row, ok := r.Row("SUMMARY")
			if !ok {
				t.Fatalf("no summary in %v", r)
			}
			for key, want := range map[string]string{"Elapsed": c.elapsed, "MHS av": c.mhs} {
				got, ok := row.Float(key)
				switch {
				case want == "-" && ok:
					t.Errorf("%s is %v, must be absent", key, got)
				case want != "-" && (!ok || want != trim(got)):
					t.Errorf("%s is %v, %v; want %s", key, got, ok, want)
				}
			}
		})
	}
}

func trim(f float64) string {
	if f == 60 {
		return "60"
	}
	if f == 5.5 {
		return "5.5"
	}
	return "?"
}

func TestWhatCannotBeRepairedIsGarbage(t *testing.T) {
	sound := head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5}],"id":1}`
	text := "STATUS=S,When=1,Code=11,Msg=Summary|SUMMARY,Elapsed=60,MHS av=5.5|"
	for name, reply := range map[string]string{
		"nothing":            "",
		"only a NUL":         "\x00",
		"a web page":         "<html><body>404</body></html>",
		"no status":          `{"id":1}`,
		"a lost head":        `,"id":1}`,
		"null":               "null",
		"an array":           "[]",
		"an empty object":    "{}",
		"a word":             "OK",
		"an empty status":    `{"STATUS":[],"id":1}`,
		"a strange severity": `{"STATUS":[{"STATUS":"X"}],"id":1}`,
		"a numeric status":   `{"STATUS":[{"STATUS":1}],"id":1}`,
		"more after the end": sound + `]`,
		"half of it":         sound[:len(sound)/2],
		"all but the end":    sound[:len(sound)-1],
		"half a text":        text[:len(text)/2],
		"a text without end": text[:len(text)-1],
		"an open bracket":    "STATUS=S,Msg=W[In Work|",
		"a nameless part":    "STATUS=S|,=|",
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := cgminer.Decode([]byte(reply)); !errors.Is(err, device.ErrGarbage) {
				t.Errorf("%+v, %v; want %v", r, err, device.ErrGarbage)
			}
		})
	}
}

func TestStatusSaysWhatItMeans(t *testing.T) {
	for _, c := range []struct {
		severity cgminer.Severity
		code     int
		want     error
	}{
		{cgminer.Success, cgminer.CodeASCSetOK, nil},
		{cgminer.Information, cgminer.CodeASCSetInfo, nil},
		{cgminer.Warning, 117, nil},
		{cgminer.Failure, cgminer.CodeInvalidCommand, device.ErrUnsupported},
		{cgminer.Failure, cgminer.CodeAccessDenied, device.ErrRefused},
		{cgminer.Failure, cgminer.CodeASCSetFailed, device.ErrRefused},
		{cgminer.Fatal, 0, device.ErrRefused},
	} {
		err := cgminer.Status{Severity: c.severity, Code: c.code, Msg: "so it is"}.Err()
		if !errors.Is(err, c.want) {
			t.Errorf("%c %d: %v; want %v", c.severity, c.code, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), "so it is") {
			t.Errorf("%v does not quote the device", err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"192.168.1.20":      "192.168.1.20:4028",
		" miner.local ":     "miner.local:4028",
		"miner.local:14028": "miner.local:14028",
		"fe80::1":           "[fe80::1]:4028",
		"[::1]":             "[::1]:4028",
		"[::1]:4029":        "[::1]:4029",
		"":                  "",
		"http://10.0.0.7":   "",
		"10.0.0.7:0":        "",
		"10.0.0.7:x":        "",
		":4028":             "",
		"a b":               "",
		"a:b:c":             "",
	} {
		c, err := cgminer.New(in)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is taken as %s", in, c.Address())
		case want != "" && (err != nil || c.Address() != want):
			t.Errorf("%q: %v, %v; want %s", in, c, err, want)
		}
	}
}

// serve answers each connection with what answer does, and returns a client
// and the requests that came.
func serve(t *testing.T, answer func(net.Conn)) (*cgminer.Client, <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	requests := make(chan string, 16)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				b := make([]byte, 4096)
				n, _ := conn.Read(b)
				requests <- string(b[:n])
				answer(conn)
			}()
		}
	}()
	c, err := cgminer.New(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return c, requests
}

// open keeps a connection open until the peer closes it.
func open(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestRepliesEndInManyWays(t *testing.T) {
	sound := head + `"SUMMARY":[{"Elapsed":60}],"id":1}`
	text := "STATUS=S,When=1,Code=11,Msg=Summary|SUMMARY,Elapsed=60|"
	for name, answer := range map[string]func(net.Conn){
		"NUL, then open":       func(c net.Conn) { _, _ = io.WriteString(c, sound+"\x00"); open(c) },
		"newline, then open":   func(c net.Conn) { _, _ = io.WriteString(c, sound+"\n"); open(c) },
		"JSON, then open":      func(c net.Conn) { _, _ = io.WriteString(c, sound); open(c) },
		"JSON, then closed":    func(c net.Conn) { _, _ = io.WriteString(c, sound) },
		"text, NUL, open":      func(c net.Conn) { _, _ = io.WriteString(c, text+"\x00"); open(c) },
		"text, newline, open":  func(c net.Conn) { _, _ = io.WriteString(c, text+"\n"); open(c) },
		"text, then closed":    func(c net.Conn) { _, _ = io.WriteString(c, text) },
		"text, then silence":   func(c net.Conn) { _, _ = io.WriteString(c, text); open(c) },
		"in pieces":            func(c net.Conn) { drip(c, sound+"\x00") },
		"text in pieces":       func(c net.Conn) { drip(c, text+"\x00") },
		"a line break in half": func(c net.Conn) { drip(c, strings.Replace(sound, "Summary", "Sum\nmary", 1)+"\x00") },
	} {
		t.Run(name, func(t *testing.T) {
			c, requests := serve(t, answer)
			limit := 10 * time.Second
			if strings.HasSuffix(name, "silence") {
				limit = 100 * time.Millisecond // only the deadline ends it
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			r, err := c.Ask(ctx, cgminer.JSON, "summary", "")
			if err != nil {
				t.Fatal(err)
			}
			row, _ := r.Row("SUMMARY")
			if got, ok := row.Float("Elapsed"); !ok || got != 60 {
				t.Errorf("%+v", r)
			}
			if got := <-requests; got != `{"command":"summary"}` {
				t.Errorf("asked %s", got)
			}
		})
	}
}

// drip writes a reply in small pieces.
func drip(c net.Conn, s string) {
	for piece := range slices.Chunk([]byte(s), 7) {
		_, _ = c.Write(piece)
	}
	open(c)
}

func TestRequestsComeInTwoForms(t *testing.T) {
	c, requests := serve(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "STATUS=I,Code=118,Msg=ASC 0 set info: workmode 1|\x00")
	})
	for form, want := range map[cgminer.Form]string{
		cgminer.JSON: `{"command":"ascset","parameter":"0,workmode,get"}`,
		cgminer.Text: `ascset|0,workmode,get`,
	} {
		r, err := c.Ask(t.Context(), form, "ascset", "0,workmode,get")
		if err != nil || r.Status.Code != cgminer.CodeASCSetInfo {
			t.Errorf("%+v, %v", r, err)
		}
		if got := <-requests; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	}
}

func TestFailuresAreTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		want   []error
	}{
		{"no reply", func(net.Conn) {}, []error{device.ErrUnreachable, cgminer.ErrNoReply}},
		{"broken off", func(c net.Conn) { _, _ = io.WriteString(c, head) }, []error{device.ErrGarbage}},
		{"reset", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, []error{device.ErrUnreachable}},
		{"silence", open, []error{device.ErrUnreachable, context.DeadlineExceeded}},
		{"silence in half", func(c net.Conn) { _, _ = io.WriteString(c, head); open(c) }, []error{device.ErrUnreachable, context.DeadlineExceeded}},
		{"no end", func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat("x", 64<<10)); err != nil {
					return
				}
			}
		}, []error{device.ErrGarbage}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := serve(t, c.answer)
			limit := 10 * time.Second
			if strings.HasPrefix(c.name, "silence") {
				limit = 50 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := client.Ask(ctx, cgminer.JSON, "summary", "")
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("%v; want %v", err, want)
				}
			}
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	c, err := cgminer.New(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ask(t.Context(), cgminer.JSON, "summary", ""); !errors.Is(err, device.ErrUnreachable) {
		t.Errorf("nobody listens: %v", err)
	}
}

// Whatever a device says, decoding ends, and what it returns is sane.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		head + `"SUMMARY":[{"Elapsed":60,"MHS av":5.5,}{"a":inf}],"id":1}` + "\x00",
		head + `"STATS":[,{"MM ID0":"Ver[x] PS[0 1 2]""temp0":-nan}]}`,
		"STATUS=S,When=1,Code=11,Msg=Summary|SUMMARY,Elapsed=60|\x00",
		`STATUS=E,Code=120,Msg=ASC 0 set failed: a\|b[c|d]|`,
		`,"id":1}`, "{}", "null", "{\"STATUS\":[{\"STATUS\":\"S\",\"When\":1e300}]}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := cgminer.Decode(raw)
		if err != nil {
			if !errors.Is(err, device.ErrGarbage) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if !strings.ContainsRune("SIWEF", rune(r.Status.Severity)) || r.Status.Code < 0 {
			t.Fatalf("%q: status %+v", raw, r.Status)
		}
		for name, rows := range r.Sections {
			for _, row := range rows {
				for key := range row {
					if v, ok := row.Float(key); ok && v-v != 0 {
						t.Fatalf("%q: %s %s is %v", raw, name, key, v)
					}
				}
			}
		}
	})
}
