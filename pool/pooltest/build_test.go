package pooltest_test

import (
	"os/exec"
	"strings"
	"testing"

	"hearth/pool/pooltest"
)

// TestPeersAreBuilt builds the peers if they are not there yet. It may take
// longer than a test has by itself, so whoever starts without them runs it
// alone at first:
//
//	CI=true go test -run TestPeersAreBuilt -timeout 60m ./pool/pooltest
func TestPeersAreBuilt(t *testing.T) {
	for name, version := range map[string]string{"btcd": "version 0.26.2", "lnd": "version 0.21.2-beta"} {
		out, err := exec.CommandContext(t.Context(), pooltest.Build(t, name), "--version").CombinedOutput()
		if err != nil || !strings.Contains(string(out), version) {
			t.Errorf("%s is not of %s: %s, %v", name, version, out, err)
		}
	}
}
