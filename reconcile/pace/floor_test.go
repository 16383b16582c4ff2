package pace

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestPacerRandomRejects: where a server rejects a share of the requests whatever their
// rate, at least half of what is left gets through, for ten minutes and for an hour.
func TestPacerRandomRejects(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		for _, share := range []float64{0.1, 0.2, 0.3, 0.4} {
			for _, d := range []time.Duration{10 * time.Minute, time.Hour} {
				if d == time.Hour && seed > 0 {
					continue
				}
				paced(t, "", func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed, 7))
					n := len(client(t, New(20), rand.New(rand.NewPCG(seed, 8)), time.Now().Add(d), func() bool { return r.Float64() >= share }))
					least := 20 * (1 - share) / 2
					if got := float64(n) / d.Seconds(); got < least {
						t.Errorf("seed %d: %.2f a second for %v while %.0f %% are rejected, want at least %.1f", seed, got, d, 100*share, least)
					} else {
						t.Logf("seed %d: %.2f a second for %v while %.0f %% are rejected", seed, got, d, 100*share)
					}
				})
			}
		}
	}
}

// TestPacerLeavesRoom: beside another program on the account that sends at a fixed rate
// the pacer finds what is left, and not much more.
func TestPacerLeavesRoom(t *testing.T) {
	t.Parallel()
	for _, other := range []float64{5, 10, 15} {
		paced(t, "", func(t *testing.T) {
			server, start := &counter{}, time.Now()
			var mu sync.Mutex
			arrive := func() bool {
				mu.Lock()
				defer mu.Unlock()
				return server.arrive()
			}
			const d = 10 * time.Minute
			until := start.Add(d)
			sent, rejected := 0, 0
			var wg sync.WaitGroup
			wg.Go(func() {
				for time.Now().Before(until) {
					time.Sleep(time.Duration(float64(time.Second) / other))
					if sent++; !arrive() {
						rejected++
					}
				}
			})
			n := len(client(t, New(20), rand.New(rand.NewPCG(1, 9)), until, arrive))
			wg.Wait()
			ours, lost := float64(n)/d.Seconds(), float64(rejected)/float64(sent)
			t.Logf("beside %g a second: %.2f a second, and %.2f %% of the other's are rejected", other, ours, 100*lost)
			if left := 20 - other; ours < 0.8*left || ours > 1.25*left {
				t.Errorf("beside %g a second: %.2f a second, want about %g", other, ours, left)
			}
		})
	}
}
