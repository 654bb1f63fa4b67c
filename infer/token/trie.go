package token

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// none stands for no node and for no id.
const none = -1

// trie finds which of a set of strings a text begins with, in one pass over
// its bytes. Nodes are numbered breadth first, so that the children of node n
// are nodes first[n] to first[n+1]-1, by label.
type trie struct {
	label []byte
	first []int32
	id    []int32 // of the string that ends here, or none
	root  [256]int32
}

type entry struct {
	text string
	id   int32
}

// newTrie makes a trie of entries with different, not empty texts. It sorts
// them.
func newTrie(entries []entry) *trie {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.id, b.id))
	})
	t := &trie{label: []byte{0}, id: []int32{none}}
	type span struct{ from, to, depth int } // entries that share depth bytes
	queue := []span{{0, len(entries), 0}}
	for at := 0; at < len(queue); at++ {
		s := queue[at]
		t.first = append(t.first, int32(len(t.label)))
		i := s.from
		for i < s.to && len(entries[i].text) == s.depth {
			t.id[at] = entries[i].id
			i++
		}
		for i < s.to {
			b := entries[i].text[s.depth]
			j := i
			for j < s.to && entries[j].text[s.depth] == b {
				j++
			}
			t.label = append(t.label, b)
			t.id = append(t.id, none)
			queue = append(queue, span{i, j, s.depth + 1})
			i = j
		}
	}
	t.first = append(t.first, int32(len(t.label)))
	for b := range t.root {
		t.root[b] = t.search(0, byte(b))
	}
	return t
}

func (t *trie) search(node int32, b byte) int32 {
	lo, hi := t.first[node], t.first[node+1]
	i := lo + int32(sort.Search(int(hi-lo), func(i int) bool { return t.label[lo+int32(i)] >= b }))
	if i < hi && t.label[i] == b {
		return i
	}
	return none
}

// next returns the child of node for b, or none.
func (t *trie) next(node int32, b byte) int32 {
	if node == 0 {
		return t.root[b]
	}
	lo, hi := t.first[node], t.first[node+1]
	if hi-lo > 8 {
		return t.search(node, b)
	}
	for i := lo; i < hi; i++ {
		if t.label[i] == b {
			return i
		}
	}
	return none
}
