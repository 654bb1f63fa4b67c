package axeos_test

import (
	"strings"
	"testing"
	"time"

	"hearth/emulate/axeos"
)

// mines tells where the miner mines: user at address, and the password.
func (b bench) mines() string {
	p := b.Pool()
	password, _ := p.Password.Get()
	return p.String() + " " + password
}

func TestABitaxeTakesPoolsWhenItRestarts(t *testing.T) {
	b := serve(t, axeos.Config{})
	const before = "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"
	if status, _ := b.ask("PATCH", "/api/system", `{"stratumURL":"10.0.0.2","stratumPort":3334,"stratumUser":"attic","stratumPassword":"token"}`); status != 200 || b.FlashWrites() != 4 {
		t.Fatalf("status %d, %d writes", status, b.FlashWrites())
	}
	info := b.info()
	if info["stratumURL"] != "10.0.0.2" || info["fallbackStratumURL"] != "backup.example.org" {
		t.Errorf("it tells %v and %v", info["stratumURL"], info["fallbackStratumURL"])
	}
	if _, body := b.ask("GET", "/api/system/info", ""); strings.Contains(body, "secret") || strings.Contains(body, "token") {
		t.Errorf("it tells a password: %s", body)
	}
	if got := b.mines(); got != before {
		t.Errorf("it mines as %s before it restarts", got)
	}
	b.ask("POST", "/api/system/restart", "")
	b.clock.Advance(15 * time.Second)
	if got := b.mines(); got != "attic at stratum+tcp://10.0.0.2:3334 token" {
		t.Errorf("restarted, it mines as %s", got)
	}
}

func TestABitaxeOf215KeepsATableOfPools(t *testing.T) {
	b := serve(t, axeos.Config{Firmware: "v2.15.0"})
	for _, step := range []struct {
		name, method, path, body string
		status                   int
		says                     string
		mines                    string
	}{
		{"the flat fields are taken and ignored", "PATCH", "/api/system", `{"stratumURL":"elsewhere"}`, 200, "", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
		{"a pool in a free place", "PUT", "/api/system/pools/5", `{"stratumURL":"10.0.0.2","stratumPort":3333,"stratumUser":"attic","stratumPassword":"token"}`, 200, "Pool updated successfully", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
		{"and it is selected, at once", "PATCH", "/api/system", `{"primaryPoolIndex":5,"secondaryPoolIndex":0}`, 200, "", "attic at stratum+tcp://10.0.0.2:3333 token"},
		{"stars keep the password", "PUT", "/api/system/pools/5", `{"stratumURL":"10.0.0.2","stratumPort":3334,"stratumUser":"attic","stratumPassword":"*****"}`, 200, "", "attic at stratum+tcp://10.0.0.2:3334 token"},
		{"also in a PATCH", "PATCH", "/api/system", `{"pools":[{"id":5,"stratumURL":"10.0.0.2","stratumPort":3335,"stratumUser":"attic","stratumPassword":"*****"}]}`, 200, "", "attic at stratum+tcp://10.0.0.2:3335 token"},
		{"no number, no pool", "PATCH", "/api/system", `{"pools":[{"stratumURL":"10.0.0.2","stratumPort":3335,"stratumUser":"attic"}]}`, 400, "Wrong API input", "attic at stratum+tcp://10.0.0.2:3335 token"},
		{"a selected pool stays", "DELETE", "/api/system/pools/5", "", 400, "currently selected", "attic at stratum+tcp://10.0.0.2:3335 token"},
		{"the fallback may be preferred", "PATCH", "/api/system", `{"useFallbackStratum":1}`, 200, "", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
		{"the first password was kept in its place", "PATCH", "/api/system", `{"primaryPoolIndex":0,"secondaryPoolIndex":1,"useFallbackStratum":0}`, 200, "", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
		{"what is not selected may go", "DELETE", "/api/system/pools/5", "", 200, "cleared", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
		{"no user, no pool", "PUT", "/api/system/pools/6", `{"stratumURL":"10.0.0.2","stratumPort":3333}`, 400, "Invalid pool configuration payload", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
		{"there are eight places", "PUT", "/api/system/pools/8", `{}`, 400, "Invalid pool index", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
		{"and eight numbers", "PATCH", "/api/system", `{"primaryPoolIndex":8}`, 400, "Wrong API input", "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"},
	} {
		status, body := b.ask(step.method, step.path, step.body)
		if status != step.status || !strings.Contains(body, step.says) {
			t.Errorf("%s: status %d, %s", step.name, status, body)
		}
		if got := b.mines(); got != step.mines {
			t.Errorf("%s: it mines as %s", step.name, got)
		}
	}
	if _, body := b.ask("GET", "/api/system/info", ""); strings.Contains(body, "secret") || !strings.Contains(body, `"stratumPassword":"*****"`) {
		t.Errorf("it tells %s", body)
	}
}

func TestANerdQAxeTakesPoolsAtOnce(t *testing.T) {
	b := serve(t, axeos.Config{Model: axeos.NerdQAxe})
	b.ask("PATCH", "/api/system", `{"stratumURL":"10.0.0.2","stratumUser":"attic","stratumTLS":1,"stratumProtocol":"SV2"}`)
	if got := b.mines(); got != "attic at stratum+tcp://10.0.0.2:3333 first secret" {
		t.Errorf("it mines as %s", got)
	}
	if got := b.info()["stratumTLS"]; got != false {
		t.Errorf("TLS is a truth here, and is told as %v", got)
	}
}
