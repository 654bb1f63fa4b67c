package archtest

// Layer says what the packages of a pattern may import of their own module.
type Layer struct {
	// Packages is a path below the module's root. "*" stands for one element,
	// "..." at the end for any number, none included.
	Packages string
	// May lists patterns of packages that may be imported.
	May []string
	// Pure packages do no I/O and have no clock and no randomness of their own.
	Pure bool
	// Whole packages have no floating point: what they compute is the same on
	// every processor.
	Whole bool
	// Layout is set for pure packages that look at memory as the processor does
	// (package unsafe).
	Layout bool
	// Tests is set for packages that only tests use. They need no test of their
	// own, and no program may contain them.
	Tests bool
}

// Program is a command and what must never be linked into it.
type Program struct {
	Package string
	// Never lists import paths and, with a trailing slash, prefixes.
	Never []string
}

// Rules is the shape of a module.
type Rules struct {
	// Layers are tried in order; the first whose pattern fits a package holds
	// for it. A package that fits none is an error, so that nobody adds a layer
	// without saying where it stands.
	Layers   []Layer
	Programs []Program
	// MaxLines is the most lines of a source file.
	MaxLines int
}

// Hearth is the dependency table of this module.
//
// Read from the top it is also the order in which to learn the code: each
// layer knows only those above it. Heat and the network meet nowhere but in
// the programs.
func Hearth() Rules {
	const (
		plumbing = "internal/..." // knows nothing of homes
		sockets  = "drivers/internal/..."
	)
	// What a surface shows: a home's state, in the home's own terms.
	view := []string{"units", "heat", "control", "device", "discovery", "site", "ledger", "pool", plumbing}
	pages := append(view, "httpapi", "web/...", "heat/climate", "plan/...", "pool/...")

	return Rules{
		Layers: []Layer{
			{Packages: "units", Pure: true},
			{Packages: "heat", May: []string{"units"}, Pure: true},
			// Not pure: it asks the computer for the rules of time zones.
			{Packages: "heat/climate", May: []string{"units", "heat", "internal/spelling"}},
			{Packages: "device", May: []string{"units"}},
			{Packages: "device/devicetest", May: []string{"units", "device", "heat", "emulate", plumbing}, Tests: true},
			{Packages: "control", May: []string{"units", "heat", "device", "control/scheduler"}, Pure: true},
			{Packages: "control/scheduler", May: []string{"units"}, Pure: true},
			{Packages: "ledger", May: []string{"units"}, Pure: true},

			// The planner: facts, markets, and the answer; then files and pictures.
			{Packages: "plan/atlas", May: []string{"units", "heat", "heat/climate"}, Pure: true},
			{Packages: "plan/market", May: []string{"units"}, Pure: true},
			{Packages: "plan", May: []string{"units", "heat", "heat/climate", "control/scheduler", "plan/atlas", "plan/market"}, Pure: true},
			{Packages: "plan/brief", May: []string{"units", "heat", "heat/climate", "source/...", "plan", "plan/atlas", "plan/market", plumbing}},
			{Packages: "plan/picture", May: []string{"units", "plan", "plan/atlas", "plan/market"}, Pure: true},
			{Packages: "plan/report", May: []string{"units", "plan/..."}, Pure: true},

			// The engine is whole numbers from the kernels up; what it computes, and
			// the proof that it did, is the same on every machine.
			{Packages: "infer/kernel", Pure: true, Whole: true, Layout: true},
			{Packages: "infer/safetensors", May: []string{"internal/float16"}, Pure: true},
			{Packages: "infer/gguf", May: []string{"internal/float16"}, Pure: true},
			{Packages: "infer/token", Pure: true},
			{Packages: "infer/token/tokentest", Tests: true},
			{Packages: "infer/text", May: []string{"infer/token"}, Pure: true},
			{Packages: "infer/model", May: []string{"infer/kernel", "infer/safetensors"}, Pure: true, Whole: true, Layout: true},
			{Packages: "infer/engine", May: []string{"infer/kernel", "infer/model"}, Pure: true, Whole: true},
			// Those who want tickets for less are measured, and measures are fractions.
			{Packages: "work/cheat", May: []string{"infer/kernel", "infer/model", "infer/engine", "work/..."}, Pure: true},
			{Packages: "work/...", May: []string{"infer/kernel", "infer/model", "infer/engine", "work/..."}, Pure: true, Whole: true, Layout: true},
			// Floating point ends here: models come in as floats, and are whole
			// numbers from then on.
			{Packages: "infer/importer", May: []string{"infer/..."}, Pure: true},
			{Packages: "infer/mini/...", May: []string{"infer/..."}},
			{Packages: "infer/hub", May: []string{"infer/...", "work/...", plumbing}},
			{Packages: "openai", May: []string{"units", "infer/...", "work/...", plumbing}},

			{Packages: "internal/archtest"},
			{Packages: "internal/openapitest", Tests: true},
			{Packages: "internal/browsertest", Tests: true},
			{Packages: "internal/mqtt/mqtttest", May: []string{plumbing}, Tests: true},
			{Packages: "internal/reference", May: []string{"units", plumbing}, Tests: true},
			{Packages: "internal/strictyaml", Pure: true},
			{Packages: plumbing, May: []string{"units", plumbing}},

			// Drivers never see each other, control or the site.
			{Packages: sockets, May: []string{"units", "device", sockets, plumbing}},
			{Packages: "drivers/*/...", May: []string{"units", "device", sockets, plumbing}},

			{Packages: "furnace", May: []string{"units", "device"}},

			{Packages: "emulate/...", May: []string{"units", "heat", "device", "emulate", plumbing}},
			{Packages: "source/...", May: []string{"units", "heat", "source/internal/...", "source", plumbing}},

			{Packages: "store/...", May: []string{"units", "ledger", plumbing}},
			// The site takes its devices, sensors and stores through interfaces.
			{Packages: "site/...", May: []string{"units", "heat", "control", "device", "ledger", "site", plumbing}},

			{Packages: "httpapi/...", May: view},
			// Pages stand behind the gate of the API, which says who visits; the API
			// knows nothing of pages.
			{Packages: "web/storybook", May: pages, Tests: true},
			{Packages: "web/...", May: pages},
			{Packages: "homeassistant/...", May: view},
			{Packages: "config/...", May: []string{"units", "heat", "control", "device", "site", "source/...", plumbing}},

			// The network. What decides is pure and in whole numbers; a client of it
			// needs neither the SDK nor CometBFT (the programs below see to that).
			// First what holds on either side, then the clients, the modules, and the
			// node that is made of them.
			{Packages: "chain/beacon/drand", Pure: true, Whole: true},
			{Packages: "chain/beacon/rule", May: []string{"chain/beacon/drand"}, Pure: true, Whole: true},
			{Packages: "chain/beacon/relay", May: []string{"chain/beacon/drand"}},
			{Packages: "chain/commons/tree", May: []string{"infer/kernel", "infer/model", "work"}, Pure: true, Whole: true},
			{Packages: "chain/commons/library", May: []string{"chain/commons/tree", plumbing}},
			{Packages: "chain/emission/schedule", Pure: true, Whole: true},
			{Packages: "chain/power/weight", Pure: true, Whole: true},
			{Packages: "chain/work/market", Pure: true, Whole: true},
			{Packages: "chain/model/entry", May: []string{"work", "work/admission", "infer/kernel", "infer/model"}, Pure: true, Whole: true},
			{Packages: "chain/economy/...", May: []string{"chain/power/weight", "chain/emission/schedule", "chain/work/market", "chain/economy"}, Pure: true},

			{Packages: "chain/wire/wiretest", May: []string{"chain/..."}, Tests: true},
			{Packages: "chain/wire", Pure: true},
			{Packages: "chain/keys/keystest", May: []string{"chain/keys", "chain/wire"}, Tests: true},
			{Packages: "chain/keys", May: []string{"chain/wire", plumbing}},
			{Packages: "chain/light/lighttest", May: []string{"chain/light/...", "chain/wire"}, Tests: true},
			{Packages: "chain/light", May: []string{"chain/wire"}, Pure: true},
			{Packages: "chain/light/...", May: []string{"chain/light/...", "chain/wire", plumbing}},
			{Packages: "chain/judge", May: []string{"work", "work/rerun", "infer/engine", "infer/kernel", "infer/model"}, Pure: true, Whole: true},
			{Packages: "chain/weights", May: []string{"chain/judge", "work", "work/admission", "infer/engine", "infer/kernel", "infer/model", plumbing}},
			{Packages: "chain/judge/court", May: []string{"chain/judge", "chain/weights", "work", "infer/model"}},
			{Packages: "chain/mine/minetest", May: []string{"..."}, Tests: true},
			{Packages: "chain/mine/record", May: []string{"chain/wire", "infer/model", "work"}},
			{Packages: "chain/mine/...", May: []string{
				"chain/mine/...", "chain/wire", "chain/keys", "chain/light/...", "chain/judge", "chain/weights", "chain/commons/tree", "chain/commons/library", "chain/work/market",
				"infer/...", "work/...", plumbing,
			}},

			{Packages: "chain/coin/cointest", May: []string{"chain/coin"}, Tests: true},
			{Packages: "chain/coin"},
			{Packages: "chain/invariant", Whole: true},
			{Packages: "chain/govern"},
			{Packages: "chain/frame", Whole: true},
			{Packages: "chain/beacon", May: []string{"chain/beacon/...", "chain/frame", "chain/invariant"}, Whole: true},
			{Packages: "chain/model", May: []string{"chain/coin", "chain/frame", "chain/invariant", "chain/model/entry", "work", "infer/model"}, Whole: true},
			{Packages: "chain/power", May: []string{"chain/coin", "chain/frame", "chain/invariant", "chain/beacon/drand", "chain/power/weight"}, Whole: true},
			{Packages: "chain/emission", May: []string{"chain/coin", "chain/frame", "chain/invariant", "chain/emission/schedule"}, Whole: true},
			{Packages: "chain/work", May: []string{"chain/coin", "chain/frame", "chain/invariant", "chain/judge", "chain/work/market", "work", "infer/kernel", "infer/model"}, Whole: true},
			{Packages: "chain/commons", May: []string{"chain/coin", "chain/frame", "chain/invariant", "chain/commons/tree", "chain/work", "work", "infer/model"}, Whole: true},

			{Packages: "chain/app", May: []string{
				"chain/beacon/...", "chain/coin", "chain/commons", "chain/emission", "chain/govern", "chain/invariant", "chain/model", "chain/power", "chain/work", "infer/model", "work",
			}},
			{Packages: "chain/explorer/storybook", May: []string{"chain/..."}, Tests: true},
			{Packages: "chain/explorer", May: []string{
				"chain/beacon", "chain/coin", "chain/commons", "chain/emission", "chain/model", "chain/power", "chain/work", "infer/model", "work",
			}},
			{Packages: "chain/stage", May: []string{"infer/...", "work/...", "chain/...", plumbing}, Tests: true},
			{Packages: "chain/simulation", May: []string{"infer/...", "work/...", "chain/...", plumbing}, Tests: true},
			{Packages: "chain/adversary", May: []string{"infer/...", "work/...", "chain/...", plumbing}, Tests: true},
			{Packages: "chain/node/...", May: []string{"infer/...", "work/...", "chain/...", plumbing}},
			{Packages: "chain/devnet/...", May: []string{"infer/...", "work/...", "chain/...", plumbing}},

			// Mining and sat sharing. What decides is pure: jobs, shares, both
			// protocols, splits, agreements, the state of a payment. Sockets, files and
			// wallets stand around it.
			{Packages: "pool/job", May: []string{"internal/jsonscan"}, Pure: true},
			{Packages: "pool/share", May: []string{"units", "pool/job"}, Pure: true},
			{Packages: "pool/stratum", May: []string{"pool/job"}, Pure: true},
			{Packages: "pool/stratum1", May: []string{"units", "pool/job", "pool/share", "pool/stratum"}, Pure: true},
			{Packages: "pool/stratum2/...", May: []string{"units", "pool/job", "pool/share", "pool/stratum", "pool/stratum2/..."}, Pure: true},
			{Packages: "pool/split", May: []string{"pool/job"}, Pure: true},
			{Packages: "pool/reward", May: []string{"pool/job", "pool/split"}, Pure: true},
			{Packages: "pool/reconcile", May: []string{"units", "pool/job"}, Pure: true},
			{Packages: "pool/account", May: []string{"units", "ledger", "pool/job", "pool/split"}, Pure: true},
			{Packages: "pool/agreement", May: []string{"units", "ledger", "pool/job", "pool/split", "pool/account", "internal/spelling", "internal/strictyaml"}, Pure: true},
			{Packages: "pool/payout", May: []string{"units", "ledger", "pool/job"}, Pure: true},
			{Packages: "pool/node", May: []string{"units", "pool/job", plumbing}},
			// Wallets and rails: what an invoice says and how a message is sealed is
			// pure as well.
			{Packages: "pool/payout/bolt11", Pure: true},
			{Packages: "pool/payout/nwc/nip44", Pure: true},
			{Packages: "pool/payout/payouttest", May: []string{"units", "pool/payout", "pool/payout/bolt11"}, Tests: true},
			{Packages: "pool/payout/onchain", May: []string{"pool/job", "pool/node", "pool/payout", "pool/payout/lnd/rest", plumbing}},
			{Packages: "pool/payout/...", May: []string{"units", "pool/job", "pool/payout", "pool/payout/bolt11", "pool/payout/lnd/rest", "pool/payout/nwc/nip44", plumbing}},
			{Packages: "pool/journal", May: []string{"units", "ledger", "pool/job", plumbing}},
			{Packages: "pool/upstream", May: []string{"units", "pool/job", "pool/share", "pool/stratum", "pool/stratum1", "pool/stratum2/...", plumbing}},
			{Packages: "pool/server", May: []string{"units", "pool/job", "pool/share", "pool/stratum1", "pool/stratum2/...", plumbing}},
			{Packages: "pool/miner", May: []string{"units", "pool/job", "pool/share", "pool/upstream", plumbing}},
			{Packages: "pool/pooltest", May: []string{"units", "ledger", "pool/...", plumbing}, Tests: true},
			{Packages: "pool/page", May: []string{"units", "ledger", "pool/...", plumbing}},
			{Packages: "pool", May: []string{"units", "ledger", "pool/...", plumbing}},

			{Packages: "discovery/...", May: []string{"units", "device", plumbing}},
			{Packages: "cmd/...", May: []string{"..."}},
		},
		Programs: []Program{{
			Package: "cmd/hearth",
			Never: []string{
				// The network is another program, for those who run a node.
				"github.com/cosmos/", "github.com/cometbft/", "cosmossdk.io/",
				// What only tests need.
				"testing", "pgregory.net/rapid", "github.com/google/go-cmp/", "github.com/chromedp/",
				"github.com/rogpeppe/go-internal/",
			},
		}},
		MaxLines: 1000,
	}
}
