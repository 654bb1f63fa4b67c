package job

// Branch is the merkle branch of the first leaf of a tree, the coinbase: with
// what it has to be hashed, one after the other, to become the root. ids are the
// other leaves, in order; they are not changed.
func Branch(ids []Hash) []Hash {
	if len(ids) == 0 {
		return nil
	}
	branch := make([]Hash, 0, 16)
	level := make([]Hash, len(ids), len(ids)+1)
	copy(level, ids)
	for len(level) > 0 {
		// level is one row of the tree without its first node.
		branch = append(branch, level[0])
		rest := level[1:]
		if len(rest)%2 == 1 {
			rest = append(rest, rest[len(rest)-1])
		}
		for i := 0; i < len(rest); i += 2 {
			level[i/2] = join(rest[i], rest[i+1])
		}
		level = level[:len(rest)/2]
	}
	return branch
}

// Fold is the root that a branch leads to from the first leaf.
func Fold(first Hash, branch []Hash) Hash {
	for _, b := range branch {
		first = join(first, b)
	}
	return first
}

func join(a, b Hash) Hash {
	var pair [64]byte
	copy(pair[:32], a[:])
	copy(pair[32:], b[:])
	return Double(pair[:])
}
