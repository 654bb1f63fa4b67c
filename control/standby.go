package control

// Standby returns what [Home.Safe] would send now, without noting it as sent:
// for a watchdog that must be able to act when the home itself cannot.
func (h *Home) Standby(why string) []Command {
	out := make([]Command, 0, len(h.super.heaters))
	for _, w := range h.super.heaters {
		out = append(out, Command{w.ID, h.super.stopDemand(w, why), true})
	}
	return out
}
