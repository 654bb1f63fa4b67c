package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/httpapi"
	"hearth/site"
	"hearth/units"
)

// homeView is the front page: one zone as a dial, or several as cards.
type homeView struct {
	Dials []dial
	// One is set when the page is about one zone.
	One   *site.ZoneState
	Total site.Totals
	Power units.Known[units.Watts]
	Chart *chartView
	// Others are links to the charts of the other zones.
	Others []site.ZoneState
	Charts string // id of the zone in the chart
	// Levels is what the heaters of a zone without thermometer can be asked for.
	Levels  []levelChoice
	Heaters []site.DeviceState
	// Soon is a moment three hours ahead, as a proposal in forms.
	Soon string
	// Mining is what the home does on a network, nil if nothing.
	Mining *Mining
	// Earning is what its own pool brings, for the sentence; empty if unknown.
	Earning string
}

// levelChoice is a level of a heater of a manual zone.
type levelChoice struct{ Device, Level, Text string }

// live reports whether the page's own script asks, between two full pages:
// it keeps the chart it has.
func live(r *http.Request) bool { return r.Header.Get("Hearth-Live") == "figures" }

func (p *pages) front(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	zones := slices.DeleteFunc(slices.Clone(s.Zones), func(z site.ZoneState) bool { return idleComputer(s, z) })
	if len(zones) == 1 {
		return p.zonePage(w, r, s, zones[0], "/")
	}
	if len(s.Zones) == 0 && p.ownPool() != nil {
		http.Redirect(w, r, "/pool", http.StatusSeeOther) // what there is of this home is its miners
		return nil
	}
	v := homeView{Total: s.Today, Power: s.Power, Mining: p.mined(), Earning: p.earning()}
	for _, z := range zones {
		v.Dials = append(v.Dials, newDial(z, "/"))
	}
	if len(s.Zones) > 0 {
		z := s.Zones[0]
		if id := r.URL.Query().Get("chart"); id != "" {
			var err error
			if z, err = zoneByID(s, id); err != nil {
				return err
			}
		}
		v.Charts, v.Others = z.ID, s.Zones
		if !live(r) {
			c, err := p.dayChart(r, s, z)
			if err != nil {
				return err
			}
			v.Chart = c
		}
	}
	return p.show(w, r, http.StatusOK, "home", view{Title: s.Name, Page: "home", Live: true, State: s, Path: "/"}, v)
}

// idleComputer reports whether a zone is only the place of this computer, which
// may not heat: the offer to let it says all there is to say of it.
func idleComputer(s site.State, z site.ZoneState) bool {
	if !s.Compute.Present || s.Compute.Allowed || z.Kind != control.Manual || len(z.Heaters) != 1 {
		return false
	}
	return slices.ContainsFunc(s.Devices, func(d site.DeviceState) bool {
		return d.ID == z.Heaters[0] && d.Kind == "computer"
	})
}

func (p *pages) oneZone(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	z, err := zoneByID(s, r.PathValue("zone"))
	if err != nil {
		return err
	}
	return p.zonePage(w, r, s, z, r.URL.EscapedPath())
}

func (p *pages) zonePage(w http.ResponseWriter, r *http.Request, s site.State, z site.ZoneState, path string) error {
	v := homeView{
		Dials: []dial{newDial(z, path)}, One: &z, Total: z.Today, Power: z.Power, Charts: z.ID, Mining: p.mined(), Earning: p.earning(),
		Soon: s.At.In(p.loc).Add(3 * time.Hour).Truncate(30 * time.Minute).Format("2006-01-02T15:04"),
	}
	if z.Kind == control.Manual {
		v.Levels = levels(s, z)
		for _, id := range z.Heaters {
			if d, ok := deviceByID(s, id); ok {
				v.Heaters = append(v.Heaters, d)
			}
		}
	}
	if !live(r) {
		c, err := p.dayChart(r, s, z)
		if err != nil {
			return err
		}
		v.Chart = c
	}
	return p.show(w, r, http.StatusOK, "home", view{Title: z.Name, Page: "home", Live: true, State: s, Path: path}, v)
}

// levels lists what can be asked of the heaters of a zone without
// thermometer: their levels, quarters of their span of power, or just on.
func levels(s site.State, z site.ZoneState) []levelChoice {
	var out []levelChoice
	for _, id := range z.Heaters {
		d, ok := deviceByID(s, id)
		if !ok || d.Caps == nil {
			continue
		}
		most := d.Caps.Max
		if d.Limit > 0 {
			most = min(most, d.Limit)
		}
		add := func(level, text string) { out = append(out, levelChoice{id, level, d.Name + ": " + text}) }
		switch {
		case d.Caps.Can(device.SetPower) && d.Caps.Power.Max > 0:
			lo, hi := d.Caps.Power.Min, min(d.Caps.Power.Max, most)
			for q := range 4 {
				if w := units.Watts(math.Floor(float64(lo + (hi-lo)*units.Watts(q+1)/4))); w > 0 {
					add(fmt.Sprintf("%g W", float64(w)), w.String())
				}
			}
		case d.Caps.Can(device.SetLevel):
			for _, l := range d.Caps.Levels {
				w, ok := l.Power.Get()
				switch {
				case ok && w > most:
				case ok:
					add(l.ID, fmt.Sprintf("%s, about %v", l.Name, w))
				default:
					add(l.ID, l.Name)
				}
			}
		case d.Caps.Can(device.Run):
			add("on", "on")
		}
	}
	return out
}

func (p *pages) devices(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	zones := make(map[string]string)
	for _, z := range s.Zones {
		zones[z.ID] = z.Name
	}
	type card struct {
		site.DeviceState
		ZoneName string
		// Switch is where its miner can be sent to, empty if nowhere.
		Switch string
	}
	var cards []card
	here := p.paired()
	for _, d := range s.Devices {
		c := card{DeviceState: d, ZoneName: zones[d.Zone]}
		if d.Repoints && here != nil {
			c.Switch = httpapi.ToHearth
			if here[d.ID] {
				c.Switch = httpapi.ToEarlier
			}
		}
		cards = append(cards, c)
	}
	return p.show(w, r, http.StatusOK, "devices", view{Title: "Devices", Page: "devices", Live: true, State: s},
		struct {
			Cards   []card
			Sensors []site.SensorState
			Zones   map[string]string
		}{cards, s.Sensors, zones})
}

// span is a choice of the history page.
type span struct {
	ID, Name string
	Length   time.Duration
	Points   int
}

func spans() []span {
	return []span{
		{"day", "Day", 24 * time.Hour, dayPoints},
		{"week", "Week", 7 * 24 * time.Hour, 7*24 + 2},
		{"month", "Month", 30 * 24 * time.Hour, 30*4 + 2},
	}
}

// choice is a link among several.
type choice struct {
	ID, Name string
	Current  bool
	Href     string
}

func (p *pages) history(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	q := r.URL.Query()
	chosen := spans()[0]
	for _, c := range spans() {
		if c.ID == q.Get("span") {
			chosen = c
		}
	}
	subject := q.Get("subject")
	if subject == "" {
		subject = "home"
		if len(s.Zones) > 0 {
			subject = s.Zones[0].ID
		}
	}
	metrics := metricsOf(s, subject)
	if metrics == nil {
		return fmt.Errorf("history of %q: %w", subject, site.ErrNotFound)
	}
	metric := metrics[0]
	if m := site.Metric(q.Get("metric")); slices.Contains(metrics, m) {
		metric = m
	}
	end := s.At.In(p.loc)
	if t := q.Get("to"); t != "" {
		at, err := time.ParseInLocation("2006-01-02", t, p.loc)
		if err != nil {
			return &httpapi.Problem{Status: http.StatusUnprocessableEntity, Code: "invalid", Message: fmt.Sprintf("%q is not a date.", t), Hint: "Write it as 2026-01-31."}
		}
		if at = at.AddDate(0, 0, 1); at.Before(end) {
			end = at
		}
	}
	c, err := p.metricChart(r, s, subject, metric, end, chosen)
	if err != nil {
		return err
	}
	link := func(span string, subject string, m site.Metric) string {
		return "/history?subject=" + url.QueryEscape(subject) + "&metric=" + string(m) + "&span=" + span
	}
	var subjects, kinds, lengths []choice
	add := func(id, name string) {
		subjects = append(subjects, choice{id, name, id == subject, link(chosen.ID, id, metric)})
	}
	add("home", "Whole home")
	for _, z := range s.Zones {
		add(z.ID, z.Name)
	}
	for _, d := range s.Devices {
		add(d.ID, d.Name)
	}
	for _, m := range metrics {
		kinds = append(kinds, choice{string(m), metricName(m), m == metric, link(chosen.ID, subject, m)})
	}
	for _, l := range spans() {
		lengths = append(lengths, choice{l.ID, l.Name, l.ID == chosen.ID, link(l.ID, subject, metric)})
	}
	return p.show(w, r, http.StatusOK, "history", view{Title: "History", Page: "history", State: s},
		struct {
			Subjects, Metrics, Spans []choice
			Subject                  string
			Metric                   site.Metric
			Span                     string
			To                       string
			Chart                    *chartView
		}{subjects, kinds, lengths, subject, metric, chosen.ID, end.Add(-time.Second).Format("2006-01-02"), c})
}

// metricsOf lists what history keeps of a subject, nil if there is no such
// subject.
func metricsOf(s site.State, subject string) []site.Metric {
	if subject == "home" {
		return []site.Metric{site.MetricPower, site.MetricElectricity, site.MetricHeat, site.MetricOutdoor}
	}
	for _, z := range s.Zones {
		if z.ID != subject {
			continue
		}
		if z.Kind == control.Manual {
			return []site.Metric{site.MetricPower, site.MetricElectricity, site.MetricHeat}
		}
		return []site.Metric{site.MetricTemp, site.MetricSetPoint, site.MetricPower, site.MetricElectricity, site.MetricHeat}
	}
	if _, ok := deviceByID(s, subject); ok {
		return []site.Metric{site.MetricPower, site.MetricElectricity}
	}
	return nil
}

func metricName(m site.Metric) string {
	switch m {
	case site.MetricTemp:
		return "Temperature"
	case site.MetricSetPoint:
		return "Set-point"
	case site.MetricPower:
		return "Power"
	case site.MetricElectricity:
		return "Electricity"
	case site.MetricHeat:
		return "Heat"
	case site.MetricOutdoor:
		return "Outdoor"
	}
	return string(m)
}

// eventsShown is how many log entries one page has.
const eventsShown = 100

func (p *pages) events(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	list := slices.Clone(p.home.Events(0, eventsShown))
	slices.Reverse(list)
	names := namesOf(s)
	type day struct {
		Name    string
		Entries []site.Event
	}
	var days []day
	for _, e := range list {
		name := e.At.In(p.loc).Format("Monday 2 January 2006")
		if len(days) == 0 || days[len(days)-1].Name != name {
			days = append(days, day{Name: name})
		}
		days[len(days)-1].Entries = append(days[len(days)-1].Entries, e)
	}
	return p.show(w, r, http.StatusOK, "events", view{Title: "Events", Page: "events", Live: true, State: s},
		struct {
			Days  []day
			Names map[string]string
			Most  int
		}{days, names, eventsShown})
}

func (p *pages) settings(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	type item struct{ What, Name string }
	var simulated []item
	for _, z := range s.Zones {
		if z.Simulated {
			simulated = append(simulated, item{"zone", z.Name})
		}
	}
	for _, d := range s.Devices {
		if d.Simulated {
			simulated = append(simulated, item{"device", d.Name})
		}
	}
	for _, t := range s.Sensors {
		if t.Simulated {
			simulated = append(simulated, item{"thermometer", t.Name})
		}
	}
	var computers []site.DeviceState
	for _, d := range s.Devices {
		if d.Caps != nil && (d.Caps.Work == device.Computing || d.Caps.Work == device.Burning) {
			computers = append(computers, d)
		}
	}
	return p.show(w, r, http.StatusOK, "settings", view{Title: "Settings", Page: "settings", Live: true, State: s},
		struct {
			Simulated []item
			Password  bool
			Tokens    []httpapi.Token
			Computers []site.DeviceState
		}{simulated, p.auth.HasPassword(), p.auth.Tokens(), computers})
}

func (p *pages) login(w http.ResponseWriter, r *http.Request) error {
	if httpapi.VisitorOf(r.Context()).Scope != "" {
		http.Redirect(w, r, httpapi.LocalPath(r.URL.Query().Get("next")), http.StatusSeeOther)
		return nil
	}
	q := r.URL.Query()
	wait, _ := strconv.Atoi(q.Get("wait"))
	return p.show(w, r, http.StatusOK, "login", view{Title: "Log in", Path: "/login"}, struct {
		Next  string
		Wrong bool
		Wait  string
	}{httpapi.LocalPath(q.Get("next")), q.Get("wrong") != "", waitText(wait)})
}

func waitText(seconds int) string {
	if seconds <= 0 || seconds > 3600 {
		return ""
	}
	return duration(time.Duration(seconds) * time.Second)
}
