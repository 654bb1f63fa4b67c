package httpapi_test

import (
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hearth/site"
	"hearth/web/storybook"
)

func TestMetrics(t *testing.T) {
	f := func(situation func() *storybook.Home, want, absent []string) {
		t.Helper()
		_, body := newRig(t, situation()).ask("GET", "/metrics", "")
		p := expfmt.NewTextParser(model.UTF8Validation)
		if _, err := p.TextToMetricFamilies(strings.NewReader(body)); err != nil {
			t.Fatalf("not Prometheus text: %v", err)
		}
		for _, line := range want {
			if !strings.Contains(body, line+"\n") {
				t.Errorf("no line %q in\n%s", line, body)
			}
		}
		for _, part := range absent {
			if strings.Contains(body, part) {
				t.Errorf("%q is in\n%s", part, body)
			}
		}
	}
	f(storybook.Heating, []string{
		`hearth_zone_temperature_celsius{provenance="meter",zone="living"} 20.6`,
		`hearth_zone_setpoint_celsius{provenance="chosen",zone="living"} 21`,
		`hearth_device_power_watts{device="mini3",provenance="estimate"} 808`,
		`hearth_device_power_watts{device="backup",provenance="meter"} 0`, // a real zero
		`hearth_device_online{device="mini3",driver="avalon",simulated="false"} 1`,
		`hearth_device_energy_joules_total{device="backup",provenance="meter"} 4.824e+07`,
		`hearth_ledger_paused 0`,
	}, []string{"NaN"})
	// What is unknown is absent, never 0.
	f(storybook.Unplugged, []string{`hearth_device_online{device="mini3",driver="avalon",simulated="false"} 0`},
		[]string{`hearth_device_power_watts{device="mini3"`, `hearth_device_hashes_per_second{device="mini3"`, "hearth_power_watts{", "hearth_zone_power_watts{"})
	f(storybook.SensorLost, []string{`hearth_trip{latched="false",rule="sensor_stale",subject="living"} 1`}, []string{"hearth_zone_temperature_celsius{"})
	f(storybook.Simulated, []string{`hearth_zone_temperature_celsius{provenance="simulated",zone="living"} 20.6`, `hearth_speed_ratio 60`}, []string{`provenance="meter"`})
	// A pool: what it does, for whom, and nothing of it where there is none.
	f(storybook.Sats, []string{
		`hearth_pool_info{network="mainnet",role="proxy",test="false"} 1`,
		`hearth_pool_hashes_per_second{provenance="estimate"} 3.84e+13`,
		`hearth_pool_worker_online{worker="shed"} 0`,
		`hearth_pool_worker_shares_total{result="stale",worker="mini3"} 72`,
		`hearth_pool_source_up{kind="pool",source="ocean"} 1`,
		`hearth_pool_source_drift_alarm{source="ocean"} 0`,
		`hearth_pool_party_balance_sats{party="host"} 2363.636`,
		`hearth_pool_expected_sats_per_kilowatt_hour{provenance="estimate"} 99`,
		`hearth_pool_unpaid 0`, `hearth_pool_payouts_stopped 0`,
	}, []string{`hearth_pool_worker_hashes_per_second{worker="shed"`})
	f(storybook.SatsUnpaid, []string{`hearth_pool_unpaid 1`, `hearth_pool_source_up{kind="pool",source="ocean"} 0`, `hearth_pool_source_up{kind="fallback",source="fallback"} 1`}, nil)
	f(storybook.SatsDrift, []string{`hearth_pool_source_drift_alarm{source="ocean"} 1`}, nil)
	f(storybook.SatsStopped, []string{`hearth_pool_payouts_stopped 1`}, nil)
	f(storybook.SatsTest, []string{`hearth_pool_info{network="regtest",role="pool",test="true"} 1`}, []string{"hearth_pool_expected_sats_per_day"})
	f(storybook.Heating, nil, []string{"hearth_pool_"})
	// A name that is not text, and two sensors of one name, spoil nothing.
	f(func() *storybook.Home {
		h := storybook.Heating()
		h.Change(func(s *site.State) {
			s.Devices[0].ID = "bad\xff\"\n"
			s.Devices[1].Reading.Temps = append(s.Devices[1].Reading.Temps, s.Devices[1].Reading.Temps...)
		})
		return h
	}, []string{`hearth_device_power_watts{device="backup",provenance="meter"} 0`}, nil)
}
