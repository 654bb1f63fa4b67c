package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"hearth/chain/mine"
)

type mineStatusCmd struct {
	Data string `help:"Folder for everything Hearth keeps." default:"${data}" type:"path" placeholder:"DIR"`
	JSON bool   `help:"Print JSON, each event with its proof."`
}

// mineEvent is an event for programs.
type mineEvent struct {
	Kind     string     `json:"kind"`
	At       time.Time  `json:"at"`
	Claim    string     `json:"claim,omitempty"`
	Job      string     `json:"job,omitempty"`
	Model    string     `json:"model,omitempty"`
	Class    string     `json:"class,omitempty"`
	Status   string     `json:"status,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Tickets  int        `json:"tickets,omitempty"`
	Credited uint64     `json:"credited_macs,omitempty"`
	Amount   uint64     `json:"uhth"`
	Proof    mine.Proof `json:"proof"`
}

func mineEventOf(e mine.Event) mineEvent {
	v := mineEvent{
		Kind: string(e.Kind), At: e.At, Status: e.Status, Reason: e.Reason,
		Tickets: e.Tickets, Credited: e.Credited, Amount: e.Amount, Proof: e.Proof,
	}
	if e.Kind == mine.Ended {
		v.Claim, v.Job, v.Model, v.Class = e.Claim.String(), e.Job.String(), e.Model.String(), e.Class.String()
	}
	return v
}

// eventSentence says what happened.
func eventSentence(e mine.Event) string {
	if e.Kind == mine.Income {
		return fmt.Sprintf("The network pays %s for verified work, proven by block %d.", coins(e.Amount), e.Proof.Height)
	}
	s := fmt.Sprintf("Claim %s (%s): %s", e.Claim.String()[:12], e.Class, e.Status)
	if e.Reason != "" {
		s += ", " + oneLine(e.Reason)
	}
	if e.Tickets > 0 {
		s += fmt.Sprintf("; %s, %.3f billion multiply-accumulates credited", count(e.Tickets, "ticket"), float64(e.Credited)/1e9)
	}
	if e.Amount > 0 {
		s += "; the client pays " + coins(e.Amount)
	}
	return s + "."
}

// coins is an amount of the network's coin, which is never turned into money.
func coins(uhth uint64) string { return fmt.Sprintf("%d.%06d HTH", uhth/1e6, uhth%1e6) }

// mineState is what a worker's folder says, for programs.
type mineState struct {
	mine.Summary
	Held   []mineHeld  `json:"held"`
	Events []mineEvent `json:"events"`
}

type mineHeld struct {
	Claim  string `json:"claim"`
	Class  string `json:"class"`
	Status string `json:"status"`
	Closes int64  `json:"closes,omitempty"`
}

// Run tells what was mined, from what the worker has written down.
func (c *mineStatusCmd) Run(p *program) error {
	folders, err := filepath.Glob(filepath.Join(c.Data, mineFolder, "*", mineJournal))
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return coded(exitAbsent, errors.New("nothing was mined from this data folder yet: \"hearth mine work\" begins"))
	}
	all := []mineState{}
	for _, dir := range folders {
		summary, held, events, err := mine.ReadJournal(dir)
		if err != nil {
			return err
		}
		s := mineState{Summary: summary, Held: []mineHeld{}, Events: []mineEvent{}}
		for _, h := range held {
			one := mineHeld{Claim: h.Claim.String(), Class: h.Class.String(), Status: "asked for"}
			if h.Last != nil {
				one.Status, one.Closes = h.Last.Status.String(), h.Last.Closes
			}
			s.Held = append(s.Held, one)
		}
		for _, e := range events {
			s.Events = append(s.Events, mineEventOf(e))
		}
		all = append(all, s)
		if !c.JSON {
			c.print(p, s, events)
		}
	}
	if c.JSON {
		return printJSON(p.out, all)
	}
	return nil
}

// lastEvents is how many events people are shown.
const lastEvents = 10

func (c *mineStatusCmd) print(p *program, s mineState, events []mine.Event) {
	if s.Chain == "" {
		fmt.Fprintln(p.out, "A worker has begun and has not met its network yet.")
		return
	}
	fmt.Fprintf(p.out, "%s\n", p.paint(bold, fmt.Sprintf("%s, block %d, %s", oneLine(s.Chain), s.Height, s.Time.Local().Format("2 January 15:04:05"))))
	if s.Test {
		fmt.Fprintln(p.out, p.paint(warm, worthless))
	}
	if s.Trouble != "" {
		fmt.Fprintln(p.out, p.paint(bad, "Trouble: "+oneLine(s.Trouble)))
	}
	table(p.out, [][]string{
		{"owner", s.Owner},
		{"bond", coins(s.Bond) + ", locked " + coins(s.Locked)},
		{"credited", fmt.Sprintf("%.3f billion multiply-accumulates", float64(s.Mega)/1e3)},
		{"paid out", coins(s.PaidOut)},
		{"vesting", coins(s.Vesting)},
		{"under way", count(len(s.Held), "claim")},
	})
	for _, e := range events[max(0, len(events)-lastEvents):] {
		fmt.Fprintf(p.out, "%s  %s\n", e.At.Local().Format("2 Jan 15:04:05"), eventSentence(e))
	}
}

// printLine writes v as one line of JSON.
func printLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
