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

func word(n int) state.Word {
	return state.Word{
		At: sampleTime(), Actor: "ada", Verb: state.VerbSuspend, Target: sampleKey(n).String(), Arg: fmt.Sprintf("migration %d", n),
		Until: sampleTime().Add(time.Hour),
	}
}

// answer is the transition that carries out a word.
func answer(id int64, a state.Answer) state.Transition {
	return state.Transition{
		Answered: &state.AnsweredWord{ID: id, Answer: a},
		Events:   []state.Event{{At: sampleTime(), Kind: state.EventWord, Actor: "ada"}},
	}
}

// A word is posted by one process and carried out, with its effect, by the one that
// holds the state.
func TestAWordIsPostedAndAnswered(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	if pending, err := s.WordsPending(t.Context()); pending || err != nil {
		t.Fatalf("pending %v, %v", pending, err)
	}
	serial, _ := s.Serial(t.Context())
	for n := range 2 {
		id, err := sqlstore.PostWord(t.Context(), path, word(n))
		if err != nil || id != int64(n+1) {
			t.Fatalf("id %d, %v", id, err)
		}
	}
	if after, _ := s.Serial(t.Context()); after != serial {
		t.Error("a word has changed the serial")
	}
	if pending, err := s.WordsPending(t.Context()); !pending || err != nil {
		t.Errorf("pending %v, %v", pending, err)
	}
	words, err := s.Words(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := word(0), word(1)
	first.ID, second.ID = 1, 2
	if diff := cmp.Diff([]state.Word{first, second}, words); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}

	answered := make(chan state.Answer, 1)
	go func() {
		a, err := sqlstore.WaitAnswer(t.Context(), path, 1)
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	want := state.Answer{OK: true, Message: "suspended until 10:30"}
	if err := s.Save(t.Context(), answer(1, want)); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != want {
		t.Errorf("answer %+v", got)
	}
	if words, _ := s.Words(t.Context()); len(words) != 1 || words[0].ID != 2 {
		t.Errorf("open words %+v", words)
	}
	if err := s.Save(t.Context(), answer(1, want)); !errors.Is(err, state.ErrNoWord) {
		t.Errorf("answered twice: %v", err)
	}
	if _, err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// A word waits for a daemon that is not running, and nobody waits for ever.
func TestAWordWaitsForADaemon(t *testing.T) {
	path := newState(t, 1)
	id, err := sqlstore.PostWord(t.Context(), path, word(0))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := sqlstore.WaitAnswer(ctx, path, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s := open(t, path)
	if pending, err := s.WordsPending(t.Context()); !pending || err != nil {
		t.Errorf("pending %v, %v", pending, err)
	}
	if _, err := sqlstore.WaitAnswer(t.Context(), path, 99); !errors.Is(err, state.ErrNoWord) {
		t.Errorf("got %v", err)
	}
}

func TestWordsThatCannotBeAreRefused(t *testing.T) {
	path := newState(t, 0)
	for _, tt := range []struct {
		name string
		word state.Word
	}{
		{"no verb", state.Word{}},
		{"another verb", state.Word{Verb: "drop"}},
		{"a long text", state.Word{Verb: state.VerbRetry, Arg: strings.Repeat("x", state.MaxMessage+1)}},
		{"no text", state.Word{Verb: state.VerbRetry, Target: "\xff"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := sqlstore.PostWord(t.Context(), path, tt.word); err == nil {
				t.Error("it is posted")
			}
		})
	}
}

// Words are bounded: those that nobody answers, and those that were answered.
func TestWordsAreBounded(t *testing.T) {
	path := newState(t, 0)
	sqlExec(t, path, fmt.Sprintf(`WITH RECURSIVE n (id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM n WHERE id < %d)
		INSERT INTO words SELECT id, 1, '', 'retry', '', '', 0, 0, 0, '', 0 FROM n`, sqlstore.MaxOpenWords))
	if _, err := sqlstore.PostWord(t.Context(), path, word(0)); err == nil || !strings.Contains(err.Error(), "is the daemon running") {
		t.Errorf("got %v", err)
	}
	sqlExec(t, path, "UPDATE words SET answered_at = 1")
	id, err := sqlstore.PostWord(t.Context(), path, word(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Save(t.Context(), answer(id, state.Answer{OK: true})); err != nil {
		t.Fatal(err)
	}
	if n := sqlCount(t, path, "SELECT COUNT(*) FROM words"); n != sqlstore.KeepWords {
		t.Errorf("%d words are kept", n)
	}
}

func TestManyProgramsPostAtTheSameTime(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for range 10 {
				if _, err := sqlstore.PostWord(t.Context(), path, word(w)); err != nil {
					t.Error(err)
				}
				if err := s.Save(t.Context(), applied(w)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if words, err := s.Words(t.Context()); err != nil || len(words) != 40 {
		t.Errorf("%d words, %v", len(words), err)
	}
}

// A word that somebody has written past PostWord is not carried out, and takes
// nothing else with it.
func TestAWordWrittenByHandIsRefused(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	sqlExec(t, path, "INSERT INTO words VALUES (1, 1, 'eve', 'approve', 'sha256:00', '', 0, 0, 0, '', 0)")
	if words, err := s.Words(t.Context()); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("got %v, %v", words, err)
	}
	if err := s.Save(t.Context(), answer(1, state.Answer{})); !errors.Is(err, state.ErrDamaged) || errors.Is(err, state.ErrBroken) {
		t.Errorf("got %v", err)
	}
	if err := s.Save(t.Context(), applied(1)); err != nil {
		t.Error(err)
	}
}

// To post a word into a state that a daemon would refuse could destroy its log.
func TestNoWordIsPostedIntoAnOldState(t *testing.T) {
	path := newState(t, 0)
	setHead(t, path, 9)
	if _, err := sqlstore.PostWord(t.Context(), path, word(0)); !errors.Is(err, state.ErrRolledBack) {
		t.Errorf("got %v", err)
	}
}
