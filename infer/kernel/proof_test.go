package kernel

import "testing"

func TestLevelsThatRunProveThemselves(t *testing.T) {
	for _, l := range Levels() {
		for m := 1; m <= 6; m++ {
			if !l.agrees(m, 64) {
				t.Errorf("%v: products of %d rows do not agree with plain Go", l, m)
			}
		}
		if !l.agrees(1, 2048) {
			t.Errorf("%v: products of rows of 2048 do not agree with plain Go", l)
		}
		if err := l.prove(); err != nil {
			t.Errorf("%v: %v", l, err)
		}
	}
	if Level(9).agrees(1, 64) {
		t.Error("a level that does not exist agrees with plain Go")
	}
}

func BenchmarkProof(b *testing.B) {
	for _, l := range []Level{AVXVNNI, DotProd} {
		if l.runs() {
			b.Run(l.String(), func(b *testing.B) {
				for b.Loop() {
					if err := l.prove(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
