package agreement

import (
	"fmt"
	"strings"
	"time"
)

// describe says what an item is, in a few words.
func (a *Agreement) describe(it Item) string {
	to := a.Parties[it.To].Name
	from := ""
	if it.From != pot {
		from = " from " + a.Parties[it.From].Name
	}
	switch it.Kind {
	case Electricity:
		return "Electricity paid back to " + to + from
	case Rebate:
		return "Heat rebate to " + to + from
	case HeatPrice:
		return "Heat sold by " + to + " to " + a.Parties[it.From].Name
	case Fee:
		return "Monthly fee to " + to + from
	case Floor:
		return "What " + to + " lacked in a month"
	case Share:
		return Percent(it.Part) + " of what remained, to " + to
	}
	return string(it.Kind)
}

// Describe says what an item is, in a few words.
func (a *Agreement) Describe(it Item) string { return a.describe(it) }

// Sentences say the whole agreement in plain words, for those who sign it.
func (a *Agreement) Sentences() []string {
	out := []string{a.opening()}
	out = append(out, a.counted()...)
	prefix := ""
	if a.Season != nil {
		prefix = "From " + a.Season.From.String() + " to " + a.Season.To.String() + " of each year: "
	}
	out = append(out, a.order(&a.Terms, prefix)...)
	switch {
	case a.Season == nil:
	case a.Outside == nil:
		out = append(out, "In the rest of the year nothing is shared under this agreement.")
	default:
		out = append(out, a.order(a.Outside, "In the rest of the year: ")...)
	}
	for _, b := range a.Caps {
		out = append(out, fmt.Sprintf("%s gets at most %s a month; what that cuts off goes to the others.", a.Parties[b.Party].Name, b.Amount.Text(a.Currency)))
	}
	for _, b := range a.Floors {
		out = append(out, fmt.Sprintf("%s gets at least %s a month: what a month lacked is paid first out of what comes in later.", a.Parties[b.Party].Name, b.Amount.Text(a.Currency)))
	}
	return append(out, a.conditions()...)
}

func (a *Agreement) opening() string {
	names := make([]string, len(a.Parties))
	for i, p := range a.Parties {
		names[i] = p.Name
	}
	s := fmt.Sprintf("%s agree from %s on", and(names), a.Start)
	if !a.End.IsZero() {
		s = fmt.Sprintf("%s agree from %s to %s", and(names), a.Start, a.End)
	}
	if a.Notice > 0 {
		s += fmt.Sprintf(", with %d days' notice", a.Notice)
	}
	return s + ". " + map[Mode]string{
		Coinbase: "Each block that is found pays each of them directly.",
		PerShare: "Each share of the work is handed in for one of them, at the pool.",
		Slices:   "The heater works for one of them after the other, each at a pool of its own.",
		Ledger:   "The sats come in at one place and are divided there: whoever keeps that wallet holds what belongs to the others until it is paid out.",
	}[a.Mode]
}

func (a *Agreement) counted() []string {
	earn := "earn"
	if len(a.Meters.Workers) == 1 {
		earn = "earns"
	}
	out := []string{fmt.Sprintf("What %s %s at %s is worked out every %s.", and(a.Meters.Workers), earn, and(a.Meters.Income), minutes(a.Interval))}
	if len(a.Meters.Electricity) > 0 {
		out = append(out, "Electricity that counts: "+and(a.Meters.Electricity)+".")
	}
	if len(a.Meters.Heat) > 0 {
		out = append(out, "Heat that counts: "+and(a.Meters.Heat)+".")
	}
	return out
}

func (a *Agreement) order(t *Terms, prefix string) []string {
	var out []string
	for i, s := range t.Steps {
		out = append(out, capital(fmt.Sprintf("%sstep %d: %s.", prefix, i+1, a.sentence(s))))
	}
	var shares []string
	for p, ppm := range t.Shares {
		if ppm > 0 {
			shares = append(shares, a.Parties[p].Name+" "+Percent(ppm))
		}
	}
	what := "what comes in is shared"
	if len(t.Steps) > 0 {
		what = "what remains is shared"
	}
	return append(out, capital(prefix+what+": "+and(shares)+"."))
}

func (a *Agreement) sentence(s Step) string {
	to, payer := a.Parties[s.To].Name, "what comes in"
	if s.From != pot {
		payer = a.Parties[s.From].Name
	}
	how := ""
	if s.Part != million {
		how += ", for " + Percent(s.Part) + " of it"
	}
	if s.Cap > 0 {
		how += ", at most " + Money(s.Cap, a.Currency) + " a month"
	}
	if s.Outside {
		how += "; not in sats: the statement says what is owed"
	}
	price := a.tariff(s.Tariff)
	switch s.Kind {
	case Electricity:
		return fmt.Sprintf("%s gets back what electricity cost, %s, from %s%s", to, price, payer, how)
	case Rebate:
		return fmt.Sprintf("%s gets %s for useful heat, from %s%s", to, price, payer, how)
	case HeatPrice:
		return fmt.Sprintf("%s pays %s for useful heat to %s%s", payer, price, to, how)
	case Fee:
		return fmt.Sprintf("%s gets %s a month, from %s%s", to, s.Monthly.Text(a.Currency), payer, how)
	case Floor, Share:
	}
	return a.describe(Item{Kind: s.Kind, From: s.From, To: s.To})
}

func (a *Agreement) tariff(t Tariff) string {
	s := Price(t.Base, a.Currency)
	if t.Follows == "" {
		return s
	}
	s += fmt.Sprintf(" when electricity under %q costs %s, and with %s of every change of it", t.Follows, Price(t.At, a.Currency), Percent(t.Part))
	s += ", at least " + Price(t.Least, a.Currency)
	if t.Most > 0 {
		s += " and at most " + Price(t.Most, a.Currency)
	}
	return s
}

func (a *Agreement) conditions() []string {
	waits, paid := a.demands()
	var out []string
	switch {
	case a.Market.Source == "":
	case a.market():
		out = append(out, fmt.Sprintf("A bitcoin is worth what %s says, when that is no older than %s; while it is not known, what is agreed in %s waits.", a.Market.Source, duration(a.Market.MaxAge), a.Currency))
	default:
		out = append(out, fmt.Sprintf("Statements value sats at what %s says, when that is no older than %s.", a.Market.Source, duration(a.Market.MaxAge)))
	}
	switch {
	case !paid:
	case a.Carried:
		out = append(out, "What the sats do not cover is owed on and is paid first out of what comes in later.")
	default:
		out = append(out, "What the sats do not cover lapses.")
	}
	switch {
	case !waits:
	case !paid:
		out = append(out, "While a reading is unknown, what it would add to what is owed is shown as open.")
	case a.Release == 0:
		out = append(out, "While a reading or a price is unknown, the sats of that time are set aside until it is known.")
	default:
		out = append(out, fmt.Sprintf("While a reading or a price is unknown, the sats of that time are set aside; after %d days they are shared without the step that could not be worked out.", days(a.Release)))
	}
	return append(out, fmt.Sprintf("The books of a month are closed %d days after it at the earliest: from then on nothing in it changes.", days(a.Close)))
}

// duration prints "6 hours" or "90 minutes".
func duration(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}

// and joins names as people do.
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func minutes(d time.Duration) string {
	if d == time.Hour {
		return "hour"
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
