package power

import (
	"context"
	"slices"

	"cosmossdk.io/collections"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon/drand"
)

const (
	// mostUnbondings is how many an operator may have under way.
	mostUnbondings = 16
	// mostMoniker is in bytes.
	mostMoniker = 64
	// gasOfProof pays for checking a beacon key: a pairing, about a millisecond.
	gasOfProof = 100_000
)

// messages is what accounts may ask of the module.
type messages struct{ *Keeper }

// Register makes an account a validator. It gets power at the end of a day.
func (k messages) Register(ctx context.Context, m *MsgRegister) (*MsgRegisterResponse, error) {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	if has, err := k.store.validators.Has(ctx, m.Operator); err != nil || has {
		return nil, orElse(err, ErrRegistered.Wrapf("the operator %s", m.Operator))
	}
	if s.Registered >= MostValidators {
		return nil, ErrFull.Wrapf("%d are", s.Registered)
	}
	if m.Bond < p.MinBond {
		return nil, ErrBond.Wrapf("%d uhth: at least %d are needed", m.Bond, p.MinBond)
	}
	if len(m.Moniker) > mostMoniker {
		return nil, ErrKey.Wrapf("a moniker of %d bytes: at most %d", len(m.Moniker), mostMoniker)
	}
	pub, err := k.newKey(ctx, m.PubKey)
	if err != nil {
		return nil, err
	}
	if err := proven(ctx, m.BeaconKey, m.BeaconProof); err != nil {
		return nil, err
	}
	if err := k.take(ctx, m.Operator, m.Bond); err != nil {
		return nil, err
	}
	s.Registered++
	if err := k.store.state.Set(ctx, s); err != nil {
		return nil, err
	}
	if err := k.store.byAddress.Set(ctx, pub.Address(), m.Operator); err != nil {
		return nil, err
	}
	v := Validator{
		Operator: m.Operator, PubKey: m.PubKey, BeaconKey: m.BeaconKey, Moniker: m.Moniker, Bond: m.Bond,
		Joined: sdk.UnwrapSDKContext(ctx).BlockHeight(),
	}
	return &MsgRegisterResponse{}, k.store.validators.Set(ctx, m.Operator, v)
}

// Bond adds to a validator's bond.
func (k messages) Bond(ctx context.Context, m *MsgBond) (*MsgBondResponse, error) {
	v, err := k.store.validator(ctx, m.Operator)
	if err != nil {
		return nil, err
	}
	if v.Tombstoned {
		return nil, ErrJailed.Wrap("for good: it signed twice")
	}
	if m.Amount == 0 {
		return nil, ErrBond.Wrap("nothing to add")
	}
	if err := k.take(ctx, m.Operator, m.Amount); err != nil {
		return nil, err
	}
	v.Bond += m.Amount // the bank has no more than fits
	return &MsgBondResponse{}, k.store.validators.Set(ctx, m.Operator, v)
}

// Unbond takes from a validator's bond. The coins can still be lost until they
// are paid, after UnbondingDays. A validator with less than the least bond loses
// its power as churn allows.
func (k messages) Unbond(ctx context.Context, m *MsgUnbond) (*MsgUnbondResponse, error) {
	p, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	v, err := k.store.validator(ctx, m.Operator)
	if err != nil {
		return nil, err
	}
	if m.Amount == 0 || m.Amount > v.Bond {
		return nil, ErrBond.Wrapf("%d of %d uhth", m.Amount, v.Bond)
	}
	if rest := v.Bond - m.Amount; rest > 0 && rest < p.MinBond && !v.Tombstoned {
		return nil, ErrBond.Wrapf("%d uhth would be left: leave at least %d, or nothing", rest, p.MinBond)
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	u := Unbonding{Operator: m.Operator, Amount: m.Amount, Ends: height + p.UnbondingDays*p.DayBlocks}
	under, err := k.store.unbondingsOf(ctx, m.Operator)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(under, func(o Unbonding) bool { return o.Ends == u.Ends }); i >= 0 {
		u.Amount += under[i].Amount // another of this block
	} else if len(under) >= mostUnbondings {
		return nil, ErrTooSoon.Wrapf("%d unbondings are under way", len(under))
	}
	v.Bond -= m.Amount
	if err := k.store.validators.Set(ctx, m.Operator, v); err != nil {
		return nil, err
	}
	if err := k.store.unbondings.Set(ctx, u.key(), u); err != nil {
		return nil, err
	}
	return &MsgUnbondResponse{Ends: u.Ends}, k.store.unbondAt.Set(ctx, collections.Join(uint64(u.Ends), u.Operator))
}

// RotateKey gives a validator new keys. Its power then belongs to a key that
// light clients do not know, so it counts as churn: the first of a day always
// may, others as far as the day's churn goes. Who signed with the old key is
// still liable.
func (k messages) RotateKey(ctx context.Context, m *MsgRotateKey) (*MsgRotateKeyResponse, error) {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	v, err := k.store.validator(ctx, m.Operator)
	if err != nil {
		return nil, err
	}
	if v.Tombstoned {
		return nil, ErrJailed.Wrap("for good: it signed twice")
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	if v.Rotated > 0 && height < v.Rotated+p.DayBlocks {
		return nil, ErrTooSoon.Wrapf("the last change was at height %d, the next may be from %d", v.Rotated, v.Rotated+p.DayBlocks)
	}
	if s.Churned > 0 && (s.Churned+v.Power)*1000 > s.TotalPower*int64(p.Churn) {
		return nil, ErrTooSoon.Wrap("other validators have changed their keys today: try again tomorrow")
	}
	old, err := key(v.PubKey)
	if err != nil {
		return nil, err
	}
	pub, err := k.newKey(ctx, m.PubKey)
	if err != nil {
		return nil, err
	}
	if err := proven(ctx, m.BeaconKey, m.BeaconProof); err != nil {
		return nil, err
	}
	until := height + p.TrustingDays*p.DayBlocks
	record := OldKey{Address: old.Address(), Operator: v.Operator, Until: until}
	if err := k.store.oldKeys.Set(ctx, old.Address(), record); err != nil {
		return nil, err
	}
	if err := k.store.oldUntil.Set(ctx, collections.Join(uint64(until), []byte(old.Address()))); err != nil {
		return nil, err
	}
	if err := k.store.byAddress.Remove(ctx, old.Address()); err != nil {
		return nil, err
	}
	if err := k.store.byAddress.Set(ctx, pub.Address(), v.Operator); err != nil {
		return nil, err
	}
	v.PubKey, v.BeaconKey, v.Rotated = m.PubKey, m.BeaconKey, height
	if err := k.store.validators.Set(ctx, v.Operator, v); err != nil {
		return nil, err
	}
	s.Churned += v.Power
	s.Dirty = s.Dirty || v.Power > 0
	return &MsgRotateKeyResponse{}, k.store.state.Set(ctx, s)
}

// Unjail lets a validator back that was absent. It gets power at the end of a
// day.
func (k messages) Unjail(ctx context.Context, m *MsgUnjail) (*MsgUnjailResponse, error) {
	v, err := k.store.validator(ctx, m.Operator)
	if err != nil {
		return nil, err
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	switch {
	case v.Tombstoned:
		return nil, ErrJailed.Wrap("for good: it signed twice")
	case !v.Jailed:
		return nil, ErrJailed.Wrap("it is not")
	case height < v.JailedUntil:
		return nil, ErrTooSoon.Wrapf("until height %d", v.JailedUntil)
	}
	v.Jailed, v.JailedUntil = false, 0
	return &MsgUnjailResponse{}, k.store.validators.Set(ctx, m.Operator, v)
}

// Assign lends a miner's work to a validator from the next day's end on. No
// validator takes it back. Without any work it is forgotten after
// MaturationDays.
func (k messages) Assign(ctx context.Context, m *MsgAssign) (*MsgAssignResponse, error) {
	if m.Validator != "" {
		if _, err := k.store.validator(ctx, m.Validator); err != nil {
			return nil, err
		}
	}
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return nil, err
	}
	miner, err := k.store.miner(ctx, m.Owner, s.Day)
	if err != nil {
		return nil, err
	}
	miner.Validator = m.Validator
	return &MsgAssignResponse{}, k.store.miners.Set(ctx, m.Owner, miner)
}

// UpdateParams changes the parameters. The guardians' part can only be taken
// from them, and never lasts longer than it was announced to.
func (k messages) UpdateParams(ctx context.Context, m *MsgUpdateParams) (*MsgUpdateParamsResponse, error) {
	if m.Authority != k.authority {
		return nil, ErrAuthority
	}
	if err := m.Params.Validate(); err != nil {
		return nil, err
	}
	now, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if m.Params.GuardianShare > now.GuardianShare || m.Params.GuardianSunset > now.GuardianSunset {
		return nil, ErrParams.Wrap("the guardians' part may end sooner and be less, never the other way")
	}
	if m.Params.MaturationDays != now.MaturationDays {
		return nil, ErrParams.Wrap("the time in which work matures is fixed: a shorter one would count what was just rented")
	}
	return &MsgUpdateParamsResponse{}, k.store.params.Set(ctx, m.Params)
}

// newKey is a consensus key that nobody has or had.
func (k *Keeper) newKey(ctx context.Context, packed *codectypes.Any) (cryptotypes.PubKey, error) {
	pub, err := key(packed)
	if err != nil {
		return nil, err
	}
	// A key of a wrong kind or length would stop CometBFT.
	allowed := []string{"ed25519"}
	if p := sdk.UnwrapSDKContext(ctx).ConsensusParams().Validator; p != nil && len(p.PubKeyTypes) > 0 {
		allowed = p.PubKeyTypes
	}
	if !slices.Contains(allowed, pub.Type()) {
		return nil, ErrKey.Wrapf("%s is not among %v", pub.Type(), allowed)
	}
	if pub.Type() == "ed25519" && len(pub.Bytes()) != 32 {
		return nil, ErrKey.Wrapf("an ed25519 key of %d bytes", len(pub.Bytes()))
	}
	for _, has := range []func(context.Context, []byte) (bool, error){k.store.byAddress.Has, k.store.oldKeys.Has, k.store.sent.Has} {
		used, err := has(ctx, pub.Address())
		if err != nil || used {
			return nil, orElse(err, ErrRegistered.Wrapf("the key %X", pub.Address().Bytes()))
		}
	}
	return pub, nil
}

// proven checks that who brings a beacon key has its secret: otherwise a key
// could be made of others' keys.
func proven(ctx context.Context, public, proof []byte) error {
	sdk.UnwrapSDKContext(ctx).GasMeter().ConsumeGas(gasOfProof, "proof of a beacon key")
	if len(public) != len(drand.PublicKey{}) || len(proof) != len(drand.Signature{}) {
		return ErrKey.Wrapf("a beacon key of %d bytes with a proof of %d", len(public), len(proof))
	}
	v, err := drand.NewVerifier(drand.PublicKey(public))
	if err != nil {
		return ErrKey.Wrap(err.Error())
	}
	if err := v.VerifyPossession(drand.Signature(proof)); err != nil {
		return ErrKey.Wrap(err.Error())
	}
	return nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
