package kernel_test

import (
	"fmt"

	"hearth/infer/kernel"
)

// A product of two rows with two columns, on whatever the processor has.
func ExampleMatrix_Multiply() {
	const m, n, k = 2, 2, 64
	w := make([]int8, n*k)
	w[0], w[1] = 3, -4 // column 0
	w[k] = 127         // column 1
	matrix, err := kernel.NewMatrix(kernel.Best(), w, n, k)
	if err != nil {
		fmt.Println(err)
		return
	}
	a := kernel.Rows(m, k)
	for i := range a {
		a[i] = 128 // zero
	}
	a[0], a[1] = 128+10, 128+1     // row 0 is 10, 1, 0, 0, …
	a[kernel.Stride(k)] = 128 - 95 // row 1 is -95, 0, 0, …
	c := make([]int32, m*n)
	matrix.Multiply(c, a, m, nil)
	fmt.Println(c)
	// Output: [26 1270 -285 -12065]
}
