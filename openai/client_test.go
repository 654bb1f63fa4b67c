package openai_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"hearth/openai"
)

// OpenAI's own client, of the npm registry, is served. HEARTH_OPENAI_CLIENT
// names a folder with the package openai in its node_modules.
func TestOpenAIsClient(t *testing.T) {
	folder := os.Getenv("HEARTH_OPENAI_CLIENT")
	if folder == "" {
		t.Skip("set HEARTH_OPENAI_CLIENT to a folder in which \"npm install openai\" was run")
	}
	r := newRig(t, openai.Options{})
	out, err := exec.CommandContext(t.Context(), "node", "testdata/client.mjs", r.url+"/v1", folder).CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
