package openai

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count what is served. Their labels are the names of paths and
// models; nothing that anybody wrote goes into them.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // path, status
	seconds  *prometheus.HistogramVec // path
	first    *prometheus.HistogramVec // model
	tokens   *prometheus.CounterVec   // model, kind
}

func newMetrics(jobs func() int) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hearth_inference_requests_total", Help: "Requests answered, by path and status.",
		}, []string{"path", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hearth_inference_request_seconds", Help: "Time from a request to the end of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.005, 4, 9),
		}, []string{"path"}),
		first: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hearth_inference_first_token_seconds", Help: "Time from a request to the first token of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.005, 4, 8),
		}, []string{"model"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hearth_inference_tokens_total", Help: "Tokens read (prompt) and written (completion).",
		}, []string{"model", "kind"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.first, m.tokens, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hearth_inference_jobs", Help: "Choices and texts under way or waiting.",
	}, func() float64 { return float64(jobs()) }))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

func (m *metrics) used(model string, u usage) {
	m.tokens.WithLabelValues(model, "prompt").Add(float64(u.Prompt))
	m.tokens.WithLabelValues(model, "completion").Add(float64(u.Completion))
}

func (m *metrics) firstToken(model string, d time.Duration) {
	m.first.WithLabelValues(model).Observe(d.Seconds())
}
