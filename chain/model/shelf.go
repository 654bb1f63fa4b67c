package model

import (
	"sync"

	"hearth/chain/model/entry"
	hmodel "hearth/infer/model"
)

// shelf keeps what was read of manifests, by their hash: reading one takes
// milliseconds, and every claim needs it. It is no state: what is on it follows
// from the hash alone.
type shelf struct {
	mu      sync.Mutex
	entries map[hmodel.Hash]*entry.Entry
}

// kept bounds the shelf; the largest entry has about a megabyte.
const kept = 64

func (s *shelf) get(hash hmodel.Hash, fetch func() ([]byte, error)) (*entry.Entry, error) {
	s.mu.Lock()
	e := s.entries[hash]
	s.mu.Unlock()
	if e != nil {
		return e, nil
	}
	b, err := fetch()
	if err != nil {
		return nil, err
	}
	if e, err = entry.Read(b); err != nil {
		return nil, err
	}
	s.put(e)
	return e, nil
}

func (s *shelf) put(e *entry.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) >= kept || s.entries == nil {
		s.entries = map[hmodel.Hash]*entry.Entry{} // rare, and nothing is lost
	}
	s.entries[e.Manifest] = e
}
