package service

import (
	"fmt"
	"strings"
)

// bom makes Windows PowerShell read a script as UTF-8.
const bom = "\ufeff"

// taskName is the name of the scheduled task.
const taskName = "Hearth"

// task plans a scheduled task. A Windows service would have to answer the
// service manager, which a plain program does not; a task runs any program,
// starts it again when it ends, and a user may make one without being an
// administrator.
func (o Options) task() Plan {
	script := o.Data + `\install-task.ps1`
	p := Plan{
		Title: "Hearth as a scheduled task of " + o.User,
		Steps: []Step{
			{Write: &File{Path: script, Text: bom + o.script(), Mode: 0o644}},
			{Run: powershell(script)},
		},
		Notes: []string{
			"It starts when " + o.User + " logs in.",
			"Stopping the task ends Hearth at once, before it can tell the heaters: stop it with Ctrl-C in a window, or open the heaters' relays. A heater with a dead-man timer goes off by itself; the page says which have one.",
			"This has been made from Microsoft's documentation and has not been tried on Windows.",
		},
	}
	if o.Machine {
		p.Title = "Hearth as a scheduled task of this computer"
		p.Notes[0] = "It starts with Windows, as LOCAL SERVICE, which must be allowed to read and write " + o.Data + "."
	}
	return p
}

func (o Options) noTask() Plan {
	script := o.Data + `\remove-task.ps1`
	text := bom + "$ErrorActionPreference = 'Stop'\n" +
		"Stop-ScheduledTask -TaskName " + psQuote(taskName) + "\n" +
		"Unregister-ScheduledTask -TaskName " + psQuote(taskName) + " -Confirm:$false\n"
	return Plan{
		Title: "Remove Hearth's scheduled task",
		Steps: []Step{
			{Write: &File{Path: script, Text: text, Mode: 0o644}},
			{Run: powershell(script)},
			{Remove: script},
			{Remove: o.Data + `\install-task.ps1`},
		},
		Notes: []string{
			"The data in " + o.Data + " stays.",
			"This has been made from Microsoft's documentation and has not been tried on Windows.",
		},
	}
}

func powershell(script string) []string {
	return []string{"powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", script}
}

// script registers the task; see the ScheduledTasks module of PowerShell.
func (o Options) script() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	var quoted []string
	for _, a := range o.arguments() {
		quoted = append(quoted, windowsQuote(a))
	}
	line("$ErrorActionPreference = 'Stop'")
	line("$action = New-ScheduledTaskAction -Execute %s -Argument %s",
		psQuote(windowsQuote(o.Binary)), psQuote(strings.Join(quoted, " ")))
	if o.Machine {
		line("$trigger = New-ScheduledTaskTrigger -AtStartup")
		line(`$principal = New-ScheduledTaskPrincipal -UserId 'NT AUTHORITY\LOCAL SERVICE' -LogonType ServiceAccount -RunLevel Limited`)
	} else {
		line(`$me = "$env:USERDOMAIN\$env:USERNAME"`)
		line("$trigger = New-ScheduledTaskTrigger -AtLogOn -User $me")
		line("$principal = New-ScheduledTaskPrincipal -UserId $me -LogonType Interactive -RunLevel Limited")
	}
	line("# No time limit, and again a minute after every end.")
	line("$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) `")
	line("  -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -StartWhenAvailable `")
	line("  -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -MultipleInstances IgnoreNew")
	line("Register-ScheduledTask -TaskName %s -Action $action -Trigger $trigger `", psQuote(taskName))
	line("  -Principal $principal -Settings $settings -Force | Out-Null")
	line("Start-ScheduledTask -TaskName %s", psQuote(taskName))
	return b.String()
}

// psQuote quotes a string for PowerShell, which expands nothing in single
// quotes.
func psQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// windowsQuote quotes one argument of a command line. There is no quotation
// mark in it; a backslash before the closing one must be doubled.
func windowsQuote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t") {
		return s
	}
	trailing := len(s) - len(strings.TrimRight(s, `\`))
	return `"` + s + strings.Repeat(`\`, trailing) + `"`
}
