package explorer

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"

	"hearth/chain/model"
	"hearth/chain/work"
	proof "hearth/work"
)

// known remembers, for one page, what its rows have in common.
type known struct {
	explorer *explorer
	claims   map[string]*work.Claim
	models   map[string]cell
}

func (e *explorer) known() known {
	return known{e, make(map[string]*work.Claim), make(map[string]cell)}
}

// claim returns a claim, or nil if it is forgotten.
func (k known) claim(ctx context.Context, key []byte) *work.Claim {
	c, ok := k.claims[string(key)]
	if !ok {
		if res, err := k.explorer.work.Claim(ctx, &work.QueryClaimRequest{Key: hex.EncodeToString(key)}); err == nil {
			c = &res.Claim
		}
		k.claims[string(key)] = c
	}
	return c
}

// model returns a model by its name.
func (k known) model(ctx context.Context, id []byte) cell {
	c, ok := k.models[string(id)]
	if !ok {
		c = digest(id, "/models/")
		if res, err := k.explorer.modules.model.Model(ctx, &model.QueryModelRequest{Id: hex.EncodeToString(id)}); err == nil && res.Model.Name != "" {
			c.Text, c.Code = plain(res.Model.Name), false
		}
		k.models[string(id)] = c
	}
	return c
}

// found makes rows of tickets: what each computed, and what became of it.
func (k known) found(ctx context.Context, tickets []work.Ticket) table {
	t := table{Head: []string{"Ticket", "Block", "Model", "Job", "Product", "Row", "Tile", "Stands for", "Status"}, Empty: "No ticket is here yet."}
	for i := range tickets {
		ticket := &tickets[i]
		job, net := digest(ticket.Claim, "/claims/"), cell{Text: "–"}
		if c := k.claim(ctx, ticket.Claim); c != nil {
			job, net = digest(c.Job, "/jobs/"), k.model(ctx, c.Model)
		}
		t.Rows = append(t.Rows, []cell{
			digest(ticket.Nullifier, "/tickets/"), heightAt(ticket.Height), net, job,
			words(product(ticket.Layer, ticket.Kind)), count(ticket.Position), count(ticket.Tile), multiplied(ticket.Macs), ticketStatus(ticket),
		})
	}
	return t
}

func (e *explorer) tickets(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := newestFirst(r)
	if err != nil {
		return nil, err
	}
	res, err := e.work.Tickets(ctx, &work.QueryTicketsRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	t := e.known().found(ctx, res.Tickets)
	t.Next = next(r, res.Pagination)
	return &sheet{
		Title: "Tickets", Live: true,
		Lead:   "A ticket is a rare find in the numbers that a job had to compute anyway: 128 columns of one row of one matrix product. It stands for the work that finding it takes on average, and is credited only after validators with more than two thirds of power have run its job again.",
		Tables: []table{t},
	}, nil
}

func (e *explorer) ticket(ctx context.Context, r *http.Request) (*sheet, error) {
	id, err := hash(r.PathValue("nullifier"))
	if err != nil {
		return nil, err
	}
	res, err := e.work.Ticket(ctx, &work.QueryTicketRequest{Nullifier: id})
	if err != nil {
		return nil, err
	}
	t, c := &res.Ticket, &res.Claim
	return &sheet{
		Title: "Ticket", Crumb: &entry{"/tickets", "Tickets"}, Live: t.Status == work.TICKET_STATUS_PENDING,
		Facts: []fact{
			{"Nullifier", whole(t.Nullifier, "")},
			{"Status", ticketStatus(t)},
			{"Job", whole(c.Job, "/jobs/")},
			{"Class", words(class(c.Class))},
			{"Model", e.known().model(ctx, c.Model)},
			{"Matrix product", words(product(t.Layer, t.Kind))},
			{"Row", cell{Text: number(t.Position), Note: "position of the token in the job"}},
			{"Tile", cell{Text: number(t.Tile), Note: "128 columns of the product"}},
			{"Stands for", multiplied(t.Macs)},
			{"Miner", miner(c.Owner)},
			{"Claim", whole(t.Claim, "/claims/")},
			{"Trial", whole(t.Claim, "/trials/")},
			{"Included in block", heightAt(t.Height)},
			{"Hash of its bytes", whole(t.Hash, "")},
		},
	}, nil
}

func (e *explorer) jobs(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := newestFirst(r)
	if err != nil {
		return nil, err
	}
	req := &work.QueryJobsRequest{Pagination: p}
	if s := r.URL.Query().Get("status"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || work.JobStatus_name[int32(n)] == "" { //nolint:gosec // looked up at once
			return nil, malformed("There is no such status of a job.")
		}
		req.Status = work.JobStatus(n) //nolint:gosec // just looked up
	}
	res, err := e.work.Jobs(ctx, req)
	if err != nil {
		return nil, err
	}
	k := e.known()
	t := table{Head: []string{"Job", "Class", "Model", "Work", "Asked by", "Tip", "Posted", "Status"}, Empty: "No job is here yet.", Next: next(r, res.Pagination)}
	for i := range res.Jobs {
		j := &res.Jobs[i]
		t.Rows = append(t.Rows, []cell{
			digest(j.Id, "/jobs/"), words(class(j.Class)), k.model(ctx, j.Model), multiplied(j.Macs), asked(j), amount(j.Tip), heightAt(j.Posted), jobStatus(j.Status),
		})
	}
	return &sheet{
		Title: "Jobs", Live: true,
		Lead:   "A job is a text for a model. It is claimed by one miner before it is mined, and never mined twice. Prompts and answers on the chain are public; whoever asked chose that.",
		Tables: []table{t},
	}, nil
}

// asked says who a job is for.
func asked(j *work.Job) cell {
	if j.Class == work.CLASS_COMMONS {
		return cell{Text: "project " + number(j.Project), Href: "/projects/" + strconv.FormatUint(j.Project, 10)}
	}
	return account(j.Client)
}

func (e *explorer) job(ctx context.Context, r *http.Request) (*sheet, error) {
	id, err := hash(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	res, err := e.work.Job(ctx, &work.QueryJobRequest{Id: id})
	if err != nil {
		return nil, err
	}
	j := &res.Job
	s := &sheet{
		Title: "Job", Crumb: &entry{"/jobs", "Jobs"}, Live: j.Status == work.JOB_STATUS_OPEN || j.Status == work.JOB_STATUS_CLAIMED,
		Facts: []fact{
			{"Id", whole(j.Id, "")},
			{"Status", jobStatus(j.Status)},
			{"Class", words(class(j.Class))},
			{"Model", e.known().model(ctx, j.Model)},
			{"Asked by", asked(j)},
			{"Work", multiplied(j.Macs)},
			{"Tip for who delivers", amount(j.Tip)},
			{"Most base fee to burn", amount(j.MaxFee)},
			{"Still in escrow", amount(j.Escrow)},
			{"Posted in block", heightAt(j.Posted)},
			{"Claim", whole(j.Claim, "/claims/")},
		},
	}
	s.Facts = append(s.Facts, contents(res.Encoding, res.Receipt)...)
	if len(j.Claim) > 0 {
		if c, err := e.work.Claim(ctx, &work.QueryClaimRequest{Key: hex.EncodeToString(j.Claim)}); err == nil {
			t := e.known().found(ctx, c.Tickets)
			t.Title, t.Empty = "Tickets", "This job has no ticket. Most jobs have none: a ticket stands for the work of many."
			s.Tables = append(s.Tables, t)
		}
	}
	return s, nil
}

// contents says what a job asks for and what came of it, while both are kept.
func contents(encoding, receipt []byte) []fact {
	var list []fact
	if j, err := proof.DecodeJob(encoding); err == nil {
		task := "an answer of at most " + number(j.Most) + " tokens"
		if j.Most == 0 {
			task = "an embedding"
		}
		list = append(list, fact{"Asks for", words(task)}, fact{"Prompt", words(number(len(j.Prompt)) + " tokens")})
	}
	if rec, err := proof.ParseReceipt(receipt); err == nil {
		list = append(list, fact{"Hash of the output", whole(rec.Output[:], "")}, fact{"Root of the trace", whole(rec.Trace[:], "")})
		if rec.Disclosed != nil {
			list = append(list, fact{"Output", words(number(len(rec.Disclosed.Output)) + " numbers")})
		}
	}
	return list
}

func (e *explorer) claims(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := newestFirst(r)
	if err != nil {
		return nil, err
	}
	owner := r.URL.Query().Get("owner")
	res, err := e.work.Claims(ctx, &work.QueryClaimsRequest{Owner: owner, Pagination: p})
	if err != nil {
		return nil, err
	}
	k := e.known()
	t := table{Head: []string{"Claim", "Job", "Class", "Model", "Miner", "Block", "Mined in", "Tickets", "Status"}, Empty: "No claim is here yet.", Next: next(r, res.Pagination)}
	for i := range res.Claims {
		c := &res.Claims[i]
		t.Rows = append(t.Rows, []cell{
			digest(c.Key, "/claims/"), digest(c.Job, "/jobs/"), words(class(c.Class)), k.model(ctx, c.Model), miner(c.Owner), heightAt(c.Height), window(c), count(c.Tickets), claimStatus(c),
		})
	}
	s := &sheet{
		Title: "Claims", Live: true,
		Lead:   "A claim takes a job before it is mined. Only then does the beacon say which numbers win, so nobody can pick jobs that win.",
		Tables: []table{t},
	}
	if owner != "" {
		s.Lead, s.Crumb = "Claims of one miner.", &entry{"/miners/" + plain(owner), brief(plain(owner))}
	}
	return s, nil
}

// window is the blocks in which a claim may be mined.
func window(c *work.Claim) cell {
	if c.Opens == 0 {
		return cell{Text: "waits for the beacon", Tone: "quiet"}
	}
	return cell{Text: number(c.Opens) + " to " + number(c.Closes)}
}

func (e *explorer) claim(ctx context.Context, r *http.Request) (*sheet, error) {
	key, err := hash(r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	res, err := e.work.Claim(ctx, &work.QueryClaimRequest{Key: key})
	if err != nil {
		return nil, err
	}
	c := &res.Claim
	s := &sheet{
		Title: "Claim", Crumb: &entry{"/claims", "Claims"}, Live: c.Status < work.CLAIM_STATUS_SETTLED,
		Facts: []fact{
			{"Key", whole(c.Key, "")},
			{"Status", claimStatus(c)},
			{"Job", whole(c.Job, "/jobs/")},
			{"Class", words(class(c.Class))},
			{"Model", e.known().model(ctx, c.Model)},
			{"Miner", miner(c.Owner)},
			{"Executor", whole(c.Executor, "")},
			{"Claimed in block", heightAt(c.Height)},
			{"Beacon", whole(c.Beacon, "")},
			{"Id in its tickets", whole(c.Id, "")},
			{"Mined in blocks", window(c)},
			{"Prefix that earns nothing", words(number(c.Prefix) + " tokens")},
			{"A ticket stands for", multiplied(c.TicketMacs)},
			{"Tickets", cell{Text: number(c.Tickets), Note: pending(c.Pending)}},
			{"Deposit", amount(c.Deposit)},
			{"Trial", whole(c.Key, "/trials/")},
		},
	}
	s.Facts = append(s.Facts, contents(nil, res.Receipt)...)
	t := e.known().found(ctx, res.Tickets)
	t.Title, t.Empty = "Tickets", "No ticket of this claim is on the chain."
	s.Tables = []table{t}
	return s, nil
}

func pending(n uint32) string {
	if n == 0 {
		return ""
	}
	return number(n) + " not decided yet"
}

func (e *explorer) trials(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := newestFirst(r)
	if err != nil {
		return nil, err
	}
	res, err := e.work.Trials(ctx, &work.QueryTrialsRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	t := table{Head: []string{"Claim", "Opened", "Verdicts until", "Reveals until", "Against", "Digest", "State"}, Empty: "No trial is here yet.", Next: next(r, res.Pagination)}
	for i := range res.Trials {
		v := &res.Trials[i]
		t.Rows = append(t.Rows, []cell{
			digest(v.Claim, "/trials/"), heightAt(v.Opened), count(v.VerdictsUntil), until(v.RevealsUntil), digest(v.Against, "/claims/"), digest(v.Digest, ""), trialState(v),
		})
	}
	return &sheet{
		Title: "Trials", Live: true,
		Lead:   "In a trial every validator runs a claimed job again, once, and says which of its tickets hold. Each verdict carries a seal that only whoever ran the job can make; a guess is found out when the digest is revealed.",
		Tables: []table{t},
	}, nil
}

func until(h int64) cell {
	if h == 0 {
		return cell{Text: "–"}
	}
	return count(h)
}

func held(closed, wrong bool) cell {
	switch {
	case wrong:
		return toned("wrong", "bad", "")
	case closed:
		return toned("not found wrong", "", "")
	}
	return words("being tried")
}

// standing says what became of a verdict.
func standing(s work.Standing) cell {
	switch s {
	case work.STANDING_STOOD:
		return toned("stood", "good", "")
	case work.STANDING_LAZY:
		return toned("lazy", "bad", "its seal is not of a run of the job")
	case work.STANDING_WRONG:
		return toned("wrong", "bad", "more than two thirds of power found the opposite")
	case work.STANDING_UNDECIDED:
		return toned("undecided", "quiet", "")
	}
	return words("awaits the digest")
}

func trialState(t *work.Trial) cell {
	switch {
	case t.Closed && len(t.Digest) == 0:
		return toned("closed, nothing decided", "quiet", "")
	case t.Closed:
		return toned("closed", "good", "")
	case t.RevealsUntil > 0:
		return words("awaits the digest")
	}
	return words("takes verdicts")
}

func (e *explorer) trial(ctx context.Context, r *http.Request) (*sheet, error) {
	key, err := hash(r.PathValue("claim"))
	if err != nil {
		return nil, err
	}
	res, err := e.work.Trial(ctx, &work.QueryTrialRequest{Claim: key})
	if err != nil {
		return nil, err
	}
	v := &res.Trial
	t := table{
		Title: "Verdicts", Empty: "No validator has given a verdict.", Head: []string{"Validator", "Power then", "Block", "Says", "Seal", "Verdict"},
	}
	faults := table{Title: "Faults found", Head: []string{"Ticket", "Validator", "Reason"}}
	for i := range res.Verdicts {
		d := &res.Verdicts[i]
		says := toned("every ticket holds", "good", "")
		if n := len(d.Faults); n == 1 {
			says = toned("one ticket does not hold", "bad", "")
		} else if n > 1 {
			says = toned(number(n)+" tickets do not hold", "bad", "")
		}
		if d.ReceiptWrong {
			says = toned(says.Text+"; the receipt is wrong", "bad", "")
		}
		if d.AgainstWrong {
			says = toned(says.Text+"; the receipt that is audited is wrong", "bad", "")
		}
		t.Rows = append(t.Rows, []cell{validator(d.Validator), count(d.Power), heightAt(d.Height), says, digest(d.Seal, ""), standing(d.Standing)})
		for _, f := range d.Faults {
			faults.Rows = append(faults.Rows, []cell{digest(f.Nullifier, "/tickets/"), validator(d.Validator), said(f.Reason)})
		}
	}
	s := &sheet{
		Title: "Trial", Crumb: &entry{"/trials", "Trials"}, Live: !v.Closed,
		Facts: []fact{
			{"Claim", whole(v.Claim, "/claims/")},
			{"State", trialState(v)},
			{"Job", whole(res.Claim.Job, "/jobs/")},
			{"Miner", miner(res.Claim.Owner)},
			{"Opened in block", heightAt(v.Opened)},
			{"Verdicts until block", count(v.VerdictsUntil)},
			{"Reveals until block", until(v.RevealsUntil)},
			{"Receipt", held(v.Closed, v.ReceiptWrong)},
			{"Digest of the run", whole(v.Digest, "")},
		},
		Tables: []table{t},
	}
	if len(v.Against) > 0 {
		s.Facts = append(s.Facts, fact{"Audit of the claim", whole(v.Against, "/claims/")}, fact{"Its receipt", held(v.Closed, v.AgainstWrong)})
	}
	if len(faults.Rows) > 0 {
		s.Tables = append(s.Tables, faults)
	}
	return s, nil
}

func (e *explorer) miners(ctx context.Context, r *http.Request) (*sheet, error) {
	p, err := pageKey(r)
	if err != nil {
		return nil, err
	}
	res, err := e.work.Miners(ctx, &work.QueryMinersRequest{Pagination: p})
	if err != nil {
		return nil, err
	}
	t := table{Head: []string{"Owner", "Paid work", "Audits", "Commons", "Void", "Bond", "Open claims", "State"}, Empty: "Nobody mines here yet.", Next: next(r, res.Pagination)}
	for i := range res.Miners {
		m := &res.Miners[i]
		t.Rows = append(t.Rows, []cell{
			miner(m.Owner), millions(m.MegaPaid), millions(m.MegaAudit), millions(m.MegaCommons), millions(m.MegaVoided), amount(m.Bond), count(m.OpenClaims), minerState(m),
		})
	}
	return &sheet{Title: "Miners", Lead: "Who runs jobs. Work is what was credited, ever.", Tables: []table{t}, Live: true}, nil
}

func minerState(m *work.Miner) cell {
	switch {
	case m.Barred:
		return toned("barred", "bad", "its bond is below the least, after a penalty")
	case m.Retired:
		return toned("retired", "quiet", "")
	}
	return toned("active", "good", "")
}
