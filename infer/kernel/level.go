package kernel

import "fmt"

// What avo does not write. The other kernels are generated where they are used.
//go:generate go run -C _asm ./dotprod -out ../product_dotprod_arm64.s -stubs ../product_dotprod_arm64.go

// Level is a set of instructions that kernels are written for. All levels
// give the same bits; they differ in speed.
type Level int

// The levels, each faster than those before it that run on the same processor.
const (
	Go      Level = iota // plain Go on every platform: the definition
	AVX2                 // x86-64-v3: 256-bit vectors, 16-bit multiplication
	AVXVNNI              // 256-bit vectors with VNNI: Alder Lake and later, without AVX-512
	AVX512               // 512-bit vectors with VNNI and VBMI: Ice Lake, Zen 4 and later
	DotProd              // arm64 with FEAT_DotProd: products; elements and hashes are plain Go

	highest = DotProd
)

func (l Level) String() string {
	switch l {
	case Go:
		return "go"
	case AVX2:
		return "avx2"
	case AVXVNNI:
		return "avxvnni"
	case AVX512:
		return "avx512"
	case DotProd:
		return "dotprod"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// Best returns the highest level that this processor and this build can run.
// A level whose kernels have only been run by emulators it first tries out for
// a moment, and passes over if it gives other bits than plain Go.
func Best() Level {
	best := Go
	for l := AVX2; l <= highest; l++ {
		if l.runs() && l.prove() == nil {
			best = l
		}
	}
	return best
}

// Levels returns the levels that this processor and this build can run,
// slowest first.
func Levels() []Level {
	var runs []Level
	for l := Go; l <= highest; l++ {
		if l.runs() {
			runs = append(runs, l)
		}
	}
	return runs
}

// Parse returns the level with the given name (go, avx2, avxvnni, avx512, dotprod), or [Best]
// for an empty one. A level that cannot run here, or that Best would pass
// over, is an error.
func Parse(name string) (Level, error) {
	if name == "" {
		return Best(), nil
	}
	for l := Go; l <= highest; l++ {
		if l.String() == name {
			if err := l.check(); err != nil {
				return Go, err
			}
			return l, l.prove()
		}
	}
	return Go, fmt.Errorf("kernel level %q is unknown: use one of %v", name, Levels())
}

// check tells whether the level can run here.
func (l Level) check() error {
	if l.runs() {
		return nil
	}
	return fmt.Errorf("kernel level %v cannot run on this processor or in this build: use one of %v", l, Levels())
}

// must stops a caller that asks for a level that cannot run here.
func (l Level) must() {
	if err := l.check(); err != nil {
		panic("kernel: " + err.Error())
	}
}

// runs is whether the level can run here.
func (l Level) runs() bool { return l == Go || accelerated(l) }
