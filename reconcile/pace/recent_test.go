package pace

import (
	"testing"
	"time"
)

// TestRecentCounts: the last minute of requests is remembered by the second, and no more, also
// after hours without one.
func TestRecentCounts(t *testing.T) {
	t.Parallel()
	paced(t, "", func(t *testing.T) {
		p := New(20)
		sum := func() (n int) {
			seconds, rate := p.Recent()
			if rate != 20 {
				t.Errorf("the rate is %g", rate)
			}
			for i, of := range seconds {
				if n += of; of > 20 {
					t.Errorf("%d requests in second %d", of, i)
				}
			}
			return n
		}
		if n := sum(); n != 0 {
			t.Errorf("%d requests before the first", n)
		}
		for range 50 {
			take(t, p, 0)
		}
		if n := sum(); n != 50 {
			t.Errorf("%d requests are counted, want 50", n)
		}
		time.Sleep(50 * time.Second)
		take(t, p, 0)
		if seconds, _ := p.Recent(); seconds[RecentSeconds-1] != 1 || sum() != 51 {
			t.Errorf("%d requests are counted, want 51: %v", sum(), seconds)
		}
		time.Sleep(30 * time.Second)
		if n := sum(); n != 1 {
			t.Errorf("%d requests are counted after 30 s, want 1", n)
		}
		time.Sleep(5 * time.Hour)
		if n := sum(); n != 0 {
			t.Errorf("%d requests are counted after hours, want none", n)
		}
	})
}
