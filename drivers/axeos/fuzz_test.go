package axeos

import (
	"encoding/json"
	"testing"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// Whatever a miner answers, the driver neither fails nor makes up a value that
// cannot be.
func FuzzAnswers(f *testing.F) {
	const gamma = `{"deviceModel":"Gamma","defaultFrequency":525,"frequencyOptions":[400,490,525,550],"defaultVoltage":1150}`
	f.Add([]byte(`{"ASICModel":"BM1370","frequency":525,"coreVoltage":1150,"power":22.5,"hashRate":1071,"temp":-1,"miningPaused":false,"uptimeSeconds":60}`), []byte(gamma))
	f.Add([]byte(`{"frequency":490,"power":56,"shutdown":false,"otp":true,"fans":[{"rpm":1}],"stratum":{"pools":[{"connected":true}]},"overheat_temp":70}`),
		[]byte(`{"deviceModel":"NerdQAxe+","frequencyOptions":[1e300,-1,0,490]}`))
	f.Add([]byte(`{"ASICModel":"","frequency":null,"power":1e999}`), []byte(`{"frequencyOptions":"many","defaultFrequency":{}}`))
	f.Add([]byte(`{"maxPower":90,"frequency":1,"coreVoltage":1e-300,"hashRate":1}`), []byte(`{"defaultFrequency":2000,"frequencyOptions":[1.5,1.5]}`))
	f.Fuzz(func(t *testing.T, infoText, asicText []byte) {
		var info, asic httpjson.Object
		if json.Unmarshal(infoText, &info) != nil || json.Unmarshal(asicText, &asic) != nil {
			return
		}
		now := time.Unix(1_768_000_000, 0)
		m := &Miner{now: func() time.Time { return now }}
		for range 3 { // the third time, the first two have been learned from
			m.learn(info, now)
			r := m.reading(info, now)
			if w, ok := r.Power.Get(); ok && (w <= 0 || w > 10_000) {
				t.Fatalf("power %v", w)
			}
			for _, temp := range r.Temps {
				if v, ok := temp.Value.Get(); ok && (v < -40 || v > 200 || v == -1) {
					t.Fatalf("%s is %v", temp.Name, v)
				}
			}
			checkCapabilities(t, m.capabilities(info, asic))
			now = now.Add(settle)
		}
	})
}

func checkCapabilities(t *testing.T, c device.Capabilities) {
	t.Helper()
	before := units.Watts(0)
	for _, l := range c.Levels {
		if w, ok := l.Power.Get(); ok {
			if w < before || w > c.Max || w != w {
				t.Fatalf("level %s is %v after %v, at most %v", l.ID, w, before, c.Max)
			}
			before = w
		}
		if f := megahertz(l.ID); levelID(f) != l.ID {
			t.Fatalf("level %s is read as %v MHz", l.ID, f)
		}
	}
	if _, err := json.Marshal(c); err != nil {
		t.Fatal(err)
	}
}

// Whatever a miner tells of its pools, what is told on has a place and can be
// compared with itself.
func FuzzPools(f *testing.F) {
	f.Add([]byte(`{"stratumURL":"pool.example.org","stratumPort":3333,"stratumUser":"w","fallbackStratumURL":"","stratumTLS":0,"stratumProtocol":"SV1"}`))
	f.Add([]byte(`{"shutdown":false,"stratumURL":"stratum+tcp://p:1","fallbackStratumURL":"p","fallbackStratumPort":1,"stratumTLS":true,"stratumProtocol":1,"stratum":{"activePoolMode":1}}`))
	f.Add([]byte(`{"pools":[{"id":2,"stratumURL":"a","stratumPort":1,"stratumUser":"w","stratumTLS":2},{"id":2},{"id":-1}],"primaryPoolIndex":2,"secondaryPoolIndex":2,"useFallbackStratum":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var info httpjson.Object
		if json.Unmarshal(text, &info) != nil {
			return
		}
		p := poolsOf(info, time.Unix(1_768_000_000, 0)).told()
		if len(p.Order) > p.Places {
			t.Fatalf("%d pools in %d places", len(p.Order), p.Places)
		}
		for _, q := range p.Order {
			if q.URL == "" || !q.Same(q) || q.Password.IsKnown() {
				t.Fatalf("pool %+v", q)
			}
		}
	})
}
