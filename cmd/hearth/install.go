package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hearth/httpapi"
	"hearth/site"
)

// installCmd is an installer's first hour with a device.
type installCmd struct {
	Find   installFindCmd   `cmd:"" help:"Look for devices on the local network."`
	Add    installAddCmd    `cmd:"" help:"Add a device to the running home: who it is, what it heats, how far it may go."`
	Check  installCheckCmd  `cmd:"" help:"Prove a device: that it obeys, that its absence is noticed, that it copes without internet."`
	Sheet  installSheetCmd  `cmd:"" help:"Sign the commissioning sheet of a device into the ledger and print it."`
	Remove installRemoveCmd `cmd:"" help:"Take a device out of the running home, in its safe state."`
}

type installFindCmd struct {
	Scan string `help:"Also knock on every address of this private network, at most 1022 of them." placeholder:"192.168.1.0/24"`
	JSON bool   `help:"Print JSON."`
}

// Run looks for devices from this computer.
func (c *installFindCmd) Run(p *program) error {
	return (&devicesCmd{Find: true, Scan: c.Scan, JSON: c.JSON}).find(p)
}

type installAddCmd struct {
	remote   `embed:""`
	ID       string `arg:"" help:"Short name in the configuration: lower-case letters, digits and dashes."`
	Kind     string `required:"" help:"The driver: avalon, axeos, shelly, computer or generic, as \"hearth install find\" says." placeholder:"DRIVER"`
	Address  string `required:"" help:"Where the device is, as \"hearth install find\" says." placeholder:"HOST[:PORT]"`
	Name     string `help:"Name for people." placeholder:"TEXT"`
	Zone     string `help:"Place it heats; a new one is made. Without it the device is a relay or thermometer alone." placeholder:"ID"`
	ZoneName string `help:"Name for people of a new place." placeholder:"TEXT"`
	Sensor   string `help:"Thermometer of a new place: a sensor of the home, or DEVICE/CHANNEL (\"bath/\" is the first channel of bath). Without one the place is heated by level and time only: no temperature is guessed." placeholder:"SENSOR"`
	SetPoint string `name:"setpoint" help:"Set-point of a new place, such as \"20.5 °C\"." placeholder:"TEMPERATURE"`
	Role     string `help:"primary (computes, used first) or backup." placeholder:"ROLE"`
	Limit    string `help:"The most it is ever asked for, such as \"900 W\". A heater that nothing switches off when Hearth stops needs one." placeholder:"POWER"`
	Relay    string `help:"Device that feeds this one." placeholder:"DEVICE"`
	Load     string `help:"The resistive heater behind a relay, such as \"1000 W\"." placeholder:"POWER"`
}

// Run adds the device.
func (c *installAddCmd) Run(p *program) error {
	t := httpapi.PlacementText{
		ID: c.ID, Name: c.Name, Kind: c.Kind, Address: c.Address, Zone: c.Zone, ZoneName: c.ZoneName, Sensor: c.Sensor,
		SetPoint: c.SetPoint, Role: c.Role, Limit: c.Limit, Relay: c.Relay, Load: c.Load,
	}
	if _, err := t.Placement(); err != nil {
		return coded(exitUsage, err)
	}
	var d site.DeviceState
	if err := c.do(p.ctx, http.MethodPost, "/api/v1/devices", t, &d); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s was added.\n", p.paint(bold, label(d.Name, d.Simulated)))
	if d.Guard != "" {
		fmt.Fprintln(p.out, "If Hearth stops: "+d.Guard)
	}
	fmt.Fprintf(p.out, "Next: hearth install check %s control\n", c.ID)
	return nil
}

type installCheckCmd struct {
	remote `embed:""`
	ID     string `arg:"" help:"The device."`
	Check  string `arg:"" enum:"control,unplug,internet" help:"control: it is told each thing it can do and read back. unplug: you pull its plug and put it back. internet: you take the home off the internet for ten minutes."`
	JSON   bool   `help:"Print the outcome as JSON instead of the steps."`
}

// every is how often a check that runs is looked at.
const every = time.Second

// Run begins the check and tells how it goes until it ends.
func (c *installCheckCmd) Run(p *program) error {
	path := "/api/v1/devices/" + url.PathEscape(c.ID) + "/checks"
	var list []site.Check
	if err := c.do(p.ctx, http.MethodPost, path+"/"+c.Check, nil, &list); err != nil {
		return err
	}
	said, text := 0, ""
	for {
		var k *site.Check
		for i := range list {
			if list[i].Name == c.Check {
				k = &list[i]
			}
		}
		if k == nil {
			return errors.New("the check was lost: Hearth was started anew meanwhile; begin again")
		}
		ended := k.Outcome == site.CheckPassed || k.Outcome == site.CheckFailed
		if !c.JSON {
			for ; said < len(k.Steps); said++ {
				fmt.Fprintln(p.out, "  "+oneLine(k.Steps[said]))
			}
			if k.Text != text && !ended {
				text = k.Text
				fmt.Fprintln(p.out, p.paint(bold, oneLine(text)))
			}
		}
		if ended {
			return c.outcome(p, *k)
		}
		if err := wait(p.ctx, every); err != nil {
			return fmt.Errorf("the check goes on without being watched (see the page): %w", err)
		}
		if err := c.do(p.ctx, http.MethodGet, path, nil, &list); err != nil {
			return err
		}
	}
}

func (c *installCheckCmd) outcome(p *program, k site.Check) error {
	if c.JSON {
		if err := printJSON(p.out, k); err != nil {
			return err
		}
	}
	if k.Outcome == site.CheckFailed {
		return coded(exitProblem, fmt.Errorf("the check %s of %s failed: %s", k.Name, c.ID, oneLine(k.Text)))
	}
	if !c.JSON {
		fmt.Fprintln(p.out, p.paint(bold, "Passed. ")+oneLine(k.Text))
	}
	return nil
}

// wait sleeps for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

type installSheetCmd struct {
	remote `embed:""`
	ID     string `arg:"" help:"The device."`
	Last   bool   `help:"Print the sheet that was signed last instead of signing a new one."`
	JSON   bool   `help:"Print JSON."`
}

// Run signs the sheet, or fetches the last one, and prints it.
func (c *installSheetCmd) Run(p *program) error {
	method := http.MethodPost
	if c.Last {
		method = http.MethodGet
	}
	var s site.SignedSheet
	if err := c.do(p.ctx, method, "/api/v1/devices/"+url.PathEscape(c.ID)+"/sheet", nil, &s); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, s)
	}
	printSheet(p.out, s)
	return nil
}

// printSheet writes the sheet as plain text for paper.
func printSheet(w io.Writer, signed site.SignedSheet) {
	s := signed.Sheet
	fmt.Fprintf(w, "COMMISSIONING SHEET\n\n")
	if s.Simulated {
		fmt.Fprintf(w, "SIMULATED: this device is an emulation. Nothing was installed.\n\n")
	}
	rows := [][]string{
		{"Home", s.Home},
		{"Signed", s.At.Local().Format("2 January 2006 15:04 MST")},
		{"Device", s.Name + " (" + s.Device + ")"},
		{"Identity", strings.TrimSpace(s.Identity.Vendor + " " + s.Identity.Model)},
		{"Serial", s.Identity.Serial},
		{"Firmware", s.Identity.Firmware},
		{"Driver", s.Driver},
		{"Zone", s.Zone},
		{"Sensor", s.Sensor},
		{"Role", string(s.Role)},
		{"Relay", s.Relay},
		{"If Hearth stops", s.Guard},
		{"Without a pool", string(s.Limp)},
		{"Power is", s.WattsFrom},
	}
	if s.Limit > 0 {
		rows = append(rows, []string{"Limit", s.Limit.String()})
	}
	for i, r := range rows {
		if rows[i][1] = oneLine(r[1]); r[1] == "" {
			rows[i][1] = "none"
		}
	}
	table(w, rows)
	for _, k := range s.Checks {
		at := k.Began
		if k.Ended != nil {
			at = *k.Ended
		}
		fmt.Fprintf(w, "\n%s: %s, %s, by %s. %s\n", checkName(k.Name), k.Outcome, at.Local().Format("2 January 15:04:05"), oneLine(k.By), oneLine(k.Text))
		for _, step := range k.Steps {
			fmt.Fprintln(w, "  "+oneLine(step))
		}
	}
	fmt.Fprintf(w, "\nSHA-256  %s\nLedger   record %d, head %s\n\nInstaller ______________________   Owner ______________________\n", signed.Hash, signed.Record, signed.Head)
}

func checkName(name string) string {
	switch name {
	case site.CheckControl:
		return "It does as told"
	case site.CheckUnplug:
		return "Its absence is noticed"
	case site.CheckInternet:
		return "Without internet"
	}
	return name
}

type installRemoveCmd struct {
	remote `embed:""`
	ID     string `arg:"" help:"The device."`
}

// Run takes the device out.
func (c *installRemoveCmd) Run(p *program) error {
	if err := c.do(p.ctx, http.MethodDelete, "/api/v1/devices/"+url.PathEscape(c.ID), nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s was taken out of the home.\n", c.ID)
	return nil
}
