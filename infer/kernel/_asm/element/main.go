// Command element writes the kernels of what lies between two products: go
// generate in infer/kernel runs it once for each level. Its output is
// committed. Definitions are in element.go and attention.go of package kernel;
// here is only how vectors get to the same numbers.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
)

var level = flag.String("level", "avx512", "avx512 or avx2")

func main() {
	flag.Parse()
	ConstraintExpr("!purego")
	v := vectors{bits: 256}
	if *level == "avx512" {
		v.bits = 512
	}
	v.rescale("rescale", false)
	v.rescale("rescaleAdd", true)
	v.times()
	v.lookUp()
	v.largest()
	v.largestTimes()
	v.quantise(false)
	v.quantise(true)
	v.quantiseRow()
	v.total()
	v.centre()
	v.squares()
	v.shiftRight()
	v.narrow()
	v.bent("gelu", 13, 2, false)
	v.bent("gate", 14, 1, true)
	if v.bits == 256 {
		declareToTheTop()
	}
	v.softmax()
	if v.bits == 512 {
		v.softmaxRows()
		v.averageRows()
		for _, rows := range []int{4, 1} {
			for _, blocks := range []int{4, 2, 1} {
				v.pairs512(rows, blocks)
			}
		}
	} else { // for half a register the wide vectors have nothing better
		v.rotate()
		v.putKeys()
		v.putValues()
		v.pairs256(4)
		v.pairs256(1)
	}
	Generate()
}
