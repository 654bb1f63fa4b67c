package avalon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

// startup is how long a miner that was started may hash nothing before it is
// taken for one without work: hash board, pool login, first averages.
const startup = 3 * time.Minute

// Read implements [device.Device].
func (m *Miner) Read(ctx context.Context) (device.Reading, error) {
	who, s, _, err := m.look(ctx)
	if err != nil {
		return device.Reading{}, fmt.Errorf("read the miner: %w", err)
	}
	pool := m.pool(ctx)
	now := m.now()
	r := device.Reading{
		At:     now,
		Power:  s.watts(who.most, now),
		Energy: units.Unknown[units.Joules]("the miner does not count energy", now),
		HashRate: units.Map(known[units.HashRate](s, "GHSspd", 0, 1e9, now, units.Estimate),
			func(g units.HashRate) units.HashRate { return g * 1e9 }),
		Level:  who.level(s, now),
		Target: units.Unknown[units.Watts]("the miner has no watt target", now),
		Flow:   units.Unknown[units.LitresPerMinute]("the miner has no flow meter", now),
		Pool:   pool,
		Uptime: units.Map(known[units.Joules](s, "Elapsed", 0, 1e9, now, units.Estimate),
			func(s units.Joules) time.Duration { return time.Duration(float64(s) * float64(time.Second)) }),
		Faults: s.faults(),
	}
	r.State = m.state(s, r)
	for _, c := range who.temps {
		r.Temps = append(r.Temps, device.Temp{Name: c.name, Kind: c.kind, Value: s.temperature(c.key, c.kind, now)})
	}
	duty := units.Map(known[units.Fraction](s, "FanR", 0, 100, now, units.Estimate),
		func(percent units.Fraction) units.Fraction { return percent / 100 })
	for i := range who.fans {
		r.Fans = append(r.Fans, device.Fan{
			Name:  fmt.Sprintf("fan %d", i+1),
			Speed: known[units.RPM](s, fmt.Sprintf("Fan%d", i+1), 0, 50_000, now, units.PSU),
			Duty:  duty,
		})
	}
	if r.State == device.StatePaused && r.Power.IsKnown() {
		m.idle = r.Power
	}
	return r, nil
}

// look asks for the statistics of a miner that is known, meeting it again if
// another one answers.
func (m *Miner) look(ctx context.Context) (*identity, stats, time.Time, error) {
	if _, err := m.known(ctx); err != nil {
		return nil, nil, time.Time{}, err
	}
	s, clock, err := m.estats(ctx)
	if err != nil {
		return nil, nil, time.Time{}, err
	}
	who, err := m.known(ctx)
	return who, s, clock, err
}

// state tells what the miner does. "In Work" is not yet heat: what hashes
// nothing is starting, or has no work.
func (m *Miner) state(s stats, r device.Reading) device.State {
	rate, rateKnown := r.HashRate.Get()
	switch s.work() {
	case "In Idle":
		return device.StatePaused
	case "In Init":
		return device.StateStarting
	case "In Work":
	default:
		return device.StateUnknown
	}
	tuned, tells := s.whole("ADJ")
	up, upKnown := r.Uptime.Get()
	woken := r.At.Sub(m.woken)
	switch {
	case !rateKnown:
		return device.StateUnknown
	case rate > 0 && tells && tuned == 0:
		return device.StateTuning
	case rate > 0:
		return device.StateHeating
	case len(r.Faults) > 0:
		return device.StateFault
	case upKnown && up < startup, woken >= 0 && woken < startup:
		return device.StateStarting
	}
	return device.StateLimp
}

// pool asks whether a pool works. It does not fail: what is not told is
// unknown.
func (m *Miner) pool(ctx context.Context) units.Known[bool] {
	r, err := m.ask(ctx, "pools", "")
	now := m.now()
	if err != nil || r.Status.Err() != nil {
		return units.Unknown[bool]("the miner does not tell of its pools", now)
	}
	rows := r.Sections["POOLS"]
	if rows == nil {
		rows = r.Sections["POOL"]
	}
	told := false
	for _, p := range rows {
		status, ok := p.Text("Status")
		if !ok {
			continue
		}
		told = true
		active, tells := p.Truth("Stratum Active")
		if strings.EqualFold(status, "Alive") && (active || !tells) {
			return units.Know(true, now, units.Estimate)
		}
	}
	if !told {
		return units.Unknown[bool]("the miner does not tell of its pools", now)
	}
	return units.Know(false, now, units.Estimate)
}

// faults reads what the miner says is wrong.
func (s stats) faults() []device.Fault {
	var fs []device.Fault
	if f := strings.Fields(s["PS"]); len(f) == 7 && f[0] != "0" {
		fs = append(fs, device.Fault{Code: "PS " + f[0], Text: fmt.Sprintf("The miner's power supply reports error %s.", f[0])})
	}
	if n, ok := s.whole("FanErr"); ok && n != 0 {
		fs = append(fs, device.Fault{Code: fmt.Sprintf("FanErr %d", n), Text: "The miner reports a fan that does not turn as it should."})
	}
	return fs
}
