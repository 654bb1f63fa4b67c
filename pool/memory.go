package pool

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"

	"hearth/internal/durable"
	"hearth/pool/reward"
	"hearth/pool/server"
)

// memory is what survives a restart besides the ledger: where each party stands
// in the division of work. Losing it costs the parties half a share.
type memory struct {
	Shares  json.RawMessage                   `json:"shares,omitempty"`
	Slices  map[server.Worker]json.RawMessage `json:"slices,omitempty"`
	Credits reward.Credits                    `json:"credits,omitempty"`
}

const memoryFile = "standing.json"

// remember reads the memory of the process before.
func remember(dir string) (memory, error) {
	var m memory
	path := filepath.Join(dir, memoryFile)
	if err := readKept(path, &m); err != nil {
		return m, fmt.Errorf("read where the parties stand: %w; remove %s to begin anew, which costs nobody more than a share", err, path)
	}
	return m, nil
}

// keep writes the memory down.
func (s *Service) keep() error {
	// What was gathered last must be what is written last.
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.mu.Lock()
	m := memory{Slices: map[server.Worker]json.RawMessage{}}
	maps.Copy(m.Slices, s.memory.Slices)
	var err error
	for _, r := range s.relays {
		if r.parties != nil && err == nil {
			m.Shares, err = r.parties.MarshalJSON()
		}
	}
	if s.lend != nil {
		for w, t := range s.lend.turns {
			if err == nil {
				m.Slices[w], err = t.slices.MarshalJSON()
			}
		}
	}
	if s.mint != nil {
		s.mint.mu.Lock()
		m.Credits = s.mint.credits
		s.mint.mu.Unlock()
	}
	s.mu.Unlock()
	var b []byte
	if err == nil {
		b, err = json.Marshal(m)
	}
	if err == nil {
		err = durable.Replace(filepath.Join(s.opt.Dir, memoryFile), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep where the parties stand: %w", err)
	}
	return nil
}
