package service_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/service"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func plans() map[string]service.Options {
	return map[string]service.Options{
		"linux-user": {
			System: "linux", Binary: "/home/ann/bin/hearth", Data: "/home/ann/.local/share/hearth",
			Home: "/home/ann", User: "ann", UID: 1000,
		},
		"linux-machine": {
			System: "linux", Machine: true, Binary: "/usr/local/bin/hearth", Data: "/var/lib/hearth",
			Config: "/etc/hearth/hearth.yaml", Listen: "127.0.0.1:8420",
		},
		"linux-machine-odd-paths": {
			System: "linux", Machine: true, Binary: "/home/ann/my programs/hearth", Data: "/srv/100%/heat's $data",
			Config: "/etc/hearth.yaml", User: "ann",
		},
		"darwin-user": {
			System: "darwin", Binary: "/usr/local/bin/hearth", Data: "/Users/ann/Library/Application Support/Hearth",
			Config: "/Users/ann/<heat> & hearth.yaml", Home: "/Users/ann", User: "ann", UID: 501,
		},
		"darwin-machine": {
			System: "darwin", Machine: true, Binary: "/usr/local/bin/hearth", Data: "/usr/local/var/hearth", User: "ann",
		},
		"windows-user": {
			System: "windows", Binary: `C:\Users\Ann O'Neil\hearth.exe`, Data: `C:\Users\Ann O'Neil\AppData\Local\Hearth`,
			Config: `D:\heat\hearth.yaml`, Home: `C:\Users\Ann O'Neil`, User: "Ann O'Neil",
		},
		"windows-machine": {
			System: "windows", Machine: true, Binary: `C:\Program Files\Hearth\hearth.exe`, Data: `C:\ProgramData\Hearth`,
		},
	}
}

// The plans are golden, as a person reads them.
func TestPlans(t *testing.T) {
	for name, o := range plans() {
		t.Run(name, func(t *testing.T) {
			install, err := service.Install(o)
			if err != nil {
				t.Fatal(err)
			}
			remove, err := service.Uninstall(o)
			if err != nil {
				t.Fatal(err)
			}
			got := install.String() + "\n---\n\n" + remove.String()
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s (-want +got; -update rewrites it):\n%s", file, d)
			}
		})
	}
}

// What a service manager cannot run is refused while it is still a plan.
func TestNonsenseIsRefused(t *testing.T) {
	sound := plans()["linux-user"]
	for _, c := range []struct {
		change func(*service.Options)
		want   string
	}{
		{func(o *service.Options) { o.System = "plan9" }, "not known"},
		{func(o *service.Options) { o.Binary = "hearth" }, "program must be absolute"},
		{func(o *service.Options) { o.Data = "" }, "data folder must be absolute"},
		{func(o *service.Options) { o.Config = "./hearth.yaml" }, "configuration must be absolute"},
		{func(o *service.Options) { o.Home = "~" }, "home folder must be absolute"},
		{func(o *service.Options) { o.Data = "/srv/a\nExecStart=/bin/sh" }, "line end"},
		{func(o *service.Options) { o.Listen = "127.0.0.1:8420\nUser=root" }, "no address"},
		{func(o *service.Options) { o.User = "ann; rm" }, "not the name of a user"},
		{func(o *service.Options) { o.System, o.Binary = "windows", "/usr/bin/hearth" }, "must be absolute"},
	} {
		o := sound
		c.change(&o)
		for _, plan := range []func(service.Options) (service.Plan, error){service.Install, service.Uninstall} {
			if p, err := plan(o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v gave %v, %v; want an error with %q", o, p.Title, err, c.want)
			}
		}
	}
}

// systemd's own reading of the units, where it is installed.
func TestUnitsAreSound(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	for _, name := range []string{"linux-user", "linux-machine", "linux-machine-odd-paths"} {
		o := plans()[name]
		o.Binary = "/bin/sh" // it looks whether the program is there
		p, err := service.Install(o)
		if err != nil {
			t.Fatal(err)
		}
		unit := filepath.Join(t.TempDir(), "hearth.service")
		if err := os.WriteFile(unit, []byte(p.Steps[0].Write.Text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
		// It also tells of other units of the machine: only ours counts.
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "hearth") {
				t.Errorf("%s: %s", name, line)
			}
		}
		if err != nil && len(out) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlistsAreXML(t *testing.T) {
	for _, name := range []string{"darwin-user", "darwin-machine"} {
		p, err := service.Install(plans()[name])
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Keys []string `xml:"dict>key"`
			Args []string `xml:"dict>array>string"`
		}
		if err := xml.Unmarshal([]byte(p.Steps[0].Write.Text), &list); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := []string{plans()[name].Binary, "up", "--data", plans()[name].Data}
		if c := plans()[name].Config; c != "" {
			want = append(want, "--config", c)
		}
		if d := cmp.Diff(want, list.Args); d != "" {
			t.Errorf("%s: command line (-want +got):\n%s", name, d)
		}
	}
}

func TestCarry(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "deep", "unit")
	proof := filepath.Join(dir, "proof")
	p := service.Plan{Steps: []service.Step{
		{Write: &service.File{Path: file, Text: "new\n", Mode: 0o640}},
		{Run: []string{"cp", file, proof}},
	}}
	for range 2 { // doing it again does no harm
		var said strings.Builder
		if err := p.Carry(t.Context(), &said); err != nil {
			t.Fatal(err)
		}
		if want := "write " + file + "\nrun cp " + file + " " + proof + "\n"; said.String() != want {
			t.Errorf("said %q, want %q", &said, want)
		}
	}
	if b, err := os.ReadFile(proof); err != nil || string(b) != "new\n" {
		t.Errorf("the command saw %q, %v", b, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}

	undo := service.Plan{Steps: []service.Step{{Remove: file}, {Remove: file}}}
	if err := undo.Carry(t.Context(), io.Discard); err != nil {
		t.Errorf("removing twice: %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file is still there")
	}
}

func TestCarryStopsAtTheFirstFailure(t *testing.T) {
	after := filepath.Join(t.TempDir(), "after")
	p := service.Plan{Steps: []service.Step{
		{Run: []string{"sh", "-c", "echo the manager says no >&2; exit 3"}},
		{Write: &service.File{Path: after, Mode: 0o600}},
	}}
	err := p.Carry(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "the manager says no") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(after); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a later step was done")
	}
}
