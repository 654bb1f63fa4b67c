package pooltest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hearth/pool/pooltest"
)

// mining is an address of regtest whose key nobody needs.
const mining = "bcrt1qvvgjeztjxfgy4nuvan5nsa2qsx7dfsahh9g67h"

func TestBtcdMinesAndAnswers(t *testing.T) {
	b := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: mining})
	if got := len(b.Generate(t, 101)); got != 101 {
		t.Errorf("generated %d blocks", got)
	}
	if got := b.Height(t); got != 101 {
		t.Errorf("height %d", got)
	}
	if _, err := b.Call(t.Context(), "nonsense"); err == nil || !strings.Contains(err.Error(), "-32601") {
		t.Errorf("an unknown method: %v", err)
	}
	raw, err := b.Call(t.Context(), "getblocktemplate", map[string]any{"rules": []string{"segwit"}})
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Height int64 }
	if err := json.Unmarshal(raw, &template); err != nil || template.Height != 102 {
		t.Errorf("template of height %d: %v", template.Height, err)
	}
}

func TestSimnetKeepsItsBlocks(t *testing.T) {
	b := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "simnet", TLS: true, Mining: "sb1qvvgjeztjxfgy4nuvan5nsa2qsx7dfsahst6jfp"})
	b.Generate(t, 3)
	b.Restart(t, "")
	if got := b.Height(t); got != 3 {
		t.Errorf("height %d after the restart, want 3", got)
	}
}
