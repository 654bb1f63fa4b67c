package computer

import "strings"

const mainsUnknown = "it cannot be told whether it runs on battery"

// readPmset reads what "pmset -g batt" says on macOS: its first line is
// "Now drawing from 'AC Power'" or "…'Battery Power'".
func readPmset(out string) string {
	line, _, _ := strings.Cut(out, "\n")
	switch {
	case strings.Contains(line, "'AC Power'"):
		return ""
	case strings.Contains(line, "'Battery Power'"), strings.Contains(line, "'UPS Power'"):
		return onBattery
	}
	return mainsUnknown
}
