package spec

import "strings"

// closest returns the candidate that the word was probably meant to be, or
// nothing: the same but for case, or at most two slips of the finger away, and
// less than half of its letters.
func closest(word string, candidates []string) string {
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

// distance counts the characters to insert, remove or replace to make b of a,
// or returns limit if they are as many or more.
func distance(a, b string, limit int) int {
	if len(a) >= len(b)+limit || len(b) >= len(a)+limit {
		return limit
	}
	row := make([]int, len(b)+1) // distances of a[:i] to each b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}

// enumerate writes "a, b or c".
func enumerate(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
