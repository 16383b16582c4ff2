package pace

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// paced runs f in a bubble with its own clock, which also finds goroutines that are
// left behind.
func paced(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// upTo returns a time from 0 up to most.
func upTo(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// take waits for one slot of the pacer and returns when the request leaves. saving
// is how long it takes to make the intent durable.
func take(t testing.TB, p *Limiter, saving time.Duration) (sent time.Time, late time.Duration) {
	t.Helper()
	slot, err := p.Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(saving)
	if err := slot.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return time.Now(), time.Since(slot.At())
}

// busiest returns the most arrivals in any second, both of whose ends count.
func busiest(arrivals []time.Time) int {
	slices.SortFunc(arrivals, time.Time.Compare)
	most, first := 0, 0
	for last, at := range arrivals {
		for at.Sub(arrivals[first]) > time.Second {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// TestPacerWindows: the server never counts more than 20 in a second, however its
// seconds lie, with requests that arrive up to J late and a disk that takes time.
func TestPacerWindows(t *testing.T) {
	t.Parallel()
	for _, jitter := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond} {
		paced(t, "J "+jitter.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(jitter)))
			p := New(20)
			var arrivals []time.Time
			start := time.Now()
			const n = 20_000
			for range n {
				sent, late := take(t, p, upTo(r, 5*time.Millisecond))
				way := 30*time.Millisecond + upTo(r, jitter+1)
				arrivals = append(arrivals, sent.Add(way))
				p.Sent(late, way)
			}
			rate := n / time.Since(start).Seconds()
			if got := busiest(arrivals); got > 20 {
				t.Errorf("%d arrivals in a second", got)
			}
			if least := 20 / (1 + max(jitter+jitter/8, jitterFloor).Seconds()) * 0.997; rate < least {
				t.Errorf("%.2f requests a second, want %.2f", rate, least)
			}
			t.Logf("%.3f requests a second (%.1f %%)", rate, rate*5)
		})
	}
}

// TestPacerUnsteady: a disk that stalls, slots that are given back, idling and
// restarts make no second fuller.
func TestPacerUnsteady(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		paced(t, "", func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			p := New(20)
			var arrivals []time.Time
			for range 3000 {
				switch r.IntN(40) {
				case 0:
					p = New(20) // the process was started again
				case 1:
					time.Sleep(upTo(r, 3*time.Second)) // nothing to do
				case 2:
					slot, err := p.Reserve(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					slot.Cancel()
				case 3:
					sent, late := take(t, p, upTo(r, 500*time.Millisecond)) // the disk stalls
					arrivals = append(arrivals, sent)
					p.Sent(late, 0)
				default:
					sent, late := take(t, p, upTo(r, 10*time.Millisecond))
					arrivals = append(arrivals, sent)
					p.Sent(late, 0)
				}
			}
			if got := busiest(arrivals); got > 20 {
				t.Errorf("seed %d: %d in a second", seed, got)
			}
		})
	}
}

// TestPacerFirst200 times the first requests: 199 after the first, before anything
// is learnt.
func TestPacerFirst200(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		p := New(20)
		first, _ := take(t, p, 0)
		var last time.Time
		for range 199 {
			var late time.Duration
			last, late = take(t, p, time.Millisecond)
			p.Sent(late, upTo(r, 30*time.Millisecond))
		}
		if took := last.Sub(first); took < 10200*time.Millisecond || took > 10600*time.Millisecond {
			t.Errorf("199 requests took %s, want 10.2 s to 10.6 s", took)
		}
	})
}

// TestPacerLearns: when all requests arrive punctually, J falls to its floor.
func TestPacerLearns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, start := New(20), time.Now()
		if got, want := p.Period(), 52500*time.Microsecond; got.Round(time.Microsecond) != want {
			t.Errorf("period %s at first, want %s", got, want)
		}
		for range 1000 {
			_, late := take(t, p, 2*time.Millisecond)
			p.Sent(late, 40*time.Millisecond)
		}
		if took, ideal := time.Since(start), 50*time.Second; ideal.Seconds()/took.Seconds() < 0.98 {
			t.Errorf("1000 requests took %s: %.1f %% of the ideal", took, 100*ideal.Seconds()/took.Seconds())
		}
		if rate := time.Second.Seconds() / p.Period().Seconds(); rate < 0.99*20 || rate > 20 {
			t.Errorf("%.3f requests a second in the end, want 99 %% of 20", rate)
		}
	})
}

// TestPacerSpread: when requests begin to arrive unevenly, J rises at once, and not
// without a bound.
func TestPacerSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(20)
		for range 500 {
			_, late := take(t, p, 0)
			p.Sent(late, 40*time.Millisecond)
		}
		for _, tt := range []struct{ way, least, most time.Duration }{
			{60 * time.Millisecond, 51 * time.Millisecond, 52 * time.Millisecond},
			{100 * time.Millisecond, 53 * time.Millisecond, 53100 * time.Microsecond},
			{10 * time.Second, 55 * time.Millisecond, 55100 * time.Microsecond},
		} {
			p.Sent(0, tt.way)
			if got := p.Period(); got < tt.least || got > tt.most {
				t.Errorf("after a request that took %s the period is %s, want %s to %s", tt.way, got, tt.least, tt.most)
			}
		}
	})
}

// TestPacerNoCredit: neither idling nor a start makes the next requests come faster.
func TestPacerNoCredit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := New(20)
		if first, _ := take(t, p, 0); first.Sub(start) < 50*time.Millisecond {
			t.Errorf("the first request left %s after the start", first.Sub(start))
		}
		time.Sleep(time.Hour)
		idle, _ := take(t, p, 0)
		if time.Since(idle) != 0 {
			t.Errorf("a request waited after an hour of nothing")
		}
		before := idle
		for range 30 {
			next, _ := take(t, p, 0)
			if gap := next.Sub(before); gap < 50*time.Millisecond {
				t.Fatalf("%s between two requests", gap)
			}
			before = next
		}
	})
}

// TestPacerOrder: who joins first leaves first; who gives up is no obstacle.
func TestPacerOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(20)
		canceled, cancel := context.WithCancel(t.Context())
		var order []int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 20 {
			ctx := t.Context()
			if i%3 == 1 {
				ctx = canceled
			}
			wg.Go(func() {
				slot, err := p.Reserve(ctx)
				if err != nil {
					return
				}
				if i%3 == 2 {
					slot.Cancel()
					return
				}
				if err := slot.Wait(ctx); err == nil {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, i)
				}
			})
			synctest.Wait() // it is in the line
		}
		time.Sleep(200 * time.Millisecond)
		cancel()
		wg.Wait()
		if len(order) < 7 || !slices.IsSorted(order) || order[len(order)-1] != 18 {
			t.Errorf("the requests left in the order %v", order)
		}
	})
}

// TestPacerCancel: a slot whose time comes too late is given back.
func TestPacerCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(20)
		slot, err := p.Reserve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := slot.Wait(ctx); err == nil {
			t.Error("the slot was waited for beyond the deadline")
		}
		if _, err := p.Reserve(ctx); err == nil {
			t.Error("a slot was given beyond the deadline")
		}
		take(t, p, 0)
	})
}

// TestPacerRate: SetRate holds from the next request on.
func TestPacerRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(20)
		for _, rate := range []float64{10, 0.5, 40, 20} {
			p.SetRate(rate)
			take(t, p, 0)
			start := time.Now()
			for range 10 {
				take(t, p, 0)
			}
			// What was allowed before the change grows by 0.2 a second, each second.
			want := 10 / rate
			if rate > 0.5 {
				want *= 1.05
			}
			if took := time.Since(start).Seconds(); took < 10/rate || rate < 20 && took > 1.06*want {
				t.Errorf("at %g a second 10 requests took %.3f s, want %.3f s", rate, took, want)
			}
		}
	})
}

// counter is a server that accepts up to 20 requests in any second.
type counter struct {
	accepted []time.Time // within the last second
	total    []time.Time
	rejected int
}

func (c *counter) arrive() bool {
	now := time.Now()
	for len(c.accepted) > 0 && now.Sub(c.accepted[0]) > time.Second {
		c.accepted = c.accepted[1:]
	}
	if len(c.accepted) == 20 {
		c.rejected++
		return false
	}
	c.accepted = append(c.accepted, now)
	c.total = append(c.total, now)
	return true
}

// client sends to the server, whose answers are random, until the time is up. It
// returns when its accepted requests were sent.
func client(t *testing.T, p *Limiter, r *rand.Rand, until time.Time, arrive func() bool) []time.Time {
	var accepted []time.Time
	var wg sync.WaitGroup
	var mu sync.Mutex
	for time.Now().Before(until) {
		sent, late := take(t, p, upTo(r, 3*time.Millisecond))
		way, back := 20*time.Millisecond+upTo(r, 10*time.Millisecond), 30*time.Millisecond+upTo(r, 100*time.Millisecond)
		p.Sent(late, way)
		wg.Go(func() {
			time.Sleep(way)
			mu.Lock()
			ok := arrive()
			if ok {
				accepted = append(accepted, sent)
			}
			mu.Unlock()
			time.Sleep(back)
			if !ok {
				p.Rejected(sent)
			}
		})
	}
	wg.Wait()
	return accepted
}

// TestPacerShares: two programs on one account come to share its rate, without
// knowing of one another.
func TestPacerShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, start := &counter{}, time.Now()
		var mu sync.Mutex
		arrive := func() bool {
			mu.Lock()
			defer mu.Unlock()
			return server.arrive()
		}
		until := start.Add(600 * time.Second)
		var accepted [2][]time.Time
		var wg sync.WaitGroup
		for i := range accepted {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 60 * time.Second) // the second joins the first
				accepted[i] = client(t, New(20), rand.New(rand.NewPCG(uint64(i), 3)), until, arrive)
			})
		}
		wg.Wait()
		var late [2]float64
		for i, all := range accepted {
			for _, at := range all {
				if at.Sub(start) >= 200*time.Second {
					late[i]++
				}
			}
		}
		sum := late[0] + late[1]
		share, goodput := late[0]/sum, sum/400/20
		rejects := float64(server.rejected) / float64(server.rejected+len(server.total))
		if share < 0.4 || share > 0.6 {
			t.Errorf("the first has %.0f %%", 100*share)
		}
		if goodput < 0.85 {
			t.Errorf("together they have %.1f %% of the rate", 100*goodput)
		}
		if rejects > 0.02 {
			t.Errorf("%.2f %% of the requests were rejected", 100*rejects)
		}
		t.Logf("share %.3f, together %.1f %%, rejects %.2f %%", share, 100*goodput, 100*rejects)
	})
}

// TestPacerRejects: a server that rejects what it likes slows the pacer, which does
// not give up, and comes back when that is over.
func TestPacerRejects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, p := rand.New(rand.NewPCG(4, 4)), New(20)
		rejecting := func(share float64) func() bool { return func() bool { return r.Float64() >= share } }
		rate := func(share float64, d time.Duration) float64 {
			n := len(client(t, p, rand.New(rand.NewPCG(5, 5)), time.Now().Add(d), rejecting(share)))
			return float64(n) / d.Seconds()
		}
		calm := rate(0, time.Minute)
		storm := rate(0.3, 5*time.Minute)
		if storm > calm/2 {
			t.Errorf("%.2f a second while 30 %% are rejected, %.2f before", storm, calm)
		}
		if none := rate(1, 5*time.Minute); none != 0 {
			t.Errorf("%.2f accepted of none", none)
		}
		if period := p.Period(); period > 2*time.Second {
			t.Errorf("the period is %s: it has given up", period)
		}
		rate(0, 2*time.Minute)
		if again := rate(0, time.Minute); again < 0.95*calm {
			t.Errorf("%.2f a second when it is over, %.2f before", again, calm)
		}
	})
}

// TestPacerHidden: requests that come late by what cannot be seen from here are
// rejected now and then, and not again and again.
func TestPacerHidden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hidden = 10 * time.Millisecond
		server, p, r := &counter{}, New(20), rand.New(rand.NewPCG(6, 6))
		var wg sync.WaitGroup
		var mu sync.Mutex
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			sent, late := take(t, p, upTo(r, 3*time.Millisecond))
			p.Sent(late, 0)
			way := upTo(r, hidden)
			wg.Go(func() {
				time.Sleep(way)
				mu.Lock()
				ok := server.arrive()
				mu.Unlock()
				if time.Sleep(100 * time.Millisecond); !ok {
					p.Rejected(sent)
				}
			})
		}
		wg.Wait()
		n := server.rejected + len(server.total)
		if server.rejected == 0 || server.rejected > n/1000 {
			t.Errorf("%d of %d requests were rejected, want some, and at most one in a thousand", server.rejected, n)
		}
		if goodput := float64(len(server.total)) / time.Since(start).Seconds() / 20; goodput < 0.97 {
			t.Errorf("%.1f %% of the rate, want 97 %%", 100*goodput)
		}
	})
}

// TestPacerOneDecrease: the rejects of one round trip count once.
func TestPacerOneDecrease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(20)
		sent := time.Now()
		time.Sleep(100 * time.Millisecond)
		for range 5 {
			p.Rejected(sent)
		}
		if got := p.allowed; got != 17 {
			t.Errorf("%g a second are allowed, want 17", got)
		}
		time.Sleep(time.Millisecond)
		p.Rejected(time.Now())
		if got := p.allowed; got > 15 {
			t.Errorf("%g a second are allowed after the next", got)
		}
	})
}
