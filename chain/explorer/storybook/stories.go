package storybook

import (
	"strings"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/beacon"
	"hearth/chain/coin"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/work"
)

func blocks(n int64) *Blocks {
	return &Blocks{
		Network: "hearth-devnet-1", Count: n, Began: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
		Txs: make(map[int64][][]byte), Results: make(map[int64][]*abci.ExecTxResult),
	}
}

// Begun is a chain of one block: nothing has happened on it.
func Begun() *Story {
	b := blocks(1)
	return &Story{Name: "begun", Blocks: b, State: &State{
		Power:    power.QueryStatusResponse{Params: power.Params{Churn: 100, Cap: 200, CapFew: 300, Few: 8}},
		Emission: emission.QueryStatusResponse{Cap: 21_000_000 * coin.Unit, Pot: 415_000_000},
		Beacon:   beacon.QueryStatusResponse{Params: beacon.Params{Period: 3, GenesisTime: 1_692_803_367}},
	}}
}

// Silent is a node that answers nothing yet.
func Silent() *Story {
	s := Begun()
	s.Name, s.Blocks.Err = "silent", ErrSilent
	return s
}

// Halved is a node that is catching up, and of whose modules two do not answer.
func Halved() *Story {
	s := Begun()
	s.Name, s.Blocks.CatchingUp = "halved", true
	s.State.Failing = []string{"hearth.work.v1.Query", "hearth.emission.v1.Query"}
	return s
}

// Busy is a test network of four validators that has worked for some hours.
func Busy() (*Story, error) {
	b := blocks(5412)
	s := &State{Balances: coin.Of(1_234_567_890)}
	validators(s, b, []string{"Aurora", "Birch", "Cedar", "Dune"})
	minilm, mini := sum("model", 1), sum("model", 2)
	s.Models = []model.Model{
		{Id: mini, Name: "hearth-mini", Licence: "Apache-2.0", Sources: []string{"http://127.0.0.1:8432/"}, Registrant: Address("Aurora"), Deposit: 100 * coin.Unit, Status: model.Status_STATUS_ACTIVE, ActiveFrom: 1, Weights: 6_553_600, Mineable: 5_767_168, Decoder: true},
		{Id: minilm, Name: "all-MiniLM-L6-v2", Licence: "Apache-2.0", Registrant: Address("Birch"), Deposit: 100 * coin.Unit, Status: model.Status_STATUS_PROPOSED, Registered: 5300, Weights: 10_616_832, Mineable: 10_616_832},
	}
	s.Attestations = []model.Attestation{{Model: mini, Validator: Address("Aurora"), Fit: true, Height: 1}, {Model: mini, Validator: Address("Birch"), Fit: true, Height: 1}}
	mined(s, mini)
	s.Tally = work.Tally{
		MegaPaid: 1_872_345, MegaAudit: 96_000, MegaCommons: 640_500, MegaVoided: 12_000, MegaUndecided: 31_000,
		TicketsCredited: 2608, TicketsVoided: 12, TicketsUndecided: 31, JobsDelivered: 5120, JobsLost: 7, Burned: 4_120_000,
	}
	s.Market = work.Market{BaseFee: 1200, TicketMacs: 1_000_000_000, OpenJobs: 14, OpenTrials: 2}
	for i := range uint64(18) {
		s.Epochs = append(s.Epochs, emission.Epoch{
			Number: i, Height: int64(300 * (i + 1)), Pot: 415_000_000, Work: 200_000_000 + i*3_000_000, Commons: 40_000_000, Audits: 9_000_000, Validators: 29_050_000, Community: 20_750_000, //nolint:gosec // small
			MegaPaid: 60_000 + i*4_000, MegaAudit: 4_000 + i%3*900, MegaCommons: 20_000 + i%5*6_000, Settled: i < 17,
		})
	}
	s.Emission = emission.QueryStatusResponse{
		Params: emission.Params{EpochBlocks: 300, ShareWork: 650, ShareCommons: 150, ShareAudits: 80, ShareValidators: 70, ShareCommunity: 50, FullMega: 200_000},
		State:  emission.State{Epoch: 18, Began: 5401, Minted: 6_120_400_000, Unminted: 1_350_000_000, MegaPaid: 900, MegaCommons: 120}, Cap: 21_000_000 * coin.Unit, Pot: 414_100_000, Supply: 6_116_280_000,
	}
	s.Earned = []emission.Earned{{Owner: Address("hearth of Ada"), PaidOut: 120_000_000, Vesting: 480_500_000, Lost: 0}}
	s.Beacon = beacon.QueryStatusResponse{
		Params: beacon.Params{PublicKey: append(append(sum("group", 0), sum("group", 1)...), sum("group", 2)...), GenesisTime: 1_795_248_000, Period: 1, Local: true, StaleAfter: 10},
		State:  beacon.State{LastRound: 10_823, LastRoundHeight: 5412, Latest: sum("latest", 0), LatestHeight: 5412},
	}
	for n := range uint64(6) {
		s.Rounds = append(s.Rounds, beacon.Round{Number: 10_823 - n, Signature: sum("round", int64(n)), Height: 5412 - int64(n)/2}) //nolint:gosec // small
	}
	s.Projects = []commons.Project{{
		Id: 1, Proposer: Address("Cedar"), Title: "Index of public-domain books", Summary: "Embeddings of passages from books whose copyright has ended, for anybody's search.", Licence: "CC0-1.0", Model: mini,
		JobsRoot: sum("jobs", 0), Jobs: 400, Sources: []string{"http://127.0.0.1:8432/jobs"}, Budget: 900_000_000_000, Spent: 640_500_000_000, Bond: 10 * coin.Unit, Status: commons.STATUS_ACTIVE, Proposed: 1, Decides: 20, Drawn: 290, Done: 281, Failed: 1,
	}}
	s.Artefacts = []commons.Artefact{{Project: 1, Content: sum("artefact", 0), Uri: "https://example.org/books.idx", Manifest: "hearth index --model hearth-mini", Height: 4100}}
	s.Penalties = []power.Penalty{
		{Id: 0, Who: Address("Dune"), Reason: "missed 60 of 100 blocks", Amount: 100_000, Height: 2200},
		{Id: 1, Who: Address("Dune"), Reason: "a verdict without having run the job", Amount: 5_000_000, Height: 4801, Frozen: true},
	}
	return &Story{Name: "busy", Blocks: b, State: s}, transact(b, "", "for the books")
}

func validators(s *State, b *Blocks, names []string) {
	powers := []int64{310, 290, 250, 150}
	for i, name := range names {
		who, _, _ := strings.Cut(name, " ")
		pub, err := codectypes.NewAnyWithValue(key(who))
		if err != nil {
			panic(err) // a key that was just made is a message
		}
		b.Proposers = append(b.Proposers, key(who).Address())
		s.Validators = append(s.Validators, power.Validator{
			Operator: Address(who), PubKey: pub, BeaconKey: append(append(sum(who, 1), sum(who, 2)...), sum(who, 3)...), Moniker: name, Bond: 100 * coin.Unit, Guardian: i < 2,
			Power: powers[i], Pending: powers[i] + int64(i), Work: uint64(powers[i]) * 4_000, Missed: int64(i), Joined: 1, Jailed: i == 3, JailedUntil: map[bool]int64{true: 5600}[i == 3], //nolint:gosec // small
		})
	}
	s.Power = power.QueryStatusResponse{
		Params: power.Params{DayBlocks: 600, Churn: 100, Cap: 200, CapFew: 350, Few: 8, GuardianSunset: 50_000},
		State:  power.State{Day: 9, DayBegan: 5400, WorkYesterday: 410_000, TotalPower: 1000, Churned: 12}, LargestPermille: 310, Nakamoto: 2,
	}
}

// mined fills in jobs in every state, with what became of them.
func mined(s *State, id []byte) {
	owners := []string{"hearth of Ada", "hearth of Ben"}
	for i, status := range []work.ClaimStatus{
		work.CLAIM_STATUS_SETTLED, work.CLAIM_STATUS_DELIVERED, work.CLAIM_STATUS_LOST,
		work.CLAIM_STATUS_OPEN, work.CLAIM_STATUS_WAITING,
	} {
		n := int64(i)
		class := []work.Class{work.CLASS_PAID, work.CLASS_COMMONS, work.CLASS_AUDIT}[i%3]
		job := work.Job{Id: sum("job", n), Class: class, Model: id, Macs: 734_003_200, Escrow: 2_000, Tip: 50_000, MaxFee: 4_000, Status: work.JOB_STATUS_CLAIMED, Posted: 5300 + n, Claim: sum("claim", n)}
		if class == work.CLASS_COMMONS {
			job.Project, job.Index = 1, 280
		} else {
			job.Client = Address("client")
		}
		claim := work.Claim{
			Key: job.Claim, Job: job.Id, Class: class, Owner: Address(owners[i%2]), Executor: sum("executor", n%2), Model: id, Height: 5310 + n, Prefix: 4, Deposit: 1_000_000, Status: status, Macs: job.Macs, Project: job.Project,
		}
		if status != work.CLAIM_STATUS_WAITING {
			claim.Beacon, claim.Id, claim.Opens, claim.Closes, claim.TicketMacs = sum("beacon", n), sum("id", n), 5314+n, 5333+n, 1_000_000_000
		}
		ticket := work.Ticket{Nullifier: sum("ticket", n), Claim: claim.Key, Height: 5316 + n, Macs: 1_000_000_000, Hash: sum("bytes", n), Layer: uint32(i), Kind: uint32(i % 4), Position: uint32(7 + i), Tile: uint32(3 * i)} //nolint:gosec // small
		trial := work.Trial{Claim: claim.Key, Opened: 5318 + n, VerdictsUntil: 5333 + n}
		switch status {
		case work.CLAIM_STATUS_SETTLED:
			job.Status, ticket.Status = work.JOB_STATUS_DELIVERED, work.TICKET_STATUS_CREDITED
			trial.Closed, trial.RevealsUntil, trial.Digest = true, 5343, sum("digest", n)
		case work.CLAIM_STATUS_DELIVERED:
			job.Status, ticket.Status, claim.Pending = work.JOB_STATUS_DELIVERED, work.TICKET_STATUS_PENDING, 1
			trial.RevealsUntil = 5345
		case work.CLAIM_STATUS_LOST:
			job.Status, ticket.Status, ticket.Reason, claim.Reason = work.JOB_STATUS_FAILED, work.TICKET_STATUS_VOID, "wrong activation", "no receipt within its window"
			trial.Closed, trial.RevealsUntil, trial.Digest, trial.Against = true, 5345, sum("digest", n), sum("claim", 0)
		}
		if i < 3 {
			claim.Tickets = 1
			s.Tickets = append(s.Tickets, ticket)
			s.Trials = append(s.Trials, trial)
		}
		s.Jobs = append(s.Jobs, job)
		s.Claims = append(s.Claims, claim)
	}
	s.Jobs = append(s.Jobs, work.Job{Id: sum("job", 9), Class: work.CLASS_PAID, Model: id, Client: Address("client"), Macs: 91_750_400, Escrow: 60_000, Tip: 50_000, MaxFee: 10_000, Status: work.JOB_STATUS_OPEN, Posted: 5411})
	for _, v := range s.Validators[:3] {
		verdict := work.Verdict{Claim: sum("claim", 2), Validator: v.Operator, Seal: sum("seal "+v.Moniker, 0), Height: 5322, Power: uint64(v.Power)} //nolint:gosec // positive
		verdict.Standing = work.STANDING_STOOD
		if v.Moniker == "Cedar" {
			verdict.Standing = work.STANDING_LAZY
		} else {
			verdict.Faults = []work.Fault{{Nullifier: sum("ticket", 2), Reason: "wrong activation"}}
		}
		s.Verdicts = append(s.Verdicts, verdict)
	}
	for i, owner := range owners {
		s.Miners = append(s.Miners, work.Miner{
			Owner: Address(owner), Hot: Address(owner + " hot"), Executor: sum("executor", int64(i)), Bond: 20 * coin.Unit, Locked: 2 * coin.Unit, OpenClaims: 2, Registered: 12,
			MegaPaid: 1_200_000 >> i, MegaAudit: 60_000, MegaCommons: 400_000 >> i, MegaVoided: uint64(i) * 12_000, Barred: i == 1, //nolint:gosec // small
		})
		s.Counted = append(s.Counted, power.Miner{Owner: Address(owner), Validator: s.Validators[i].Operator, Smoothed: 88_000, Counted: 71_000})
	}
}

// transact puts two transactions into the last blocks, one of them refused, and
// the beacon's part before them.
func transact(b *Blocks, refusal, memo string) error {
	e, err := newEncoding()
	if err != nil {
		return err
	}
	send, err := e.transaction(memo, &banktypes.MsgSend{FromAddress: Address("client"), ToAddress: Address("Aurora"), Amount: coin.Of(2_500_000)})
	if err != nil {
		return err
	}
	tickets, err := e.transaction("", &work.MsgSubmitTickets{Hot: Address("hearth of Ada hot"), Claim: sum("claim", 1), Tickets: [][]byte{make([]byte, 1400)}})
	if err != nil {
		return err
	}
	if refusal == "" {
		refusal = "failed to execute message; message index: 0: the claim's window has closed"
	}
	b.Txs[b.Count-1] = [][]byte{send, tickets}
	b.Results[b.Count-1] = []*abci.ExecTxResult{{GasUsed: 71_204, GasWanted: 200_000}, {Code: 5, Log: refusal, GasUsed: 40_100, GasWanted: 200_000}}
	b.Txs[b.Count] = [][]byte{append([]byte("\x00hb\x01"), 0x08, 0x01), {0xff, 0xff}}
	b.Results[b.Count] = []*abci.ExecTxResult{{}, {Code: 2, Log: "tx parse error"}}
	return nil
}

// Hostile is the busy chain, with everything that a stranger can write into it
// written to do harm.
func Hostile() (*Story, error) {
	story, err := Busy()
	if err != nil {
		return nil, err
	}
	story.Name = "hostile"
	const markup = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	s := story.State
	for i := range s.Validators {
		s.Validators[i].Moniker = markup
	}
	s.Validators[1].Moniker = "harmless \u202etxt.exe\u202c\u200b\u0000"
	s.Models[0].Name, s.Models[0].Licence, s.Models[0].Reason = markup, markup, markup
	s.Models[0].Sources = []string{"javascript:alert(3)", "data:text/html," + markup}
	s.Attestations[0].Reason = markup
	p := &s.Projects[0]
	p.Title, p.Summary, p.Licence, p.Reason = markup, strings.Repeat(markup, 200), markup, markup
	p.Sources = []string{"javascript:alert(4)"}
	s.Challenge = &commons.Challenge{Project: 1, Challenger: Address("Dune"), Reason: markup}
	s.Votes = []commons.Vote{{Project: 1, Validator: Address("Aurora"), Uphold: true}}
	s.Artefacts[0].Uri, s.Artefacts[0].Manifest = "javascript:alert(5)", markup
	s.Penalties[0].Reason = markup
	for i := range s.Tickets {
		s.Tickets[i].Reason, s.Tickets[i].Kind = markup, 4_000_000_000
	}
	for i := range s.Claims {
		s.Claims[i].Reason = markup
	}
	for i := range s.Verdicts {
		s.Verdicts[i].Faults = []work.Fault{{Nullifier: []byte(markup), Reason: markup}}
	}
	return story, transact(story.Blocks, markup, markup)
}
