package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"hearth/config"
	"hearth/httpapi"
	"hearth/internal/loopback"
	"hearth/pool"
)

// minersFile is the list of paired miners in the pool's folder.
const minersFile = "miners.json"

// minersAt is how a command reaches the paired miners: by the running home, or by
// its files while none runs.
type minersAt struct {
	remote `embed:""`
	Data   string `help:"Folder of the home, for when it does not run." default:"${data}" type:"path" placeholder:"DIR"`
}

// miners opens the list in the home's folder.
func (a minersAt) miners() (*pool.Miners, error) {
	return pool.OpenMiners(filepath.Join(a.Data, poolFolder, minersFile))
}

// asleep reports whether no home answers.
func asleep(err error) bool {
	c, ok := errors.AsType[*codedError](err)
	return ok && c.code == exitAbsent
}

type poolPairCmd struct {
	minersAt `embed:""`
	Config   string `help:"The file that describes the home, for when it does not run." type:"path" placeholder:"FILE"`
	Name     string `arg:"" help:"A name for the miner: letters, digits, - and _." placeholder:"NAME"`
	Address  string `help:"Its own address, for a miner that cannot keep a password." placeholder:"IP"`
	Account  string `help:"Who is credited in a pool: an address that coins are paid to." placeholder:"ADDRESS"`
	JSON     bool   `help:"Print JSON."`
}

// Run lets a miner in.
func (c *poolPairCmd) Run(p *program) error {
	m, err := httpapi.MinerText(c.Name, c.Address, c.Account)
	if err != nil {
		return coded(exitUsage, err)
	}
	body := map[string]string{"name": m.Name, "address": c.Address, "account": m.Account}
	var paired pool.Pairing
	err = c.do(p.ctx, http.MethodPost, "/api/v1/pool/miners", body, &paired)
	here := ""
	if asleep(err) {
		here = "No home runs now; it knows the miner when it starts."
		paired, err = c.file(m)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, paired)
	}
	if here != "" {
		fmt.Fprintln(p.out, here)
	}
	printPairing(p, paired)
	return nil
}

// file writes the miner into the home's own list.
func (c *poolPairCmd) file(m pool.Miner) (pool.Pairing, error) {
	cfg, err := c.config()
	if err != nil {
		return pool.Pairing{}, coded(exitUsage, err)
	}
	if cfg.Role == pool.Open && m.Account == "" {
		return pool.Pairing{}, coded(exitUsage, fmt.Errorf("pair %s: a pool must know whom to credit: say --account with the address that its miner is paid at", m.Name))
	}
	if err := os.MkdirAll(filepath.Join(c.Data, poolFolder), 0o700); err != nil {
		return pool.Pairing{}, fmt.Errorf("pair %s: %w", m.Name, err)
	}
	list, err := c.miners()
	if err != nil {
		return pool.Pairing{}, err
	}
	token, err := list.Add(m, time.Now(), rand.Reader)
	if err != nil {
		return pool.Pairing{}, err
	}
	paired := pool.Pairing{Name: m.Name, Token: token, URL: "stratum+tcp://" + cfg.Listen, User: m.Name, User2: m.Name}
	if token != "" {
		paired.User2 += "." + token
	}
	return paired, nil
}

// config is that of the home's pool: of the file named, or of the one in the
// data folder; else the defaults.
func (c *poolPairCmd) config() (pool.Config, error) {
	path := c.Config
	if path == "" {
		path = filepath.Join(c.Data, homeFile)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return pool.Config{}.Filled(), nil
		}
	}
	f, err := config.Load(path)
	if err != nil {
		return pool.Config{}, err
	}
	cfg, err := poolConfig(f)
	return cfg.Filled(), err
}

// printPairing says what to type into a miner.
func printPairing(p *program, paired pool.Pairing) {
	fmt.Fprintf(p.out, "%s may come in. Type this into the miner's own page:\n\n", p.paint(bold, oneLine(paired.Name)))
	rows := [][]string{{"  Pool", paired.URL}, {"  User", paired.User}}
	if paired.Token != "" {
		rows = append(rows, []string{"  Password", paired.Token})
	} else {
		rows = append(rows, []string{"  Password", "anything: it is known by its address"})
	}
	table(p.out, rows)
	if paired.Token != "" {
		fmt.Fprintf(p.out, "\nFirmware that keeps no password takes this user instead: %s\n", paired.User2)
	}
	if paired.URL2 != "" {
		fmt.Fprintln(p.out, "\nIf it speaks Stratum V2:")
		table(p.out, [][]string{{"  Pool", paired.URL2}, {"  User", paired.User2}})
	} else {
		fmt.Fprintln(p.out, "\nIf it speaks Stratum V2: \"hearth pool status\" tells the key once the home runs; the user is "+paired.User2)
	}
	if at, err := url.Parse(paired.URL); err == nil && loopback.Host(at.Host) {
		fmt.Fprintln(p.out, "\n"+p.paint(warm, thisComputerOnly))
	}
	if paired.Token != "" {
		fmt.Fprintln(p.out, "\nThe password is shown this once: Hearth keeps only its hash.")
	}
}

type poolUnpairCmd struct {
	minersAt `embed:""`
	Name     string `arg:"" help:"The miner." placeholder:"NAME"`
}

// Run ends a pairing.
func (c *poolUnpairCmd) Run(p *program) error {
	err := c.do(p.ctx, http.MethodDelete, "/api/v1/pool/miners/"+url.PathEscape(c.Name), nil, nil)
	if asleep(err) {
		var list *pool.Miners
		if list, err = c.miners(); err == nil {
			err = list.Remove(c.Name)
		}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s is let in no more.\n", oneLine(c.Name))
	return nil
}

type poolMinersCmd struct {
	minersAt `embed:""`
	JSON     bool `help:"Print JSON."`
}

// Run lists the miners that are paired.
func (c *poolMinersCmd) Run(p *program) error {
	var st pool.State
	err := c.do(p.ctx, http.MethodGet, "/api/v1/pool", nil, &st)
	if asleep(err) {
		return c.list(p)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, st.Heaters)
	}
	if len(st.Heaters) == 0 {
		fmt.Fprintln(p.out, nobody)
		return nil
	}
	printHeaters(p.out, st)
	return nil
}

const nobody = `No miner is paired yet: "hearth pool pair NAME" lets one in.`

// list prints the home's own list.
func (c *poolMinersCmd) list(p *program) error {
	l, err := c.miners()
	if err != nil {
		return err
	}
	// Neither tokens nor their hashes are anybody's business.
	type miner struct {
		Name    string    `json:"name"`
		Known   string    `json:"known_by"`
		Account string    `json:"account,omitempty"`
		Since   time.Time `json:"since"`
	}
	list := []miner{}
	rows := [][]string{{"name", "known by", "since", "account"}}
	for _, m := range l.List(time.Now()) {
		one := miner{m.Name, "token", m.Account, m.Since}
		if m.Address.IsValid() {
			one.Known = m.Address.String()
		}
		list = append(list, one)
		rows = append(rows, []string{oneLine(m.Name), one.Known, m.Since.Local().Format(time.DateTime), oneLine(m.Account)})
	}
	if c.JSON {
		return printJSON(p.out, list)
	}
	if len(list) == 0 {
		fmt.Fprintf(p.out, "No home answers at %s, and the list in %s is empty.\n%s\n", c.URL, c.Data, nobody)
		return nil
	}
	fmt.Fprintln(p.out, "No home runs now. These may come in when it does:")
	table(p.out, rows)
	return nil
}
