package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"

	"hearth/heat/climate"
	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/brief"
	"hearth/plan/picture"
	"hearth/plan/report"
)

type planCmd struct {
	Home    planHomeCmd    `cmd:"" help:"Would it pay in this home? Every way to heat it, side by side."`
	Compare planCompareCmd `cmd:"" help:"Set two or more questions side by side."`
	Map     planMapCmd     `cmd:"" help:"Where would it pay, and for how many homes: the niche map."`
	Check   planCheckCmd   `cmd:"" help:"Hold the plan of a home against what its ledger tells."`
	Places  planPlacesCmd  `cmd:"" help:"List the towns whose weather is known."`
	Regions planRegionsCmd `cmd:"" help:"List the states and countries whose prices are known."`
	Devices planDevicesCmd `cmd:"" help:"List the machines that are known."`
}

// question is how a home is described: in a file, by flags, or by both.
type question struct {
	File        string `arg:"" optional:"" help:"A file with the keys below, one a line, such as \"place: Denver\". Flags count before it." placeholder:"FILE"`
	brief.Brief `embed:""`
}

// ask reads the question and its files.
func (q *question) ask() (*brief.Asked, error) {
	b := q.Brief
	if q.File != "" {
		below, err := briefFrom(q.File)
		if err != nil {
			return nil, coded(exitUsage, err)
		}
		b = below.Over(b)
	}
	asked, err := b.Ask(readPlanned)
	if err != nil {
		if q.File != "" && strings.HasPrefix(err.Error(), "line ") {
			err = fmt.Errorf("%s: %w", q.File, err)
		}
		return nil, coded(exitUsage, err)
	}
	return asked, nil
}

// briefFrom reads a file; files that it names are meant to lie beside it.
func briefFrom(path string) (brief.Brief, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return brief.Brief{}, fmt.Errorf("read the question: %w", err)
	}
	b, err := brief.Parse(src)
	if err != nil {
		return b, fmt.Errorf("%s: %w", path, err)
	}
	beside := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(filepath.Dir(path), name)
	}
	b.Weather = beside(b.Weather)
	if name, ok := strings.CutPrefix(b.Tariff, "file:"); ok {
		b.Tariff = "file:" + beside(strings.TrimSpace(name))
	}
	return b, nil
}

// mostPlanned bounds the files that questions name; a year of weather has some
// 2 MB, twenty years of quarter-hourly prices 30.
const mostPlanned = 64 << 20

func readPlanned(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostPlanned+1))
	if err == nil && len(b) > mostPlanned {
		return nil, fmt.Errorf("it is longer than %d MB", mostPlanned>>20)
	}
	return b, err
}

// outputs are the files that a plan may be written to.
type outputs struct {
	JSON    bool   `help:"Print everything as JSON, for programs." group:"Output"`
	CSV     string `name:"csv" help:"Write the tables for spreadsheets." placeholder:"FILE" group:"Output"`
	HTML    string `name:"html" help:"Write a report that works offline and prints well." placeholder:"FILE" group:"Output"`
	SVG     string `name:"svg" help:"Write a picture for pages." placeholder:"FILE" group:"Output"`
	PNG     string `name:"png" help:"Write a picture for everything else." placeholder:"FILE" group:"Output"`
	Threads int    `help:"Threads for long runs; their number changes no result." default:"0" placeholder:"N" group:"Output"`
}

func (o *outputs) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.NumCPU()
}

// draw writes a picture where it is asked for.
func (o *outputs) draw(p *program, d *picture.Drawing) error {
	if o.SVG != "" {
		if err := p.written(o.SVG, d.SVG()); err != nil {
			return err
		}
	}
	if o.PNG != "" {
		b, err := d.PNG(2)
		if err != nil {
			return err
		}
		return p.written(o.PNG, b)
	}
	return nil
}

// tables writes tables one below the other.
func (o *outputs) tables(p *program, tables ...report.Table) error {
	if o.CSV == "" {
		return nil
	}
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteString("\n")
		}
		if err := t.CSV(&b); err != nil {
			return fmt.Errorf("write %s: %w", o.CSV, err)
		}
	}
	return p.written(o.CSV, []byte(b.String()))
}

// written writes a file and says so, where nothing else is to be printed.
func (p *program) written(path string, b []byte) error {
	if err := os.WriteFile(path, b, 0o644); err != nil { //nolint:gosec // a report is to be read
		return fmt.Errorf("write the plan: %w", err)
	}
	fmt.Fprintf(p.err, "Wrote %s.\n", path)
	return nil
}

// counting shows on one line of a terminal how far a long run is; elsewhere it
// says so every few seconds.
type counting struct {
	out      io.Writer
	terminal bool
	what     string
	last     time.Time
	drawn    bool
}

func (p *program) counting(what string) *counting {
	f, ok := p.err.(*os.File)
	return &counting{out: p.err, terminal: ok && term.IsTerminal(int(f.Fd())), what: what, last: time.Now()}
}

func (c *counting) show(done, all int) {
	now := time.Now()
	switch {
	case c.terminal && now.Sub(c.last) > 100*time.Millisecond:
		fmt.Fprintf(c.out, "\r\x1b[K%s: %s of %s, %d %%", c.what, report.Whole(float64(done)), report.Whole(float64(all)), 100*done/max(all, 1))
		c.last, c.drawn = now, true
	case !c.terminal && now.Sub(c.last) > 5*time.Second:
		fmt.Fprintf(c.out, "%s: %s of %s, %d %%\n", c.what, report.Whole(float64(done)), report.Whole(float64(all)), 100*done/max(all, 1))
		c.last = now
	}
}

func (c *counting) end() {
	if c.drawn {
		fmt.Fprint(c.out, "\r\x1b[K")
	}
}

// mostLine is how wide tables are printed.
const mostLine = 118

// print writes a table for people. Headings and names stand on several lines,
// and a table that is too wide is parted.
func (p *program) print(t report.Table) {
	fmt.Fprintln(p.out, p.paint(bold, t.Title))
	columns := make([][]cell, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = append(columns[i], cell{lines: folded(c.Name, 12)}, cell{lines: []string{c.Unit}})
	}
	for _, r := range t.Rows {
		for i := range columns {
			var one cell
			switch {
			case i == 0:
				one.lines = folded(r.Cells[0], 36)
			case r.Unknown == "":
				one.lines = []string{r.Cells[i]}
			case i == 1:
				one.lines, one.long = []string{"unknown: " + r.Unknown}, true
			}
			columns[i] = append(columns[i], one)
		}
	}
	for from := 1; from < max(2, len(columns)); {
		width, to := widest(columns[0]), from
		for to < len(columns) && (to == from || width+2+widest(columns[to]) <= mostLine) {
			width += 2 + widest(columns[to])
			to++
		}
		part := append([][]cell{columns[0]}, columns[from:to]...)
		p.columns(part, t, max(1, max(1, t.Names)-from+1))
		fmt.Fprintln(p.out)
		from = to
	}
}

// cell is a field of a printed table; a long one reaches into those after it.
type cell struct {
	lines []string
	long  bool
}

func widest(column []cell) int {
	w := 0
	for _, c := range column {
		for _, l := range c.lines {
			if !c.long {
				w = max(w, len([]rune(l)))
			}
		}
	}
	return w
}

// columns prints columns side by side: the first ones, which are words, flush
// left, and figures flush right.
func (p *program) columns(columns [][]cell, t report.Table, words int) {
	for row := range columns[0] {
		height := 0
		for _, c := range columns {
			height = max(height, len(c[row].lines))
		}
		for k := range height {
			var line strings.Builder
			for i, c := range columns {
				text, one := "", c[row]
				// Headings stand on their last line, names on their first.
				if at := k - (height - len(one.lines)); row == 0 && at >= 0 {
					text = one.lines[at]
				} else if row > 0 && k < len(one.lines) {
					text = one.lines[k]
				}
				pad := max(0, widest(c)-len([]rune(text)))
				switch {
				case i == 0:
					line.WriteString(text + strings.Repeat(" ", pad))
				case i < words:
					line.WriteString("  " + text + strings.Repeat(" ", pad))
				case one.long:
					line.WriteString("  " + text)
				default:
					line.WriteString("  " + strings.Repeat(" ", pad) + text)
				}
			}
			s := strings.TrimRight(line.String(), " ")
			switch {
			case row < 2:
				if s != "" {
					fmt.Fprintln(p.out, p.paint(dim, s))
				}
			case t.Rows[row-2].Mark:
				fmt.Fprintln(p.out, p.paint(warm, s))
			default:
				fmt.Fprintln(p.out, s)
			}
		}
	}
}

// folded parts a text at spaces into lines of most letters, or longer words.
func folded(s string, most int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(s) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len([]rune(*last))+1+len([]rune(word)) <= most:
			*last += " " + word
		default:
			lines = append(lines, "  "+word)
		}
	}
	return lines
}

// listing is a list for people, and as JSON for programs.
type listing struct {
	JSON bool `help:"Print the list as JSON, for programs."`
}

func (l listing) print(p *program, heads []string, rows [][]string) error {
	if !l.JSON {
		table(p.out, append([][]string{heads}, rows...))
		return nil
	}
	list := make([]map[string]string, len(rows))
	for i, r := range rows {
		list[i] = map[string]string{}
		for k, h := range heads {
			list[i][h] = r[k]
		}
	}
	return printJSON(p.out, list)
}

type planPlacesCmd struct {
	listing `embed:""`
}

// Run lists the places.
func (c *planPlacesCmd) Run(p *program) error {
	var rows [][]string
	for _, place := range climate.Places() {
		rows = append(rows, []string{place.Name, place.Region, fmt.Sprintf("%.0f °C", float64(place.Design)), place.Source.Dataset})
	}
	return c.print(p, []string{"town", "region", "coldest", "weather from"}, rows)
}

type planRegionsCmd struct {
	listing `embed:""`
}

// Run lists the regions.
func (c *planRegionsCmd) Run(p *program) error {
	price := func(f atlas.Fact) string {
		if v, ok := f.Get(); ok {
			return report.Decimal(v, 3)
		}
		return "unknown"
	}
	var rows [][]string
	for _, r := range atlas.Regions() {
		like := r.Climate
		if like == "" {
			like = "unknown"
		}
		rows = append(rows, []string{r.Code, r.Name, price(r.Prices.Electricity), price(r.Prices.Gas), price(r.Prices.Oil), price(r.Prices.Propane), r.Currency, like})
	}
	return c.print(p, []string{"code", "region", "power", "gas", "oil", "propane", "a kWh in", "weather like"}, rows)
}

type planDevicesCmd struct {
	listing `embed:""`
}

// Run lists the machines.
func (c *planDevicesCmd) Run(p *program) error {
	var rows [][]string
	for _, d := range atlas.Devices() {
		rate, warms, price := "–", "air", "unknown"
		if e := d.Efficiency(); e > 0 {
			rate = report.Decimal(e, 1)
		}
		if d.Hottest > 0 {
			warms = fmt.Sprintf("water, %.0f °C", float64(d.Hottest))
		}
		if v, ok := d.Price.Get(); ok {
			price = report.Money(v, "USD")
		}
		rows = append(rows, []string{d.Name, string(d.Kind), report.Power(d.Draw), rate, warms, price})
	}
	return c.print(p, []string{"device", "computes", "draw", "J/TH", "warms", "price"}, rows)
}

// answer prepares and answers a question.
func answer(asked *brief.Asked) (*plan.Site, *plan.Answer, error) {
	site, err := plan.Prepare(asked.Question)
	if err != nil {
		return nil, nil, coded(exitUsage, err)
	}
	return site, site.Answer(), nil
}
