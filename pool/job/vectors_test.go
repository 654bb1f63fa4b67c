package job_test

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hearth/pool/job"
)

// share is a vector: the parts of a coinbase and of a header, and what comes of
// them. Words that a file leaves out are not checked.
type share struct {
	job        job.Job
	extranonce []byte
	nonce      uint32
	complete   bool // there is a header to be hashed

	root, header, hash string
	difficulty         float64
}

func readShare(t *testing.T, path string) share {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s share
	bytes := func(v string) []byte {
		b, err := hex.DecodeString(v)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return b
	}
	number := func(v string) uint32 { return binary.BigEndian.Uint32(bytes(v)) }
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		switch key {
		case "#":
		case "prefix":
			s.job.Prefix = bytes(value)
		case "extranonce":
			s.extranonce = bytes(value)
			s.job.Extranonce = len(s.extranonce)
		case "suffix":
			s.job.Suffix = bytes(value)
		case "branch":
			s.job.Branch = append(s.job.Branch, job.Hash(bytes(value)))
		case "version":
			s.job.Version = number(value)
		case "prev":
			s.job.Prev = job.Hash(bytes(value))
		case "notified-prev": // as mining.notify has it: each word turned round
			b := bytes(value)
			for i := 0; i < len(b); i += 4 {
				binary.LittleEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
			}
			s.job.Prev = job.Hash(b)
		case "time":
			s.job.Time = number(value)
		case "bits":
			s.job.Bits = number(value)
		case "nonce":
			s.nonce, s.complete = number(value), true
		case "root":
			s.root = value
		case "header":
			s.header = value
		case "hash":
			s.hash = value
		case "difficulty":
			if s.difficulty, err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("%s: what is %q?", path, key)
		}
	}
	return s
}

func TestShares(t *testing.T) {
	paths, err := filepath.Glob("testdata/shares/*.txt")
	if err != nil || len(paths) < 6 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			s := readShare(t, path)
			j := &s.job
			if got := j.Root(s.extranonce).String(); s.root != "" && got != s.root {
				t.Errorf("root %s, want %s", got, s.root)
			}
			if !s.complete {
				return
			}
			h := j.Header(s.extranonce, j.Version, j.Time, s.nonce)
			if got := hex.EncodeToString(h.Append(nil)); s.header != "" && got != s.header {
				t.Errorf("header\n%s, want\n%s", got, s.header)
			}
			if got := h.Hash().String(); got != s.hash {
				t.Errorf("hash %s, want %s", got, s.hash)
			}
			if back, err := job.ParseHeader(h.Append(nil)); err != nil || back != h {
				t.Errorf("read back: %v, %v", back, err)
			}
			if s.difficulty >= 1 { // written down without what follows the point
				s.difficulty, _ = math.Modf(s.difficulty)
				if got, _ := math.Modf(float64(h.Hash().Difficulty())); got != s.difficulty {
					t.Errorf("difficulty %v, want %v", got, s.difficulty)
				}
			} else if got := float64(h.Hash().Difficulty()); s.difficulty != 0 && math.Abs(got/s.difficulty-1) > 1e-12 {
				t.Errorf("difficulty %v, want %v", got, s.difficulty)
			}
		})
	}
}

func TestBlocksMeetTheirTarget(t *testing.T) {
	for _, name := range []string{"genesis", "block-881423"} {
		s := readShare(t, "testdata/shares/"+name+".txt")
		target, err := job.CompactTarget(s.job.Bits)
		if err != nil {
			t.Fatal(err)
		}
		if h := s.job.Header(s.extranonce, s.job.Version, s.job.Time, s.nonce).Hash(); !h.Meets(target) {
			t.Errorf("%s: %v is above %v", name, h, target)
		}
		if h := s.job.Header(s.extranonce, s.job.Version, s.job.Time, s.nonce+1).Hash(); h.Meets(target) {
			t.Errorf("%s: the next nonce makes a block too", name)
		}
	}
	// What a heater rolled in block 881423 was its to roll.
	s := readShare(t, "testdata/shares/block-881423.txt")
	if rolled := s.job.Version ^ 0x20000000; rolled&^job.MaskV1 != 0 || rolled == 0 {
		t.Errorf("rolled %08x", rolled)
	}
}
