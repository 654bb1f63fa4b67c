package model_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/chain/model"
	"hearth/infer/kernel"
	hmodel "hearth/infer/model"
	hwork "hearth/work"
)

// A proposal becomes a model when more than two thirds of power find it fit, and
// may be claimed when the delay since it was registered is over.
func TestAModelBecomesActive(t *testing.T) {
	w := newWorld(t, fast())
	who := w.person("registrant")
	id := w.register(who, manifest(t, weights(t, 1, nil), nil))
	if got := w.has(who); got != purse-model.FastParams().Deposit {
		t.Errorf("the registrant has %d left", got)
	}
	w.attest(id, true, "a", "b")
	if s := w.get(id).Status; s != model.Status_STATUS_PROPOSED {
		t.Errorf("with half of power it is %v", s)
	}
	w.attest(id, true, "c")
	m := w.get(id)
	if m.Status != model.Status_STATUS_ACTIVE || m.ActiveFrom != 1+model.FastParams().Delay || m.Deposit != model.FastParams().Deposit {
		t.Errorf("with three quarters of power it is %+v", m)
	}
	for w.ctx.BlockHeight() < m.ActiveFrom {
		if err := w.keeper.Claimable(w.ctx, id); !errors.Is(err, model.ErrNotActive) {
			t.Errorf("at height %d, before it is active: %v", w.ctx.BlockHeight(), err)
		}
		w.blocks(1)
	}
	if err := w.keeper.Claimable(w.ctx, id); err != nil {
		t.Error(err)
	}
	registered, err := w.keeper.Work(w.ctx, id)
	if err != nil || registered.ID() != id {
		t.Errorf("as tickets know it: %v", err)
	}
	w.blocks(model.FastParams().ProposalPeriod) // nothing ends any more
	if err := w.keeper.Claimable(w.ctx, id); err != nil {
		t.Error(err)
	}
}

func TestAThirdOfPowerAgainstItEndsAProposal(t *testing.T) {
	w := newWorld(t, fast())
	who, supply := w.person("registrant"), uint64(purse)
	b := manifest(t, weights(t, 1, nil), nil)
	id := w.register(who, b)
	w.attest(id, true, "a", "b")
	w.attest(id, false, "c")
	if s := w.get(id).Status; s != model.Status_STATUS_PROPOSED {
		t.Errorf("with a quarter against it is %v", s)
	}
	w.attest(id, false, "d")
	m := w.get(id)
	if m.Status != model.Status_STATUS_REJECTED || m.Reason != "as measured" || m.Deposit != 0 {
		t.Errorf("with half against it is %+v", m)
	}
	if got := supply - w.supply(); got != model.FastParams().Deposit {
		t.Errorf("%d were burned", got)
	}
	if _, err := w.keeper.Work(w.ctx, id); !errors.Is(err, model.ErrStatus) {
		t.Errorf("tickets know it: %v", err)
	}
	// Whoever was first with a wrong manifest does not keep the weights for ever.
	other := w.person("other")
	if again := w.register(other, b); again != id {
		t.Error("it has another id")
	}
	w.attest(id, true, "a", "b", "c")
	if s := w.get(id).Status; s != model.Status_STATUS_ACTIVE {
		t.Errorf("registered anew it is %v", s)
	}
}

// When too few say anything, the proposal is forgotten, and the deposit goes back
// but for the price of the place.
func TestAProposalThatNobodyReadsIsForgotten(t *testing.T) {
	w := newWorld(t, fast())
	who := w.person("registrant")
	id := w.register(who, manifest(t, weights(t, 1, nil), nil))
	w.attest(id, true, "a")
	w.attest(id, false, "b")
	w.blocks(model.FastParams().ProposalPeriod + 2)
	if _, err := w.Model(w.ctx, &model.QueryModelRequest{Id: id.String()}); err == nil {
		t.Error("it is still there")
	}
	price := model.FastParams().Deposit / 10
	if got := w.has(who); got != purse-price || purse-w.supply() != price {
		t.Errorf("the registrant has %d of %d, and %d were burned: want %d", got, uint64(purse), purse-w.supply(), price)
	}
	w.register(who, manifest(t, weights(t, 1, nil), nil))
}

// Power that shifted after the last attestation counts when the time is over.
func TestPowerIsCountedAgainAtTheEnd(t *testing.T) {
	w := newWorld(t, fast())
	id := w.register(w.person("registrant"), manifest(t, weights(t, 1, nil), nil))
	w.attest(id, true, "a", "b")
	w.power["c"], w.power["d"] = 2, 2
	w.blocks(model.FastParams().ProposalPeriod + 2)
	if s := w.get(id).Status; s != model.Status_STATUS_ACTIVE {
		t.Errorf("it is %v", s)
	}
}

func TestWeightsAreRegisteredOnce(t *testing.T) {
	w := newWorld(t, fast())
	who := w.person("registrant")
	m := weights(t, 1, nil)
	w.register(who, manifest(t, m, nil))
	refused(w, model.ErrRegistered, w.Register, registration(who, manifest(t, m, nil)))
	// The same model with other factors has another id and the same matrices.
	m.Layers[0].Up.Channel[0]++
	refused(w, model.ErrRegistered, w.Register, registration(who, manifest(t, m, nil)))
	w.register(who, manifest(t, weights(t, 2, nil), nil))
}

func TestWhatMayNotBeRegistered(t *testing.T) {
	w := newWorld(t, fast())
	who := w.person("registrant")
	good := manifest(t, weights(t, 1, nil), nil)
	for name, c := range map[string]struct {
		change func(*model.MsgRegister)
		why    error
	}{
		"no manifest":          {func(m *model.MsgRegister) { m.Manifest = nil }, model.ErrManifest},
		"a byte more":          {func(m *model.MsgRegister) { m.Manifest = append(slices.Clone(good), ' ') }, model.ErrManifest},
		"too long":             {func(m *model.MsgRegister) { m.Manifest = make([]byte, 1<<20) }, model.ErrManifest},
		"a stranger's address": {func(m *model.MsgRegister) { m.Registrant = "cosmos1xxx" }, model.ErrAddress},
		"no name":              {func(m *model.MsgRegister) { m.Name = "" }, model.ErrWords},
		"a name of marks":      {func(m *model.MsgRegister) { m.Name = "<script>" }, model.ErrWords},
		"no licence":           {func(m *model.MsgRegister) { m.Licence = "" }, model.ErrWords},
		"half a licence":       {func(m *model.MsgRegister) { m.Licence = "(MIT OR" }, model.ErrWords},
		"many sources":         {func(m *model.MsgRegister) { m.Sources = make([]string, 9) }, model.ErrWords},
		"a source of files":    {func(m *model.MsgRegister) { m.Sources = []string{"file:///etc"} }, model.ErrWords},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			msg := registration(who, good)
			c.change(msg)
			refused(w, c.why, w.Register, msg)
		})
	}
	w.t = t
	poor := w.person("poor")
	for range purse / model.FastParams().Deposit {
		w.register(poor, manifest(t, weights(t, w.has(poor), nil), nil)) // each with its own seed
		w.power = map[string]int64{"a": 1}
		if r, err := w.Models(w.ctx, &model.QueryModelsRequest{Pagination: &query.PageRequest{Limit: 100}}); err != nil {
			t.Fatal(err)
		} else if n := len(r.Models); n == int(model.FastParams().MaxProposed) {
			break
		}
	}
	refused(w, model.ErrFull, w.Register, registration(who, good))
}

func TestWhoMayAttest(t *testing.T) {
	w := newWorld(t, fast())
	id := w.register(w.person("registrant"), manifest(t, weights(t, 1, nil), nil))
	refused(w, model.ErrValidator, w.Attest, &model.MsgAttest{Validator: "nobody", Model: id[:], Fit: true})
	refused(w, model.ErrUnknown, w.Attest, &model.MsgAttest{Validator: "a", Model: make([]byte, 32), Fit: true})
	refused(w, model.ErrUnknown, w.Attest, &model.MsgAttest{Validator: "a", Fit: true})
	refused(w, model.ErrWords, w.Attest, &model.MsgAttest{Validator: "a", Model: id[:], Reason: strings.Repeat("x", 1000)})
	w.attest(id, true, "a")
	refused(w, model.ErrValidator, w.Attest, &model.MsgAttest{Validator: "a", Model: id[:], Fit: false})
	w.attest(id, true, "b", "c")
	refused(w, model.ErrStatus, w.Attest, &model.MsgAttest{Validator: "d", Model: id[:], Fit: true})
}

// cheap makes a tile cheap: a column of it is zero in every slice but one.
func cheap(m *hmodel.Model) {
	up := m.Layers[1].Up
	for c := range 40 {
		clear(up.Weight[c*up.K : (c+1)*up.K])
	}
}

// opening shows a tile of the second layer's third product.
func opening(t fatal, m *hmodel.Model, tile int) []byte {
	t.Helper()
	up := m.Layers[1].Up
	b, err := hwork.Open(kernel.Best(), up.Weight, up.N, up.K, tile)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func challenge(who string, id hmodel.Hash, tile uint32, opening []byte) *model.MsgChallenge {
	return &model.MsgChallenge{Challenger: who, Model: id[:], Layer: 1, Kind: uint32(hmodel.Up), Tile: tile, Opening: opening}
}

// Whoever shows a tile that a test refuses breaks a model, whatever the
// validators said of it, and gets the bounty.
func TestACheapTileBreaksAModel(t *testing.T) {
	w := newWorld(t, fast())
	m := weights(t, 1, cheap)
	b := manifest(t, m, nil) // which refuses nothing
	id := w.register(w.person("registrant"), b)
	w.attest(id, true, "a", "b", "c")
	w.blocks(10)
	finder, supply := w.person("finder"), w.supply()
	if broken, err := w.keeper.Broken(w.ctx, id); err != nil || broken {
		t.Errorf("it is broken before anybody showed it: %v", err)
	}
	r := must(w, w.Challenge, challenge(finder, id, 0, opening(t, m, 0)))
	got := w.get(id)
	if got.Status != model.Status_STATUS_BROKEN || got.Deposit != 0 || !strings.Contains(got.Reason, r.Test) || r.Test == "" {
		t.Errorf("it is %+v", got)
	}
	deposit := model.FastParams().Deposit
	if won := w.has(finder) - purse; won != deposit/2 || supply-w.supply() != deposit-won {
		t.Errorf("the bounty is %d, %d were burned: want halves of %d", won, supply-w.supply(), deposit)
	}
	if err := w.keeper.Claimable(w.ctx, id); !errors.Is(err, model.ErrNotActive) {
		t.Errorf("it may be claimed: %v", err)
	}
	if broken, err := w.keeper.Broken(w.ctx, id); err != nil || !broken {
		t.Errorf("its work would be credited: %v", err)
	}
	if _, err := w.keeper.Work(w.ctx, id); err != nil {
		t.Errorf("claims that are open cannot be judged: %v", err)
	}
	refused(w, model.ErrStatus, w.Challenge, challenge(finder, id, 0, opening(t, m, 0)))
	refused(w, model.ErrRegistered, w.Register, registration(finder, b)) // and for ever
}

func TestChallengesThatShowNothing(t *testing.T) {
	w := newWorld(t, fast())
	m := weights(t, 1, nil)
	id := w.register(w.person("registrant"), manifest(t, m, func(f *hmodel.Manifest) {
		f.Blocks = []hmodel.Refused{{Name: "layers.1.up", Blocks: []uint32{2}}}
	}))
	finder := w.person("finder")
	good := opening(t, m, 0)
	forged := slices.Clone(good)
	clear(forged[len(forged)-1000:])
	for name, c := range map[string]*model.MsgChallenge{
		"a tile that passes":       challenge(finder, id, 0, good),
		"weights of another":       challenge(finder, id, 0, forged),
		"another tile's opening":   challenge(finder, id, 1, good),
		"a byte less":              challenge(finder, id, 0, good[1:]),
		"nothing":                  challenge(finder, id, 0, nil),
		"a tile refused already":   challenge(finder, id, 2, opening(t, m, 2)),
		"a tile that is not there": challenge(finder, id, 9, good),
		"no layer":                 {Challenger: finder, Model: id[:], Layer: 1 << 31, Kind: 2, Opening: good},
		"no kind":                  {Challenger: finder, Model: id[:], Layer: 1, Kind: 300, Opening: good},
		"the head":                 {Challenger: finder, Model: id[:], Layer: 2, Kind: 4, Opening: good},
		"no tile":                  {Challenger: finder, Model: id[:], Layer: 1, Kind: 2, Tile: 1 << 31, Opening: good},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			refused(w, model.ErrChallenge, w.Challenge, c)
		})
	}
}

// What a message costs in gas does not depend on what the node did before, or
// nodes would come to different blocks.
func TestGasIsTheSameOnEveryNode(t *testing.T) {
	m := weights(t, 1, cheap)
	b := manifest(t, m, nil)
	var used [2]string
	for i, fresh := range []bool{true, false} {
		w := newWorld(t, fast())
		w.ctx = w.ctx.WithGasMeter(storetypes.NewInfiniteGasMeter())
		who := w.person("somebody")
		if !fresh { // it has read the manifest in a block that was not kept
			ctx, _ := w.ctx.CacheContext()
			if _, err := w.Register(ctx, registration(who, b)); err != nil {
				t.Fatal(err)
			}
		}
		cost := func(f func()) uint64 {
			before := w.ctx.GasMeter().GasConsumed()
			f()
			return w.ctx.GasMeter().GasConsumed() - before
		}
		var id hmodel.Hash
		registering := cost(func() { id = w.register(who, b) })
		if fresh { // it was stopped and started meanwhile
			w.restart()
		}
		reading := cost(func() {
			if _, err := w.keeper.Work(w.ctx, id); err != nil {
				t.Fatal(err)
			}
		})
		if fresh {
			w.restart()
		}
		challenging := cost(func() { // without the look at the invariants
			if _, err := w.Challenge(w.ctx, challenge(who, id, 0, opening(t, m, 0))); err != nil {
				t.Fatal(err)
			}
		})
		used[i] = fmt.Sprint(registering, reading, challenging)
		if least := 32 * model.FastParams().GasPerWeightKib; challenging < least {
			t.Errorf("a challenge of 32 KiB costs %d gas, want %d at least", challenging, least)
		}
	}
	if used[0] != used[1] {
		t.Errorf("registering, reading and challenging cost %s on one node, %s on another", used[0], used[1])
	}
}

func TestGovernanceSuspends(t *testing.T) {
	w := newWorld(t, fast())
	id := w.register(w.person("registrant"), manifest(t, weights(t, 1, nil), nil))
	suspend := func(by string, yes bool) *model.MsgSuspend {
		return &model.MsgSuspend{Authority: by, Model: id[:], Suspend: yes, Reason: "its licence is disputed"}
	}
	refused(w, model.ErrStatus, w.Suspend, suspend(authority, true))
	w.attest(id, true, "a", "b", "c")
	w.blocks(10)
	refused(w, model.ErrAuthority, w.Suspend, suspend("a", true))
	must(w, w.Suspend, suspend(authority, true))
	if err := w.keeper.Claimable(w.ctx, id); !errors.Is(err, model.ErrNotActive) || !strings.Contains(err.Error(), "disputed") {
		t.Errorf("suspended: %v", err)
	}
	if _, err := w.keeper.Work(w.ctx, id); err != nil {
		t.Errorf("claims that are open cannot be judged: %v", err)
	}
	must(w, w.Suspend, suspend(authority, false))
	if err := w.keeper.Claimable(w.ctx, id); err != nil {
		t.Errorf("lifted: %v", err)
	}
}

func TestParametersAreGovernances(t *testing.T) {
	w := newWorld(t, fast())
	p := model.DefaultParams()
	refused(w, model.ErrAuthority, w.UpdateParams, &model.MsgUpdateParams{Authority: "a", Params: p})
	for _, spoil := range []func(*model.Params){
		func(p *model.Params) { p.Deposit = 0 },
		func(p *model.Params) { p.Delay = 0 },
		func(p *model.Params) { p.ProposalPeriod = -1 },
		func(p *model.Params) { p.MaxManifest = 1 << 31 },
		func(p *model.Params) { p.BountyPermille = 1001 },
		func(p *model.Params) { p.IdlePermille = 1001 },
		func(p *model.Params) { p.GasPerWeightKib = 1 << 40 },
		func(p *model.Params) { p.MaxProposed = 0 },
	} {
		bad := p
		spoil(&bad)
		refused(w, model.ErrParams, w.UpdateParams, &model.MsgUpdateParams{Authority: authority, Params: bad})
	}
	must(w, w.UpdateParams, &model.MsgUpdateParams{Authority: authority, Params: p})
	if r, err := w.Params(w.ctx, nil); err != nil || r.Params != p {
		t.Errorf("the parameters are %+v: %v", r, err)
	}
}

func TestAModelOfTheGenesisIsActive(t *testing.T) {
	g := fast()
	b := manifest(t, weights(t, 1, nil), nil)
	id, err := g.Founded(b, "hearth-mini", "Apache-2.0", nil, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Founded(manifest(t, weights(t, 2, nil), nil), "other", "MIT", nil, nil); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, g)
	w.check()
	if err := w.keeper.Claimable(w.ctx, id); err != nil {
		t.Error(err)
	}
	r, err := w.Manifest(w.ctx, &model.QueryManifestRequest{Id: hmodel.Hash(id).String()})
	if err != nil || string(r.Manifest) != string(b) {
		t.Errorf("its manifest: %v", err)
	}
	if _, err := w.Manifest(w.ctx, &model.QueryManifestRequest{Id: "zz"}); err == nil {
		t.Error("what is no id has a manifest")
	}
	again, err := w.keeper.ExportGenesis(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, again); diff != "" {
		t.Errorf("exported it is another (-imported +exported):\n%s", diff)
	}
	if _, err := g.Founded(b, "twice", "MIT", nil, nil); err != nil {
		t.Fatal(err)
	}
	if g.Validate() == nil {
		t.Error("a model that is there twice is valid")
	}
}

// Whatever people do, the account holds the deposits, roots have one model, and
// an exported state is the state.
func TestTheRegistryHolds(t *testing.T) {
	var manifests [][]byte
	var models []*hmodel.Model
	for seed := range uint64(3) {
		change := cheap
		if seed == 0 {
			change = nil
		}
		m := weights(t, seed+1, change)
		models, manifests = append(models, m), append(manifests, manifest(t, m, nil))
	}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, fast())
		who := w.person("somebody")
		var ids []hmodel.Hash
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			i := rapid.IntRange(0, len(manifests)-1).Draw(r, "model")
			f, err := hmodel.ParseManifest(manifests[i])
			if err != nil {
				r.Fatal(err)
			}
			id, err := f.ID()
			if err != nil {
				r.Fatal(err)
			}
			ids = append(ids, id)
			validator := rapid.SampledFrom([]string{"a", "b", "c", "d", "nobody"}).Draw(r, "validator")
			switch rapid.IntRange(0, 6).Draw(r, "deed") {
			case 0, 1:
				_, _ = do(w, w.Register, registration(who, manifests[i]))
			case 2, 3:
				_, _ = do(w, w.Attest, &model.MsgAttest{Validator: validator, Model: id[:], Fit: rapid.IntRange(0, 3).Draw(r, "fit") > 0})
			case 4:
				_, _ = do(w, w.Challenge, challenge(who, id, 0, opening(r, models[i], 0)))
			case 5:
				_, _ = do(w, w.Suspend, &model.MsgSuspend{Authority: authority, Model: id[:], Suspend: rapid.Bool().Draw(r, "suspend")})
			case 6:
				w.power[validator] = int64(rapid.IntRange(0, 50).Draw(r, "power"))
				w.blocks(int64(rapid.IntRange(1, 70).Draw(r, "blocks")))
			}
		}
		g, err := w.keeper.ExportGenesis(w.ctx)
		if err != nil {
			r.Fatal(err)
		}
		n := newWorld(r, g)
		n.check()
		again, err := n.keeper.ExportGenesis(n.ctx)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			r.Fatalf("imported it is another (-exported +imported):\n%s", diff)
		}
		for _, id := range ids { // who is claimable has a manifest
			if w.keeper.Claimable(w.ctx, id) == nil {
				if _, err := w.keeper.Work(w.ctx, id); err != nil {
					r.Fatal(err)
				}
			}
		}
	})
}
