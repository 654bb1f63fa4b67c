package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"hearth/infer/model"
	"hearth/work"
)

const (
	listLabel  = "hearth jobs 1\n"
	listHeader = len(listLabel) + 32 + 8 + 32

	// MaxEncoding is the most bytes of a job that can be claimed: what every job
	// has, 64 stop tokens and the longest prompt.
	MaxEncoding = 13 + 32 + 1 + 32 + 4 + 4*5 + 32 + 2 + 4*64 + 4 + 4*work.MaxJobTokens

	maxList = 1 << 32
)

// List is a project's jobs with the tree over them. It is immutable and safe
// for concurrent use.
type List struct {
	model     model.Hash
	encodings [][]byte
	tree      *Tree
}

// NewList returns the list of encodings of jobs: public ones, all of one
// model, none twice.
func NewList(encodings [][]byte) (*List, error) {
	t, err := New(encodings)
	if err != nil {
		return nil, err
	}
	l := &List{encodings: encodings, tree: t}
	seen := make(map[model.Hash]int, len(encodings))
	for i, b := range encodings {
		if len(b) > MaxEncoding {
			return nil, fmt.Errorf("job %d has %d bytes: one that can be claimed has %d at most", i, len(b), MaxEncoding)
		}
		j, err := work.DecodeJob(b)
		if err != nil {
			return nil, fmt.Errorf("job %d: %w", i, err)
		}
		if i == 0 {
			l.model = j.Model
		}
		id := j.ID()
		switch first, twice := seen[id]; {
		case !j.Public:
			return nil, fmt.Errorf("job %d is private: everybody reads the jobs of a project", i)
		case j.Model != l.model:
			return nil, fmt.Errorf("job %d is for model %v, the first for %v: a project has one model", i, j.Model, l.model)
		case twice:
			return nil, fmt.Errorf("job %d is job %d once more: a job is done once, ever", i, first)
		}
		seen[id] = i
	}
	return l, nil
}

// Model is what all jobs are for.
func (l *List) Model() model.Hash { return l.model }

// Len is how many jobs there are.
func (l *List) Len() uint64 { return l.tree.Len() }

// Root is what a proposal names.
func (l *List) Root() Hash { return l.tree.Root() }

// Job returns a job's encoding and the proof that it is in the list. Neither
// may be changed.
func (l *List) Job(index uint64) (encoding []byte, p Proof, err error) {
	if p, err = l.tree.Proof(index); err != nil {
		return nil, nil, err
	}
	return l.encodings[index], p, nil
}

// Cost returns the multiply-accumulates of the dearest job and of all,
// attention included, on a model of this shape.
func (l *List) Cost(c model.Config) (dearest, all uint64, err error) {
	for i, b := range l.encodings {
		j, err := work.DecodeJob(b)
		if err != nil {
			return 0, 0, fmt.Errorf("job %d: %w", i, err)
		}
		macs := work.Cost(c, len(j.Prompt)+j.Most, j.Most)
		dearest = max(dearest, macs)
		all += macs
	}
	return dearest, all, nil
}

// WriteTo writes the list as a file, which [Read] reads.
func (l *List) WriteTo(w io.Writer) (int64, error) {
	root := l.Root()
	b := append([]byte(listLabel), l.model[:]...)
	b = binary.LittleEndian.AppendUint64(b, l.Len())
	b = append(b, root[:]...)
	n, err := w.Write(b)
	written := int64(n)
	for _, job := range l.encodings {
		if err != nil {
			break
		}
		n, err = w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(job))), job...))
		written += int64(n)
	}
	if err != nil {
		return written, fmt.Errorf("write %d jobs: %w", l.Len(), err)
	}
	return written, nil
}

// Read reads a file of size bytes and checks all of it: no more memory is taken
// than a small multiple of what is there.
func Read(r io.ReaderAt, size int64) (*List, error) {
	if size < int64(listHeader) || size > maxList {
		return nil, fmt.Errorf("a list of jobs of %d bytes: it has %d to %d", size, listHeader, int64(maxList))
	}
	in := io.NewSectionReader(r, 0, size)
	head := make([]byte, listHeader)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, fmt.Errorf("read a list of jobs: %w", err)
	}
	if string(head[:len(listLabel)]) != listLabel {
		return nil, errors.New("not a list of jobs: it begins with other bytes")
	}
	head = head[len(listLabel):]
	id, count, root := model.Hash(head[:32]), binary.LittleEndian.Uint64(head[32:40]), Hash(head[40:])
	if count == 0 || count > MaxJobs || count > uint64(size)/4 {
		return nil, fmt.Errorf("a list of %d jobs in %d bytes", count, size)
	}
	var encodings [][]byte
	for i := range count {
		var length [4]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return nil, fmt.Errorf("read job %d of %d: %w", i, count, err)
		}
		n := binary.LittleEndian.Uint32(length[:])
		if n > MaxEncoding {
			return nil, fmt.Errorf("job %d of %d has %d bytes: at most %d can be claimed", i, count, n, MaxEncoding)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, fmt.Errorf("read job %d of %d: %w", i, count, err)
		}
		encodings = append(encodings, b)
	}
	if at, _ := in.Seek(0, io.SeekCurrent); at != size {
		return nil, fmt.Errorf("%d bytes are left over behind the last of %d jobs", size-at, count)
	}
	l, err := NewList(encodings)
	if err != nil {
		return nil, err
	}
	if l.model != id || l.Root() != root {
		return nil, errors.New("the jobs of the list are not those that its beginning names: fetch it again")
	}
	return l, nil
}
