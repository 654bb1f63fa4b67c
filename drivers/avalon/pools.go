package avalon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hearth/device"
	"hearth/drivers/internal/cgminer"
	"hearth/units"
)

// places is how many pools the firmware stores.
const places = 3

// Pools implements [device.Repointer]. The miner tells the pools that it read
// when it last started.
func (m *Miner) Pools(ctx context.Context) (device.Pools, error) {
	order, err := m.readPools(ctx)
	if err != nil {
		return device.Pools{}, fmt.Errorf("read the miner's pools: %w", err)
	}
	return device.Pools{
		Order: order, Places: places, Restarts: true,
		Notes: []string{
			"The miner neither tells a pool's password nor keeps it when the pool is written again: after a change, a pool that asks for a password needs it entered anew.",
			"It restarts to use other pools, which takes some two minutes, and wakes up by that.",
			"A place that is no longer needed cannot be emptied: it is given the first pool once more.",
		},
	}, nil
}

// readPools asks for the pools, the preferred first. A pool that stands twice
// is told once.
func (m *Miner) readPools(ctx context.Context) ([]device.Pool, error) {
	r, err := m.ask(ctx, "pools", "")
	if err != nil {
		return nil, err
	}
	if err := r.Status.Err(); err != nil {
		return nil, err
	}
	rows := r.Sections["POOLS"] // JSON
	if rows == nil {
		rows = r.Sections["POOL"] // text
	}
	slices.SortStableFunc(rows, func(a, b cgminer.Object) int {
		p, _ := a.Float("Priority")
		q, _ := b.Float("Priority")
		return cmp.Compare(p, q)
	})
	var order []device.Pool
	for _, row := range rows {
		url, _ := row.Text("URL")
		user, _ := row.Text("User")
		p := device.Pool{URL: strings.TrimSpace(url), User: user, Password: units.Unknown[string]("the miner does not tell passwords", m.now())}
		if p.URL == "" || len(order) == places || slices.ContainsFunc(order, p.Same) {
			continue
		}
		order = append(order, p)
	}
	return order, nil
}

// SetPools implements [device.Repointer]. The miner stores pools one by one
// and uses them after a reboot, which is asked for last.
func (m *Miner) SetPools(ctx context.Context, order []device.Pool) error {
	if err := m.setPools(ctx, order); err != nil {
		return fmt.Errorf("set the miner's pools: %w", err)
	}
	return nil
}

func (m *Miner) setPools(ctx context.Context, order []device.Pool) error {
	if len(order) == 0 || len(order) > places {
		return fmt.Errorf("%w: the miner takes 1 to %d pools, not %d", device.ErrUnsupported, places, len(order))
	}
	for _, p := range order {
		if err := p.Check(); err != nil {
			return err
		}
		if e, err := device.ParseEndpoint(p.URL); err != nil || e.Scheme == device.Stratum2TCP {
			return fmt.Errorf("%w: the miner knows no Stratum V2: give it a pool with %s", device.ErrUnsupported, device.StratumTCP)
		}
	}
	if _, err := m.known(ctx); err != nil {
		return err
	}
	present, err := m.readPools(ctx)
	if err != nil {
		return err
	}
	stale := m.repoint.stale(present, order)
	if len(stale) == 0 {
		return nil
	}
	m.repoint.given = nil
	slices.Reverse(stale) // the first place last: what is cut short still begins with the old pool
	for _, i := range stale {
		p := order[0] // a place that is no longer needed
		if i < len(order) {
			p = order[i]
		}
		if err := m.setPool(ctx, i, p); err != nil {
			return err
		}
	}
	if err := m.reboot(ctx); err != nil {
		return err
	}
	m.repoint = repoint{given: slices.Clone(order)}
	return nil
}

// repoint is what this driver has done to the miner's pools.
type repoint struct {
	given   []device.Pool // in use since a reboot of this driver's
	touched [places]bool  // written, and not in use yet
}

// stale lists the places that must be written. A password cannot be compared
// with what the miner has: a place is written for it unless this driver has
// put just that there before.
func (r *repoint) stale(present, order []device.Pool) []int {
	fresh := slices.EqualFunc(order, r.given, equalPools)
	var stale []int
	for i := range places {
		write := r.touched[i] || i < len(present)
		if i < len(order) {
			same := i < len(present) && present[i].Same(order[i])
			write = r.touched[i] || !same || order[i].Password.IsKnown() && !fresh
		}
		if write {
			stale = append(stale, i)
		}
	}
	return stale
}

// equalPools also compares what is told of passwords.
func equalPools(p, q device.Pool) bool {
	a, told := p.Password.Get()
	b, alsoTold := q.Password.Get()
	return p.Same(q) && told == alsoTold && a == b
}

// setPool stores one pool. The miner repeats the password in its answer to a
// success, which is therefore not passed on.
func (m *Miner) setPool(ctx context.Context, place int, p device.Pool) error {
	end, err := device.ParseEndpoint(p.URL)
	if err != nil {
		return err
	}
	url := end.String()
	if end.Scheme == device.StratumTLS {
		url = "stratum+ssl" + strings.TrimPrefix(url, string(device.StratumTLS))
	}
	parameter := fmt.Sprintf("%s,%s,%d,%s,%s", m.user, m.password, place, url, p.User)
	if password, ok := p.Password.Get(); ok && password != "" {
		parameter += "," + password
	}
	m.repoint.touched[place] = true
	r, err := m.ask(ctx, "setpool", parameter)
	if err != nil {
		return err
	}
	msg := strings.ToLower(r.Status.Msg)
	switch {
	case r.Status.Err() == nil && strings.Contains(msg, "success"):
		return nil
	case strings.Contains(msg, "username err"), strings.Contains(msg, "userpass err"):
		return fmt.Errorf("%w: it asks for the login of its own page: write user and password of that page into this device's configuration", device.ErrRefused)
	case r.Status.Code == cgminer.CodeInvalidCommand:
		return fmt.Errorf("%w: its firmware has no command for it: set the pools on the miner's own page", device.ErrUnsupported)
	case r.Status.Err() == nil:
		return fmt.Errorf("%w: it does not say that place %d was set", device.ErrGarbage, place+1)
	}
	return fmt.Errorf("place %d: %w", place+1, r.Status.Err())
}

// reboot restarts the miner. Some firmware closes the connection instead of an
// answer.
func (m *Miner) reboot(ctx context.Context) error {
	m.woken = m.now()
	m.soft = soft{}
	r, err := m.ask(ctx, "ascset", "0,reboot,0")
	if errors.Is(err, cgminer.ErrNoReply) {
		err = nil
	} else if err == nil {
		err = refusal(r.Status)
	}
	if err != nil {
		return fmt.Errorf("restart the miner so that it uses its new pools: %w", err)
	}
	return nil
}

// login reads the login of the miner's page.
func login(c Config, env device.Env) (user, password string, err error) {
	user, password = c.User, factoryLogin
	if user == "" {
		user = factoryLogin
	}
	if c.Password != "" {
		switch {
		case !strings.HasPrefix(c.Password, "file:"):
			return "", "", errors.New(`password: put it in a file of its own and write "file:" and the file's path here`)
		case env.Secret == nil:
			return "", "", errors.New("password: secrets cannot be read here")
		}
		if password, err = env.Secret(c.Password); err != nil {
			return "", "", fmt.Errorf("read the password: %w", err)
		}
	}
	if strings.ContainsAny(user+password, ",|\x00\r\n") {
		return "", "", errors.New("the miner cannot take a login with a comma or a bar: change it on its own page")
	}
	return user, password, nil
}

// factoryLogin is user and password of the page of a new miner.
const factoryLogin = "admin"
