package service

import (
	"fmt"
	"path"
	"strings"
)

// unitName is the name of the systemd unit.
const unitName = "hearth.service"

func (o Options) unitPath() string {
	if o.Machine {
		return "/etc/systemd/system/" + unitName
	}
	return path.Join(o.Home, ".config/systemd/user", unitName)
}

// ownUser reports whether systemd makes a user for the service. It can do so
// only where it also makes the data folder.
func (o Options) ownUser() bool { return o.Machine && o.Data == "/var/lib/hearth" }

func (o Options) systemctl(args ...string) Step {
	cmd := []string{"systemctl"}
	if !o.Machine {
		cmd = append(cmd, "--user")
	}
	return Step{Run: append(cmd, args...)}
}

func (o Options) systemd() Plan {
	p := Plan{
		Title: "Hearth as a systemd service of " + o.User,
		Steps: []Step{
			{Write: &File{Path: o.unitPath(), Text: o.unit(), Mode: 0o644}},
			o.systemctl("daemon-reload"),
			o.systemctl("enable", "--now", unitName),
		},
	}
	journal := "journalctl --user -u hearth"
	if o.Machine {
		p.Title = "Hearth as a systemd service of this computer"
		journal = "journalctl -u hearth"
		who := "It runs as " + o.User + "."
		if o.ownUser() {
			who = "It runs as a user of its own that exists only while it runs."
		}
		p.Notes = append(p.Notes, who+" Files of secrets that the configuration names must be readable for that user.")
	} else {
		// Without this a user's services end when the user logs out.
		p.Steps = append(p.Steps, Step{Run: []string{"loginctl", "enable-linger", o.User}})
	}
	p.Notes = append(p.Notes, "Its log: "+journal)
	return p
}

func (o Options) noSystemd() Plan {
	return Plan{
		Title: "Remove Hearth's systemd service",
		Steps: []Step{
			o.systemctl("disable", "--now", unitName),
			{Remove: o.unitPath()},
			o.systemctl("daemon-reload"),
		},
		Notes: []string{"The data in " + o.Data + " stays."},
	}
}

// unit is the text of the unit. Options are those of systemd.exec(5) of
// systemd 247 (Debian 11) and later. A user's manager cannot make namespaces
// of its own everywhere, so a user's unit has only the restrictions that work
// by system-call filters.
func (o Options) unit() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line("[Unit]")
	line("Description=Hearth heats this building with computation")
	if o.Machine {
		line("Wants=network-online.target")
		line("After=network-online.target")
	}
	line("# A heater is never given up on.")
	line("StartLimitIntervalSec=0")
	line("")
	line("[Service]")
	line("Type=exec")
	command := []string{unitQuote(o.Binary)}
	for _, a := range o.arguments() {
		// Only command lines expand variables.
		command = append(command, strings.ReplaceAll(unitQuote(a), "$", "$$"))
	}
	line("ExecStart=%s", strings.Join(command, " "))
	line("Restart=always")
	line("RestartSec=5")
	line("# Time to tell every heater to go to its safe state.")
	line("TimeoutStopSec=60")
	line("UMask=0077")
	line("")
	line("NoNewPrivileges=yes")
	line("LockPersonality=yes")
	line("MemoryDenyWriteExecute=yes")
	line("RestrictNamespaces=yes")
	line("RestrictRealtime=yes")
	line("RestrictSUIDSGID=yes")
	line("# AF_NETLINK lists the network interfaces.")
	line("RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK")
	line("SystemCallArchitectures=native")
	line("SystemCallFilter=@system-service")
	if o.Machine {
		line("")
		if o.ownUser() {
			line("DynamicUser=yes")
			line("StateDirectory=hearth")
			line("StateDirectoryMode=0700")
		} else {
			line("User=%s", o.User)
			line("ReadWritePaths=%s", unitQuote(o.Data))
		}
		line("CapabilityBoundingSet=")
		line("ProtectSystem=strict")
		line("ProtectHome=%s", o.protectHome())
		line("PrivateTmp=yes")
		line("ProtectClock=yes")
		line("ProtectHostname=yes")
		line("ProtectControlGroups=yes")
		line("ProtectKernelLogs=yes")
		line("ProtectKernelModules=yes")
		line("# Power meters of the processor are read below /sys, never written.")
		line("ProtectKernelTunables=yes")
		line("ProtectProc=invisible")
	}
	line("")
	line("[Install]")
	if o.Machine {
		line("WantedBy=multi-user.target")
	} else {
		line("WantedBy=default.target")
	}
	return b.String()
}

// protectHome hides people's folders, unless Hearth itself lives in one.
func (o Options) protectHome() string {
	for _, p := range []string{o.Binary, o.Data, o.Config} {
		for _, home := range []string{"/home/", "/root/", "/run/user/"} {
			if strings.HasPrefix(p, home) {
				return "read-only"
			}
		}
	}
	return "yes"
}

// unitQuote quotes one word of a unit; see "Quoting" in systemd.syntax(7) and
// "Specifiers" in systemd.unit(5). There is no quotation mark in it.
func unitQuote(s string) string {
	s = strings.NewReplacer(`%`, `%%`, `\`, `\\`).Replace(s)
	if strings.ContainsAny(s, " \t';\\") {
		return `"` + s + `"`
	}
	return s
}
