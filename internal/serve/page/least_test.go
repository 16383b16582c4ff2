package page

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLeast: the first files are those of the whole order, however many are asked for.
func TestLeast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var files []*file
	for i := range 3000 {
		files = append(files, &file{name: fmt.Sprint(i * 7919 % 3000), urgency: r.IntN(3)})
	}
	whole := slices.SortedFunc(slices.Values(files), (*file).compare)
	for _, n := range []int{1, fileRows, 10 * fileRows, 10*fileRows + 1, 3000, 5000} {
		if got := least(slices.Clone(files), n); !slices.Equal(got, whole[:min(n, len(whole))]) {
			t.Errorf("the first %d files are others", n)
		}
	}
}
