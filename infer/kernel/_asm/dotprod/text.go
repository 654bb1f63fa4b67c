package main

import (
	"fmt"
	"strings"
)

// text is the assembly and the Go declarations of its functions, as they grow.
type text struct {
	code, stubs strings.Builder
	params      []string // of the function that is being written
}

// v names a vector register the way the assembler wants it: V3.B16.
func v(n int, lanes string) string { return fmt.Sprintf("V%d.%s", n, lanes) }

// list names consecutive vector registers.
func list(from, n int, lanes string) string {
	names := make([]string, n)
	for i := range names {
		names[i] = v(from+i, lanes)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func reg(n int) string { return fmt.Sprintf("R%d", n) }

// function begins a function of parameters of 8 bytes, each given with its
// type, which writes nothing anywhere but where they say.
func (t *text) function(name, doc, result string, params ...string) {
	t.params = t.params[:0]
	for _, p := range params {
		t.params = append(t.params, strings.Fields(p)[0])
	}
	size, returns := 8*len(params), ""
	if result != "" {
		returns, size = " "+result, size+8
	}
	signature := fmt.Sprintf("func %s(%s)%s", name, strings.Join(params, ", "), returns)
	fmt.Fprintf(&t.stubs, "\n")
	for line := range strings.SplitSeq(doc, "\n") {
		fmt.Fprintf(&t.stubs, "// %s\n", line)
	}
	fmt.Fprintf(&t.stubs, "//\n//go:noescape\n%s\n", signature)
	fmt.Fprintf(&t.code, "\n// %s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", signature, name, size)
}

// op writes an instruction.
func (t *text) op(name string, operands ...string) {
	fmt.Fprintf(&t.code, "\t%-8s %s\n", name, strings.Join(operands, ", "))
}

func (t *text) ret() { fmt.Fprint(&t.code, "\tRET\n") }

func (t *text) label(name string) { fmt.Fprintf(&t.code, "\n%s:\n", name) }

// load puts a parameter into a register.
func (t *text) load(param string, to int) {
	for i, p := range t.params {
		if p == param {
			t.op("MOVD", fmt.Sprintf("%s+%d(FP)", p, 8*i), reg(to))
			return
		}
	}
	panic("no parameter " + param)
}

// loop goes back to a label while the register, less step, is not zero.
func (t *text) loop(counter, step int, label string) {
	t.op("SUBS", fmt.Sprint("$", step), reg(counter))
	t.op("BNE", label)
}

// word writes an instruction that Go's assembler does not know. The encodings
// are those of the Arm Architecture Reference Manual (DDI 0487), section C7.2.
func (t *text) word(code uint32, format string, operands ...any) {
	fmt.Fprintf(&t.code, "\tWORD     $0x%08x // %s\n", code, fmt.Sprintf(format, operands...))
}

// sdot adds to each of the four sums in d the products of four signed bytes of
// n with the group of four signed bytes of m that index names.
func (t *text) sdot(d, n, m, index int) {
	code := 0x4F80E000 | index&1<<21 | index>>1<<11 | m<<16 | n<<5 | d
	t.word(uint32(code), "SDOT V%d.4S, V%d.16B, V%d.4B[%d]", d, n, m, index)
}

// smlal adds to each of the four sums in d the product of a 16-bit number of n,
// of its lower or its upper half, with the one of m that index names; m is one
// of the lower 16 registers.
func (t *text) smlal(d, n, m, index int, upper bool) {
	code := 0x0F402000 | index>>1&1<<21 | index&1<<20 | index>>2<<11 | m<<16 | n<<5 | d
	if upper {
		t.word(uint32(code|1<<30), "SMLAL2 V%d.4S, V%d.8H, V%d.H[%d]", d, n, m, index)
		return
	}
	t.word(uint32(code), "SMLAL V%d.4S, V%d.4H, V%d.H[%d]", d, n, m, index)
}

// sums moves rows of sums, of so many panels and ldc bytes apart, from c to
// registers, which begin with the given one in each row, or back.
func (t *text) sums(instruction string, rows, panels int, first func(row int) int) {
	const c, ldc = 9, 10
	t.load("c", c)
	if rows > 1 {
		t.load("ldc", ldc)
		t.op("SUB", fmt.Sprint("$", 64*panels), reg(ldc))
	}
	for row := range rows {
		if row > 0 {
			t.op("ADD", reg(ldc), reg(c))
		}
		for panel := range panels {
			from, to := fmt.Sprintf("64(%s)", reg(c)), list(first(row)+4*panel, 4, "S4")
			if instruction == "VST1.P" {
				from, to = to, from
			}
			t.op(instruction, from, to)
		}
	}
}

// spread puts n addresses, a step apart, into registers.
func (t *text) spread(address func(int) int, n int, first, step string, scratch int) {
	t.load(first, address(0))
	if n > 1 {
		t.load(step, scratch)
	}
	for i := 1; i < n; i++ {
		t.op("ADD", reg(scratch), reg(address(i-1)), reg(address(i)))
	}
}
