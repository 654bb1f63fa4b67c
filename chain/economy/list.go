package economy

import "math/bits"

// list is the open jobs by what they would pay, on shelves of a quarter of a
// doubling, the oldest first on each.
type list struct {
	shelves [256][]job
	size    int
	lowest  int // no job lies below this shelf
}

// shelf is where a price lies: its whole logarithm and the next two bits.
func shelf(price uint64) int {
	n := bits.Len64(price | 1)
	return 4*(n-1) + int(price<<(64-n)>>61&3)
}

func (l *list) add(j job) {
	s := shelf(j.most)
	l.shelves[s] = append(l.shelves[s], j)
	l.lowest = min(l.lowest, s)
	l.size++
}

// take removes a job that pays the fee, from the highest shelf.
func (l *list) take(fee uint64) (job, bool) {
	for s := len(l.shelves) - 1; s >= shelf(fee); s-- {
		if q := l.shelves[s]; len(q) > 0 && q[0].most >= fee {
			l.shelves[s] = q[1:]
			l.size--
			return q[0], true
		}
	}
	return job{}, false
}

// evict removes a job from a lower shelf than a price's.
func (l *list) evict(price uint64) bool {
	for ; l.lowest < shelf(price); l.lowest++ {
		if q := l.shelves[l.lowest]; len(q) > 0 {
			l.shelves[l.lowest] = q[1:]
			l.size--
			return true
		}
	}
	return false
}

// expire removes jobs that were posted before a block.
func (l *list) expire(before int) {
	for s, q := range l.shelves {
		for len(q) > 0 && q[0].posted < before {
			q = q[1:]
			l.size--
		}
		l.shelves[s] = q
	}
}
