package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"hearth/internal/service"
)

type serviceCmd struct {
	Install   serviceInstallCmd `cmd:"" help:"Start Hearth with this computer, by systemd, launchd or the Windows task scheduler."`
	Uninstall serviceRemoveCmd  `cmd:"" help:"Undo that. Data and configuration stay."`
}

// serviceFlags says what is to be started.
type serviceFlags struct {
	Machine bool   `help:"For the whole machine, from its start on; needs an administrator. Otherwise for you, from your login on."`
	Data    string `help:"Folder for the ledger and settings." default:"${data}" type:"path" placeholder:"DIR"`
	Config  string `help:"The file that describes the home." type:"path" placeholder:"FILE"`
	Listen  string `help:"Address of the page." placeholder:"HOST:PORT"`
	DryRun  bool   `help:"Only show what would be done."`
}

func (f serviceFlags) options() (service.Options, error) {
	o := service.Options{System: runtime.GOOS, Machine: f.Machine, Data: f.Data, Config: f.Config, Listen: f.Listen}
	var err error
	if o.Binary, err = os.Executable(); err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	if strings.Contains(o.Binary, string(filepath.Separator)+"go-build") {
		return o, coded(exitUsage, errors.New("this program was built by \"go run\" and will be gone: build it with \"go build ./cmd/hearth\" or install a release first"))
	}
	if o.Home, err = os.UserHomeDir(); err != nil {
		return o, fmt.Errorf("find your home folder: %w", err)
	}
	u, err := user.Current()
	if err != nil {
		return o, fmt.Errorf("find out who you are: %w", err)
	}
	o.User = u.Username
	o.UID, _ = strconv.Atoi(u.Uid) // not a number on Windows, where it is not used
	return o, nil
}

type serviceInstallCmd struct {
	serviceFlags `embed:""`
}

// Run installs the service.
func (c *serviceInstallCmd) Run(p *program) error {
	return c.carryOut(p, service.Install)
}

type serviceRemoveCmd struct {
	serviceFlags `embed:""`
}

// Run removes the service.
func (c *serviceRemoveCmd) Run(p *program) error {
	return c.carryOut(p, service.Uninstall)
}

// carryOut does a plan, or shows it.
func (f serviceFlags) carryOut(p *program, plan func(service.Options) (service.Plan, error)) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	todo, err := plan(o)
	if err != nil {
		return coded(exitUsage, err)
	}
	if f.DryRun {
		fmt.Fprint(p.out, todo)
		return nil
	}
	return todo.Carry(p.ctx, p.out)
}
