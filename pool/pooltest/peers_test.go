package pooltest

import "testing"

// Building the peers takes minutes: the checks of the whole project ask for it
// first, so that no other test's time limit is spent on it.
func TestPeersAreBuilt(t *testing.T) {
	for _, name := range []string{"btcd", "lnd"} {
		if Build(t, name) == "" {
			t.Errorf("%s has no path", name)
		}
	}
}
