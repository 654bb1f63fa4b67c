package simulation

import (
	"context"
	"fmt"

	"hearth/chain/commons"
	"hearth/chain/commons/tree"
	"hearth/work"
)

// propose is what happens to projects for everybody.
func (w *world) propose() error {
	res, err := commons.NewQueryClient(w.chain.Asked()).Projects(context.Background(), &commons.QueryProjectsRequest{})
	if err != nil {
		return fmt.Errorf("ask for projects: %w", err)
	}
	for _, p := range res.Projects {
		// Lists are known by their roots: a proposal may have been refused.
		for _, l := range w.made {
			if l.Root() == tree.Hash(p.JobsRoot) {
				w.lists[p.Id] = l
			}
		}
		if err := w.attend(p); err != nil {
			return err
		}
	}
	if len(w.made) < 4 && w.chance(150) {
		return w.newProject()
	}
	return nil
}

func (w *world) newProject() error {
	var encodings [][]byte
	seen := map[[32]byte]bool{}
	for _, j := range w.newJobs(1 + w.r.IntN(25)) {
		if !seen[j.ID()] {
			seen[j.ID()] = true
			encodings = append(encodings, j.Encode())
		}
	}
	l, err := tree.NewList(encodings)
	if err != nil {
		return err
	}
	w.made = append(w.made, l)
	dearest, _, err := l.Cost(w.model.Config())
	if err != nil {
		return err
	}
	if w.chance(100) {
		dearest -= dearest / 3 // some of its jobs cost more than it says
	}
	id, root, who := w.model.ID(), l.Root(), one(w, w.clients)
	return w.send(who, &commons.MsgPropose{
		Proposer: who.Address, Title: "Books", Summary: "Old books, continued.", Licence: "CC0-1.0", Model: id[:], JobsRoot: root[:],
		Jobs: l.Len(), Sources: []string{"https://example.org/jobs"}, Budget: dearest * (1 + w.r.Uint64N(40)), JobMacs: min(dearest, work.MaxJobWork),
	})
}

// attend does something about a project, perhaps.
func (w *world) attend(p commons.Project) error {
	switch p.Status {
	case commons.STATUS_PROPOSED:
		if w.chance(100) {
			c := one(w, w.clients)
			return w.send(c, &commons.MsgChallenge{Challenger: c.Address, Project: p.Id, Reason: "why not"})
		}
	case commons.STATUS_CHALLENGED:
		for _, o := range w.operators {
			if (o.power > 0 || w.chance(50)) && w.chance(300) {
				if err := w.send(o.Person, &commons.MsgVote{Validator: o.Address, Project: p.Id, Uphold: w.chance(600)}); err != nil {
					return err
				}
			}
		}
	case commons.STATUS_ACTIVE, commons.STATUS_COMPLETE:
		for _, c := range w.clients {
			if c.Address == p.Proposer && w.chance(80) {
				content := make([]byte, 32)
				content[0] = byte(w.r.IntN(20))
				m := &commons.MsgPublish{Proposer: c.Address, Project: p.Id, Content: content, Uri: "https://example.org/x", Manifest: "run it"}
				if err := w.send(c, m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
