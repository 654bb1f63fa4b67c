package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/config"
)

func TestInsert(t *testing.T) {
	f := func(name, src, section, id string, fields []config.Field, want string) {
		t.Helper()
		got, err := config.Insert([]byte(src), section, id, fields)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	plug := []config.Field{{"kind", "shelly"}, {"address", "192.0.2.6"}, {"zone", ""}}
	f("empty file", "", "devices", "plug", plug, "devices:\n  plug:\n    kind: \"shelly\"\n    address: \"192.0.2.6\"\n")
	f("new section", "name: Cabin # ours\n", "devices", "plug", plug,
		"name: Cabin # ours\ndevices:\n  plug:\n    kind: \"shelly\"\n    address: \"192.0.2.6\"\n")
	f("beside others, comments stay", "devices: # all of them\n    # the miner\n    mini:\n        kind: avalon # Mini 3\n\nname: Cabin\n", "devices", "plug", plug,
		"devices: # all of them\n    plug:\n        kind: \"shelly\"\n        address: \"192.0.2.6\"\n    # the miner\n    mini:\n        kind: avalon # Mini 3\n\nname: Cabin\n")
	f("in place of itself", "devices:\n  plug:\n    kind: avalon\n    address: 192.0.2.1\n  b:\n    kind: axeos\n", "devices", "plug", plug,
		"devices:\n  plug:\n    kind: \"shelly\"\n    address: \"192.0.2.6\"\n  b:\n    kind: axeos\n")
	f("gaps and notes within an entry are part of it",
		"devices:\n  mini:\n    kind: avalon\n  plug:\n    kind: avalon\n\n# where it is\n    address: 192.0.2.1\n\n  # the last\n  b:\n    kind: axeos\n", "devices", "plug", plug,
		"devices:\n  plug:\n    kind: \"shelly\"\n    address: \"192.0.2.6\"\n  mini:\n    kind: avalon\n\n  # the last\n  b:\n    kind: axeos\n")
	f("the only one in place of itself", "name: Cabin\ndevices:\n  plug:\n    kind: avalon\n", "devices", "plug", plug,
		"name: Cabin\ndevices:\n  plug:\n    kind: \"shelly\"\n    address: \"192.0.2.6\"\n")
}

func TestInsertRefuses(t *testing.T) {
	f := func(src, section, id string, fields []config.Field, want string) {
		t.Helper()
		if _, err := config.Insert([]byte(src), section, id, fields); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Insert(%q, %s, %s) = %v, want %q in it", src, section, id, err, want)
		}
	}
	f("", "devices", "Big Plug", nil, "not a name")
	f("devices: {a: {kind: avalon}}\n", "devices", "b", []config.Field{{"kind", "shelly"}}, "on one line")
	f("", "devices", "b", []config.Field{{"kind", "shelly"}, {"zone", "nowhere"}}, "nowhere")
	f("", "rooms", "b", []config.Field{{"sensor", "none"}}, "not under sensors")
	f("nmae: x\n", "devices", "b", []config.Field{{"kind", "shelly"}}, "did you mean")
	f("", "devices", "b", []config.Field{{"kind", "x\"\n  evil: {kind: avalon}"}, {"limit", "9"}}, "")
}

func TestSaveReplacesInOnePiece(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home.yaml")
	for _, text := range []string{"name: a\n", "name: b\n"} {
		if err := config.Save(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("read %q, %v", got, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".hearth-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func FuzzInsert(f *testing.F) {
	f.Add("devices:\n  a:\n    kind: avalon\n", "b", "192.0.2.1")
	f.Add("", "x", "quote \" and \n newline")
	f.Fuzz(func(t *testing.T, src, id, address string) {
		if len(src) > 1<<12 {
			return
		}
		out, err := config.Insert([]byte(src), "devices", id, []config.Field{{"kind", "shelly"}, {"address", address}})
		if err != nil {
			return
		}
		file, err := config.Parse(out)
		if err != nil {
			t.Fatalf("the result does not parse: %v\n%s", err, out)
		}
		var own struct {
			Address string `yaml:"address"`
		}
		if err := file.Devices[id].Rest.Decode(&own); err != nil || own.Address != address && address != "" {
			t.Fatalf("address %q came out as %q, %v\n%s", address, own.Address, err, out)
		}
	})
}
