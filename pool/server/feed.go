package server

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum1"
)

// notice is the newest job of a source in the forms in which it is handed out.
// Only its repeat changes.
type notice struct {
	seq   uint64 // counts the jobs of the source, from 1
	clean uint64 // seq of the newest job that made earlier ones stale
	at    time.Time
	// As published; and with all earlier jobs stale, for who has missed a job that
	// did so, or has just come.
	whole, afresh part

	mu     sync.Mutex
	repeat part // the latest; zero: there was none
}

// part is a job and its notification in V1, shared by all who get it.
type part struct {
	job  *job.Job
	line []byte
}

// since is what to give to who has seen the source's jobs up to seq.
func (n *notice) since(seq uint64) part {
	if seq < n.clean {
		return n.afresh
	}
	return n.whole
}

// again is the job for who has had it before, up to a time that it carried:
// under another id, and later, so that firmware that begins with the same
// extranonce and nonce each time tries no hash twice. Miners who need it in the
// same second share it. When there is no later time that the source accepts it
// is the very same job.
func (n *notice) again(had uint32, next func() uint32, now time.Time) part {
	n.mu.Lock()
	defer n.mu.Unlock()
	first, last := n.whole.job.Times()
	elapsed := min(max(now.Sub(n.at)/time.Second, 0), 7200)
	t := max(uint64(max(n.whole.job.Time, first))+uint64(elapsed), uint64(had)+1)
	if r := n.repeat.job; r != nil && uint64(r.Time) >= t {
		return n.repeat
	}
	if t > uint64(last) {
		return part{n.whole.job, n.afresh.line}
	}
	j := *n.whole.job
	j.ID, j.Time, j.MaxTime, j.Clean = next(), uint32(t), last, false
	n.repeat = part{&j, stratum1.AppendNotify(nil, &j, true)}
	return n.repeat
}

// notify makes the notice of a job that follows another, or nil.
func notify(j *job.Job, last *notice, now time.Time) *notice {
	n := &notice{seq: 1, clean: 1, at: now}
	if last != nil {
		n.seq, n.clean = last.seq+1, last.clean
	}
	afresh := j
	if j.Clean {
		n.clean = n.seq
	} else {
		copied := *j
		copied.Clean = true
		afresh = &copied
	}
	n.afresh = part{afresh, stratum1.AppendNotify(nil, afresh, true)}
	n.whole = n.afresh
	if !j.Clean {
		n.whole = part{j, stratum1.AppendNotify(nil, j, false)}
	}
	return n
}

// settle lets the next publish begin to spread, when spread did not end well.
func (f *feed) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spreading = false
}

// feed is a source and who mines it. It is safe for concurrent use. Its lock is
// taken after a connection's.
type feed struct {
	name   string
	latest atomic.Pointer[notice]

	mu        sync.Mutex
	seats     []*seat
	spreading bool
}

func (f *feed) join(st *seat) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st.index = len(f.seats)
	f.seats = append(f.seats, st)
}

func (f *feed) part(st *seat) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.seats[len(f.seats)-1]
	f.seats[st.index], last.index = last, st.index
	f.seats[len(f.seats)-1] = nil
	f.seats = f.seats[:len(f.seats)-1]
}

// publish makes a job the newest. It tells whether the caller has to call
// spread; else somebody who does already goes on to it.
func (f *feed) publish(j *job.Job) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest.Store(notify(j, f.latest.Load(), time.Now()))
	if f.spreading {
		return false
	}
	f.spreading = true
	return true
}

// spread brings the newest job to everybody. When a newer one comes meanwhile,
// those who still wait get that one at once, and then come the others.
func (f *feed) spread() {
	var seats []*seat
	for {
		f.mu.Lock()
		seq := f.latest.Load().seq
		seats = append(seats[:0], f.seats...)
		f.mu.Unlock()
		pass(seats)
		clear(seats)

		f.mu.Lock()
		if f.latest.Load().seq == seq {
			f.spreading = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
	}
}

// chunk is how many connections one goroutine serves before it asks for more.
const chunk = 16

// pass offers every seat its newest job, on all processors.
func pass(seats []*seat) {
	var next atomic.Int64
	work := func() {
		for {
			end := int(next.Add(chunk))
			begin := end - chunk
			if begin >= len(seats) {
				return
			}
			for _, st := range seats[begin:min(end, len(seats))] {
				st.conn.refresh(st, time.Now())
			}
		}
	}
	var helpers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(seats)+chunk-1)/chunk) - 1 {
		helpers.Go(work)
	}
	work()
	helpers.Wait()
}
