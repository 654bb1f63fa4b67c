package httpapi

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hearth/site"
	"hearth/units"
)

// collector turns the state into Prometheus metrics each time it is asked. A
// value that is not known has no sample: a zero would be a lie that averages
// and alerts believe.
type collector struct {
	home    Home
	version string
	info, speed, zoneTemp, zoneLow, zoneSet, zonePower, zoneWant, zoneMode,
	outdoor, power, price, online, devicePower, deviceEnergy, deviceTemp, hashRate, starts,
	trip, ledgerRecords, ledgerPaused, compute *prometheus.Desc
}

func newCollector(home Home, version string) *collector {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("hearth_"+name, help, labels, nil)
	}
	return &collector{
		home: home, version: version,
		info:          d("info", "Always 1; the labels tell the version and the home.", "version", "home", "simulated"),
		speed:         d("speed_ratio", "How much faster than life the home runs; 1 in real life."),
		zoneTemp:      d("zone_temperature_celsius", "Temperature of a zone; of a tank, at its top.", "zone", "provenance"),
		zoneLow:       d("zone_bottom_temperature_celsius", "Temperature at the bottom of a tank.", "zone", "provenance"),
		zoneSet:       d("zone_setpoint_celsius", "Temperature a zone is held at.", "zone", "provenance"),
		zonePower:     d("zone_power_watts", "Power of all heaters of a zone.", "zone", "provenance"),
		zoneWant:      d("zone_wanted_watts", "Power that control wants for a zone.", "zone"),
		zoneMode:      d("zone_heating_enabled", "1 when a zone is to be heated, 0 when it is off.", "zone"),
		outdoor:       d("outdoor_temperature_celsius", "Outdoor temperature.", "provenance"),
		power:         d("power_watts", "Power of all heaters.", "provenance"),
		price:         d("electricity_price_per_kilowatt_hour", "Price of electricity now.", "currency", "provenance"),
		online:        d("device_online", "1 when a device answers.", "device", "driver", "simulated"),
		devicePower:   d("device_power_watts", "Power a device draws from the wall.", "device", "provenance"),
		deviceEnergy:  d("device_energy_joules_total", "Energy a device drew since it was added.", "device", "provenance"),
		deviceTemp:    d("device_temperature_celsius", "Temperature inside a device.", "device", "sensor", "kind", "provenance"),
		hashRate:      d("device_hashes_per_second", "SHA-256d hashes per second.", "device", "provenance"),
		starts:        d("device_starts", "Starts in the last 24 hours.", "device"),
		trip:          d("trip", "1 for each safety trip that holds.", "rule", "subject", "latched"),
		ledgerRecords: d("ledger_records_total", "Records in the ledger."),
		ledgerPaused:  d("ledger_paused", "1 when the ledger cannot be written."),
		compute:       d("compute_allowed", "1 when this computer may compute for heat."),
	}
}

// Describe implements prometheus.Collector. The metrics depend on the state,
// so none are promised.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.home.State()
	emit := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
		}
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { emit(d, prometheus.GaugeValue, v, labels...) }
	gauge(c.info, 1, c.version, s.Name, yesNo(s.Simulated))
	gauge(c.speed, s.Speed)
	known(gauge, c.outdoor, s.Outdoor)
	known(gauge, c.power, s.Power)
	if p, ok := s.Price.Get(); ok {
		gauge(c.price, p.Float(), p.PerKWh.Currency, s.Price.From().String())
	}
	for _, z := range s.Zones {
		known(gauge, c.zoneTemp, z.Temp, z.ID)
		known(gauge, c.zoneLow, z.Low, z.ID)
		known(gauge, c.zoneSet, z.SetPoint, z.ID)
		known(gauge, c.zonePower, z.Power, z.ID)
		gauge(c.zoneWant, float64(z.Want), z.ID)
		gauge(c.zoneMode, oneIf(z.Mode == site.ModeHeat), z.ID)
	}
	for _, d := range s.Devices {
		gauge(c.online, oneIf(d.Online), d.ID, d.Kind, yesNo(d.Simulated))
		known(gauge, c.devicePower, d.Reading.Power, d.ID)
		known(gauge, c.hashRate, d.Reading.HashRate, d.ID)
		if e, ok := d.Energy.Get(); ok {
			emit(c.deviceEnergy, prometheus.CounterValue, float64(e.Joules()), d.ID, d.Energy.From().String())
		}
		seen := make(map[string]bool) // two channels of one name would spoil the whole answer
		for _, t := range d.Reading.Temps {
			if key := t.Name + "\x00" + string(t.Kind); !seen[key] {
				seen[key] = true
				known(gauge, c.deviceTemp, t.Value, d.ID, t.Name, string(t.Kind))
			}
		}
		if d.Budget != nil {
			gauge(c.starts, float64(d.Budget.Starts), d.ID)
		}
	}
	for _, t := range s.Trips {
		gauge(c.trip, 1, t.Rule, t.Subject, yesNo(t.Latched))
	}
	emit(c.ledgerRecords, prometheus.CounterValue, float64(s.Ledger.Records))
	gauge(c.ledgerPaused, oneIf(s.Ledger.Paused != ""))
	if s.Compute.Present {
		gauge(c.compute, oneIf(s.Compute.Allowed))
	}
}

// known emits a known quantity, with its provenance as the last label, and
// nothing for an unknown one.
func known[T units.Quantity](gauge func(*prometheus.Desc, float64, ...string), d *prometheus.Desc, k units.Known[T], labels ...string) {
	if v, ok := k.Get(); ok {
		gauge(d, v.Float(), append(labels, k.From().String())...)
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func yesNo(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (a *api) metrics() func(http.ResponseWriter, *http.Request) error {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newCollector(a.home, a.version), newPoolCollector(a.home))
	h := promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError})
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}
