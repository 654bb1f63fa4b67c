package explorer

import (
	"context"
	"net/http"
	"time"

	"hearth/chain/beacon"
	"hearth/chain/emission"
	"hearth/chain/power"
	"hearth/chain/work"
)

// headline is the figure that the network is for.
type headline struct {
	Share    string // of credited work that was verified, "" if there is none
	Broken   bool   // more was paid for than was verified
	Classes  []classShare
	Held     string // share of the work behind tickets that held
	Void     string
	Open     string // undecided
	HeldAll  bool
	Tickets  string
	Delivery string
}

type classShare struct {
	Name, For, Credited, Part, Verified string
	Class                               string // of the style sheet
	Permille                            int    // of what was credited, for the bar
}

// overviewBody is the first page. What could not be read is in Unread.
type overviewBody struct {
	Headline *headline
	Chart    *chart
	Stats    []fact
	Blocks   *table
	Tickets  *table
	Unread   []string
}

func (e *explorer) overview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	status, err := e.Chain.Status(ctx)
	if err != nil {
		e.problem(w, r, err)
		return
	}
	body := &overviewBody{}
	unread := func(what string, err error) {
		if f := failureOf(err); f.Code >= http.StatusInternalServerError {
			e.log.WarnContext(ctx, "part of the overview failed", "part", what, "error", err)
		}
		body.Unread = append(body.Unread, what+" could not be read: "+failureOf(err).Said)
	}
	e.fillWork(ctx, body, unread)
	body.Stats = e.stats(ctx, unread)
	if metas, err := e.headers(ctx, 0); err != nil {
		unread("Blocks", err)
	} else {
		if n := len(metas); n > 1 {
			d := metas[0].Header.Time.Sub(metas[n-1].Header.Time) / time.Duration(n-1)
			body.Stats = append([]fact{{"Between blocks", cell{Text: seconds(d), Note: "mean of the last " + number(n)}}}, body.Stats...)
		}
		t := blockTable(metas[:min(len(metas), 8)], e.proposers(ctx))
		t.Title, t.More = "Latest blocks", &entry{"/blocks", "All blocks"}
		body.Blocks = &t
	}
	if res, err := e.work.Tickets(ctx, &work.QueryTicketsRequest{Pagination: latest()}); err != nil {
		unread("Tickets", err)
	} else {
		t := e.known().found(ctx, res.Tickets[:min(len(res.Tickets), 8)])
		t.Title, t.More = "Latest tickets", &entry{"/tickets", "All tickets"}
		body.Tickets = &t
	}
	title := plain(status.NodeInfo.Network)
	if status.SyncInfo.CatchingUp {
		body.Unread = append(body.Unread, "This node is catching up: what it shows is of block "+number(status.SyncInfo.LatestBlockHeight)+", "+when(status.SyncInfo.LatestBlockTime)+".")
	}
	e.show(w, r, http.StatusOK, "overview", view{Title: title, Live: true}, body)
}

// fillWork reads what was credited, and draws it.
func (e *explorer) fillWork(ctx context.Context, body *overviewBody, unread func(string, error)) {
	tally, err := e.work.Tally(ctx, &work.QueryTallyRequest{})
	if err != nil {
		unread("What was credited", err)
		return
	}
	paid, epochs, err := e.recount(ctx)
	if err != nil {
		unread("What was paid for", err)
		return
	}
	body.Headline = newHeadline(&tally.Tally, paid)
	body.Chart = newChart(epochs)
}

// newHeadline works the figure out: what validators verified of each class,
// against what emission paid for. The two are counted by different modules, and
// no class may be paid for more than was verified.
func newHeadline(t *work.Tally, paid [3]uint64) *headline {
	verified := [3]uint64{t.MegaPaid, t.MegaCommons, t.MegaAudit}
	h := &headline{Tickets: number(t.TicketsCredited), Delivery: number(t.JobsDelivered)}
	var all, good uint64
	for i, v := range verified {
		all = sum(all, max(v, paid[i]))
		good = sum(good, v)
	}
	if all == 0 {
		return h
	}
	h.Share, h.Broken = share(good, all), good < all
	for i, c := range []classShare{
		{Name: "Paid jobs", For: "somebody asked for the answer and paid for it", Class: "paid"},
		{Name: "Commons", For: "a public project that anybody could have challenged", Class: "commons"},
		{Name: "Audits", For: "the network: another miner's work, run again", Class: "audit"},
	} {
		credited := max(verified[i], paid[i])
		c.Credited, c.Part, c.Verified = mega(credited), share(credited, all), share(verified[i], credited)
		c.Permille = parts(credited, all)
		h.Classes = append(h.Classes, c)
	}
	stood := sum(good, t.MegaVoided, t.MegaUndecided)
	h.Held, h.Void, h.Open = share(good, stood), share(t.MegaVoided, stood), share(t.MegaUndecided, stood)
	h.HeldAll = stood == good
	return h
}

func seconds(d time.Duration) string {
	ms := d.Milliseconds()
	if ms < 1000 {
		return number(ms) + " ms"
	}
	tenths := (ms + 50) / 100
	return number(tenths/10) + "." + number(tenths%10) + " s"
}

func (e *explorer) stats(ctx context.Context, unread func(string, error)) []fact {
	var list []fact
	if res, err := e.work.Market(ctx, &work.QueryMarketRequest{}); err != nil {
		unread("The market", err)
	} else {
		m := &res.Market
		list = append(list,
			fact{"Jobs open", cell{Text: number(m.OpenJobs), Href: "/jobs?status=1"}},
			fact{"A ticket stands for", multiplied(m.TicketMacs)},
			fact{"Base fee", cell{Text: hth(m.BaseFee), Note: "burned, for 1 GMAC"}},
		)
	}
	if res, err := e.power.Status(ctx, &power.QueryStatusRequest{}); err != nil {
		unread("Power", err)
	} else {
		list = append(list,
			fact{"Largest validator", cell{Text: permille(res.LargestPermille), Note: "of all power", Href: "/validators"}},
			fact{"Could stop the chain", cell{Text: number(res.Nakamoto), Note: "validators together, at least"}},
		)
	}
	if res, err := e.emission.Status(ctx, &emission.QueryStatusRequest{}); err != nil {
		unread("Emission", err)
	} else {
		list = append(list, fact{"Minted", cell{Text: hth(res.State.Minted), Note: share(res.State.Minted, res.Cap) + " of the cap", Href: "/emission"}})
	}
	if res, err := e.beacon.Status(ctx, &beacon.QueryStatusRequest{}); err != nil {
		unread("The beacon", err)
	} else {
		c := source(&res.Params)
		note := "round " + number(res.State.LastRound)
		if res.State.Stale {
			note = "silent since " + note
		}
		list = append(list, fact{"Beacon", cell{Text: c.Text, Tone: c.Tone, Note: note, Href: "/beacon"}})
	}
	return list
}
