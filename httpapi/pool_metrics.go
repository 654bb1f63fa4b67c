package httpapi

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// poolCollector turns the state of a home's own pool into metrics; a home
// without one has none of them.
type poolCollector struct {
	home Home
	info, rate, unpaid, online, workerRate, shares, up, given, alarm, height,
	balance, day, perKWh, received, stopped *prometheus.Desc
}

func newPoolCollector(home Home) *poolCollector {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("hearth_pool_"+name, help, labels, nil)
	}
	return &poolCollector{
		home:       home,
		info:       d("info", "Always 1; the labels tell what the pool is. Amounts of a test network are worth nothing.", "role", "network", "test"),
		rate:       d("hashes_per_second", "SHA-256d hashes per second of all miners, by their shares.", "provenance"),
		unpaid:     d("unpaid", "1 while nobody gives work that is paid: the heaters make heat only."),
		online:     d("worker_online", "1 when a paired miner is connected.", "worker"),
		workerRate: d("worker_hashes_per_second", "SHA-256d hashes per second of a miner, by its shares.", "worker", "provenance"),
		shares:     d("worker_shares_total", "Shares of a miner since the pool's start.", "worker", "result"),
		up:         d("source_up", "1 when a source of work answers.", "source", "kind"),
		given:      d("source_shares_total", "Shares that were handed on to a source since the pool's start.", "source", "result"),
		alarm:      d("source_drift_alarm", "1 when what a source reports does not agree with the work.", "source"),
		height:     d("source_block_height", "Height of the block that a source looks for.", "source"),
		balance:    d("party_balance_sats", "What a party is owed.", "party"),
		day:        d("expected_sats_per_day", "What the last 24 hours were expected to earn.", "provenance"),
		perKWh:     d("expected_sats_per_kilowatt_hour", "Expected sats per kilowatt-hour of heat over the last 24 hours.", "provenance"),
		received:   d("received_sats_30d", "What really came in over 30 days."),
		stopped:    d("payouts_stopped", "1 while the kill switch holds payments back."),
	}
}

// Describe implements prometheus.Collector. The metrics depend on the state,
// so none are promised.
func (c *poolCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	s, err := PoolState(c.home)
	if err != nil {
		return
	}
	emit := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
		}
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { emit(d, prometheus.GaugeValue, v, labels...) }
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		emit(d, prometheus.CounterValue, float64(n), labels...)
	}
	seen := make(map[string]bool) // two of one name would spoil the whole answer
	first := func(kind, name string) bool {
		key := kind + "\x00" + strings.ToValidUTF8(name, "\uFFFD")
		was := seen[key]
		seen[key] = true
		return !was
	}
	gauge(c.info, 1, string(s.Role), s.Network, yesNo(s.Test))
	gauge(c.unpaid, oneIf(s.Unpaid))
	gauge(c.stopped, oneIf(s.Money.Stopped))
	gauge(c.received, float64(s.Money.Received)/1000)
	known(gauge, c.rate, s.Rate)
	known(gauge, c.day, s.Money.Day)
	known(gauge, c.perKWh, s.Money.PerKWh)
	for _, h := range s.Heaters {
		if !first("worker", h.Name) {
			continue
		}
		gauge(c.online, oneIf(h.Online), h.Name)
		known(gauge, c.workerRate, h.Rate, h.Name)
		count(c.shares, h.Accepted, h.Name, "accepted")
		count(c.shares, h.Stale, h.Name, "stale")
		count(c.shares, h.Rejected, h.Name, "rejected")
	}
	for _, x := range s.Sources {
		if !first("source", x.Name) {
			continue
		}
		gauge(c.up, oneIf(x.Up), x.Name, x.Kind)
		gauge(c.alarm, oneIf(x.Alarm), x.Name)
		count(c.given, x.Accepted, x.Name, "accepted")
		count(c.given, x.Rejected, x.Name, "rejected")
		count(c.given, x.Unanswered, x.Name, "unanswered")
		if x.Height > 0 {
			gauge(c.height, float64(x.Height), x.Name)
		}
	}
	for _, x := range s.Parties {
		if first("party", x.Name) {
			gauge(c.balance, float64(x.Balance)/1000, x.Name)
		}
	}
}
