package avalon

import (
	"fmt"
	"strings"

	"hearth/device"
	"hearth/units"
)

// places is how many pools the firmware stores (POOL_VALID_NUM of its
// poolcfg.h).
const places = 3

// poolConf is one pool in cgminer.conf. Its parts are as long as they are let
// in, the password's a secret that no command tells.
type poolConf struct{ URL, User, Pass string }

// pools are what cgminer.conf holds and what cgminer read from it at boot.
type pools struct{ stored, running [places]poolConf }

func usualPools() pools {
	p := [places]poolConf{
		{"stratum+tcp://pool.example.org:3333", "hearth.emulated", "first secret"},
		{"stratum+tcp://backup.example.org:3333", "hearth.backup", "second secret"},
	}
	return pools{p, p}
}

// Pool returns the pool that the miner mines at now, with its password. It is
// the one that was first in store at the last boot.
func (e *Emulator) Pool() device.Pool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.catchUp()
	p := e.pools.running[0]
	return device.Pool{URL: p.URL, User: p.User, Password: units.Know(p.Pass, e.m.at, units.Simulated)}
}

// booted makes cgminer read its pools again after a boot. e.mu is held.
func (e *Emulator) booted() {
	if !e.m.booted.Equal(e.bootSeen) {
		e.bootSeen, e.pools.running = e.m.booted, e.pools.stored
	}
}

// tellPools answers the command pools.
func (e *Emulator) tellPools() answer {
	status := "Alive"
	if !e.m.poolOK {
		status = "Dead"
	}
	a := answer{severity: 'S', code: 7, section: "POOLS"}
	for i, p := range e.pools.running {
		if p.URL == "" {
			continue
		}
		active := e.m.poolOK && len(a.rows) == 0
		accepted := 0
		if len(a.rows) == 0 {
			accepted = int(e.m.hashed / 1e6)
		}
		a.rows = append(a.rows, []field{
			{"POOL", i},
			{"URL", p.URL},
			{"Status", status},
			{"Priority", len(a.rows)},
			{"Quota", 1},
			{"User", p.User},
			{"Stratum Active", active},
			{"Accepted", accepted},
			{"Rejected", 0},
		})
	}
	a.msg = fmt.Sprintf("%d Pool(s)", len(a.rows))
	return a
}

// setPool stores one pool: user and password of the miner's page, the place,
// and the pool's address, user and, if one comes, password. Like the firmware
// it divides at commas, takes no empty part, and repeats the password.
func (e *Emulator) setPool(parameter string) answer {
	failed := func(format string, args ...any) answer {
		return answer{severity: 'E', code: 132, msg: fmt.Sprintf(format, args...)}
	}
	if parameter == "" {
		return failed("no params")
	}
	parts := strings.Split(parameter, ",")
	if i := strings.Index(","+parameter+",", ",,"); i >= 0 { // sscanf stops at an empty part
		parts = strings.Split(parameter[:max(0, i-1)], ",")
	}
	var place int
	if len(parts) > 2 {
		if n, _ := fmt.Sscanf(parts[2], "%d", &place); n != 1 {
			parts = parts[:2]
		}
	}
	for i, most := range []int{64, 64, 11, 384, 128, 128} {
		if i < len(parts) && len(parts[i]) > most {
			return failed("The %s length is too long.", []string{"user name", "user password", "pool num", "pool url", "pool user", "pool pass"}[i])
		}
	}
	switch {
	case len(parts) < 5:
		return failed("we need 5 | 6 arguments, your input is %d arguments.", len(parts))
	case parts[0] != e.config.User:
		return failed("username err")
	case parts[1] != e.config.Password:
		return failed("userpass err")
	case place < 0 || place >= places:
		return failed("pool num must between 0 and 2 , your input is %d", place)
	}
	p := poolConf{URL: parts[3], User: parts[4]}
	if len(parts) > 5 {
		p.Pass = parts[5]
	}
	e.obey(func() {
		e.pools.stored[place] = p
		e.m.flash++
	})
	return answer{severity: 'S', code: 133, msg: fmt.Sprintf(
		"\npool %d success set to %s\nworker is %s\nworkerpassword is %s\nPlease reboot miner to make config work.\n", place, p.URL, p.User, p.Pass)}
}
