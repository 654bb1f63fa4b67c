package agreement

import (
	"cmp"
	"slices"
	"time"
)

// mark is a value from an instant on.
type mark struct {
	at    int64
	seq   uint64
	value int64
	per   int64 // of yields: for how much work
}

// series holds marks.
type series struct {
	marks  []mark
	sorted bool
}

func (s *series) add(m mark) {
	s.marks = append(s.marks, m)
	s.sorted = false
}

func (s *series) settle() {
	if !s.sorted {
		slices.SortFunc(s.marks, func(a, b mark) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
		s.sorted = true
	}
}

// before returns the last mark at or before an instant, if it is not older than
// an age. The series must be settled.
func (s *series) before(at int64, age time.Duration) (mark, bool) {
	i, _ := slices.BinarySearchFunc(s.marks, at, func(m mark, at int64) int {
		if m.at <= at {
			return -1
		}
		return 1
	})
	if i == 0 || at-s.marks[i-1].at > int64(age) {
		return mark{}, false
	}
	return s.marks[i-1], true
}
