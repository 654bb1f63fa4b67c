package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/config"
	"hearth/emulate/avalon"
	"hearth/emulate/shelly"
	"hearth/httpapi"
	"hearth/ledger"
	"hearth/site"
	"hearth/units"
	"hearth/web/storybook"
)

// firstHour is a home that runs as under "hearth up", with nothing in it yet.
type firstHour struct {
	*residence
	t   *testing.T
	dir string
	url string
}

func newFirstHour(t *testing.T) *firstHour {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, homeFile)
	if err := os.WriteFile(path, []byte("# The house of a test.\nname: Test house\nperiod: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	d := deps{dir: dir, data: dir, log: slog.New(slog.DiscardHandler)}
	h, err := assemble(t.Context(), f, d)
	if err != nil {
		t.Fatal(err)
	}
	r := newResidence(h, d, path, dir)
	auth, err := httpapi.OpenAuth(dir)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(httpapi.New(httpapi.Options{Home: r, Auth: auth, Log: d.log, Version: "test"}))
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.run(ctx); err != nil {
			t.Errorf("the home ended with %v", err)
		}
	})
	t.Cleanup(func() {
		srv.Close()
		stop()
		wg.Wait()
		r.now.close(context.Background())
	})
	return &firstHour{r, t, dir, srv.URL}
}

// hearth runs a command line against the home and wants its exit code and a
// text in what it prints.
func (f *firstHour) hearth(code int, text string, args ...string) {
	f.t.Helper()
	var out bytes.Buffer
	p := &program{ctx: f.t.Context(), out: &out, err: &out}
	got := p.run(append(args, "--url", f.url))
	if got != code || !strings.Contains(out.String(), text) {
		f.t.Errorf("hearth %q: exit code %d, want %d with %q:\n%s", args, got, code, text, &out)
	}
}

// until waits for something of the home to become true.
func (f *firstHour) until(what string, ok func() bool) {
	f.t.Helper()
	ctx, stop := context.WithTimeout(f.t.Context(), time.Minute)
	defer stop()
	for range f.Watch(ctx) {
		if ok() {
			return
		}
	}
	f.t.Fatalf("never: %s", what)
}

// plug puts an emulated device on a socket.
func plug(t *testing.T, s server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(ctx, l) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return l.Addr().String()
}

// A check that fails has an exit code of its own, and says why.
func TestFailedCheck(t *testing.T) {
	home := storybook.Heating()
	auth, err := httpapi.OpenAuth(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(httpapi.New(httpapi.Options{Home: home, Auth: auth, Log: slog.New(slog.DiscardHandler)}))
	defer srv.Close()
	ticks := home.Watch(t.Context())
	go func() {
		for range ticks { // the first is that the check began
			home.EndCheck("mini3", site.CheckControl, site.CheckFailed, "Avalon Mini 3 does not do as told.", "pause: not obeyed")
			return
		}
	}()
	var out bytes.Buffer
	code := (&program{ctx: t.Context(), out: &out, err: &out}).run([]string{"install", "check", "mini3", "control", "--url", srv.URL})
	if code != exitProblem || !strings.Contains(out.String(), "  pause: not obeyed\nhearth: the check control of mini3 failed: Avalon Mini 3 does not do as told.") {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
}

// An installer's first hour, on the command line: two devices are added to a
// home that runs, one is proven and signed for.
func TestFirstHour(t *testing.T) {
	f := newFirstHour(t)
	bath := shelly.New(shelly.Config{Load: 800, MAC: "0250C0FFEE03", Sensors: []func() units.Celsius{func() units.Celsius { return 21.4 }}})
	mini := avalon.New(avalon.Config{Model: avalon.Mini3})
	bathAt, miniAt := plug(t, bath), plug(t, mini)

	f.hearth(exitUsage, "no unit", "install", "add", "bath", "--kind=shelly", "--address="+bathAt, "--load=800")
	f.hearth(exitFailed, "toaster", "install", "add", "bath", "--kind=toaster", "--address="+bathAt)
	f.hearth(exitFailed, "there is no sensor", "install", "add", "bath", "--kind=shelly", "--address="+bathAt, "--zone=bathroom", "--sensor=gone")
	if n := len(f.State().Devices); n != 0 {
		t.Fatalf("after mistakes there are %d devices", n)
	}
	f.hearth(0, "bath was added", "install", "add", "bath", "--kind=shelly", "--address="+bathAt, "--load=800 W", "--limit=800 W",
		"--zone=bathroom", "--zone-name=Bathroom", "--sensor=bath/", "--setpoint=19 °C", "--role=backup")
	f.hearth(0, "was added", "install", "add", "mini", "--kind=avalon", "--address="+miniAt, "--zone=hall", "--zone-name=Hall", "--limit=900 W", "--role=primary")

	// The bathroom has its thermometer, the hall has none and nothing guessed.
	f.until("the bathroom's temperature and the heater's name", func() bool {
		st := f.State()
		return len(st.Zones) == 2 && len(st.Devices) == 2 && st.Zones[0].Temp.IsKnown() && st.Devices[0].Online && st.Devices[1].Online
	})
	for _, z := range f.State().Zones {
		v, known := z.Temp.Get()
		if z.ID == "bathroom" && (!known || v != 21.4) || z.ID == "hall" && known {
			t.Errorf("%s: %v", z.ID, z.Temp)
		}
	}

	f.hearth(exitFailed, "no check has been made", "install", "sheet", "bath")
	f.hearth(0, "Passed.", "install", "check", "bath", "control")
	f.until("the heater is off after the check", func() bool {
		v, known := f.State().Devices[0].Reading.Power.Get()
		return known && v == 0
	})

	online := func(want bool) func() bool {
		return func() bool { return f.State().Devices[0].Online == want }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.hearth(0, "Its absence was noticed", "install", "check", "bath", "unplug")
	}()
	f.until("the test waits for a person", func() bool {
		list, err := f.Checks("bath")
		return err == nil && len(list) == 2
	})
	bath.Faults().Unplug()
	f.until("its absence is noticed", online(false))
	if v := f.State().Devices[0].Reading.Power; v.IsKnown() {
		t.Errorf("unplugged it draws %v", v)
	}
	bath.Faults().Plug()
	<-done

	f.hearth(0, "SIMULATED", "install", "sheet", "bath")
	f.hearth(0, "COMMISSIONING SHEET", "install", "sheet", "bath", "--last")
	signed, err := f.LastSheet(t.Context(), "bath")
	if err != nil {
		t.Fatal(err)
	}
	records, err := f.LedgerRecords(t.Context(), signed.Record, 1)
	if err != nil || len(records) != 1 {
		t.Fatalf("record %d: %v, %v", signed.Record, records, err)
	}
	body, err := records[0].Decode()
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := body.(ledger.Setting); !ok || s.To != signed.Hash || records[0].Hash.String() != signed.Head {
		t.Errorf("record %d is %+v, the sheet's hash is %s", signed.Record, body, signed.Hash)
	}
	if report, err := f.LedgerVerify(t.Context()); err != nil || !report.OK() {
		t.Errorf("the ledger does not verify: %v, %v", report, err)
	}

	f.hearth(exitFailed, "", "install", "remove", "bath") // its room needs it
	f.hearth(0, "taken out", "install", "remove", "mini")
	if list, err := f.Checks("bath"); err != nil || len(list) != 2 {
		t.Errorf("after the home was rebuilt the checks of bath are %v, %v", list, err)
	}
	src, err := os.ReadFile(filepath.Join(f.dir, homeFile))
	if err != nil || !strings.HasPrefix(string(src), "# The house of a test.\n") || strings.Contains(string(src), "mini:") {
		t.Errorf("the file is now\n%s", src)
	}
}
