package commons_test

import (
	"errors"
	"strings"
	"testing"

	"hearth/chain/commons"
	hwork "hearth/work"
)

func TestWhatNoProjectMayBe(t *testing.T) {
	w := open(t, params(), 3)
	for what, change := range map[string]func(*commons.MsgPropose){
		"no title":            func(m *commons.MsgPropose) { m.Title = "" },
		"a long title":        func(m *commons.MsgPropose) { m.Title = strings.Repeat("a", 101) },
		"a control character": func(m *commons.MsgPropose) { m.Summary = "\x1b[2J" },
		"no text":             func(m *commons.MsgPropose) { m.Summary = "\xff" },
		"no licence":          func(m *commons.MsgPropose) { m.Licence = "" },
		"no sources":          func(m *commons.MsgPropose) { m.Sources = nil },
		"a file":              func(m *commons.MsgPropose) { m.Sources = []string{"file:///etc/passwd"} },
		"too many sources":    func(m *commons.MsgPropose) { m.Sources = make([]string, 9) },
		"a short root":        func(m *commons.MsgPropose) { m.JobsRoot = m.JobsRoot[1:] },
		"another model":       func(m *commons.MsgPropose) { m.Model = make([]byte, 32) },
		"no jobs":             func(m *commons.MsgPropose) { m.Jobs = 0 },
		"too many jobs":       func(m *commons.MsgPropose) { m.Jobs = 101 },
		"free jobs":           func(m *commons.MsgPropose) { m.JobMacs = 0 },
		"jobs beyond a claim": func(m *commons.MsgPropose) { m.JobMacs = hwork.MaxJobWork + 1 },
		"no budget for one":   func(m *commons.MsgPropose) { m.Budget = m.JobMacs - 1 },
		"an endless budget":   func(m *commons.MsgPropose) { m.Budget = 1 << 63 },
	} {
		if _, err := w.Propose(w.ctx, w.proposal(change)); !errors.Is(err, commons.ErrProposal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := w.spent(proposer); n != 0 {
		t.Errorf("refused, and %d kept", n)
	}
	for range 8 {
		w.propose()
	}
	if _, err := w.Propose(w.ctx, w.proposal()); !errors.Is(err, commons.ErrFull) {
		t.Errorf("a ninth project: %v", err)
	}
	poor := w.proposal(func(m *commons.MsgPropose) { m.Proposer = person(9) })
	w.blocks(40) // those that were there still are: they are not done
	if _, err := w.Propose(w.ctx, poor); err == nil {
		t.Error("a project without a bond")
	}
}

func TestWhoMayDoWhatWhen(t *testing.T) {
	w := open(t, params(), 10)
	id := w.propose()
	challenge := &commons.MsgChallenge{Challenger: challenger, Project: id, Reason: "spam"}
	vote := &commons.MsgVote{Validator: validators[0], Project: id, Uphold: true}
	publish := &commons.MsgPublish{Proposer: proposer, Project: id, Content: make([]byte, 32), Uri: "https://example.org/", Manifest: "x"}
	pause := &commons.MsgPause{Authority: w.authority, Project: id, Pause: true, Reason: "x"}
	do := func(what string, want error, err error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", what, err, want)
		}
		w.sound()
	}
	_, err := w.Vote(w.ctx, vote)
	do("a vote on what nobody challenged", commons.ErrStatus, err)
	_, err = w.Publish(w.ctx, publish)
	do("an artefact of no work", commons.ErrStatus, err)
	_, err = w.Pause(w.ctx, pause)
	do("a pause before the beginning", commons.ErrStatus, err)
	_, err = w.Challenge(w.ctx, &commons.MsgChallenge{Challenger: challenger, Project: id})
	do("a challenge without a reason", commons.ErrProposal, err)
	_, err = w.Challenge(w.ctx, &commons.MsgChallenge{Challenger: challenger, Project: 9, Reason: "x"})
	do("a challenge of nothing", commons.ErrUnknown, err)
	_, err = w.Challenge(w.ctx, challenge)
	do("a challenge", nil, err)
	_, err = w.Challenge(w.ctx, challenge)
	do("a second challenge", commons.ErrStatus, err)
	_, err = w.Vote(w.ctx, &commons.MsgVote{Validator: challenger, Project: id})
	do("a vote without power", commons.ErrVoter, err)
	_, err = w.Vote(w.ctx, vote)
	do("a vote", nil, err)
	w.blocks(11)
	_, err = w.Vote(w.ctx, vote)
	do("a vote after the decision", commons.ErrStatus, err)
	_, err = w.Challenge(w.ctx, challenge)
	do("a challenge after the decision", commons.ErrStatus, err)
	_, err = w.Publish(w.ctx, &commons.MsgPublish{Proposer: challenger, Project: id, Content: make([]byte, 32), Uri: "https://example.org/", Manifest: "x"})
	do("somebody else's artefact", commons.ErrProposer, err)
	for _, bad := range []*commons.MsgPublish{
		{Proposer: proposer, Project: id, Content: make([]byte, 31), Uri: "https://example.org/", Manifest: "x"},
		{Proposer: proposer, Project: id, Content: make([]byte, 32), Uri: "ftp://example.org/", Manifest: "x"},
		{Proposer: proposer, Project: id, Content: make([]byte, 32), Uri: "https://example.org/", Manifest: ""},
	} {
		_, err = w.Publish(w.ctx, bad)
		do("an artefact that is none", commons.ErrArtefact, err)
	}
	_, err = w.Publish(w.ctx, publish)
	do("an artefact", nil, err)
	_, err = w.Publish(w.ctx, publish)
	do("the same artefact", commons.ErrArtefact, err)
	for i := range byte(16) {
		publish.Content = append(make([]byte, 31), i+1)
		_, err = w.Publish(w.ctx, publish)
	}
	do("a seventeenth artefact", commons.ErrArtefact, err)
	_, err = w.Pause(w.ctx, &commons.MsgPause{Authority: proposer, Project: id, Pause: true, Reason: "x"})
	do("a pause by anybody", commons.ErrAuthority, err)
	_, err = w.Pause(w.ctx, pause)
	do("a pause", nil, err)
	_, err = w.Pause(w.ctx, pause)
	do("a second pause", commons.ErrStatus, err)
	_, err = w.UpdateParams(w.ctx, &commons.MsgUpdateParams{Authority: proposer, Params: params()})
	do("parameters by anybody", commons.ErrAuthority, err)
	_, err = w.UpdateParams(w.ctx, &commons.MsgUpdateParams{Authority: w.authority})
	do("no parameters", commons.ErrParams, err)
	_, err = w.UpdateParams(w.ctx, &commons.MsgUpdateParams{Authority: w.authority, Params: commons.DefaultParams()})
	do("parameters", nil, err)
}

func TestAJobMustBeTheOneThatWasAssigned(t *testing.T) {
	w := open(t, params(), 10)
	id := w.propose(func(m *commons.MsgPropose) { m.Budget = m.JobMacs * 100 })
	cheap := w.propose(func(m *commons.MsgPropose) { m.JobMacs-- })
	w.blocks(10)
	a, other := w.given[0], w.given[1]
	if a.Project != id || other.Project != cheap {
		t.Fatalf("assigned: %v", w.given)
	}
	b, proof, err := w.list.Job(a.Index)
	if err != nil {
		t.Fatal(err)
	}
	next := (a.Index + 1) % 10
	b2, proof2, err := w.list.Job(next)
	if err != nil {
		t.Fatal(err)
	}
	same, proof3, err := w.list.Job(other.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what           string
		project, index uint64
		b              []byte
		proof          [][]byte
		want           error
	}{
		{"the job", id, a.Index, b, proof, nil},
		{"another job", id, a.Index, b2, proof2, commons.ErrJob},
		{"a job that nobody has", id, next, b2, proof2, commons.ErrJob},
		{"a job without proof", id, a.Index, b, nil, commons.ErrJob},
		{"a giant", id, a.Index, make([]byte, 1<<20), proof, commons.ErrJob},
		{"a job dearer than said", cheap, other.Index, same, proof3, commons.ErrJob},
		{"no project", 9, a.Index, b, proof, commons.ErrUnknown},
	} {
		if err := w.keeper.ProveJob(w.ctx, c.project, c.index, c.b, c.proof); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", c.what, err, c.want)
		}
	}
	w.settle(0, true)
	if err := w.keeper.JobSettled(w.ctx, a.Project, a.Index, 1, true); !errors.Is(err, commons.ErrJob) {
		t.Errorf("settled twice: %v", err)
	}
}

func TestParameters(t *testing.T) {
	for name, p := range map[string]commons.Params{"the real network": commons.DefaultParams(), "test networks": commons.FastParams(), "tests": params()} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for what, change := range map[string]func(*commons.Params){
		"no bond":            func(p *commons.Params) { p.Bond = 0 },
		"a negative period":  func(p *commons.Params) { p.VotePeriod = -1 },
		"more than all":      func(p *commons.Params) { p.ProjectCap = 1001 },
		"trees too large":    func(p *commons.Params) { p.MaxJobs = 1 << 25 },
		"no draws":           func(p *commons.Params) { p.DrawBlocks = 0 },
		"draws without jobs": func(p *commons.Params) { p.JobsPerDraw = 0 },
	} {
		p := commons.DefaultParams()
		change(&p)
		if err := p.Validate(); !errors.Is(err, commons.ErrParams) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
