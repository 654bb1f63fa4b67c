package main

import (
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hearth/config"
	"hearth/httpapi"
	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/site"
)

type poolCmd struct {
	Run             poolRunCmd       `cmd:"" help:"Run a home with a pool: what \"hearth up --config FILE\" does, refused without one."`
	Pair            poolPairCmd      `cmd:"" help:"Let a miner in, and say what to type into its page."`
	Unpair          poolUnpairCmd    `cmd:"" help:"Let a miner in no more."`
	Miners          poolMinersCmd    `cmd:"" help:"List the miners that may come in."`
	Status          poolStatusCmd    `cmd:"" help:"Say what the pool does: heaters, sources of work, parties, payouts."`
	Point           poolPointCmd     `cmd:"" help:"Make a miner of this home mine here. Its pools are kept."`
	Restore         poolRestoreCmd   `cmd:"" help:"Put the pools back that a miner had before."`
	StopPayouts     poolStopCmd      `cmd:"" help:"The kill switch: no payment leaves from now on."`
	ResumePayouts   poolResumeCmd    `cmd:"" help:"Let payments go out again."`
	Receipt         poolReceiptCmd   `cmd:"" help:"Book what somebody paid for work, or took back."`
	Report          poolReportCmd    `cmd:"" help:"Compare what a pool says that work earned with the work itself."`
	Statement       poolStatementCmd `cmd:"" help:"What one party's month came to."`
	CheckAgreement  poolAgreementCmd `cmd:"" help:"Check a heat agreement, and say what it means."`
	VerifyStatement poolVerifyCmd    `cmd:"" help:"Work a statement out again from the agreement and the exported ledger."`
}

type poolRunCmd struct {
	Config string `help:"The file that describes the home; its section \"pool\" is the pool." type:"path" placeholder:"FILE" required:""`
	Data   string `help:"Folder for the ledger and settings." default:"${data}" type:"path" placeholder:"DIR"`
	Listen string `help:"Address of the page and API (default 127.0.0.1:8420)." placeholder:"HOST:PORT"`
	Log    string `help:"How much to log: error, warn, info or debug." enum:"error,warn,info,debug" default:"warn"`
}

// Run runs the home.
func (c *poolRunCmd) Run(p *program) error {
	f, err := config.Load(c.Config)
	if err != nil {
		return coded(exitUsage, err)
	}
	if f.Pool.Empty() {
		return coded(exitUsage, fmt.Errorf("%s has no section \"pool\". Add one such as\n\n%s\nwith your own address, and look at it with \"hearth check %s\"", c.Config, pool.Example, c.Config))
	}
	return (&upCmd{Config: c.Config, Data: c.Data, Listen: c.Listen, Log: c.Log, Speed: 1}).Run(p)
}

// poolConfig reads and checks the section "pool" of a configuration; a file
// without one has the zero Config.
func poolConfig(f config.File) (pool.Config, error) {
	var cfg pool.Config
	if f.Pool.Empty() {
		return cfg, nil
	}
	if err := f.Pool.Decode(&cfg); err != nil {
		return cfg, err
	}
	cfg = cfg.Filled()
	return cfg, cfg.Check()
}

type poolPointCmd struct {
	remote `embed:""`
	Device string `arg:"" optional:"" help:"The device, by its name in the configuration." placeholder:"DEVICE"`
	All    bool   `help:"All miners whose pools Hearth can set."`
}

// Run points miners here.
func (c *poolPointCmd) Run(p *program) error {
	return c.repoint(p, c.Device, c.All, httpapi.ToHearth, "mines here now; its earlier pools are kept",
		`Hearth can set the pools of no further device here. Type what "hearth pool pair NAME" prints into the miner's own page.`)
}

type poolRestoreCmd struct {
	remote `embed:""`
	Device string `arg:"" optional:"" help:"The device, by its name in the configuration." placeholder:"DEVICE"`
	All    bool   `help:"All miners that were pointed here."`
}

// Run puts earlier pools back.
func (c *poolRestoreCmd) Run(p *program) error {
	return c.repoint(p, c.Device, c.All, httpapi.ToEarlier, "has its earlier pools back", "Nothing to put back: no miner was pointed here.")
}

// repoint sends one miner, or all, to a place, and says what was done, or that
// there was none.
func (r remote) repoint(p *program, device string, all bool, to, done, none string) error {
	if (device == "") != all {
		return coded(exitUsage, errors.New("name one device, or say --all"))
	}
	ids := []string{device}
	if all {
		var err error
		if ids, err = r.repointable(p, to); err != nil {
			return err
		}
	}
	var errs []error
	for _, id := range ids {
		if err := r.do(p.ctx, http.MethodPut, "/api/v1/devices/"+url.PathEscape(id)+"/pool", map[string]string{"to": to}, nil); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
			continue
		}
		fmt.Fprintf(p.out, "%s %s.\n", oneLine(id), done)
	}
	if len(ids) == 0 {
		fmt.Fprintln(p.out, none)
	}
	return errors.Join(errs...)
}

// repointable lists the miners that can be sent to a place.
func (r remote) repointable(p *program, to string) ([]string, error) {
	var devices []site.DeviceState
	var st pool.State
	if err := r.do(p.ctx, http.MethodGet, "/api/v1/devices", nil, &devices); err != nil {
		return nil, err
	}
	if err := r.do(p.ctx, http.MethodGet, "/api/v1/pool", nil, &st); err != nil {
		return nil, err
	}
	here := map[string]bool{}
	for _, h := range st.Heaters {
		here[h.Name] = true
	}
	var ids []string
	for _, d := range devices {
		if d.Repoints && here[d.ID] == (to == httpapi.ToEarlier) {
			ids = append(ids, d.ID)
		}
	}
	return ids, nil
}

type poolStopCmd struct {
	remote `embed:""`
}

// Run throws the kill switch.
func (c *poolStopCmd) Run(p *program) error { return c.payouts(p, true) }

type poolResumeCmd struct {
	remote `embed:""`
}

// Run releases the kill switch.
func (c *poolResumeCmd) Run(p *program) error { return c.payouts(p, false) }

func (r remote) payouts(p *program, stop bool) error {
	var m pool.MoneyState
	if err := r.do(p.ctx, http.MethodPut, "/api/v1/pool/payouts", map[string]bool{"stopped": stop}, &m); err != nil {
		return err
	}
	if m.Stopped {
		fmt.Fprintln(p.out, "Payments are stopped. What is under way is followed to its end; nothing new leaves.")
		return nil
	}
	fmt.Fprintln(p.out, "Payments go out again.")
	return nil
}

type poolReceiptCmd struct {
	remote `embed:""`
	Source string `arg:"" help:"Who paid: an upstream of the configuration, or node." placeholder:"SOURCE"`
	Amount string `arg:"" help:"How much: \"21000 sats\", \"0.0005 BTC\", \"1500 msat\"; below zero if it was taken back, then last and behind two dashes: -- \"-21000 sats\"." placeholder:"AMOUNT"`
	Proof  string `help:"How it can be looked up: a transaction, a payment hash. The same proof is taken once." required:"" placeholder:"TEXT"`
	At     string `help:"When, such as 2026-11-21T09:00:00+01:00; now without it." placeholder:"TIME"`
	For    string `help:"What for." placeholder:"TEXT"`
}

// Run books a receipt.
func (c *poolReceiptCmd) Run(p *program) error {
	msat, err := millisats(c.Amount)
	if err != nil {
		return err
	}
	at, err := instant("--at", c.At)
	if err != nil {
		return err
	}
	body := map[string]any{"source": c.Source, "msat": msat, "proof": c.Proof, "for": c.For}
	if c.At != "" {
		body["at"] = at
	}
	if err := c.do(p.ctx, http.MethodPost, "/api/v1/pool/receipts", body, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Booked: %s from %s.\n", agreement.Sats(msat), oneLine(c.Source))
	return nil
}

type poolReportCmd struct {
	remote `embed:""`
	Source string `arg:"" help:"The pool, as the configuration names it." placeholder:"SOURCE"`
	Amount string `arg:"" help:"What it says was earned, such as \"21000 sats\"." placeholder:"AMOUNT"`
	From   string `help:"From when, such as 2026-11-20T00:00:00+01:00." required:"" placeholder:"TIME"`
	To     string `help:"Until when." required:"" placeholder:"TIME"`
}

// Run compares a report with the work.
func (c *poolReportCmd) Run(p *program) error {
	msat, err := millisats(c.Amount)
	if err != nil {
		return err
	}
	from, err := instant("--from", c.From)
	if err != nil {
		return err
	}
	to, err := instant("--to", c.To)
	if err != nil {
		return err
	}
	if !from.Before(to) {
		return coded(exitUsage, fmt.Errorf("--from %s must lie before --to %s", c.From, c.To))
	}
	var st pool.State
	if err := c.do(p.ctx, http.MethodPost, "/api/v1/pool/reports", pool.Reported{Source: c.Source, From: from, To: to, Millisats: msat}, &st); err != nil {
		return err
	}
	alarm := false
	for _, s := range st.Sources {
		if s.Drift == "" || s.Name != c.Source && s.Payer != c.Source {
			continue
		}
		alarm = alarm || s.Alarm
		fmt.Fprintln(p.out, oneLine(s.Drift))
	}
	if alarm {
		return coded(exitProblem, fmt.Errorf("what %s reports does not agree with the work", c.Source))
	}
	return nil
}

// instant reads a time; an empty text is the zero time.
func instant(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, coded(exitUsage, fmt.Errorf("%s %q: write a time as 2026-11-21T09:00:00+01:00", flag, text))
	}
	return t.UTC(), nil
}

// millisats reads an amount with its unit.
func millisats(text string) (int64, error) {
	wrong := coded(exitUsage, fmt.Errorf("%q is not an amount such as \"21000 sats\", \"0.0005 BTC\" or \"1500 msat\", to the thousandth of a sat", text))
	number, unit, _ := strings.Cut(strings.TrimSpace(text), " ")
	per := map[string]int64{"sat": 1000, "sats": 1000, "msat": 1, "BTC": 100_000_000_000}[strings.TrimSpace(unit)]
	if per == 0 || len(number) > 24 || strings.Trim(number, "0123456789.-") != "" {
		return 0, wrong
	}
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, wrong
	}
	if v.Mul(v, big.NewRat(per, 1)); !v.IsInt() || !v.Num().IsInt64() || v.Sign() == 0 {
		return 0, wrong
	}
	return v.Num().Int64(), nil
}
