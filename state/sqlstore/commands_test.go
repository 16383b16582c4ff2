package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// A command waits for a daemon that is not running, and nobody waits for ever.
func TestACommandWaitsForADaemon(t *testing.T) {
	path := newState(t, 1)
	id, err := sqlstore.Enqueue(t.Context(), path, command(0))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := sqlstore.WaitResult(ctx, path, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s := open(t, path)
	if pending, err := s.HasPendingCommands(t.Context()); !pending || err != nil {
		t.Errorf("pending %v, %v", pending, err)
	}
	if _, err := sqlstore.WaitResult(t.Context(), path, 99); !errors.Is(err, state.ErrNoCommand) {
		t.Errorf("got %v", err)
	}
}

func TestCommandsThatCannotBeAreRefused(t *testing.T) {
	path := newState(t, 0)
	for _, tt := range []struct {
		name    string
		command state.Command
	}{
		{"no verb", state.Command{}},
		{"another verb", state.Command{Verb: "drop"}},
		{"a long text", state.Command{Verb: state.VerbRetry, Arg: strings.Repeat("x", state.MaxMessage+1)}},
		{"no text", state.Command{Verb: state.VerbRetry, Target: "\xff"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := sqlstore.Enqueue(t.Context(), path, tt.command); err == nil {
				t.Error("it is posted")
			}
		})
	}
}

// Commands are bounded: those without an answer, and those with one.
func TestCommandsAreBounded(t *testing.T) {
	path := newState(t, 0)
	sqlExec(t, path, fmt.Sprintf(`WITH RECURSIVE n (id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM n WHERE id < %d)
		INSERT INTO words SELECT id, 1, '', 'retry', '', '', 0, 0, 0, '', 0 FROM n`, sqlstore.MaxPendingCommands))
	if _, err := sqlstore.Enqueue(t.Context(), path, command(0)); err == nil || !strings.Contains(err.Error(), "is the daemon running") {
		t.Errorf("got %v", err)
	}
	sqlExec(t, path, "UPDATE words SET answered_at = 1")
	id, err := sqlstore.Enqueue(t.Context(), path, command(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Save(t.Context(), answer(id, state.CommandResult{OK: true})); err != nil {
		t.Fatal(err)
	}
	if n := sqlCount(t, path, "SELECT COUNT(*) FROM words"); n != sqlstore.KeepCommands {
		t.Errorf("%d commands are kept", n)
	}
}

func TestManyProgramsEnqueueAtTheSameTime(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for range 10 {
				if _, err := sqlstore.Enqueue(t.Context(), path, command(w)); err != nil {
					t.Error(err)
				}
				if err := s.Save(t.Context(), applied(w)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if commands, err := s.PendingCommands(t.Context()); err != nil || len(commands) != 40 {
		t.Errorf("%d commands, %v", len(commands), err)
	}
}

// A command that somebody has written past Enqueue is not carried out, and takes
// nothing else with it.
func TestACommandWrittenByHandIsRefused(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	sqlExec(t, path, "INSERT INTO words VALUES (1, 1, 'eve', 'approve', 'sha256:00', '', 0, 0, 0, '', 0)")
	if commands, err := s.PendingCommands(t.Context()); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("got %v, %v", commands, err)
	}
	if err := s.Save(t.Context(), answer(1, state.CommandResult{})); !errors.Is(err, state.ErrDamaged) || errors.Is(err, state.ErrBroken) {
		t.Errorf("got %v", err)
	}
	if err := s.Save(t.Context(), applied(1)); err != nil {
		t.Error(err)
	}
}

// To post a command into a state that a daemon would refuse could destroy its log.
func TestNoCommandIsEnqueuedIntoAnOldState(t *testing.T) {
	path := newState(t, 0)
	setHead(t, path, 9)
	if _, err := sqlstore.Enqueue(t.Context(), path, command(0)); !errors.Is(err, state.ErrRolledBack) {
		t.Errorf("got %v", err)
	}
}
