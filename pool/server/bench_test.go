package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/pool/pooltest"
	"hearth/pool/server"
	"hearth/pool/stratum1"
)

// The benchmarks have their miners in another process on the same machine, so
// what they measure is what both need together; where it says cpu it is what
// the server needs. One round each is enough for memory: -benchtime 1x.

// sizes are how many miners a benchmark has.
func sizes(b *testing.B, run func(b *testing.B, miners int), of ...int) {
	for _, n := range of {
		b.Run(fmt.Sprintf("miners=%d", n), func(b *testing.B) {
			needFiles(b, n+200)
			run(b, n)
		})
	}
}

// openQuiet starts a server whose Desk only counts.
func openQuiet(b *testing.B) *house {
	h := open(b, server.Config{MaxConns: 1 << 16, MessagesPerSecond: 1 << 30, Turn: time.Hour})
	h.desk.quiet = true
	return h
}

// BenchmarkMemory is what a miner that has logged in, has had jobs and has sent
// some shares costs the server: the process's resident memory as it then is,
// and heap and stacks after a collection.
func BenchmarkMemory(b *testing.B) {
	for _, protocol := range []string{"V1", "V2"} {
		b.Run(protocol, func(b *testing.B) { sizes(b, memory(protocol), 1000, 10_000) })
	}
}

func memory(protocol string) func(b *testing.B, miners int) {
	return func(b *testing.B, miners int) {
		var rss, used int
		for range b.N {
			h := openQuiet(b)
			h.Publish(newJob(1, "node", 12, true))
			debug.FreeOSMemory()
			heapBefore, rssBefore := heap(), resident(b)
			crew := musterOf(b, h, protocol, miners)
			for id := uint32(2); id < 6; id++ {
				crew.tell("listen *")
				h.Publish(newJob(id, "node", 12, id%2 == 0))
				crew.heard()
			}
			crew.tell("mine 1")
			until(b, "there are shares", func() bool { return h.Counters().Shares["accepted"] > uint64(4*miners) })
			crew.tell("mine 0")
			rss = resident(b) - rssBefore
			used = heap() - heapBefore
		}
		b.ReportMetric(float64(rss)/float64(miners), "rss-B/miner")
		b.ReportMetric(float64(used)/float64(miners), "heap+stack-B/miner")
		b.ReportMetric(0, "ns/op")
	}
}

func musterOf(b *testing.B, h *house, protocol string, miners int) *crewmates {
	b.Helper()
	if protocol == "V2" {
		return muster(b, h, 0, miners, 0)
	}
	return muster(b, h, miners, 0, 0)
}

// BenchmarkSubmits is how fast shares of 1,000 miners are taken, checked,
// credited and answered, end to end. Each miner has four under way.
func BenchmarkSubmits(b *testing.B) {
	for _, protocol := range []string{"V1", "V2"} {
		b.Run(protocol, func(b *testing.B) {
			const miners = 1000
			needFiles(b, miners+200)
			h := openQuiet(b)
			h.Publish(newJob(1, "node", 12, true))
			crew := musterOf(b, h, protocol, miners)
			accepted := func() int { return int(h.Counters().Shares["accepted"]) }
			// A channel remembers some two thousand shares of a job.
			fresh, id := 0, uint32(2)
			submits(b, crew, func() int {
				n := accepted()
				if n > fresh+500*miners {
					h.Publish(newJob(id, "node", 12, false))
					fresh, id = n, id+1
				}
				return n
			})
			if c := h.Counters(); c.Shares["accepted"] < 9*(c.Shares["stale"]+c.Shares["duplicate"]+c.Shares["low difficulty"]+c.Shares["flood"]) {
				b.Errorf("too many shares were refused: %v", c.Shares)
			}
		})
	}
}

// BenchmarkSubmitsControl is the same with a plain loop for each connection that
// says yes to every line: what sockets and miners alone take.
func BenchmarkSubmitsControl(b *testing.B) {
	const miners = 1000
	needFiles(b, miners+200)
	h, conns := plainPool(b, miners)
	crew := muster(b, h, miners, 0, 0)
	var answered atomic.Int64
	work := stratum1.AppendNotify(stratum1.AppendDifficulty(nil, pooltest.Easiest), newJob(1, "node", 12, true), true)
	for _, c := range conns() {
		if _, err := c.Write(work); err != nil {
			b.Fatal(err)
		}
		go func() {
			buf, yes := make([]byte, 1<<10), []byte(nil)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				lines := bytes.Count(buf[:n], []byte{'\n'})
				yes = yes[:0]
				for range lines {
					yes = append(yes, `{"id":1,"result":true,"error":null}`+"\n"...)
				}
				_, _ = c.Write(yes)
				answered.Add(int64(lines))
			}
		}()
	}
	submits(b, crew, func() int { return int(answered.Load()) })
}

// submits measures until b.N shares are answered.
func submits(b *testing.B, crew *crewmates, answered func() int) {
	crew.tell("mine 4")
	until(b, "it runs", func() bool { return answered() > 10_000 })
	b.ResetTimer()
	start, cpu, began := answered(), processor(b), time.Now()
	end := start
	for end < start+b.N {
		time.Sleep(5 * time.Millisecond)
		end = answered()
	}
	b.StopTimer()
	b.ReportMetric(float64(end-start)/time.Since(began).Seconds(), "submits/s")
	b.ReportMetric(float64(end-start)/(processor(b)-cpu).Seconds(), "submits/server-cpu-s")
	crew.tell("mine 0")
}

// BenchmarkNotify is how long after Publish a job has come to 99 in 100 of the
// miners, in the miners' own processes.
func BenchmarkNotify(b *testing.B) {
	for _, protocol := range []string{"V1", "V2"} {
		b.Run(protocol, func(b *testing.B) {
			sizes(b, func(b *testing.B, miners int) {
				h := openQuiet(b)
				h.Publish(newJob(1, "node", 12, true))
				crew := musterOf(b, h, protocol, miners)
				id := uint32(2)
				rounds(b, crew, func() {
					h.Publish(newJob(id, "node", 12, true))
					id++
				})
			}, 1000, 10_000)
		})
	}
}

// BenchmarkNotifyControl is the same with plain loops over the sockets instead
// of the server: one that writes the same bytes to all, which is the least that
// it can take, and one that encodes them for each, as if they could not be
// shared.
func BenchmarkNotifyControl(b *testing.B) {
	for _, shared := range []bool{true, false} {
		b.Run(fmt.Sprintf("shared=%t", shared), func(b *testing.B) {
			sizes(b, func(b *testing.B, miners int) {
				h, conns := plainPool(b, miners)
				crew := muster(b, h, miners, 0, 0)
				all := conns()
				id := uint32(2)
				rounds(b, crew, func() {
					j := newJob(id, "node", 12, true)
					line := stratum1.AppendNotify(nil, j, true)
					for _, c := range all {
						if !shared {
							line = stratum1.AppendNotify(nil, j, true)
						}
						if _, err := c.Write(line); err != nil {
							b.Error(err)
						}
					}
					id++
				})
			}, 1000, 10_000)
		})
	}
}

// plainPool accepts miners, answers their login, and gives them back.
func plainPool(b *testing.B, miners int) (*house, func() []net.Conn) {
	l := listen(b)
	var all []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		var logins sync.WaitGroup
		for len(all) < miners {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all = append(all, c)
			logins.Go(func() {
				lines := bufio.NewReader(c)
				for range 2 {
					_, _ = lines.ReadString('\n')
				}
				_, _ = io.WriteString(c, `{"id":1,"result":[[],"00000000",4],"error":null}`+"\n"+`{"id":2,"result":true,"error":null}`+"\n")
			})
		}
		logins.Wait()
	}()
	b.Cleanup(func() {
		l.Close()
		for _, c := range all {
			c.Close()
		}
	})
	return &house{address: l.Addr().String()}, func() []net.Conn {
		<-done
		return all
	}
}

// rounds measures b.N publications.
func rounds(b *testing.B, crew *crewmates, publish func()) {
	var t times
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		rest(crew, "*")
		spent := processor(b)
		b.StartTimer()
		at := time.Now()
		publish()
		t.add(at, crew.heard())
		cpu += processor(b) - spent
	}
	t.report(b, "")
	b.ReportMetric(cpu.Seconds()*1000/float64(len(t.first)), "server-cpu-ms")
}

// rest lets the crew listen for a job, and collects what the last round left,
// so that it is not collected in the middle of this one.
func rest(crew *crewmates, id string) {
	crew.tell("listen %s", id)
	runtime.GC()
	time.Sleep(20 * time.Millisecond)
}

// times are how long after its publication a job was heard, in every round.
type times struct{ first, median, most, last []time.Duration }

func (t *times) add(at time.Time, a arrivals) {
	t.first, t.median = append(t.first, a.first.Sub(at)), append(t.median, a.median.Sub(at))
	t.most, t.last = append(t.most, a.most.Sub(at)), append(t.last, a.last.Sub(at))
}

// report gives the median of the rounds, and the worst for 99 in 100.
func (t *times) report(b *testing.B, of string) {
	for _, m := range []struct {
		name string
		d    []time.Duration
	}{{"first", t.first}, {"p50", t.median}, {"p99", t.most}, {"all", t.last}} {
		slices.Sort(m.d)
		b.ReportMetric(float64(m.d[len(m.d)/2].Microseconds())/1000, of+m.name+"-ms")
	}
	b.ReportMetric(float64(t.most[len(t.most)-1].Microseconds())/1000, of+"worst-p99-ms")
}

// BenchmarkEmptyThenFull is a new block: an empty job, and the full one when
// everybody has that; and the two at once, where only the full one counts.
func BenchmarkEmptyThenFull(b *testing.B) {
	sizes(b, func(b *testing.B, miners int) {
		h := openQuiet(b)
		h.Publish(newJob(1, "node", 12, true))
		crew := muster(b, h, miners, 0, 0)
		id := uint32(1)
		var empty, full, both times
		for b.Loop() {
			b.StopTimer()
			rest(crew, "*")
			at := time.Now()
			h.Publish(newJob(id+1, "node", 0, true))
			empty.add(at, crew.heard())
			rest(crew, "*")
			at = time.Now()
			h.Publish(newJob(id+2, "node", 12, false))
			full.add(at, crew.heard())
			rest(crew, fmt.Sprintf("%08x", id+4))
			b.StartTimer()
			at = time.Now()
			h.Publish(newJob(id+3, "node", 0, true))
			h.Publish(newJob(id+4, "node", 12, false))
			both.add(at, crew.heard())
			id += 4
		}
		empty.report(b, "empty-")
		full.report(b, "full-")
		both.report(b, "both-")
	}, 1, 100, 1000)
}

// BenchmarkEncode is what sharing saves for one miner: the control encodes.
func BenchmarkEncode(b *testing.B) {
	j := newJob(1, "node", 12, true)
	var line []byte
	for b.Loop() {
		line = stratum1.AppendNotify(line[:0], j, true)
	}
	b.SetBytes(int64(len(line)))
}

// resident is the memory of this process that is not swapped out, in bytes.
func resident(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skipf("resident memory: %v", err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}
