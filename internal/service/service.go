package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Options says what to run, and how.
type Options struct {
	// System is the operating system, as runtime.GOOS names it.
	System string
	// Machine starts Hearth with the computer, for all its users; it needs an
	// administrator. Otherwise Hearth starts for one user, who needs nobody.
	Machine bool
	// Binary is the absolute path of the hearth program.
	Binary string
	// Data is the absolute path of the data folder.
	Data string
	// Config is the absolute path of the configuration; empty for none.
	Config string
	// Listen is the address of the page; empty for the default.
	Listen string
	// Home is the absolute path of the user's home folder. It says where the
	// definition of a user's service goes.
	Home string
	// User is the user's name, and UID the number macOS knows the user by. A
	// service of the machine runs as this user too, unless it is on Linux with
	// its data in /var/lib/hearth, or on Windows: there it needs no person.
	User string
	UID  int
}

// Plan is a list of steps, in order, with what a person should know.
type Plan struct {
	Title string
	Steps []Step
	Notes []string
}

// Step does one thing: exactly one of its fields is set.
type Step struct {
	Write  *File
	Remove string   // the path of a file, which may be missing
	Run    []string // a program and its arguments
}

// File is a file to be written.
type File struct {
	Path string
	Text string
	Mode fs.FileMode
}

// Install returns what makes Hearth a service.
func Install(o Options) (Plan, error) {
	if err := o.check(); err != nil {
		return Plan{}, fmt.Errorf("plan the service: %w", err)
	}
	switch o.System {
	case "linux":
		return o.systemd(), nil
	case "darwin":
		return o.launchd(), nil
	}
	return o.task(), nil
}

// Uninstall returns what undoes Install. Data and configuration stay.
func Uninstall(o Options) (Plan, error) {
	if err := o.check(); err != nil {
		return Plan{}, fmt.Errorf("plan the service's removal: %w", err)
	}
	switch o.System {
	case "linux":
		return o.noSystemd(), nil
	case "darwin":
		return o.noLaunchd(), nil
	}
	return o.noTask(), nil
}

var (
	driveLetter = regexp.MustCompile(`^[A-Za-z]:\\`)
	userName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*$`)
)

func (o Options) check() error {
	if o.System != "linux" && o.System != "darwin" && o.System != "windows" {
		return fmt.Errorf("services on %q are not known: run \"hearth up\" from whatever starts programs there", o.System)
	}
	paths := map[string]string{"program": o.Binary, "data folder": o.Data}
	if o.Config != "" {
		paths["configuration"] = o.Config
	}
	if !o.Machine {
		paths["home folder"] = o.Home
	}
	for what, p := range paths {
		absolute := path.IsAbs(p)
		if o.System == "windows" {
			absolute = driveLetter.MatchString(p)
		}
		if !absolute {
			return fmt.Errorf("the path of the %s must be absolute, not %q", what, p)
		}
		if strings.ContainsAny(p, "\x00\r\n\"") {
			return fmt.Errorf("the path of the %s has a line end or a quotation mark in it: %q", what, p)
		}
	}
	if strings.ContainsAny(o.Listen, "\x00\r\n\" ") {
		return fmt.Errorf("%q is no address to listen on", o.Listen)
	}
	named := o.System == "linux" && !o.ownUser() || o.System == "darwin" && o.Machine
	if named && !userName.MatchString(o.User) {
		return fmt.Errorf("%q is not the name of a user", o.User)
	}
	return nil
}

// arguments is the command line after the program.
func (o Options) arguments() []string {
	args := []string{"up", "--data", o.Data}
	if o.Config != "" {
		args = append(args, "--config", o.Config)
	}
	if o.Listen != "" {
		args = append(args, "--listen", o.Listen)
	}
	return args
}

// String is the plan for people: what would be written and run.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Title)
	for i, s := range p.Steps {
		switch {
		case s.Write != nil:
			fmt.Fprintf(&b, "\n%d. Write %s:\n\n%s", i+1, s.Write.Path, indent(strings.TrimPrefix(s.Write.Text, bom)))
		case s.Remove != "":
			fmt.Fprintf(&b, "\n%d. Remove %s\n", i+1, s.Remove)
		default:
			fmt.Fprintf(&b, "\n%d. Run: %s\n", i+1, strings.Join(s.Run, " "))
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	return b.String()
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// Carry does the steps in order, telling out of each, and stops at the first
// that fails. Doing them again does no harm.
func (p Plan) Carry(ctx context.Context, out io.Writer) error {
	for _, s := range p.Steps {
		switch {
		case s.Write != nil:
			fmt.Fprintln(out, "write", s.Write.Path)
			if err := s.Write.write(); err != nil {
				return fmt.Errorf("write the service's definition: %w%s", err, whoMay(err))
			}
		case s.Remove != "":
			fmt.Fprintln(out, "remove", s.Remove)
			if err := os.Remove(s.Remove); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove the service's definition: %w%s", err, whoMay(err))
			}
		default:
			fmt.Fprintln(out, "run", strings.Join(s.Run, " "))
			cmd := exec.CommandContext(ctx, s.Run[0], s.Run[1:]...)
			if said, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("run %s: %w: %s", strings.Join(s.Run, " "), err, strings.TrimSpace(string(said)))
			}
		}
	}
	return nil
}

func whoMay(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return ": an administrator may; without --system the service is yours alone and needs none"
	}
	return ""
}

// write puts the file in place whole or not at all.
func (f *File) write() error {
	dir := filepath.Dir(f.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".hearth-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone once it is renamed
	_, err = tmp.WriteString(f.Text)
	err = errors.Join(err, tmp.Chmod(f.Mode), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), f.Path)
}
