package shelly

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// goodFor is how long a nonce may be used.
const goodFor = 5 * time.Minute

// nonces are the challenges a device has given out.
type nonces struct {
	given map[string]*nonce
	count int
}

type nonce struct {
	at   time.Time
	last uint64 // highest nc seen: a lower or equal one is a replay
}

// next makes a nonce: the time, as a real Shelly's, and a count, so that two in
// one second differ.
func (n *nonces) next(now time.Time) string {
	for old, at := range n.given {
		if now.Sub(at.at) > goodFor || len(n.given) > 32 {
			delete(n.given, old)
		}
	}
	if n.given == nil {
		n.given = map[string]*nonce{}
	}
	n.count++
	s := fmt.Sprintf("%d%04d", now.Unix(), n.count%10000)
	n.given[s] = &nonce{at: now}
	return s
}

// challenge asks for a login.
func (e *Emulator) challenge(w http.ResponseWriter) {
	e.mu.Lock()
	n := e.nonces.next(e.clock())
	e.mu.Unlock()
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest qop="auth", realm=%q, nonce=%q, algorithm=SHA-256`, e.id, n))
	http.Error(w, "Unauthorized", http.StatusUnauthorized)
}

// admitted checks the digest of a request as RFC 7616 describes it.
func (e *Emulator) admitted(r *http.Request) bool {
	if e.config.Password == "" {
		return true
	}
	p, ok := digest(r.Header.Get("Authorization"))
	if !ok || p["username"] != "admin" || p["realm"] != e.id || p["uri"] != r.RequestURI ||
		p["qop"] != "auth" || !strings.EqualFold(p["algorithm"], "SHA-256") || p["cnonce"] == "" || len(p["nc"]) != 8 {
		return false
	}
	nc, err := strconv.ParseUint(p["nc"], 16, 32)
	if err != nil {
		return false
	}
	h := func(parts ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	want := h(h("admin", e.id, e.config.Password), p["nonce"], p["nc"], p["cnonce"], "auth", h(r.Method, p["uri"]))
	if subtle.ConstantTimeCompare([]byte(want), []byte(p["response"])) != 1 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n, known := e.nonces.given[p["nonce"]]
	if !known || e.clock().Sub(n.at) > goodFor || nc <= n.last {
		return false
	}
	n.last = nc
	return true
}

// digest reads the parameters of an Authorization header.
func digest(header string) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(header, "Digest ")
	p := map[string]string{}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimLeft(rest, ", ") {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return nil, false
		}
		var value string
		if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
			if value, rest, found = strings.Cut(quoted, `"`); !found {
				return nil, false
			}
		} else {
			value, rest, _ = strings.Cut(after, ",")
		}
		p[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return p, ok
}
