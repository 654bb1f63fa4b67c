package explorer

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxFollowers bounds the pages that follow the chain at a time; others are
	// read again by hand.
	maxFollowers = 256
	// pulse is how often the node is asked for its height.
	pulse = time.Second
)

// live tells a page when there is a new block, as server-sent events: at most
// one a second, however fast blocks come.
func (e *explorer) live(w http.ResponseWriter, r *http.Request) {
	select {
	case e.seats <- struct{}{}:
		defer func() { <-e.seats }()
	default:
		e.problem(w, r, &failure{http.StatusServiceUnavailable, "Too many pages follow this node.", "Read the page again by hand."})
		return
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := fmt.Fprint(w, "retry: 5000\n\n"); err != nil || out.Flush() != nil {
		return
	}
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	var told int64
	for silent := 0; ; silent++ {
		if height, ok := e.height(r.Context()); ok && height != told {
			told, silent = height, 0
			if _, err := fmt.Fprintf(w, "event: block\ndata: %d\n\n", height); err != nil || out.Flush() != nil {
				return
			}
		} else if silent == 15 { // a line that is dead is noticed by writing to it
			silent = 0
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}

func (e *explorer) height(ctx context.Context) (int64, bool) {
	ctx, cancel := context.WithTimeout(ctx, pulse)
	defer cancel()
	s, err := e.Chain.Status(ctx)
	if err != nil {
		return 0, false
	}
	return s.SyncInfo.LatestBlockHeight, true
}
