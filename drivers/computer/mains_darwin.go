package computer

import (
	"context"
	"os/exec"
	"time"
)

// offMains returns why the computer may not compute for lack of mains power.
func offMains() string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/usr/bin/pmset", "-g", "batt").Output()
	if err != nil {
		return "it cannot be told whether it runs on battery: pmset: " + err.Error()
	}
	return readPmset(string(out))
}
