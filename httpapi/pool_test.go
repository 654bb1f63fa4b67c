package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hearth/web/storybook"
)

// Whatever is asked of the pool, the answer says what is wrong, and the home is
// told nothing that it would have to look through itself.
func TestHostilePoolRequests(t *testing.T) {
	for _, c := range []struct {
		name               string
		method, path, body string
		status             int
		code, message      string
	}{
		{"a pairing without a body", "POST", "/api/v1/pool/miners", ` `, 400, "bad_json", "empty"},
		{"an address that is none", "POST", "/api/v1/pool/miners", `{"name":"shed","address":"evil.example"}`, 422, "invalid", "not an address"},
		{"an address with a zone", "POST", "/api/v1/pool/miners", `{"name":"shed","address":"fe80::1%eth0"}`, 422, "invalid", "not an address"},
		{"a token of one's own", "POST", "/api/v1/pool/miners", `{"name":"shed","token":"1234"}`, 400, "bad_json", `no field "token"`},
		{"a giant name", "POST", "/api/v1/pool/miners", `{"name":"` + strings.Repeat("x", 70<<10) + `"}`, 413, "too_large", "64 KiB"},
		{"a kill switch that says nothing", "PUT", "/api/v1/pool/payouts", `{}`, 422, "invalid", "stopped"},
		{"a kill switch of text", "PUT", "/api/v1/pool/payouts", `{"stopped":"no"}`, 400, "bad_json", "stopped"},
		{"a receipt without proof", "POST", "/api/v1/pool/receipts", `{"source":"ocean","msat":1}`, 422, "invalid", "proof"},
		{"a receipt of nothing", "POST", "/api/v1/pool/receipts", `{"source":"ocean","msat":0,"proof":"x"}`, 422, "invalid", "amount"},
		{"a receipt of half a msat", "POST", "/api/v1/pool/receipts", `{"source":"ocean","msat":0.5,"proof":"x"}`, 400, "bad_json", "msat"},
		{"a receipt of more than there is", "POST", "/api/v1/pool/receipts", `{"source":"ocean","msat":99999999999999999999,"proof":"x"}`, 400, "bad_json", "msat"},
		{"a report turned round", "POST", "/api/v1/pool/reports", `{"source":"ocean","from":"2026-01-14T00:00:00Z","to":"2026-01-13T00:00:00Z","msat":1}`, 422, "invalid", "from"},
		{"a report below nothing", "POST", "/api/v1/pool/reports", `{"source":"ocean","from":"2026-01-13T00:00:00Z","to":"2026-01-14T00:00:00Z","msat":-1}`, 422, "invalid", "amount"},
		{"a statement without a month", "GET", "/api/v1/pool/statements/host", "", 422, "invalid", "2026-11"},
		{"a statement as a picture", "GET", "/api/v1/pool/statements/host?month=2026-01&format=png", "", 422, "invalid", "json, csv and text"},
		{"a statement of nobody", "GET", "/api/v1/pool/statements/..%2f..%2fetc%2fpasswd?month=2026-01", "", 422, "invalid", "passwd"},
		{"a miner sent elsewhere", "PUT", "/api/v1/devices/mini3/pool", `{"to":"stratum+tcp://evil.example:3333"}`, 422, "invalid", "no place to mine at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, storybook.Sats())
			res, body := r.ask(c.method, c.path, c.body)
			var got struct {
				Error struct{ Code, Message, Hint string }
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%d %s: not JSON: %v", res.StatusCode, body, err)
			}
			if res.StatusCode != c.status || got.Error.Code != c.code || !strings.Contains(got.Error.Message, c.message) {
				t.Errorf("got %d %+v", res.StatusCode, got.Error)
			}
			if calls := r.home.Calls(); len(calls) != 0 {
				t.Errorf("the home was told: %q", calls)
			}
		})
	}
}

// A home without a pool says so, and what to do, whatever is asked.
func TestNoPool(t *testing.T) {
	r := newRig(t, storybook.Heating())
	for _, c := range [][3]string{
		{"GET", "/api/v1/pool", ""},
		{"POST", "/api/v1/pool/miners", `{"name":"shed"}`},
		{"DELETE", "/api/v1/pool/miners/shed", ""},
		{"PUT", "/api/v1/pool/payouts", `{"stopped":true}`},
		{"GET", "/api/v1/pool/statements/host?month=2026-01", ""},
		{"PUT", "/api/v1/devices/mini3/pool", `{"to":"hearth"}`},
	} {
		res, body := r.ask(c[0], c[1], c[2])
		if res.StatusCode != 404 || !strings.Contains(body, "no pool of its own") {
			t.Errorf("%s %s: %d %s", c[0], c[1], res.StatusCode, body)
		}
	}
	if calls := r.home.Calls(); len(calls) != 0 {
		t.Errorf("the home was told: %q", calls)
	}
}
