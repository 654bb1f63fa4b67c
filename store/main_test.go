package store_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"testing"
)

// roleVariable makes the test program play a part in another process instead
// of running tests.
const roleVariable = "HEARTH_STORE_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func(dir string) error{"writer": writerRole, "holder": holderRole}
	maps.Copy(roles, diskRoles())
	if name := os.Getenv(roleVariable); name != "" {
		if err := roles[name](os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play returns the command that plays a role in the folder dir.
func play(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, dir)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}
