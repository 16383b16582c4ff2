package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
)

// A command is posted by one process and carried out, with its effect, by the one that
// holds the state.
func testCommands(t *testing.T, fresh func(testing.TB) Database) {
	d := fresh(t)
	s := open(t, d)
	if pending, err := s.HasPendingCommands(t.Context()); pending || err != nil {
		t.Fatalf("pending %v, %v", pending, err)
	}
	serial, _ := s.Serial(t.Context())
	for n := range 2 {
		id, err := d.Enqueue(t.Context(), Command(n))
		if err != nil || id != int64(n+1) {
			t.Fatalf("id %d, %v", id, err)
		}
	}
	if after, _ := s.Serial(t.Context()); after != serial {
		t.Error("a command has changed the serial")
	}
	for pending := false; !pending; {
		<-s.CommandsArrive()
		var err error
		if pending, err = s.HasPendingCommands(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	commands, err := s.PendingCommands(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := Command(0), Command(1)
	first.ID, second.ID = 1, 2
	if diff := cmp.Diff([]state.Command{first, second}, commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}

	answered := make(chan state.CommandResult, 1)
	go func() {
		a, err := d.WaitResult(t.Context(), 1)
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	want := state.CommandResult{OK: true, Message: "suspended until 10:30"}
	if err := s.Save(t.Context(), Answer(1, want)); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != want {
		t.Errorf("answer %+v", got)
	}
	if commands, _ := s.PendingCommands(t.Context()); len(commands) != 1 || commands[0].ID != 2 {
		t.Errorf("open commands %+v", commands)
	}
	if err := s.Save(t.Context(), Answer(1, want)); !errors.Is(err, state.ErrNoCommand) {
		t.Errorf("answered twice: %v", err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Command asks to suspend the n-th task.
func Command(n int) state.Command {
	return state.Command{
		At: Time(), Actor: "ada", Verb: state.VerbSuspend, Target: Key(n).String(), Arg: fmt.Sprintf("migration %d", n),
		Until: Time().Add(time.Hour),
	}
}

// Answer is the transition that carries out a command.
func Answer(id int64, a state.CommandResult) state.Transition {
	return state.Transition{
		CarriedOut: &state.CarriedOut{ID: id, Result: a},
		Events:     []state.Event{{At: Time(), Kind: state.EventCommand, Actor: "ada"}},
	}
}
