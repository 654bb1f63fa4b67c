package computer

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/units"
)

// domain is one energy counter of the processor, a powercap zone.
type domain struct {
	dir  string
	name string // for people
	span uint64 // µJ at which the counter starts over
}

var (
	// Zones of the other interface to the same counters, intel-rapl-mmio, would
	// count the package twice.
	zoneName = regexp.MustCompile(`^intel-rapl:[0-9]+$`)
	subName  = regexp.MustCompile(`^intel-rapl:[0-9]+:[0-9]+$`)
)

// domains finds the counters that add up: packages, and memory, which is
// beside them. "core" and "uncore" are parts of a package; "psys" holds the
// packages and is wrong on many boards (kernel: Documentation/power/powercap).
func (h host) domains() []domain {
	var found []domain
	for _, dir := range slices.Concat(h.list("sys/class/powercap", zoneName), h.list("sys/class/powercap", subName)) {
		name, _ := h.text(path.Join(dir, "name"))
		span, err := h.number(path.Join(dir, "max_energy_range_uj"))
		if err != nil || span <= 0 {
			continue
		}
		switch kind, number, _ := strings.Cut(name, "-"); {
		case kind == "package":
			if name = "processor package"; number != "0" {
				name += " " + number
			}
		case name == "dram":
			name = "memory"
		default:
			continue
		}
		found = append(found, domain{dir, name, uint64(span)})
	}
	return found
}

// sustained is the power that the packages may draw for long, as the firmware
// has set it; 0 if it does not tell.
func (h host) sustained() units.Watts {
	var sum units.Watts
	for _, dir := range h.list("sys/class/powercap", zoneName) {
		if name, _ := h.text(path.Join(dir, "name")); !strings.HasPrefix(name, "package") {
			continue
		}
		micro, err := h.number(path.Join(dir, "constraint_0_power_limit_uw"))
		if w := units.Watts(micro) / 1e6; err == nil && w >= 1 && w <= mostWatts {
			sum += w
		}
	}
	return sum
}

// mostWatts is more than any processor package draws. A counter that rose
// faster did not count: it was reset.
const mostWatts units.Watts = 1500

// sample is the counters at one instant.
type sample struct {
	at          time.Time
	energy      map[string]uint64 // µJ by domain
	denied      bool              // counters are there, but not for us
	busy, total uint64            // ticks
	work        float64           // threads that the slot kept busy
	epoch       int               // of the slot: equal means that work was constant
}

func (h host) sample(at time.Time, domains []domain) sample {
	s := sample{at: at, energy: make(map[string]uint64)}
	for _, d := range domains {
		text, err := h.text(path.Join(d.dir, "energy_uj"))
		if errors.Is(err, fs.ErrPermission) {
			s.denied = true
		}
		if n, perr := strconv.ParseUint(text, 10, 64); err == nil && perr == nil && n <= d.span {
			s.energy[d.dir] = n
		}
	}
	if busy, total, err := h.busy(); err == nil {
		s.busy, s.total = busy, total
	}
	return s
}

// spent is the energy that d counted from a to b, and whether that can be
// true. Counters start over at their span: that takes minutes at full load.
func (d domain) spent(a, b sample) (units.Joules, bool) {
	before, ok := a.energy[d.dir]
	now, ok2 := b.energy[d.dir]
	if !ok || !ok2 {
		return 0, false
	}
	micro := now - before
	if now < before {
		micro = d.span - before + now
	}
	e := units.Joules(micro) / 1e6
	return e, e.Mean(b.at.Sub(a.at)) <= mostWatts
}

// load is the share of all threads that were busy from a to b.
func load(a, b sample) (units.Fraction, bool) {
	if a.total == 0 || b.total <= a.total || b.busy < a.busy {
		return 0, false
	}
	return min(1, units.Fraction(b.busy-a.busy)/units.Fraction(b.total-a.total)), true
}

// typical is what the processor of a computer with so many logical threads
// draws when idle and when fully busy. The figures are rounded from common
// machines of each size; nobody measured this one.
func typical(threads int, singleBoard bool) (idle, full units.Watts) {
	if singleBoard && threads <= 8 {
		// A Raspberry Pi 4 draws 2.7 W idle and 6.4 W with its four cores busy.
		return 2.5, 2.5 + units.Watts(threads)
	}
	for _, row := range []struct {
		threads    int
		idle, full units.Watts
	}{
		{2, 3, 12}, {4, 4, 20}, {8, 6, 40}, {16, 10, 75}, {24, 15, 115}, {32, 20, 150}, {64, 50, 250}, {128, 80, 350},
	} {
		if threads <= row.threads {
			return row.idle, row.full
		}
	}
	return 100, 450
}
