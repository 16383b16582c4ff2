package text

import "strings"

// Closest returns the candidate that the word was probably meant to be, or
// nothing: the same but for case, or at most two slips of the finger away, and
// less than half of its letters.
func Closest(word string, candidates []string) string {
	best, least := "", 3
	for _, c := range candidates {
		if strings.EqualFold(word, c) {
			return c
		}
		limit := min(least, (len(c)+1)/2)
		if d := distance(word, c, limit); d < limit {
			best, least = c, d
		}
	}
	return best
}

// distance counts the characters to insert, remove or replace, and the neighbours to swap,
// to make b of a, or returns limit if they are as many or more.
func distance(a, b string, limit int) int {
	if len(a) >= len(b)+limit || len(b) >= len(a)+limit {
		return limit
	}
	var before, row []int         // distances of a[:i-1] and a[:i] to each b[:j]
	next := make([]int, len(b)+1) // of a[:i+1]
	for j := range next {
		next[j] = j
	}
	for i := range len(a) {
		before, row, next = row, next, make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			replace := row[j]
			if a[i] != b[j] {
				replace++
			}
			next[j+1] = min(replace, next[j]+1, row[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
	}
	return min(next[len(b)], limit)
}
