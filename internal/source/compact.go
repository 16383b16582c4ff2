package source

import "context"

// maxPacks is how many packs a mirror may have before it is compacted: each fetch adds one.
const maxPacks = 64

// joining is a compaction of a mirror. It runs beside the polls: with many objects it takes
// longer than one, and no change is to wait for it.
type joining struct {
	cancel  context.CancelFunc
	done    chan struct{} // closed when the rest is set
	replace func() error
	err     error
}

// join begins to join the small packs of the mirror.
func (m *mirror) join(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // not of one poll
	j := &joining{cancel: cancel, done: make(chan struct{})}
	m.joining = j
	go func() {
		defer close(j.done)
		defer recovered(&j.err)
		j.replace, j.err = m.store.JoinPacks(ctx)
	}()
}

// ended reports whether all is written, or nothing will be.
func (j *joining) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// stop ends the compaction, and leaves the packs as they were.
func (j *joining) stop() {
	j.cancel()
	<-j.done
}

// compact takes over the packs that were joined, and has others joined when there are more
// than most. After an error those there are still good, and so many more may come before it is
// tried again.
func (m *mirror) compact(ctx context.Context, most int) error {
	if j := m.joining; j != nil && j.ended() {
		j.cancel()
		m.joining = nil
		err := j.err
		if err == nil {
			err = j.replace()
		}
		if err != nil {
			m.spared += maxPacks
			return err
		}
		m.spared = 0
	}
	if m.joining == nil && m.store.PackCount() > most+m.spared {
		m.join(ctx)
	}
	return nil
}
