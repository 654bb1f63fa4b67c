// Command tables prints the coefficients of the activation functions, as
// tables.go of package kernel holds them:
//
//	go run ./tables > ../tables.go
//
// It runs once, on one machine; what it printed is the definition.
package main

import (
	"fmt"
	"math"
	"strings"
)

const segments = 64

func main() {
	fmt.Print("package kernel\n\n// Made by _asm/tables from the functions' values at three points of each segment:\n" +
		"// the ends and the middle. They are the definition; nothing computes them again.\n\nvar (\n")
	show("geluBend", "δ(u) = u·(1 - Φ(u)) in steps of 1/8, in units of 2^-18", func(u float64) float64 { return u * math.Erfc(u/math.Sqrt2) / 2 }, 1.0/8, 18)
	fmt.Println()
	show("siluBend", "η(u) = u/(1+e^u) in steps of 1/4, in units of 2^-17", func(u float64) float64 { return u / (1 + math.Exp(u)) }, 1.0/4, 17)
	fmt.Print(")\n")
}

func show(name, what string, f func(float64) float64, width float64, bits int) {
	var c [3][segments]int
	for i := range segments - 1 {
		a, m, b := f(float64(i)*width), f((float64(i)+0.5)*width), f(float64(i+1)*width)
		// The parabola through the three points, over s from 0 to 1.
		c2 := 2*a - 4*m + 2*b
		c1 := b - a - c2
		for j, v := range []float64{a, c1, c2} {
			c[j][i] = int(math.RoundToEven(math.Ldexp(v, bits)))
		}
	}
	fmt.Printf("\t// %s: %s.\n\t%s = bends{\n", name, what, name)
	for j := range c {
		fmt.Printf("\t\tc%d: [64]int32{\n", j)
		for i := 0; i < segments; i += 16 {
			fmt.Printf("\t\t\t%s,\n", strings.Trim(strings.ReplaceAll(fmt.Sprint(c[j][i:i+16]), " ", ", "), "[]"))
		}
		fmt.Print("\t\t},\n")
	}
	fmt.Print("\t}\n")
}
