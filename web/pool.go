package web

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hearth/httpapi"
	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/site"
	"hearth/units"
)

// heatersShown is how many paired miners one page has.
const heatersShown = 200

// poolView is the page about what mining brings and whom.
type poolView struct {
	*pool.State
	Heaters []heaterView
	// More counts the miners that are paired and not shown.
	More    int
	Sources []sourceView
	Parties []partyView
	Payouts []payoutView
	// PerKWh and Day are the state's, with their thousands set apart.
	PerKWh, Day known
	// Warm says what a kilowatt-hour of heat brings in money, Today what the last
	// day did; empty if that is not known.
	Warm, Today string
	Received    string
	// Section is what makes a pool of a home that has none.
	Section string
}

// grouped is an amount whose thousands are set apart.
type grouped struct{ units.Known[units.Sats] }

// String implements [known].
func (g grouped) String() string {
	v, ok := g.Get()
	if !ok {
		return g.Known.String()
	}
	return agreement.Told(int64(v) * 1000)
}

type heaterView struct {
	pool.HeaterState
	// Brings is what the heater should earn in a day at this pace, or why that
	// is not known.
	Brings string
	// Device is set where the miner is a device of the home.
	Device string
	// For is who pays for its work, and Silent who would, but does not answer.
	For, Silent string
}

type sourceView struct {
	pool.SourceState
	Worth string // of the work that it acknowledged
}

type partyView struct {
	pool.PartyState
	Share, Balance, Paid, Work string
	Months                     []choice
}

type payoutView struct {
	pool.PayoutState
	Amount, Fee string
}

// ownPool is what there is to show of the home's pool, nil if it has none.
func (p *pages) ownPool() *pool.State {
	st, err := httpapi.PoolState(p.home)
	if err != nil {
		return nil
	}
	return st
}

// paired are the names of the miners that may come in, nil if the home has no
// pool.
func (p *pages) paired() map[string]bool {
	st := p.ownPool()
	if st == nil {
		return nil
	}
	names := map[string]bool{}
	for _, x := range st.Heaters {
		names[x.Name] = true
	}
	return names
}

// worth writes what an amount is in money, empty if the price is not known.
func worth(amount units.Known[units.Sats], price units.Known[units.Money]) string {
	v, ok := amount.Get()
	m, priced := price.Get()
	if !ok || !priced {
		return ""
	}
	micros := float64(v) / 1e8 * float64(m.Micros)
	if math.Abs(micros) > 0 && math.Abs(micros) < 10_000 { // under a cent
		return fmt.Sprintf("about %.2g %s", micros/1e6, m.Currency)
	}
	return "about " + units.Money{Micros: int64(micros), Currency: m.Currency}.String()
}

// difficulty writes work as the difficulty of the shares that it came in.
func difficulty(w job.Work) string {
	v := float64(w.Difficulty())
	switch {
	case v >= 1e12:
		return strconv.FormatFloat(v/1e12, 'g', 4, 64) + " trillion"
	case v >= 1e9:
		return strconv.FormatFloat(v/1e9, 'g', 4, 64) + " billion"
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + " million"
	case v >= 100:
		return units.Whole(v)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// pool shows what mining brings, or how to begin.
func (p *pages) pool(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	st := p.ownPool()
	if st == nil {
		return p.show(w, r, http.StatusOK, "pool", view{Title: "Sats", Page: "pool", State: s}, poolView{Section: pool.Example})
	}
	return p.show(w, r, http.StatusOK, "pool", view{Title: "Sats", Page: "pool", Live: true, State: s}, p.poolView(s, st))
}

func (p *pages) poolView(s site.State, st *pool.State) poolView {
	v := poolView{
		State: st, PerKWh: grouped{st.Money.PerKWh}, Day: grouped{st.Money.Day}, Warm: worth(st.Money.PerKWh, st.Money.Price), Today: worth(st.Money.Day, st.Money.Price), Received: agreement.Told(st.Money.Received),
	}
	heaters := slices.Clone(st.Heaters)
	// What needs a person comes first.
	slices.SortStableFunc(heaters, func(a, b pool.HeaterState) int { return rank(a) - rank(b) })
	v.More = max(0, len(heaters)-heatersShown)
	for _, h := range heaters[:len(heaters)-v.More] {
		one := heaterView{HeaterState: h, Brings: brings(st, h), For: h.Source}
		if from, known := st.Of(h); known && from.Up {
			one.For = from.Called()
		} else if known {
			one.Silent = from.Called()
		}
		if d, ok := deviceByID(s, h.Name); ok {
			one.Device = d.Name
		}
		v.Heaters = append(v.Heaters, one)
	}
	for _, x := range st.Sources {
		v.Sources = append(v.Sources, sourceView{x, difficulty(x.Credited)})
	}
	for _, x := range st.Parties {
		one := partyView{PartyState: x, Balance: agreement.Told(x.Balance), Paid: agreement.Told(x.Paid)}
		if x.Weight > 0 {
			one.Share = units.Fraction(float64(x.Weight) / 1e6).String()
		}
		if x.Credited > 0 {
			one.Work = difficulty(x.Credited)
		}
		if st.Mode != "" {
			one.Months = p.months(s.At)
		}
		v.Parties = append(v.Parties, one)
	}
	for _, x := range st.Payouts {
		v.Payouts = append(v.Payouts, payoutView{x, agreement.Told(x.Millisats), agreement.Told(x.Fee)})
	}
	return v
}

// months are this month and the two before it.
func (p *pages) months(now time.Time) []choice {
	now = now.In(p.bookZone())
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	var out []choice
	for i := range 3 {
		m := first.AddDate(0, -i, 0)
		out = append(out, choice{ID: m.Format("2006-01"), Name: m.Format("January 2006")})
	}
	return out
}

// rank puts heaters with trouble first, and those that are unpaid next.
func rank(h pool.HeaterState) int {
	switch {
	case h.Trouble != "":
		return 0
	case h.Unpaid:
		return 1
	}
	return 2
}

// brings says what a heater should earn in a day at this pace.
func brings(st *pool.State, h pool.HeaterState) string {
	switch {
	case !h.Online:
		return "Nothing: it is not connected."
	case h.Unpaid:
		return "Nothing: it makes heat only, nobody pays for its work."
	case st.Test:
		return "Coins of a test network, worth nothing."
	}
	day, known := st.Money.Day.Get()
	all, together := st.Rate.Get()
	rate, own := h.Rate.Get()
	switch {
	case !known:
		return "Not known: " + st.Money.Day.Why() + "."
	case !own:
		return "Not known: " + h.Rate.Why() + "."
	case !together || all <= 0:
		return "Not known: " + st.Rate.Why() + "."
	}
	v := units.Sats(math.Round(float64(day) * float64(rate/all)))
	if text := worth(units.Know(v, st.At, units.Estimate), st.Money.Price); text != "" {
		return fmt.Sprintf("%s a day at this pace, %s.", agreement.Told(int64(v)*1000), text)
	}
	return agreement.Told(int64(v)*1000) + " a day at this pace."
}

// earning is what mining brings now, for the sentence of the home; empty if
// nothing is known of it.
func (p *pages) earning() string {
	st := p.ownPool()
	if st == nil {
		return ""
	}
	mining := slices.ContainsFunc(st.Heaters, func(x pool.HeaterState) bool { return x.Online })
	day, ok := st.Money.Day.Get()
	switch {
	case !mining || st.Test:
		return ""
	case st.Unpaid:
		return "Mining unpaid: heat only."
	case !ok || day < 24:
		return ""
	}
	return "Earning about " + agreement.Told(int64(day/24)*1000) + "/h."
}

func (p *pages) postPair(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	h, err := httpapi.PoolOf(p.home)
	if err != nil {
		return err
	}
	m, err := httpapi.MinerText(r.PostForm.Get("name"), r.PostForm.Get("address"), r.PostForm.Get("account"))
	if err != nil {
		return err
	}
	paired, err := h.Pair(r.Context(), m, by(r))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.show(w, r, http.StatusOK, "paired", view{Title: "Let " + paired.Name + " in", Page: "pool", Path: "/pool"}, paired)
}

func (p *pages) postUnpair(w http.ResponseWriter, r *http.Request) error {
	return p.poolForm(w, r, func(h httpapi.Pool) error { return h.Unpair(r.Context(), r.PathValue("name"), by(r)) })
}

func (p *pages) postPayouts(w http.ResponseWriter, r *http.Request) error {
	return p.poolForm(w, r, func(h httpapi.Pool) error {
		stop, err := strconv.ParseBool(r.PostForm.Get("stopped"))
		if err != nil {
			return invalid("Say whether payments are to stop.")
		}
		return h.StopPayouts(r.Context(), stop, by(r))
	})
}

// maxPointing bounds the time in which a miner takes up other pools.
const maxPointing = time.Minute

func (p *pages) postDevicePool(w http.ResponseWriter, r *http.Request) error {
	return p.poolForm(w, r, func(h httpapi.Pool) error {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxPointing)); err != nil {
			return fmt.Errorf("set the pools of %s: %w", r.PathValue("id"), err)
		}
		switch to := r.PostForm.Get("to"); to {
		case httpapi.ToHearth:
			return h.PointMiner(r.Context(), r.PathValue("id"), by(r))
		case httpapi.ToEarlier:
			return h.RestoreMiner(r.Context(), r.PathValue("id"), by(r))
		default:
			return invalid("%q is no place to mine at.", to)
		}
	})
}

// poolForm reads a form about the pool, does what it asks and leads back.
func (p *pages) poolForm(w http.ResponseWriter, r *http.Request, do func(httpapi.Pool) error) error {
	if err := form(w, r); err != nil {
		return err
	}
	h, err := httpapi.PoolOf(p.home)
	if err == nil {
		err = do(h)
	}
	if err != nil {
		return err
	}
	return done(w, r)
}

// payoutText says what became of a payout.
func payoutText(s string) string {
	switch ledger.PayoutState(s) {
	case ledger.PayoutBegun:
		return "decided"
	case ledger.PayoutPrepared:
		return "made ready; nothing has moved"
	case ledger.PayoutSent:
		return "on its way"
	case ledger.PayoutPaid:
		return "paid"
	case ledger.PayoutFailed:
		return "failed; nothing has moved"
	case ledger.PayoutUnknown:
		return "nobody knows yet: it is not paid again before that is known"
	}
	return s
}
