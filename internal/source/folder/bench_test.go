package folder

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
)

var long = flag.Bool("long", false, "run the longest tests and benchmarks")

func TestMain(m *testing.M) { sourcetest.Main(m, long) }

// BenchmarkFolder measures reading a folder first, looking at it again without a
// change, and from an edit to the end of the poll.
func BenchmarkFolder(b *testing.B) {
	for _, n := range sourcetest.Sizes(*long) {
		f := newFolder(b, sourcetest.ManyFiles(n, 1))
		b.Run(fmt.Sprintf("first/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				s, err := Open(Config{Dir: f.dir})
				sourcetest.Must(b, err)
				sourcetest.Poll(b, s)
				sourcetest.Must(b, s.Close())
			}
		})
		s := f.open(Config{})
		sourcetest.Poll(b, s)
		time.Sleep(racy) // until the files' times are trusted
		s.watch.giveBack(dirty{all: true})
		sourcetest.Poll(b, s)
		b.Run(fmt.Sprintf("rescan/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				s.watch.giveBack(dirty{all: true})
				sourcetest.Poll(b, s)
			}
		})
		version := 1
		b.Run(fmt.Sprintf("edit/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				version++
				before := sourcetest.Poll(b, s).ID
				f.write(map[string]string{"in/0000/000000.yaml": sourcetest.Spec("t000000", version)})
				for sourcetest.Poll(b, s).ID == before {
					<-s.Changed()
				}
			}
		})
	}
}
