package computer

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"hearth/device"
	"hearth/units"
)

func TestTheBurnerBurnsAndStops(t *testing.T) {
	if got := (Burner{}).Work(); got != device.Burning {
		t.Errorf("it calls its work %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked atomic.Int64
	asking := make(chan struct{}, 1000)
	done := make(chan error, 1)
	go func() {
		done <- Burner{}.Run(ctx, 2, func() units.Fraction {
			asked.Add(1)
			select {
			case asking <- struct{}{}:
			default:
			}
			return 0.2
		})
	}()
	for range 4 { // two threads, a turn and another
		<-asking
	}
	// The program's first thread, once used, stays behind asleep: there may be more.
	if slow, ok := nice19(t); ok && slow < 2 {
		t.Errorf("%d threads have the lowest priority, want the burner's 2 at least", slow)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// nice19 counts this process's threads of the lowest priority, on Linux.
func nice19(t *testing.T) (int, bool) {
	t.Helper()
	tasks, _ := filepath.Glob("/proc/self/task/*/stat")
	n := 0
	for _, f := range tasks {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		// The name, in parentheses, may hold spaces; nice is field 19 of
		// proc_pid_stat(5), the 17th after it.
		_, rest, _ := strings.Cut(string(b), ") ")
		if fields := strings.Fields(rest); len(fields) > 16 {
			if nice, err := strconv.Atoi(fields[16]); err == nil && nice == 19 {
				n++
			}
		}
	}
	return n, len(tasks) > 0
}

func TestBurningAllocatesNothingAndStaysFinite(t *testing.T) {
	e := newEmbers(1)
	before := *e
	if n := testing.AllocsPerRun(100, e.burn); n != 0 {
		t.Errorf("a turn allocates %v times", n)
	}
	if *e == before {
		t.Error("nothing was computed")
	}
	for _, f := range e.f {
		if !(f > 0.5 && f < 2) {
			t.Errorf("the arithmetic left its bounds: %v", f)
		}
	}
}

func TestPmset(t *testing.T) {
	for text, want := range map[string]string{
		"Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged":  "",
		"Now drawing from 'Battery Power'\n -InternalBattery-0\t55%; discharging": onBattery,
		"Now drawing from 'UPS Power'\n":                                          onBattery,
		"":                                                                        mainsUnknown,
		"something else\n'AC Power'":                                              mainsUnknown,
	} {
		if got := readPmset(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestCards(t *testing.T) {
	for _, c := range []struct {
		name, text, want string // want: what is in the error, "" for none
		draw             float64
	}{
		{"one", "GPU-1, 68.12, 700.00, 31, NVIDIA H100 80GB HBM3\n", "", 68.12},
		{"a name with a comma", "GPU-1, 68.12, 700.00, 31, NVIDIA, the card\n", "", 68.12},
		{"not supported", "GPU-1, [Not Supported], [N/A], [N/A], NVIDIA T400\n", "", -1},
		{"an impossible draw", "GPU-1, -5, 1e9, 999, X\n", "", -1},
		{"not a number", "GPU-1, NaN, 1, 1, X\n", "", -1},
		{"an error for a card", "Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error\n", "is not a card", 0},
		{"too short", "GPU-1, 68.12\n", "is not a card", 0},
		{"none", "", "", 0},
	} {
		cards, err := parseCards([]byte(c.text))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		for _, g := range cards {
			if (g.draw == nil) != (c.draw < 0) || g.draw != nil && float64(*g.draw) != c.draw {
				t.Errorf("%s: draws %v, want %v", c.name, g.draw, c.draw)
			}
		}
	}
}

func FuzzCards(f *testing.F) {
	f.Add([]byte("GPU-1, 68.12, 700.00, 31, NVIDIA H100\nGPU-2, [N/A], [N/A], 40, \"NVIDIA\" T400\n"))
	f.Add([]byte("No devices were found\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		cards, err := parseCards(b)
		if err != nil {
			return
		}
		for _, c := range cards {
			if c.draw != nil && !(*c.draw >= 0 && *c.draw <= 3000) || c.temp != nil && !(*c.temp >= 1 && *c.temp <= 130) {
				t.Errorf("an impossible card: %+v", c)
			}
		}
	})
}
