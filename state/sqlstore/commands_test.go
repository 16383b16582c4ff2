package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

func command(n int) state.Command {
	return state.Command{
		At: sampleTime(), Actor: "ada", Verb: state.VerbSuspend, Target: sampleKey(n).String(), Arg: fmt.Sprintf("migration %d", n),
		Until: sampleTime().Add(time.Hour),
	}
}

// answer is the transition that carries out a command.
func answer(id int64, a state.CommandResult) state.Transition {
	return state.Transition{
		CarriedOut: &state.CarriedOut{ID: id, Result: a},
		Events:     []state.Event{{At: sampleTime(), Kind: state.EventCommand, Actor: "ada"}},
	}
}

// A command is posted by one process and carried out, with its effect, by the one that
// holds the state.
func TestACommandIsCarriedOut(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	if pending, err := s.HasPendingCommands(t.Context()); pending || err != nil {
		t.Fatalf("pending %v, %v", pending, err)
	}
	serial, _ := s.Serial(t.Context())
	for n := range 2 {
		id, err := sqlstore.Enqueue(t.Context(), path, command(n))
		if err != nil || id != int64(n+1) {
			t.Fatalf("id %d, %v", id, err)
		}
	}
	if after, _ := s.Serial(t.Context()); after != serial {
		t.Error("a command has changed the serial")
	}
	if pending, err := s.HasPendingCommands(t.Context()); !pending || err != nil {
		t.Errorf("pending %v, %v", pending, err)
	}
	commands, err := s.PendingCommands(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := command(0), command(1)
	first.ID, second.ID = 1, 2
	if diff := cmp.Diff([]state.Command{first, second}, commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}

	answered := make(chan state.CommandResult, 1)
	go func() {
		a, err := sqlstore.WaitResult(t.Context(), path, 1)
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	want := state.CommandResult{OK: true, Message: "suspended until 10:30"}
	if err := s.Save(t.Context(), answer(1, want)); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != want {
		t.Errorf("answer %+v", got)
	}
	if commands, _ := s.PendingCommands(t.Context()); len(commands) != 1 || commands[0].ID != 2 {
		t.Errorf("open commands %+v", commands)
	}
	if err := s.Save(t.Context(), answer(1, want)); !errors.Is(err, state.ErrNoCommand) {
		t.Errorf("answered twice: %v", err)
	}
	if _, err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
}

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

// Commands are bounded: those that nobody answers, and those that were answered.
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
