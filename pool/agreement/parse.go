package agreement

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hearth/pool/job"
	"hearth/units"
)

// Bounds of what a contract may ask for.
const (
	maxParties = 16
	maxSteps   = 32
	maxYears   = 30
	maxName    = 40
	maxDays    = 3650
	// maxAge is the most that a price may be old: well below lead.
	maxAge = 14 * 24 * time.Hour
)

// Parse reads a contract. The error is an [*Error]: the first mistake, with its
// line and what would be right there.
func Parse(text []byte) (*Agreement, error) {
	r := &reader{src: text}
	a := r.agreement(r.open())
	if r.err != nil {
		return nil, r.err
	}
	a.seal(text)
	return a, nil
}

func (r *reader) agreement(top node) *Agreement {
	a := &Agreement{}
	f := r.fields(top, "agreement", "name", "title", "mode", "network", "currency", "time_zone", "start", "end", "notice",
		"interval", "parties", "meters", "bitcoin_price", "waterfall", "shares", "season", "monthly_caps", "monthly_floors",
		"arrears", "unknown", "books_close")
	if r.err != nil {
		return a
	}
	if r.word(f["agreement"]) != "1" {
		r.fail(f["agreement"], "the first line says which form of agreement this is: write \"agreement: 1\"")
	}
	r.need(top, f, "name", "mode", "time_zone", "start", "parties", "meters", "shares")
	a.Name = read(r, f["name"], parseName)
	a.Title = r.word(f["title"])
	a.Mode = choice(r, f["mode"], Coinbase, PerShare, Slices, Ledger)
	a.Network = mainnet
	if !f["network"].missing() {
		a.Network = choice(r, f["network"], mainnet, "testnet", "signet", "regtest", "simnet")
	}
	a.Currency = read(r, f["currency"], parseCurrency)
	a.Zone = r.word(f["time_zone"])
	a.Start = read(r, f["start"], parseDate)
	a.End = read(r, f["end"], parseDate)
	a.Notice = read(r, f["notice"], parseDays)
	a.Interval = 15 * time.Minute
	if !f["interval"].missing() {
		a.Interval = read(r, f["interval"], parseInterval)
	}
	if !a.End.IsZero() && (a.End.before(a.Start) || a.End.Year > a.Start.Year+maxYears) {
		r.fail(f["end"], "the agreement ends on %s: that must lie after its start on %s, and within %d years", a.End, a.Start, maxYears)
	}
	r.parties(a, f["parties"])
	if r.err != nil {
		return a
	}
	r.meters(a, f["meters"])
	r.market(a, f["bitcoin_price"])
	a.Terms = r.terms(a, f["waterfall"], f["shares"])
	r.season(a, f["season"])
	a.Caps = r.bounds(a, f["monthly_caps"])
	a.Floors = r.bounds(a, f["monthly_floors"])
	if w := choice(r, f["arrears"], "carried", "lapse"); w != "" {
		a.Carried = w == "carried"
	}
	a.Release = read(r, f["unknown"], parseUnknown)
	a.Close = 60 * 24 * time.Hour
	if c := f["books_close"]; !c.missing() {
		a.Close = read(r, c, func(s string) (time.Duration, error) { return parseAfter(s, "after ") })
	}
	if r.err == nil {
		r.check(a, top, f)
	}
	return a
}

// need reports the first of the keys that is not there.
func (r *reader) need(n node, f map[string]node, keys ...string) {
	for _, k := range keys {
		if f[k].missing() {
			r.fail(n, "%s has no %q", n.what, k)
			return
		}
	}
}

func (r *reader) parties(a *Agreement, n node) {
	for _, e := range r.entries(n) {
		id := read(r, e.at, parseName)
		e.value.what = "party " + e.key
		f := r.fields(e.value, "name", "paid")
		r.need(e.value, f, "name")
		p := Party{ID: id, Name: r.word(f["name"])}
		if paid := f["paid"]; !paid.missing() {
			p.Way, p.To = r.paid(paid, a)
		}
		a.Parties = append(a.Parties, p)
	}
	switch {
	case r.err != nil:
	case len(a.Parties) < 2:
		r.fail(n, "an agreement is between two parties at least")
	case len(a.Parties) > maxParties:
		r.fail(n, "%d parties are more than %d", len(a.Parties), maxParties)
	}
}

// paid reads where a party is paid, and refuses what its mode cannot pay.
func (r *reader) paid(n node, a *Agreement) (Way, string) {
	var way Way
	var to string
	if s, ok := plain(n.Node); ok {
		if way = Way(s); way != Stays {
			r.fail(n, "paid: write \"stays\", or how and where, such as {lightning: anna@example.com}")
		}
	} else {
		e := r.only(n, "paid: {lightning: anna@example.com}")
		if r.err != nil {
			return "", ""
		}
		way = choice(r, e.at, Lightning, Address, Node, Account, Pool)
		to = read(r, e.value, func(s string) (string, error) { return s, checkPlace(way, s, job.Network(a.Network)) })
	}
	ways := map[Mode][]Way{Coinbase: {Address}, PerShare: {Account}, Slices: {Pool}, Ledger: {Lightning, Address, Node, Stays}}[a.Mode]
	if r.err == nil && !slices.Contains(ways, way) {
		options := make([]string, len(ways))
		for i, w := range ways {
			options[i] = string(w)
		}
		r.fail(n, "in mode %s a party is not paid by %s: there is %s", a.Mode, way, strings.Join(options, ", "))
	}
	return way, to
}

// checkPlace says whether somebody can be paid there, as far as the text tells.
func checkPlace(way Way, s string, n job.Network) error {
	switch way {
	case Lightning:
		user, host, ok := strings.Cut(s, "@")
		if !ok || user == "" || strings.Trim(user, "abcdefghijklmnopqrstuvwxyz0123456789-_.+") != "" || !isHost(host) {
			return fmt.Errorf("%q is not a Lightning address: write it as anna@example.com", s)
		}
	case Node:
		if len(s) != 66 || s[:2] != "02" && s[:2] != "03" || strings.Trim(s, "0123456789abcdef") != "" {
			return fmt.Errorf("%q is not the key of a node: want 66 hexadecimal digits that begin with 02 or 03", s)
		}
	case Address:
		if _, err := job.Script(s, n); err != nil {
			return err
		}
	case Account, Pool, Stays:
		if strings.ContainsAny(s, " \t") {
			return fmt.Errorf("%q has a space in it", s)
		}
	}
	return nil
}

// isHost reports whether s is the name or address of a machine, with a port or
// without.
func isHost(s string) bool {
	if _, err := netip.ParseAddrPort(s); err == nil {
		return true
	}
	name, port, _ := strings.Cut(s, ":")
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && strings.Trim(port, "0123456789") == ""
}

func (r *reader) meters(a *Agreement, n node) {
	f := r.fields(n, "electricity", "heat", "workers", "income", "complete", "worst")
	r.need(n, f, "workers", "income")
	a.Meters = Meters{
		Electricity: r.words(f["electricity"]), Heat: r.words(f["heat"]), Workers: r.words(f["workers"]), Income: r.words(f["income"]),
		Complete: million, Worst: units.Nameplate,
	}
	if c := f["complete"]; !c.missing() {
		if a.Meters.Complete = read(r, c, parsePercent); r.err == nil && a.Meters.Complete == 0 {
			r.fail(c, "complete: at 0%% an interval of which nothing is known would count as measured")
		}
	}
	if w := f["worst"]; !w.missing() {
		choice(r, w, units.Meter.String(), units.PSU.String(), units.Estimate.String(), units.Nameplate.String())
		a.Meters.Worst = read(r, w, func(s string) (p units.Provenance, err error) { return p, p.UnmarshalText([]byte(s)) })
	}
	for _, l := range []struct {
		key  string
		list []string
	}{{"workers", a.Meters.Workers}, {"income", a.Meters.Income}} {
		if r.err == nil && len(l.list) == 0 {
			r.fail(f[l.key], "%s is empty: name one at least", l.key)
		}
	}
}

func (r *reader) market(a *Agreement, n node) {
	if n.missing() {
		return
	}
	f := r.fields(n, "source", "max_age")
	r.need(n, f, "source", "max_age")
	a.Market = Market{Source: r.word(f["source"]), MaxAge: read(r, f["max_age"], parseAge)}
}

func (r *reader) terms(a *Agreement, waterfall, shares node) Terms {
	var t Terms
	steps := r.list(waterfall)
	if len(steps) > maxSteps {
		r.fail(waterfall, "%d steps are more than %d", len(steps), maxSteps)
	}
	for i, n := range steps {
		if r.err != nil {
			return t
		}
		n.what = fmt.Sprintf("step %d", i+1)
		t.Steps = append(t.Steps, r.step(a, n))
	}
	t.Shares = make([]int64, len(a.Parties))
	var sum int64
	for _, e := range r.entries(shares) {
		p := r.party(a, e.at)
		ppm := read(r, e.value, parsePercent)
		if r.err != nil {
			return t
		}
		t.Shares[p] = ppm
		sum += ppm
	}
	if r.err == nil && sum != million {
		r.fail(shares, "the shares come to %s: they must come to 100%%", Percent(sum))
	}
	return t
}

func (r *reader) step(a *Agreement, n node) Step {
	e := r.only(n, "electricity: {to: host, price: 0.18 EUR/kWh}")
	s := Step{From: pot, Part: million}
	s.Kind = choice(r, e.at, Electricity, Rebate, HeatPrice, Fee)
	keys := []string{"from", "to", "settle", "price", "part", "monthly_cap"}
	if s.Kind == Fee {
		keys = []string{"from", "to", "settle", "monthly"}
	}
	e.value.what = n.what + " (" + e.key + ")"
	f := r.fields(e.value, keys...)
	if r.err != nil {
		return s
	}
	r.need(e.value, f, "to")
	s.To = r.party(a, f["to"])
	if from := f["from"]; !from.missing() {
		s.From = r.party(a, from)
	}
	s.Outside = choice(r, f["settle"], "sats", "outside") == "outside"
	if s.Kind == Fee {
		r.need(e.value, f, "monthly")
		s.Monthly = r.amount(a, f["monthly"])
	} else {
		r.need(e.value, f, "price")
		s.Tariff = r.tariff(a, f["price"])
		if p := f["part"]; !p.missing() {
			s.Part = read(r, p, parsePercent)
		}
		if c := f["monthly_cap"]; !c.missing() {
			most := r.amount(a, c)
			if s.Cap = most.Units; r.err == nil && (most.Sats || most.Units == 0) {
				r.fail(c, "monthly_cap: write an amount of %s above zero", a.Currency)
			}
		}
	}
	switch {
	case r.err != nil:
	case s.From == s.To:
		r.fail(f["from"], "%s pays itself", a.Parties[s.To].ID)
	case s.Kind == HeatPrice && s.From == pot:
		r.fail(e.value, "heat that is bought has a buyer: say who pays for it, with \"from\"")
	case s.Outside && s.From == pot:
		r.fail(f["settle"], "what is not settled in sats is owed by somebody: say by whom, with \"from\"")
	case s.Outside && s.Monthly.Sats:
		r.fail(f["settle"], "what is settled outside is not in sats: write the amount in a currency")
	}
	return s
}

// tariff reads a price, fixed or one that follows another.
func (r *reader) tariff(a *Agreement, n node) Tariff {
	price := func(n node) int64 {
		return read(r, n, func(s string) (int64, error) { return parsePrice(s, a.Currency) })
	}
	if _, fixed := plain(n.Node); fixed {
		return Tariff{Base: price(n)}
	}
	f := r.fields(n, "base", "follows", "at", "part", "least", "most")
	r.need(n, f, "base", "follows", "at")
	t := Tariff{Base: price(f["base"]), Follows: r.word(f["follows"]), At: price(f["at"]), Part: million, Least: price(f["least"]), Most: price(f["most"])}
	if p := f["part"]; !p.missing() {
		t.Part = read(r, p, parsePercent)
	}
	if r.err == nil && t.Most != 0 && t.Most < t.Least {
		r.fail(f["most"], "the price is at least %s and at most %s", Price(t.Least, a.Currency), Price(t.Most, a.Currency))
	}
	return t
}

func (r *reader) season(a *Agreement, n node) {
	if n.missing() {
		return
	}
	f := r.fields(n, "from", "to", "outside")
	r.need(n, f, "from", "to", "outside")
	if r.err != nil {
		return
	}
	a.Season = &Span{From: read(r, f["from"], parseDay), To: read(r, f["to"], parseDay)}
	if s, ok := plain(f["outside"].Node); ok {
		if s != "nothing" {
			r.fail(f["outside"], "outside: write \"nothing\", or the waterfall and shares of the rest of the year")
		}
		return
	}
	g := r.fields(f["outside"], "waterfall", "shares")
	r.need(f["outside"], g, "shares")
	if r.err == nil {
		t := r.terms(a, g["waterfall"], g["shares"])
		a.Outside = &t
	}
}

func (r *reader) bounds(a *Agreement, n node) []Bound {
	var out []Bound
	for _, e := range r.entries(n) {
		b := Bound{Party: r.party(a, e.at), Amount: r.amount(a, e.value)}
		if r.err == nil && b.Amount.Units == 0 {
			r.fail(e.value, "%s: remove the line, or write an amount above zero", e.key)
		}
		out = append(out, b)
	}
	return out
}

func (r *reader) party(a *Agreement, n node) int {
	id := r.word(n)
	if r.err != nil {
		return 0
	}
	i := a.Party(id)
	if i < 0 {
		ids := make([]string, len(a.Parties))
		for i, p := range a.Parties {
			ids[i] = p.ID
		}
		r.fail(n, "%q is not a party%s", id, hint(id, ids))
		return 0
	}
	return i
}

func (r *reader) amount(a *Agreement, n node) Amount {
	return read(r, n, func(s string) (Amount, error) { return parseAmount(s, a.Currency) })
}

// parseName reads a name that can stand in accounts and paths.
func parseName(s string) (string, error) {
	if s == "" || len(s) > maxName || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "", fmt.Errorf("%q is not a name: use up to %d lower-case letters, digits and dashes", s, maxName)
	}
	return s, nil
}

func parseCurrency(s string) (string, error) {
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", fmt.Errorf("%q is not a currency: write its three capital letters, such as EUR", s)
	}
	return s, nil
}

var errNoCurrency = errors.New("the agreement has no currency: add a line such as \"currency: EUR\"")

// parseAmount reads "12.50 EUR" or "5000 sat".
func parseAmount(s, currency string) (Amount, error) {
	number, unit, _ := strings.Cut(s, " ")
	digits, sats := microDigits, unit == satUnit
	switch {
	case sats:
		digits = satDigits
	case currency == "":
		return Amount{}, errNoCurrency
	case unit != currency:
		return Amount{}, fmt.Errorf("%q: write it as 12.50 %s or 5000 sat", s, currency)
	}
	n, err := parseDecimal(number, digits)
	if errors.Is(err, errNumber) {
		err = fmt.Errorf("%q: write it as 12.50 %s or 5000 sat", s, currency)
	}
	return Amount{n, sats}, err
}

// parsePrice reads "0.18 EUR/kWh".
func parsePrice(s, currency string) (int64, error) {
	if currency == "" {
		return 0, errNoCurrency
	}
	number, ok := strings.CutSuffix(s, " "+currency+perKWh)
	n, err := parseDecimal(number, microDigits)
	switch {
	case !ok || errors.Is(err, errNumber):
		return 0, fmt.Errorf("%q: write it as 0.18 %s/kWh", s, currency)
	case err == nil && n > mostPrice:
		err = fmt.Errorf("%s is more than anybody pays for a kilowatt-hour", s)
	}
	return n, err
}

// parsePercent reads "33.3333%".
func parsePercent(s string) (int64, error) {
	number, ok := strings.CutSuffix(s, "%")
	n, err := parseDecimal(number, percentParts)
	switch {
	case !ok || errors.Is(err, errNumber):
		return 0, fmt.Errorf("%q is not a share: write it as 40%%", s)
	case err == nil && n > million:
		err = fmt.Errorf("%s is more than all", s)
	}
	return n, err
}

// parseDays reads "30 days".
func parseDays(s string) (int, error) {
	number, ok := strings.CutSuffix(s, " days")
	n, err := parseDecimal(number, 0)
	if !ok || err != nil || n < 1 || n > maxDays {
		return 0, fmt.Errorf("%q is not a number of days: write it as 30 days", s)
	}
	return int(n), nil
}

func parseInterval(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 5*time.Minute || d > time.Hour || time.Hour%d != 0 || d%time.Minute != 0 {
		return 0, fmt.Errorf("%q: take 5m, 6m, 10m, 12m, 15m, 20m, 30m or 1h", s)
	}
	return d, nil
}

func parseAge(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Minute || d > maxAge {
		return 0, fmt.Errorf("%q is not an age of a price: write it as 6h", s)
	}
	return d, nil
}

// parseUnknown reads "hold" or "release after 30 days".
func parseUnknown(s string) (time.Duration, error) {
	if s == "hold" {
		return 0, nil
	}
	d, err := parseAfter(s, "release after ")
	if err != nil {
		return 0, fmt.Errorf("%q: write \"hold\", or \"release after 30 days\"", s)
	}
	return d, nil
}

func parseAfter(s, prefix string) (time.Duration, error) {
	after, ok := strings.CutPrefix(s, prefix)
	n, err := parseDays(after)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q: write it as %q", s, prefix+"30 days")
	}
	return time.Duration(n) * 24 * time.Hour, nil
}
