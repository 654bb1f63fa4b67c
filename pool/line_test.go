package pool_test

import (
	"errors"
	"strings"
	"testing"

	"hearth/pool"
	"hearth/pool/pooltest"
)

// While its pool does not answer a heater mines for nobody, and the pool has the
// name that it has in the configuration.
func TestAHeaterWhosePoolIsDownWaits(t *testing.T) {
	d := open(t, t.TempDir(), pool.Config{NoFallback: true, Upstreams: []pool.Upstream{{Name: "ours", URL: refuses(t), User: "house"}}})
	d.fleet(0, 1, 0)
	const want = "The heater is connected and waits for work: ours does not answer."
	pooltest.Eventually(t, "the heater is there", func() error {
		if st := d.State(t.Context()); st.Sentence != want {
			return errors.New(st.Sentence)
		}
		return nil
	})
	st := d.State(t.Context())
	if s := st.Sources[0]; s.Up || s.Called() != "ours" || !strings.Contains(s.Why, "ours") {
		t.Errorf("the source is %+v", s)
	}
	if s, known := st.Of(st.Heaters[0]); known && s.Called() != "ours" {
		t.Errorf("the heater mines for %+v", s)
	}
}
