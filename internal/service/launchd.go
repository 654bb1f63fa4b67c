package service

import (
	"encoding/xml"
	"fmt"
	"path"
	"strings"
)

// label is the name of the launchd job.
const label = "hearth"

func (o Options) plistPath() string {
	if o.Machine {
		return "/Library/LaunchDaemons/" + label + ".plist"
	}
	return path.Join(o.Home, "Library/LaunchAgents", label+".plist")
}

// domain is where launchd keeps the job.
func (o Options) domain() string {
	if o.Machine {
		return "system"
	}
	return fmt.Sprintf("gui/%d", o.UID)
}

func (o Options) logPath() string {
	if o.Machine {
		return "/Library/Logs/hearth.log"
	}
	return path.Join(o.Home, "Library/Logs/hearth.log")
}

func (o Options) launchd() Plan {
	title := "Hearth as a launchd agent of " + o.User
	note := "It starts when " + o.User + " logs in."
	if o.Machine {
		title = "Hearth as a launchd daemon of this computer"
		note = "It runs as " + o.User + ", before anybody logs in."
	}
	return Plan{
		Title: title,
		Steps: []Step{
			{Write: &File{Path: o.plistPath(), Text: o.plist(), Mode: 0o644}},
			{Run: []string{"launchctl", "bootstrap", o.domain(), o.plistPath()}},
			{Run: []string{"launchctl", "enable", o.domain() + "/" + label}},
		},
		Notes: []string{
			note,
			"A Mac that sleeps does not heat: see \"pmset\" to keep it awake.",
			"Its log: " + o.logPath(),
			"This has been made from Apple's documentation and has not been tried on a Mac.",
		},
	}
}

func (o Options) noLaunchd() Plan {
	return Plan{
		Title: "Remove Hearth's launchd job",
		Steps: []Step{
			{Run: []string{"launchctl", "bootout", o.domain() + "/" + label}},
			{Remove: o.plistPath()},
		},
		Notes: []string{"The data in " + o.Data + " stays."},
	}
}

// plist is the text of the job; see launchd.plist(5).
func (o Options) plist() string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
`)
	text := func(s string) string {
		var e strings.Builder
		if err := xml.EscapeText(&e, []byte(s)); err != nil {
			panic("service: " + err.Error()) // a strings.Builder takes everything
		}
		return "<string>" + e.String() + "</string>"
	}
	entry := func(key, value string) { fmt.Fprintf(&b, "\t<key>%s</key>\n\t%s\n", key, value) }
	entry("Label", text(label))
	var args strings.Builder
	for _, a := range append([]string{o.Binary}, o.arguments()...) {
		args.WriteString("\n\t\t" + text(a))
	}
	entry("ProgramArguments", "<array>"+args.String()+"\n\t</array>")
	if o.Machine {
		entry("UserName", text(o.User))
	}
	entry("RunAtLoad", "<true/>")
	entry("KeepAlive", "<true/>")
	entry("ThrottleInterval", "<integer>5</integer>")
	// Time to tell every heater to go to its safe state.
	entry("ExitTimeOut", "<integer>60</integer>")
	entry("ProcessType", text("Interactive")) // not slowed down as background work
	entry("Umask", "<integer>63</integer>")   // octal 077
	entry("StandardErrorPath", text(o.logPath()))
	entry("StandardOutPath", text(o.logPath()))
	b.WriteString("</dict>\n</plist>\n")
	return b.String()
}
