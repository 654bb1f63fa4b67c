package stratum2

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"hearth/pool/job"
	"hearth/pool/stratum2/message"
)

// view is what a miner knows from the frames that it got, read as the
// specification has it: any number of channels of both kinds, groups, future
// jobs. It is written apart from Session and Client.
type view struct {
	channels map[uint32]*seat
}

type seat struct {
	extended bool
	group    uint32
	prefix   []byte
	room     int
	target   job.Target
	prev     job.Hash
	bits     uint32
	least    uint32 // the time that the block was set from
	begun    bool
	jobs     map[uint32]*task
	void     map[uint32]*task // those that were
	current  uint32
}

// task is a job as a channel can mine it.
type task struct {
	active  bool
	version uint32
	rolling bool
	time    uint32
	prev    job.Hash
	bits    uint32
	target  job.Target
	root    func(extranonce []byte) job.Hash
}

func newView() *view { return &view{map[uint32]*seat{}} }

// take reads one message of the pool.
func (v *view) take(m message.Message) error {
	switch m := m.(type) {
	case *message.OpenStandardMiningChannelSuccess:
		return v.open(m.Channel, &seat{group: m.Group, prefix: slices.Clone(m.ExtranoncePrefix), target: m.Target})
	case *message.OpenExtendedMiningChannelSuccess:
		return v.open(m.Channel, &seat{extended: true, group: m.Group, prefix: slices.Clone(m.ExtranoncePrefix), room: int(m.Extranonce), target: m.Target})
	case *message.SetTarget:
		return v.each(m.Channel, func(s *seat) error {
			s.target = m.Target
			for _, t := range s.jobs {
				if !t.active {
					t.target = m.Target
				}
			}
			return nil
		})
	case *message.NewMiningJob:
		s := v.channels[m.Channel]
		if s == nil || s.extended {
			return fmt.Errorf("a standard job for %d, which is no standard channel", m.Channel)
		}
		return s.add(m.Job, m.Active, &task{
			version: m.Version, rolling: true, time: m.MinTime, root: func([]byte) job.Hash { return m.Root },
		})
	case *message.NewExtendedMiningJob:
		j := &job.Job{Prefix: slices.Clone(m.Prefix), Suffix: slices.Clone(m.Suffix), Branch: m.Path}
		return v.each(m.Channel, func(s *seat) error {
			if !s.extended && m.Channel != s.group {
				return fmt.Errorf("an extended job for %d, which is no extended channel", m.Channel)
			}
			return s.add(m.Job, m.Active, &task{
				version: m.Version, rolling: m.VersionRolling, time: m.MinTime,
				root: func(extranonce []byte) job.Hash { return j.Root(slices.Concat(s.prefix, extranonce)) },
			})
		})
	case *message.SetNewPrevHash:
		return v.each(m.Channel, func(s *seat) error {
			t := s.jobs[m.Job]
			if t == nil || t.active {
				return fmt.Errorf("a block for job %d, which is no future job", m.Job)
			}
			s.prev, s.bits, s.least, s.begun = m.Prev, m.Bits, m.MinTime, true
			t.time = m.MinTime
			maps.Copy(s.void, s.jobs)
			s.jobs = map[uint32]*task{m.Job: t}
			s.start(m.Job)
			return nil
		})
	}
	return nil
}

func (v *view) open(id uint32, s *seat) error {
	if v.channels[id] != nil || id == s.group {
		return fmt.Errorf("channel %d is there already", id)
	}
	for _, other := range v.channels {
		if other.group == s.group && len(other.prefix)+other.room != len(s.prefix)+s.room {
			return errors.New("channels of one group have extranonces of different sizes")
		}
	}
	s.jobs, s.void = map[uint32]*task{}, map[uint32]*task{}
	v.channels[id] = s
	return nil
}

// each is for every channel that a number stands for.
func (v *view) each(id uint32, do func(*seat) error) error {
	found := false
	for _, n := range slices.Sorted(maps.Keys(v.channels)) {
		if s := v.channels[n]; n == id || s.group == id {
			found = true
			if err := do(s); err != nil {
				return err
			}
		}
	}
	if !found {
		return fmt.Errorf("channel %d is unknown", id)
	}
	return nil
}

func (s *seat) add(n uint32, active bool, t *task) error {
	if s.jobs[n] != nil || s.void[n] != nil {
		return fmt.Errorf("job %d was there before", n)
	}
	if active && !s.begun {
		return errors.New("the first job is to be mined at once, but on which block?")
	}
	if active && t.time < s.least {
		return fmt.Errorf("job %d begins before its block was set", n)
	}
	t.target = s.target
	s.jobs[n] = t
	if active {
		s.start(n)
	}
	return nil
}

func (s *seat) start(n uint32) {
	t := s.jobs[n]
	t.active, t.prev, t.bits = true, s.prev, s.bits
	s.current = n
}

// find looks for a nonce whose hash meets t or, if miss is set, does not.
func (t *task) find(extranonce []byte, version, ntime uint32, target job.Target, miss bool) uint32 {
	h := job.Header{Version: version, Prev: t.prev, Root: t.root(extranonce), Time: ntime, Bits: t.bits}
	for h.Hash().Meets(target) == miss {
		h.Nonce++
	}
	return h.Nonce
}
