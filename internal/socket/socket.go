package socket

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
)

const (
	// MaxQuestion and MaxAnswer bound what is read, in bytes.
	MaxQuestion = 64 << 10
	MaxAnswer   = 1 << 30
	// answerWithin bounds one conversation: the plan is in memory, and whoever asks can make it,
	// too.
	answerWithin = 5 * time.Second
	// maxAtOnce bounds the conversations under way.
	maxAtOnce = 8
)

// Question asks a daemon for its newest plan. What the daemon has made it from must be what the
// command would make it from.
type Question struct {
	Version  string // of the program that asks
	Settings string // [config.Settings.PlanDigest]
	Revision string // that the branch is at
	// Task narrows the plan down to the tasks that somebody may mean by it; empty is all of
	// them.
	Task string
}

// Answer is what the daemon answers: the plan, or why it has none for this question.
type Answer struct {
	Plan    *plan.Plan // without Wanted, unless it is narrowed down
	Refusal string
}

// ErrNone says that no daemon answers with a plan.
var ErrNone = errors.New("no daemon answers with its plan")

// Path returns the path of the socket of the daemon that holds the state.
func Path(state string) string { return state + ".sock" }

// Listen opens the socket next to a state, for its owner alone. Whoever holds the lock of the state may do
// so: a socket that is there is left from a daemon that has ended.
func Listen(ctx context.Context, state string) (net.Listener, error) {
	path := Path(state)
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("open the socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("open the socket: %s is not a socket: move it away", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("open the socket: %w", err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open the socket: %w", err), l.Close())
	}
	return l, nil
}

// Serve answers questions until ctx is done. It closes l, and returns when nothing is answered
// any more.
func Serve(ctx context.Context, l net.Listener, answer func(Question) Answer, log *slog.Logger) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var under sync.WaitGroup
	defer under.Wait()
	slots := make(chan struct{}, maxAtOnce)
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil {
				log.WarnContext(ctx, "commands on this machine make plans of their own: the socket has failed", "error", err)
			}
			return
		}
		slots <- struct{}{}
		under.Go(func() {
			defer func() { <-slots }()
			end := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
			defer end()
			if err := converse(c, answer); err != nil && ctx.Err() == nil {
				log.DebugContext(ctx, "a command that asked for the plan did not get it", "error", err)
			}
		})
	}
}

// converse answers one question, and closes the connection.
func converse(c net.Conn, answer func(Question) Answer) (err error) {
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	var q Question
	if err := gob.NewDecoder(io.LimitReader(c, MaxQuestion)).Decode(&q); err != nil {
		return err
	}
	return gob.NewEncoder(c).Encode(answer(q))
}

// Ask asks the daemon that holds the state for its plan. The error is [ErrNone] if none runs, or if its
// plan is not for this question. revision is called once the daemon is there, and
// returns the Revision of the question.
func Ask(ctx context.Context, state string, q Question, revision func(context.Context) (string, error)) (_ *plan.Plan, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", Path(state))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if q.Revision, err = revision(ctx); err != nil {
		return nil, err
	}
	end := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
	defer end()
	var a Answer
	if err := gob.NewEncoder(c).Encode(q); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	if err := gob.NewDecoder(io.LimitReader(c, MaxAnswer)).Decode(&a); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	if a.Plan == nil {
		return nil, fmt.Errorf("%w: %s", ErrNone, a.Refusal)
	}
	return a.Plan, nil
}
