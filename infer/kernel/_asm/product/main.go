// Command product writes the kernels of exact products: go generate in
// infer/kernel runs it once for each level. Its output is committed.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
)

var (
	level = flag.String("level", "avx512", "avx512, avx2 or avxvnni")
	evex  = flag.Bool("evex", false, "write avxvnni for tests, with the instruction as AVX-512 encodes it")
)

func main() {
	flag.Parse()
	ConstraintExpr("!purego")
	if *level == "avxvnni" {
		if *evex {
			ConstraintExpr("evex")
		} else {
			ConstraintExpr("!evex")
		}
	}
	switch *level {
	case "avx512":
		for _, rows := range []int{8, 4, 3, 2, 1} {
			for panels := 1; panels <= 4 && rows*panels <= 24; panels++ {
				product512(rows, panels)
			}
		}
		for _, rows := range []int{3, 2, 1} {
			tile512(rows)
		}
		slice512()
		noise512()
		pack512()
		peak512()
		read512()
	case "avx2":
		split256()
		for rows := 5; rows > 0; rows-- {
			add256(rows)
		}
		fold256()
		peel256()
		noise256()
		peak256()
		read256()
	case "avxvnni":
		for rows := 5; rows > 0; rows-- {
			addVNNI(rows)
		}
		peakVNNI()
	}
	Generate()
}
