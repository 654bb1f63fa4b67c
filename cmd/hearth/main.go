// Command hearth heats a home with computation.
//
// "hearth up" is all that most people need; every command has --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes, as "hearth --help" documents them.
const (
	exitFailed  = 1 // it was tried and did not work
	exitUsage   = 2 // the command line or the configuration is wrong
	exitAbsent  = 3 // no running Hearth answers
	exitProblem = 4 // a check found something
)

// cli is the command line.
type cli struct {
	Up       upCmd       `cmd:"" help:"Heat this home: read everything, decide, command, and show a page. Without a configuration it runs a simulated home."`
	Check    checkCmd    `cmd:"" help:"Check a configuration file and say what is wrong with it."`
	Status   statusCmd   `cmd:"" help:"Say how the running home is."`
	Set      setCmd      `cmd:"" help:"Ask a room or tank for a temperature, a preset or a mode."`
	Devices  devicesCmd  `cmd:"" help:"List the devices of the running home, or find devices on the network."`
	Install  installCmd  `cmd:"" help:"An installer's first hour: find, add, prove and sign for a device."`
	Model    modelCmd    `cmd:"" help:"Models on this computer: pull, add, list, show, verify, remove."`
	Serve    serveCmd    `cmd:"" help:"Serve models to programs that speak OpenAI's API, without heating."`
	Key      keyCmd      `cmd:"" help:"Keys for programs that use \"hearth serve\"."`
	Embed    embedCmd    `cmd:"" help:"Turn texts into vectors."`
	Chat     chatCmd     `cmd:"" help:"Talk with a model in the terminal."`
	Search   searchCmd   `cmd:"" help:"Search a folder by meaning."`
	Mine     mineCmd     `cmd:"" help:"Mine on the network: verified useful work, paid in its coins."`
	Pool     poolCmd     `cmd:"" help:"This home's own mining pool: miners, parties, payouts, statements."`
	Verify   verifyCmd   `cmd:"" help:"Check a receipt offline, and say what it proves and what not."`
	Bench    benchCmd    `cmd:"" help:"Measure what this computer computes, beside what it could at most."`
	Plan     planCmd     `cmd:"" help:"Would it pay here? Plan a home hour by hour, or the map of where it pays."`
	Emulate  emulateCmd  `cmd:"" help:"Emulate a device on a socket, with a simulated house around it."`
	Ledger   ledgerCmd   `cmd:"" help:"Verify, show or export the joule ledger."`
	Password passwordCmd `cmd:"" help:"Set the password, which opens the page to the local network over TLS."`
	Backup   backupCmd   `cmd:"" help:"Copy everything Hearth keeps of this home into one file."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup in place of what Hearth keeps."`
	Service  serviceCmd  `cmd:"" help:"Start Hearth with this computer."`
	Version  versionCmd  `cmd:"" help:"Say which version this is."`
}

const description = `Hearth turns a building's demand for heat into paid computation.

Start with "hearth up". Exit codes: 0 done, 1 failed, 2 wrong usage or
configuration, 3 no running Hearth answers, 4 a check found a problem.`

// program is what a command may touch of the process, so that commands can be
// run within a test.
type program struct {
	ctx      context.Context //nolint:containedctx // kong hands a command one value, and this is it
	in       io.Reader
	out, err io.Writer
	colour   bool
}

func main() { os.Exit(realMain()) }

// realMain runs the command line of the process and returns its exit code.
func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first Ctrl-C ends the command in order, the second at once.
	context.AfterFunc(ctx, stop)
	p := &program{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, colour: isTerminal(os.Stdout)}
	return p.run(os.Args[1:])
}

// run executes one command line.
func (p *program) run(args []string) (code int) {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("hearth"), kong.Description(description),
		kong.Writers(p.out, p.err), kong.Exit(func(code int) { exited = code; panic(exitPanic{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Vars{"data": defaultData(), "url": defaultURL})
	if err != nil {
		fmt.Fprintln(p.err, "hearth:", err)
		return exitFailed
	}
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(exitPanic); !ok {
				panic(v)
			}
			code = exited
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(p.err, "hearth: %v\n", err)
		fmt.Fprintln(p.err, `Say "hearth --help" or "hearth COMMAND --help".`)
		return exitUsage
	}
	if err := k.Run(p); err != nil {
		for i, line := range strings.Split(err.Error(), "\n") {
			if i == 0 {
				line = "hearth: " + line
			}
			fmt.Fprintln(p.err, line)
		}
		if coded, ok := errors.AsType[*codedError](err); ok {
			return coded.code
		}
		return exitFailed
	}
	return 0
}

// exitPanic unwinds out of kong when it has printed help.
type exitPanic struct{}

// codedError is an error with an exit code of its own.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code, err}
}
