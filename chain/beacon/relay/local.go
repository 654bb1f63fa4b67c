package relay

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"hearth/chain/beacon/drand"
)

// Local is a beacon with one key that serves drand's API. It is for networks
// that are only tried out: who has its key knows every round in advance. It
// signs when it is asked and keeps nothing. It is safe for concurrent use.
type Local struct {
	key   drand.SecretKey
	chain drand.Chain
	clock func() time.Time
	mux   http.ServeMux
}

// NewLocal makes a beacon whose round 1 is published at genesis, in Unix
// seconds, and a round each period of seconds from then on.
func NewLocal(key drand.SecretKey, genesis int64, period uint32, clock func() time.Time) (*Local, error) {
	l := &Local{key: key, chain: drand.Local(key.Public(), genesis, period), clock: clock}
	if err := l.chain.Validate(); err != nil {
		return nil, fmt.Errorf("local beacon: %w", err)
	}
	hash := hex.EncodeToString(l.chain.Hash[:])
	v1 := func(w http.ResponseWriter, r *http.Request) { l.round(w, r, true) }
	v2 := func(w http.ResponseWriter, r *http.Request) { l.round(w, r, false) }
	l.mux.HandleFunc("GET /"+hash+"/public/{round}", v1)
	l.mux.HandleFunc("GET /v2/chains/"+hash+"/rounds/{round}", v2)
	l.mux.HandleFunc("GET /v2/beacons/"+drand.LocalID+"/rounds/{round}", v2)

	group := drand.LocalGroup()
	seed := hex.EncodeToString(group[:])
	said := info{PublicKey: fmt.Sprintf("%x", l.chain.PublicKey), Period: l.chain.Period, Genesis: genesis}
	old, now := said, said
	old.Hash, old.Group, old.SchemeV1, old.Metadata = hash, seed, drand.Scheme, &metadata{drand.LocalID}
	now.ChainV2, now.Seed, now.SchemeV2, now.ID = hash, seed, drand.Scheme, drand.LocalID
	l.mux.HandleFunc("GET /"+hash+"/info", func(w http.ResponseWriter, _ *http.Request) { write(w, old) })
	l.mux.HandleFunc("GET /v2/chains/"+hash+"/info", func(w http.ResponseWriter, _ *http.Request) { write(w, now) })
	l.mux.HandleFunc("GET /v2/beacons/"+drand.LocalID+"/info", func(w http.ResponseWriter, _ *http.Request) { write(w, now) })
	l.mux.HandleFunc("GET /chains", func(w http.ResponseWriter, _ *http.Request) { write(w, []string{hash}) })
	l.mux.HandleFunc("GET /v2/chains", func(w http.ResponseWriter, _ *http.Request) { write(w, []string{hash}) })
	return l, nil
}

// Chain is what others need to verify the rounds.
func (l *Local) Chain() drand.Chain { return l.chain }

// ServeHTTP implements [http.Handler].
func (l *Local) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "hearth local beacon: for tests, its rounds are known to one machine in advance")
	w.Header().Set("Cache-Control", "no-cache")
	l.mux.ServeHTTP(w, r)
}

func (l *Local) round(w http.ResponseWriter, r *http.Request, v1 bool) {
	last := l.chain.RoundAt(l.clock().Unix())
	number, early := last, http.StatusTooEarly
	if v1 {
		early = http.StatusNotFound
	}
	if which := r.PathValue("round"); which != "latest" {
		var err error
		if number, err = strconv.ParseUint(which, 10, 64); err != nil || number == 0 {
			http.Error(w, "a round is a number from 1, or \"latest\"", http.StatusBadRequest)
			return
		}
	}
	if number == 0 || number > last {
		http.Error(w, "a round of the future", early)
		return
	}
	signed, err := l.key.SignRound(number)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	said := round{Number: number, Signature: hex.EncodeToString(signed.Signature[:])}
	if v1 {
		said.Randomness = fmt.Sprintf("%x", signed.Signature.Randomness())
	}
	write(w, said)
}

// write sends what was asked for; who has hung up does not need it.
func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
