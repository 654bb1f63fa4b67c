package stratum_test

import (
	"testing"

	"hearth/pool/stratum"
)

func TestOutcomeIsAWord(t *testing.T) {
	for o, want := range map[stratum.Outcome]string{
		stratum.Answer{}.Outcome: "unknown", // nothing said is neither yes nor no
		stratum.Accepted:         "accepted",
		stratum.Rejected:         "rejected",
		stratum.Rejected + 1:     "outcome(3)",
	} {
		if got := o.String(); got != want {
			t.Errorf("%d is %q, want %q", uint8(o), got, want)
		}
	}
}
