package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// vector is an embedding in units of 2^-15: what similarity needs of it, in a
// quarter of the room of text.
type vector []int16

// digest is the SHA-256 of a passage's text.
type digest [sha256.Size]byte

// vectorCache keeps the vectors of one folder's passages as one model made
// them, by the passages' content, so that only what changed is embedded again.
// The file holds hashes and vectors, no text. It is replaced in one step; of
// two searches at a time one's new vectors may be lost, nothing else.
type vectorCache struct {
	path    string
	width   int
	mu      sync.Mutex
	vectors map[digest]vector
}

const cacheMagic = "hearth vectors 1\n"

// openCache reads the cache for a folder and a model, if there is one that is
// whole.
func openCache(data, folder, modelID string, width int) (*vectorCache, error) {
	name := sha256.Sum256([]byte(modelID + "\x00" + folder))
	c := &vectorCache{
		path:    filepath.Join(data, "search", hex.EncodeToString(name[:16])+".vectors"),
		width:   width,
		vectors: make(map[digest]vector),
	}
	b, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the cache of vectors: %w", err)
	}
	c.read(b)
	return c, nil
}

// record is the length of one vector with its digest.
func (c *vectorCache) record() int { return sha256.Size + 2*c.width }

// read takes over a file that is as it was written; the last bytes are the
// SHA-256 of all before. Anything else is as good as no cache.
func (c *vectorCache) read(b []byte) {
	if len(b) < len(cacheMagic)+sha256.Size || string(b[:len(cacheMagic)]) != cacheMagic {
		return
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(want[:], sum) {
		return
	}
	body = body[len(cacheMagic):]
	if len(body)%c.record() != 0 {
		return
	}
	for ; len(body) > 0; body = body[c.record():] {
		v := make(vector, c.width)
		for i := range v {
			v[i] = int16(binary.LittleEndian.Uint16(body[sha256.Size+2*i:]))
		}
		c.vectors[digest(body[:sha256.Size])] = v
	}
}

func (c *vectorCache) get(d digest) (vector, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.vectors[d]
	return v, ok
}

func (c *vectorCache) put(d digest, v vector) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vectors[d] = v
}

// save writes the vectors whose passages are in keep; nil keeps all.
func (c *vectorCache) save(keep map[digest]bool) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return fmt.Errorf("write the cache of vectors: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(c.path), ".new-*")
	if err != nil {
		return fmt.Errorf("write the cache of vectors: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	h := sha256.New()
	var b bytes.Buffer
	out := io.MultiWriter(f, h)
	b.WriteString(cacheMagic)
	for d, v := range c.vectors {
		if keep != nil && !keep[d] {
			continue
		}
		b.Write(d[:])
		_ = binary.Write(&b, binary.LittleEndian, []int16(v)) // a buffer takes all
		if b.Len() > 1<<20 {
			if _, err = b.WriteTo(out); err != nil {
				break
			}
		}
	}
	if err == nil {
		_, err = b.WriteTo(out)
	}
	if err == nil {
		_, err = f.Write(h.Sum(nil))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), c.path)
	}
	if err != nil {
		return fmt.Errorf("write the cache of vectors: %w", err)
	}
	return nil
}

// round brings an embedding in units of 2^-30 to units of 2^-15.
func round(e []int32) vector {
	v := make(vector, len(e))
	for i, x := range e {
		v[i] = int16(min((x+1<<14)>>15, 1<<15-1))
	}
	return v
}

// similarity of two embeddings of length one, in units of 2^-30: the cosine of
// the angle between them.
func similarity(a, b vector) int64 {
	var sum int64
	for i, x := range a {
		sum += int64(x) * int64(b[i])
	}
	return sum
}
