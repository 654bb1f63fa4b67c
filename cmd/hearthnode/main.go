// Command hearthnode runs a node of Hearth's network: it keeps the chain,
// validates, runs work again that others were paid for, and answers questions
// about all of it.
//
//	hearthnode devnet                # a network on this machine, in one command
//	hearthnode join http://HOST:26657
//	hearthnode init && hearthnode start
//	hearthnode query work market
//	hearthnode tx bank send ALICE BOB 5000000uhth
//
// Homes that heat and mine need none of this: they run hearth. The coins are
// test coins and worth nothing.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	servercmd "github.com/cosmos/cosmos-sdk/server/cmd"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/app"
)

func main() {
	if err := execute(); err != nil {
		fmt.Fprintln(os.Stderr, "hearthnode:", err)
		os.Exit(1)
	}
}

func execute() error {
	// The SDK keeps the form of addresses by a name. Without one it asks the
	// system for this program's path and machine, at every address it handles.
	if err := os.Setenv(sdk.EnvConfigScope, app.Name); err != nil {
		return fmt.Errorf("name the form of addresses: %w", err)
	}
	root, err := newRoot()
	if err != nil {
		return err
	}
	return servercmd.Execute(root, "HEARTHNODE", defaultHome())
}

// defaultHome is the folder of a node whose owner names none.
func defaultHome() string {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, "."+app.Name)
}
