package computer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hearth/device"
	"hearth/units"
)

// host reads what Linux tells of the machine in /sys and /proc. On other
// systems those files are not there, and host knows nothing.
type host struct {
	fs fs.FS // rooted at /
}

// text reads a small file of one value.
func (h host) text(name string) (string, error) {
	f, err := h.fs.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", err
	}
	return string(bytes.TrimRight(b, "\n\x00 ")), nil
}

// number reads a file that holds one whole number.
func (h host) number(name string) (int64, error) {
	s, err := h.text(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %q is not a number", name, s)
	}
	return n, nil
}

// list returns the paths in a folder whose last element matches the pattern,
// sorted; none if there is no such folder.
func (h host) list(dir string, pattern *regexp.Regexp) []string {
	entries, err := fs.ReadDir(h.fs, dir)
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range entries {
		if pattern.MatchString(e.Name()) {
			found = append(found, path.Join(dir, e.Name()))
		}
	}
	return found
}

// cpuField returns the first value of a field of /proc/cpuinfo.
func (h host) cpuField(name string) string {
	info, err := h.text("proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// virtual reports whether the machine is a guest of a hypervisor: what it
// draws is then a share of a host's that it cannot see.
func (h host) virtual() bool {
	return slices.Contains(strings.Fields(h.cpuField("flags")), "hypervisor")
}

// singleBoard reports whether the machine is a small ARM board.
func (h host) singleBoard() bool {
	_, err := h.text("proc/device-tree/model")
	return err == nil && h.cpuField("CPU implementer") != ""
}

// identity names the machine. The serial is a hash, because the machine id is
// meant to stay on the machine (machine-id(5)).
func (h host) identity() device.Identity {
	first := func(names ...string) string {
		for _, n := range names {
			// Makers who fill in nothing leave such texts behind.
			s, err := h.text(n)
			if low := strings.ToLower(s); err == nil && s != "" &&
				!strings.Contains(low, "o.e.m.") && !strings.Contains(low, "default string") && !strings.HasPrefix(low, "system ") {
				return s
			}
		}
		return ""
	}
	id := device.Identity{
		Vendor:   first("sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/board_vendor"),
		Model:    first("sys/class/dmi/id/product_name", "sys/class/dmi/id/board_name", "proc/device-tree/model"),
		Firmware: first("proc/sys/kernel/osrelease"),
	}
	if id.Model == "" {
		id.Model = h.cpuField("model name")
	}
	if machine := first("etc/machine-id", "var/lib/dbus/machine-id"); machine != "" {
		id.Serial = serial(machine)
	}
	return id
}

func serial(machine string) string {
	sum := sha256.Sum256([]byte("hearth computer " + machine))
	return hex.EncodeToString(sum[:8])
}

// barred returns why the machine may not compute for lack of mains power, or
// "". A machine without a battery runs on mains; one whose battery does not
// say whether it is being emptied is taken to be on battery.
func (h host) barred() string {
	const dir = "sys/class/power_supply"
	entries, err := fs.ReadDir(h.fs, dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil:
		return "it cannot be told whether it runs on battery: " + err.Error()
	}
	var battery, certain, mains, unplugged bool
	for _, e := range entries {
		of := func(file string) string {
			s, _ := h.text(path.Join(dir, e.Name(), file))
			return s
		}
		switch of("type") {
		case "Battery", "UPS":
			// The battery of a mouse says nothing about the computer.
			if of("scope") == "Device" || of("present") == "0" {
				continue
			}
			battery = true
			switch of("status") {
			case "Discharging":
				return onBattery
			case "Charging", "Full", "Not charging":
				certain = true
			}
		case "Mains", "USB":
			if of("online") == "1" {
				mains = true
			} else {
				unplugged = true
			}
		}
	}
	switch {
	case !battery, mains:
		return ""
	case unplugged:
		return onBattery
	case !certain:
		return "its battery does not say whether it is being used"
	}
	return ""
}

const onBattery = "it runs on battery"

// thermometer is one temperature of the processor.
type thermometer struct {
	input string // file with millidegrees
	device.Channel
}

var (
	hwmonDir  = regexp.MustCompile(`^hwmon[0-9]+$`)
	hwmonTemp = regexp.MustCompile(`^temp[0-9]+_input$`)
	zoneDir   = regexp.MustCompile(`^thermal_zone[0-9]+$`)
	tripType  = regexp.MustCompile(`^trip_point_[0-9]+_type$`)
)

// thermometers finds the processor's temperature: the package where the
// driver tells it (coretemp, k10temp, zenpower), else a thermal zone.
func (h host) thermometers() []thermometer {
	var found []thermometer
	for _, dir := range h.list("sys/class/hwmon", hwmonDir) {
		chip, _ := h.text(path.Join(dir, "name"))
		for _, input := range h.list(dir, hwmonTemp) {
			stem := strings.TrimSuffix(input, "_input")
			label, _ := h.text(stem + "_label")
			var note string
			switch {
			case chip == "coretemp" && strings.HasPrefix(label, "Package id"):
			case (chip == "k10temp" || chip == "zenpower") && label == "Tdie":
			case (chip == "k10temp" || chip == "zenpower") && label == "Tctl":
				note = "the control temperature: on some processors 10 to 27 K above the true one"
			case chip == "cpu_thermal" || chip == "cpu-thermal" || chip == "soc_thermal":
			default:
				continue
			}
			found = append(found, thermometer{input, device.Channel{
				Name: "processor", Kind: device.Chip, Limit: h.limit(stem + "_crit"), Note: note,
			}})
		}
	}
	if len(found) == 0 {
		for _, dir := range h.list("sys/class/thermal", zoneDir) {
			switch kind, _ := h.text(path.Join(dir, "type")); kind {
			case "x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc-thermal", "soc_thermal":
				found = append(found, thermometer{path.Join(dir, "temp"), device.Channel{
					Name: "processor", Kind: device.Chip, Limit: h.criticalTrip(dir),
				}})
			}
		}
	}
	// Tdie is the truth behind Tctl.
	if i := slices.IndexFunc(found, func(t thermometer) bool { return t.Note == "" }); i >= 0 {
		found = slices.DeleteFunc(found, func(t thermometer) bool { return t.Note != "" })
	}
	if len(found) > 1 {
		for i := range found {
			found[i].Name = fmt.Sprintf("processor %d", i)
		}
	}
	return found
}

func (h host) criticalTrip(zone string) units.Celsius {
	for _, f := range h.list(zone, tripType) {
		if kind, _ := h.text(f); kind == "critical" {
			return h.limit(strings.TrimSuffix(f, "_type") + "_temp")
		}
	}
	return 0
}

// limit reads a trip temperature. Firmware that knows none writes 0 or
// figures such as 65261.85 °C.
func (h host) limit(name string) units.Celsius {
	milli, err := h.number(name)
	if err != nil || milli < 50_000 || milli > 130_000 {
		return 0
	}
	return units.Celsius(milli) / 1000
}

// busy reads how long the processors have been busy, and how long they have
// been there, in clock ticks over all threads since the start (proc_stat(5)).
func (h host) busy() (busy, total uint64, err error) {
	stat, err := h.text("proc/stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[0] != "cpu" {
		return 0, 0, fmt.Errorf("read load: %q is not a line of /proc/stat", line)
	}
	// user nice system idle iowait irq softirq steal; guest time is in user.
	for i, f := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read load: %w", err)
		}
		total += n
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return busy, total, nil
}
