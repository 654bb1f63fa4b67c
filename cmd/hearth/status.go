package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hearth/discovery"
	"hearth/site"
	"hearth/units"
)

type statusCmd struct {
	remote `embed:""`
	JSON   bool `help:"Print the whole state as JSON."`
}

// Run prints the state of the home.
func (c *statusCmd) Run(p *program) error {
	var st site.State
	if err := c.do(p.ctx, http.MethodGet, "/api/v1/state", nil, &st); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, st)
	}
	fmt.Fprintln(p.out, p.paint(bold, st.Sentence))
	if st.Simulated {
		note := st.SimulatedNote
		if note == "" {
			note = "what is marked so below is emulated and warms nothing."
		}
		fmt.Fprintln(p.out, p.paint(warm, "Simulated: "+note))
	}
	rows := [][]string{{"", "temperature", "set", "power", "doing"}}
	for _, z := range st.Zones {
		rows = append(rows, []string{label(z.Name, z.Simulated), z.Temp.String(), z.SetPoint.String(), figure(z.Power), z.Sentence})
	}
	table(p.out, rows)
	for _, z := range st.Zones {
		if aside := z.Aside(); aside != "" {
			fmt.Fprintf(p.out, "%s: %s\n", oneLine(z.Name), aside)
		}
	}
	for _, t := range st.Trips {
		fmt.Fprintf(p.out, "%s %s %s %s\n", p.paint(bad, "Safety:"), t.Cause, t.Did, t.Clears)
	}
	fmt.Fprintf(p.out, "Today: %s of heat, backup's share %s, comfort %s. Outdoors %s.\n",
		figure(st.Today.Heat), figure(st.Today.Backup), figure(st.Today.Comfort), figure(st.Outdoor))
	if st.Ledger.Paused != "" {
		fmt.Fprintln(p.out, p.paint(bad, "Ledger paused: "+st.Ledger.Paused))
	}
	return nil
}

func label(name string, simulated bool) string {
	if simulated {
		return oneLine(name) + " (simulated)"
	}
	return oneLine(name)
}

// figure prints a value with where it comes from.
func figure[T any](k units.Known[T]) string {
	if !k.IsKnown() {
		return "unknown"
	}
	return k.String() + " (" + k.From().String() + ")"
}

type setCmd struct {
	remote `embed:""`
	Zone   string `arg:"" help:"Room or tank, by its name in the configuration."`
	To     string `arg:"" help:"A temperature (\"21 °C\", \"70 °F\"), a preset (away, boost, holiday, schedule) or a mode (on, off)."`
	For    string `help:"How long, such as 3h. Without it: until the schedule's next change." placeholder:"TIME"`
}

// Run asks for the change.
func (c *setCmd) Run(p *program) error {
	if c.For != "" && (c.To == "on" || c.To == "off" || c.To == "schedule") {
		return coded(exitUsage, fmt.Errorf("--for goes with a temperature or a preset, not with %q", c.To))
	}
	path := "/api/v1/zones/" + url.PathEscape(c.Zone)
	body := map[string]any{}
	if c.For != "" {
		d, err := time.ParseDuration(c.For)
		if err != nil || d <= 0 {
			return coded(exitUsage, fmt.Errorf("--for %q: write a length of time, such as 90m or 3h", c.For))
		}
		// The home's clock counts: a simulated one runs faster than life.
		var st site.State
		if err := c.do(p.ctx, http.MethodGet, "/api/v1/state", nil, &st); err != nil {
			return err
		}
		body["until"] = st.At.Add(d).UTC().Format(time.RFC3339)
	}
	switch c.To {
	case "on", "off":
		mode := site.ModeHeat
		if c.To == "off" {
			mode = site.ModeOff
		}
		body["mode"] = mode
		path += "/mode"
	case "away", "boost", "holiday", "schedule":
		body["preset"] = strings.TrimSuffix(c.To, "schedule")
		path += "/preset"
	default:
		var t units.Celsius
		if err := t.UnmarshalText([]byte(c.To)); err != nil {
			return coded(exitUsage, err)
		}
		body["value"], body["unit"] = float64(t), t.Unit()
		path += "/setpoint"
	}
	if err := c.do(p.ctx, http.MethodPut, path, body, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: %s.\n", c.Zone, c.To)
	return nil
}

type devicesCmd struct {
	remote `embed:""`
	JSON   bool   `help:"Print JSON."`
	Find   bool   `help:"Look for devices that announce themselves on the local network."`
	Scan   string `help:"Also knock on every address of this private network, at most 1022 of them." placeholder:"192.168.1.0/24"`
	Blink  string `help:"Make this device show itself." placeholder:"DEVICE"`
}

// Run lists, finds or blinks.
func (c *devicesCmd) Run(p *program) error {
	switch {
	case c.Blink != "":
		if err := c.do(p.ctx, http.MethodPost, "/api/v1/devices/"+url.PathEscape(c.Blink)+"/blink", nil, nil); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s shows itself now.\n", c.Blink)
		return nil
	case c.Find || c.Scan != "":
		return c.find(p)
	}
	var st site.State
	if err := c.do(p.ctx, http.MethodGet, "/api/v1/state", nil, &st); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, st.Devices)
	}
	rows := [][]string{{"device", "what it is", "state", "power", "if Hearth stops", "trouble"}}
	for _, d := range st.Devices {
		what := strings.TrimSpace(d.Identity.Vendor + " " + d.Identity.Model)
		rows = append(rows, []string{label(d.ID, d.Simulated), oneLine(what), string(d.Reading.State), figure(d.Reading.Power), d.Guard, oneLine(d.Trouble)})
	}
	table(p.out, rows)
	return nil
}

func (c *devicesCmd) find(p *program) error {
	found, err := find(p.ctx, c.Scan, func(done, all int) {
		if p.colour && !c.JSON {
			fmt.Fprintf(p.err, "\r%d of %d addresses", done, all)
		}
	})
	if p.colour && !c.JSON {
		fmt.Fprint(p.err, "\r\x1b[K")
	}
	if err != nil && !errors.Is(err, p.ctx.Err()) {
		return err
	}
	if c.JSON {
		if found == nil {
			found = []discovery.Finding{}
		}
		return printJSON(p.out, found)
	}
	if len(found) == 0 {
		fmt.Fprintln(p.out, "Nothing found. Devices that do not announce themselves need --scan with the address of your network.")
		return nil
	}
	rows := [][]string{{"kind", "address", "what it is", "serial"}}
	for _, f := range found {
		rows = append(rows, []string{f.Kind, f.Address, label(f.Identity.Vendor+" "+f.Identity.Model, f.Identity.Simulated), oneLine(f.Identity.Serial)})
	}
	table(p.out, rows)
	return nil
}
