package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What becomes of three pools, told second by second. A step is a time, what
// happens (pool number, + it carries, - it does not; or nothing), which pool is
// mined at then and which are connected to.
func TestChoice(t *testing.T) {
	const patience, hold = 5, 60
	for _, c := range []struct{ name, steps string }{
		{"the first carries and is all that is needed", `
			0    .   -  0
			1    0+  0  0
			100  .   0  0`},
		{"the second is asked when the first has failed for a while", `
			0    .   -  0
			4    .   -  0
			5    .   -  01
			6    1+  1  01
			20   .   1  01`},
		{"and the third when both have", `
			0    .   -  0
			5    .   -  01
			9    .   -  01
			10   .   -  012
			11   2+  2  012
			12   1+  2  012
			71   .   2  012
			72   .   1  012
			76   .   1  012
			77   .   1  01`},
		{"a hiccup of the first takes nobody away", `
			0    0+  0  0
			50   0-  -  0
			52   0+  0  0`},
		{"the way back is slow, and the second is left later still", `
			0    0+  0  0
			50   0-  -  0
			55   .   -  01
			56   1+  1  01
			60   0+  1  01
			119  .   1  01
			120  .   0  01
			124  .   0  01
			125  .   0  0
			126  .   0  0`},
		{"a first that comes and goes takes nobody with it", `
			0    0+  0  0
			10   0-  -  0
			15   .   -  01
			16   1+  1  01
			20   0+  1  01
			70   0-  1  01
			75   0+  1  01
			130  0-  1  01
			131  0+  1  01
			190  .   1  01
			191  .   0  01`},
		{"when the second fails, the first need not wait", `
			0    .   -  0
			5    .   -  01
			6    1+  1  01
			10   0+  1  01
			11   1-  0  01`},
		{"what a pool says after it was left does not count", `
			0    0+  0  0
			1    1+  0  0
			2    0-  -  0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch := newChoice(3, patience*time.Second, hold*time.Second)
			began := time.Unix(1_700_000_000, 0)
			ch.decide(began)
			for step := range strings.Lines(strings.TrimSpace(c.steps)) {
				f := strings.Fields(step)
				var at int
				fmt.Sscan(f[0], &at)
				now := began.Add(time.Duration(at) * time.Second)
				if f[1] != "." {
					ch.carries(int(f[1][0]-'0'), f[1][1] == '+', now)
				}
				ch.decide(now)
				active := "-"
				if ch.active >= 0 {
					active = fmt.Sprint(ch.active)
				}
				running := ""
				for i, m := range ch.members {
					if m.running {
						running += fmt.Sprint(i)
					}
				}
				if active != f[2] || running != f[3] {
					t.Fatalf("after %q: mined at %s, connected to %s", strings.TrimSpace(step), active, running)
				}
			}
		})
	}
}
