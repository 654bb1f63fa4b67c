package weather

import (
	"testing"
	"time"
)

// FuzzDecodeForecast looks inside, so that the fuzzer need not fetch.
func FuzzDecodeForecast(f *testing.F) {
	f.Add([]byte(`{"hourly_units":{"temperature_2m":"°C"},"hourly":{"time":[0,3600],"temperature_2m":[1,null],"direct_normal_irradiance":[0,1e9],"diffuse_radiation":[0,0]}}`))
	f.Add([]byte(`{"hourly":{"time":[1768003200],"temperature_2m":[-4.5]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeForecast(b)
		if err != nil {
			return
		}
		from, to := s.Span()
		for at := from; !at.After(to) && at.Before(from.Add(2000*time.Hour)); at = at.Add(30 * time.Minute) {
			if w, ok := s.At(at).Get(); ok && !(w.Outdoor > -90 && w.Outdoor < 60 && w.Direct >= 0 && w.Diffuse >= 0) {
				t.Fatalf("accepted weather that cannot be: %+v", w)
			}
		}
	})
}
