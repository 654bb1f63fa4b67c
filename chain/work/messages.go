package work

import "context"

// messages answers the module's transactions. Each is one rule of the keeper;
// what a message may say is checked there, once.
type messages struct{ keeper *Keeper }

var _ MsgServer = messages{}

// Messages answers the module's transactions.
func (k *Keeper) Messages() MsgServer { return messages{k} }

// RegisterMiner makes an account a miner, with hot keys and a bond.
func (s messages) RegisterMiner(ctx context.Context, msg *MsgRegisterMiner) (*MsgRegisterMinerResponse, error) {
	k := s.keeper
	p, err := k.Params(ctx)
	if err != nil {
		return nil, err
	}
	if has, err := k.store.miners.Has(ctx, msg.Owner); err != nil {
		return nil, err
	} else if has {
		return nil, ErrMiner.Wrapf("%s is a miner already", msg.Owner)
	}
	if msg.Bond < p.MinerBond {
		return nil, ErrBond.Wrapf("%d: a miner's bond is at least %d", msg.Bond, p.MinerBond)
	}
	m := Miner{Owner: msg.Owner, Bond: msg.Bond, Registered: height(ctx)}
	if err := k.setKeys(ctx, &m, msg.Hot, msg.Executor, msg.Proof); err != nil {
		return nil, err
	}
	if err := k.take(ctx, msg.Owner, msg.Bond); err != nil {
		return nil, err
	}
	event(ctx, "registered", "owner", m.Owner)
	return &MsgRegisterMinerResponse{}, k.keepMiner(ctx, m)
}

// SetKeys changes a miner's hot keys.
func (s messages) SetKeys(ctx context.Context, msg *MsgSetKeys) (*MsgSetKeysResponse, error) {
	m, err := s.keeper.Miner(ctx, msg.Owner)
	if err != nil {
		return nil, err
	}
	if err := s.keeper.setKeys(ctx, &m, msg.Hot, msg.Executor, msg.Proof); err != nil {
		return nil, err
	}
	return &MsgSetKeysResponse{}, s.keeper.keepMiner(ctx, m)
}

// Bond adds to a miner's bond.
func (s messages) Bond(ctx context.Context, msg *MsgBond) (*MsgBondResponse, error) {
	m, err := s.keeper.Miner(ctx, msg.Owner)
	if err != nil {
		return nil, err
	}
	if err := s.keeper.take(ctx, msg.Owner, msg.Amount); err != nil {
		return nil, err
	}
	m.Bond += msg.Amount
	return &MsgBondResponse{}, s.keeper.keepMiner(ctx, m)
}

// Unbond takes free coins out of a miner's bond; they are paid after a while.
func (s messages) Unbond(ctx context.Context, msg *MsgUnbond) (*MsgUnbondResponse, error) {
	m, err := s.keeper.Miner(ctx, msg.Owner)
	if err != nil {
		return nil, err
	}
	at, err := s.keeper.unbond(ctx, m, msg.Amount)
	return &MsgUnbondResponse{UnbondsAt: at}, err
}

// Retire ends or resumes claiming.
func (s messages) Retire(ctx context.Context, msg *MsgRetire) (*MsgRetireResponse, error) {
	m, err := s.keeper.Miner(ctx, msg.Owner)
	if err != nil {
		return nil, err
	}
	m.Retired = msg.Retired
	return &MsgRetireResponse{}, s.keeper.keepMiner(ctx, m)
}

// PostJob offers a job.
func (s messages) PostJob(ctx context.Context, msg *MsgPostJob) (*MsgPostJobResponse, error) {
	id, err := s.keeper.post(ctx, msg)
	return &MsgPostJobResponse{Id: id}, err
}

// CancelJob takes a job back that nobody claimed.
func (s messages) CancelJob(ctx context.Context, msg *MsgCancelJob) (*MsgCancelJobResponse, error) {
	job, err := s.keeper.Job(ctx, msg.Id)
	if err != nil {
		return nil, err
	}
	if job.Client != msg.Client || job.Status != JOB_STATUS_OPEN {
		return nil, ErrJob.Wrapf("job %x is not an open job of %s", msg.Id, msg.Client)
	}
	return &MsgCancelJobResponse{}, s.keeper.withdraw(ctx, job, JOB_STATUS_CANCELLED)
}

// Claim takes jobs, all or none.
func (s messages) Claim(ctx context.Context, msg *MsgClaim) (*MsgClaimResponse, error) {
	k := s.keeper
	p, err := k.Params(ctx)
	if err != nil {
		return nil, err
	}
	if n := len(msg.Takes); n == 0 || n > int(p.MaxClaimsPerTx) {
		return nil, ErrTooMany.Wrapf("%d claims: a message has 1 to %d", n, p.MaxClaimsPerTx)
	}
	var out MsgClaimResponse
	for i, t := range msg.Takes {
		m, err := k.minerOf(ctx, msg.Hot) // what the claim before made of it
		if err != nil {
			return nil, err
		}
		var key []byte
		switch paid := len(t.Job) > 0; {
		case paid == (t.Assignment > 0):
			return nil, ErrClaim.Wrapf("claim %d: name a job or an assignment", i+1)
		case paid:
			key, err = k.claimPaid(ctx, m, t.Job)
		default:
			key, err = k.claimAssigned(ctx, m, t)
		}
		if err != nil {
			return nil, err
		}
		out.Claims = append(out.Claims, key)
	}
	return &out, nil
}

// SubmitTickets includes tickets of a claim.
func (s messages) SubmitTickets(ctx context.Context, msg *MsgSubmitTickets) (*MsgSubmitTicketsResponse, error) {
	return &MsgSubmitTicketsResponse{}, s.keeper.submit(ctx, msg)
}

// Deliver takes the receipt of a claim.
func (s messages) Deliver(ctx context.Context, msg *MsgDeliver) (*MsgDeliverResponse, error) {
	return &MsgDeliverResponse{}, s.keeper.deliver(ctx, msg)
}

// Judge takes a validator's verdict.
func (s messages) Judge(ctx context.Context, msg *MsgJudge) (*MsgJudgeResponse, error) {
	return &MsgJudgeResponse{}, s.keeper.judge(ctx, msg)
}

// Reveal takes the digest that opens the seals.
func (s messages) Reveal(ctx context.Context, msg *MsgReveal) (*MsgRevealResponse, error) {
	return &MsgRevealResponse{}, s.keeper.reveal(ctx, msg)
}

// UpdateParams changes the parameters. What is under way keeps its dates.
func (s messages) UpdateParams(ctx context.Context, msg *MsgUpdateParams) (*MsgUpdateParamsResponse, error) {
	if msg.Authority != s.keeper.authority {
		return nil, ErrAuthority.Wrapf("%q is not %s", msg.Authority, s.keeper.authority)
	}
	if err := msg.Params.Validate(); err != nil {
		return nil, err
	}
	return &MsgUpdateParamsResponse{}, s.keeper.store.params.Set(ctx, msg.Params)
}
