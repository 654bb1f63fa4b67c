package web

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hearth/control"
	"hearth/device"
	"hearth/plan"
	"hearth/plan/report"
	"hearth/units"
)

// presetNames are the presets to offer; a holiday is begun with its dates, and
// offered here only to be ended.
func presetNames(active string) []choice {
	list := []choice{{ID: "away", Name: "Away"}, {ID: "boost", Name: "Boost"}}
	if active == "holiday" {
		list = append(list, choice{ID: "holiday", Name: "Holiday"})
	}
	return list
}

// stat is a figure with its name.
type stat struct {
	Name  string
	Value known
}

// known is any units.Known.
type known interface {
	IsKnown() bool
	From() units.Provenance
	At() time.Time
	Why() string
	String() string
}

func (p *pages) funcs() template.FuncMap {
	return template.FuncMap{
		"figure":      p.figure,
		"source":      source,
		"whence":      p.whence,
		"at":          p.at,
		"iso":         func(t time.Time) string { return t.Format(time.RFC3339) },
		"day":         func(t time.Time) string { return t.In(p.loc).Format("2 January 2006 15:04:05") },
		"duration":    duration,
		"static":      func(name string) string { return "/static/" + name + "?v=" + p.tags["static/"+name] },
		"activity":    activity,
		"verb":        verbText,
		"channel":     func(k device.TempKind) string { return strings.ReplaceAll(string(k), "_", " ") },
		"works":       works,
		"heating":     isHeating,
		"severity":    func(s control.Severity) string { return string(s) },
		"contains":    strings.Contains,
		"capital":     capital,
		"segment":     url.PathEscape,
		"hexBlocks":   hexBlocks,
		"amount":      amountOf,
		"provenance":  provenanceText,
		"stat":        func(name string, v known) stat { return stat{name, v} },
		"pageNames":   p.pageNames,
		"presetNames": presetNames,
		"payout":      payoutText,
		"table":       table,
		"poolWorks":   func(r device.Reading) bool { v, ok := r.Pool.Get(); return ok && v },
		"things":      things,
		"each":        each,
		"tally":       p.tally,
		"counted":     counted,
		"sum":         report.Money,
		"money":       func(m plan.Money) float64 { return float64(m) },
		"kwh":         func(e units.KilowattHours) float64 { return float64(e) },
		"years":       report.Years,
		"wide":        func(b plan.Band) bool { return b.Low != b.High },
		"lacks":       func(o plan.Option) bool { return o.Shortfall.Year >= 1 },
		"share":       report.Percent,
		"grams":       planGrams,
		"uptime":      func(r device.Reading) string { v, _ := r.Uptime.Get(); return duration(v) },
	}
}

// pageNames are the entries of the navigation. What a home does not have is not
// among them.
func (p *pages) pageNames() []choice {
	list := []choice{
		{ID: "home", Name: "Home", Href: "/"},
		{ID: "devices", Name: "Devices", Href: "/devices"},
		{ID: "pool", Name: "Sats", Href: "/pool"},
		{ID: "history", Name: "History", Href: "/history"},
		{ID: "events", Name: "Events", Href: "/events"},
		{ID: "ledger", Name: "Ledger", Href: "/ledger"},
		{ID: "plan", Name: "Plan", Href: "/plan"},
		{ID: "settings", Name: "Settings", Href: "/settings"},
	}
	if p.ownPool() == nil {
		list = slices.DeleteFunc(list, func(c choice) bool { return c.ID == "pool" })
	}
	return list
}

// figure writes a value with its unit, or "unknown"; where it comes from and
// when is in its title.
func (p *pages) figure(k known) template.HTML {
	if !k.IsKnown() {
		return template.HTML(fmt.Sprintf(`<span class="unknown" title="%s">unknown</span>`, //nolint:gosec // escaped
			template.HTMLEscapeString(k.Why())))
	}
	class := "fig"
	if k.From() == units.Simulated {
		class = "fig simulated-fig"
	}
	return template.HTML(fmt.Sprintf(`<span class="%s" title="%s">%s</span>`, class, //nolint:gosec // escaped
		template.HTMLEscapeString(p.whence(k)), template.HTMLEscapeString(k.String())))
}

// source says where a figure comes from in a word or two, or why there is
// none.
func source(k known) string {
	switch k.From() {
	case units.None:
		return k.Why()
	case units.Chosen:
		return "as set"
	case units.Meter:
		return "measured"
	case units.PSU:
		return "from its power supply"
	case units.Estimate:
		return "estimated"
	case units.Nameplate:
		return "by its label"
	case units.Simulated:
		return "simulated"
	}
	return k.From().String()
}

// whence is source with the time.
func (p *pages) whence(k known) string {
	if k.At().IsZero() {
		return source(k)
	}
	return source(k) + ", " + p.at(k.At())
}

// at writes a time as a person in the home would: without the date if it is
// within twelve hours of the home's now.
func (p *pages) at(t time.Time) string {
	t = t.In(p.loc)
	now := p.home.State().At.In(p.loc)
	if d := now.Sub(t); t.YearDay() == now.YearDay() && t.Year() == now.Year() || (d < 12*time.Hour && d > -12*time.Hour) {
		return t.Format("15:04")
	}
	if t.Year() == now.Year() {
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}

// capital begins a text with a capital letter.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// duration writes "3 d 4 h", "12 min" or "40 s".
func duration(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

func activity(a control.Activity) string {
	switch a {
	case control.Heating:
		return "Heating"
	case control.Idle:
		return "Idle"
	case control.Off:
		return "Off"
	case control.Waiting:
		return "Waiting"
	case control.Tripped:
		return "Stopped for safety"
	case control.NoSensor:
		return "No thermometer"
	case control.CannotNow:
		return "Cannot heat now"
	}
	return string(a)
}

func verbText(d device.Demand) string {
	switch d.Verb {
	case device.SetPower:
		return "draw " + d.Power.String()
	case device.SetLevel:
		return "run at level " + d.Level
	case device.Run:
		return "run"
	case device.Pause:
		return "pause"
	case device.Off:
		return "switch off"
	case device.Retune:
		return "retune to " + d.Power.String()
	}
	return string(d.Verb)
}

// things is the plural of a unit of work, to begin a line with.
func things(unit string) string {
	return capital(strings.ReplaceAll(unit, "_", " ")) + "s"
}

// tally writes a count with its thousands apart.
func (p *pages) tally(k units.Known[int64]) template.HTML {
	n, ok := k.Get()
	if !ok {
		return p.figure(k)
	}
	digits := units.Grouped(strconv.FormatInt(n, 10), "\u202f")
	return template.HTML(fmt.Sprintf(`<span class="fig" title="%s">%s</span>`, template.HTMLEscapeString(p.whence(k)), digits)) //nolint:gosec // escaped
}

// counted is the source of a count: what was counted was not measured.
func counted(k units.Known[int64]) string {
	if k.From() == units.Meter {
		return "counted"
	}
	return source(k)
}

// each is the energy of one thing, which may be a tiny part of a joule.
func each(k units.Known[units.Joules]) string {
	j, _ := k.Get()
	for _, s := range []struct {
		unit string
		of   units.Joules
	}{{"kJ", 1e3}, {"J", 1}, {"mJ", 1e-3}, {"µJ", 1e-6}} {
		if j >= s.of {
			return fmt.Sprintf("%.3g %s", float64(j/s.of), s.unit)
		}
	}
	return fmt.Sprintf("%.3g nJ", float64(j/1e-9))
}

func works(w device.Work) string {
	switch w {
	case device.Hashing:
		return "Mines Bitcoin; all its electricity becomes heat."
	case device.Computing:
		return "Computes what somebody wants to know on this computer's processors; all its electricity becomes heat."
	case device.Waiting:
		return "Has work that waits until heat is wanted beyond what other programs on this computer make already."
	case device.Burning:
		return "Keeps this computer's processors busy with nothing useful: dumb heat."
	case device.Resistive:
		return "Plain resistance heat; it computes nothing."
	case device.NoWork:
		return "Switches or measures; it makes no heat of its own."
	}
	return string(w)
}
