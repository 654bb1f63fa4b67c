// Package spelling finds what somebody meant to write.
package spelling

// Distance returns how many letters of a have to be put in, left out or changed
// to make b of it (Levenshtein's distance, in bytes). Its cost grows with the
// product of the lengths: texts that strangers send are to be bounded first.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
