package httpapi

import (
	"context"
	"io"
	"time"

	"hearth/discovery"
	"hearth/ledger"
	"hearth/site"
	"hearth/units"
)

// Home is the home as the API and the pages see it. All methods are safe for
// concurrent use. Their errors wrap [site.ErrNotFound], [site.ErrInvalid] or
// [site.ErrUnavailable] where the caller can do something about them, and
// their text is for people.
type Home interface {
	// State is everything there is to show, at one instant.
	State() site.State
	// Events returns log entries with Seq > after, oldest first, at most limit:
	// the newest ones if there are more.
	Events(after uint64, limit int) []site.Event
	// Watch ticks after State or Events changed, coalesced, until ctx ends;
	// then the channel is closed.
	Watch(ctx context.Context) <-chan struct{}

	// SetPoint holds a zone at a temperature. A zero until means until the
	// schedule's next change.
	SetPoint(ctx context.Context, zone string, to units.Celsius, until time.Time, by string) error
	// SetMode heats a zone or leaves it at frost protection.
	SetMode(ctx context.Context, zone string, mode site.Mode, by string) error
	// SetPreset starts "away", "boost" or "holiday", at set where given; ""
	// cancels. A zero until leaves the end to the preset.
	SetPreset(ctx context.Context, zone, preset string, set *units.Celsius, until time.Time, by string) error
	// Manual runs a heater of a zone without thermometer for d at a level:
	// one of the device's, "on", or a power such as "500 W". The level "off"
	// stops it.
	Manual(ctx context.Context, zone, device, level string, d time.Duration, by string) error
	// ClearTrip resets a latched trip.
	ClearTrip(ctx context.Context, id, by string) error
	// AllowCompute gives or takes the consent to compute on this computer.
	AllowCompute(ctx context.Context, allow bool, by string) error
	// Blink makes a device show which box it is.
	Blink(ctx context.Context, device string) error

	// Discover looks for devices: those that announce themselves, and those
	// that answer in the network scan, such as "192.168.1.0/24"; "" scans
	// nothing.
	Discover(ctx context.Context, scan string) ([]discovery.Finding, error)

	// History returns one metric of one subject over time.
	History(ctx context.Context, q site.HistoryQuery) (site.History, error)

	// LedgerRecords returns at most limit records from the number from on.
	LedgerRecords(ctx context.Context, from uint64, limit int) ([]ledger.Record, error)
	// LedgerVerify checks the whole ledger. What is wrong with it is in the
	// report; the error is for what kept it from looking.
	LedgerVerify(ctx context.Context) (ledger.Report, error)
	// LedgerExport writes the records from one time on and before another as
	// "csv", "parquet" or "chain"; a zero time is no bound.
	LedgerExport(ctx context.Context, w io.Writer, format string, from, to time.Time) error
}
