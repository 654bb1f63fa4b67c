package mine

import (
	"context"
	"errors"
	"time"

	"hearth/chain/commons/library"
	"hearth/chain/commons/tree"
)

const (
	// lends is how long the libraries of one project may take together, and
	// refuses for how long none of them is asked after they failed.
	lends   = 5 * time.Second
	refuses = time.Minute
)

// A lender fetches jobs of the commons in the worker's rounds. Whoever runs a
// project's libraries can be slow on purpose: what is claimed already has to be
// delivered all the same, so a project takes little time, and after a failure
// none for a while.
type lender struct {
	client library.Client
	now    func() time.Time
	failed map[tree.Hash]time.Time // when a project's libraries last did
}

var errRefuses = errors.New("the libraries of its project failed a short while ago")

// Job fetches a job and checks it.
func (l *lender) Job(ctx context.Context, p library.Project, index uint64) ([]byte, tree.Proof, error) {
	if at, failed := l.failed[p.Root]; failed && l.now().Before(at.Add(refuses)) {
		return nil, nil, errRefuses
	}
	delete(l.failed, p.Root)
	short, cancel := context.WithTimeout(ctx, lends)
	defer cancel()
	encoding, proof, err := l.client.Job(short, p, index)
	if err != nil && ctx.Err() == nil {
		l.failed[p.Root] = l.now()
	}
	return encoding, proof, err
}
