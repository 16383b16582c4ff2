package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// writerTasks is how many tasks the writer of the kill test commits at a time.
const writerTasks = 8

// writeForever is a process that brings each of its tasks to ever newer versions,
// and says so on stdout as soon as one is durable.
func writeForever(path string) error {
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, path, sampleIdentity(), sqlstore.Options{Create: true})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for task := range writerTasks {
		go func() {
			rec, err := s.Record(ctx, sampleKey(task))
			version := int64(0)
			if err == nil && rec != nil {
				version = rec.Applied.InstanceVersion
			}
			for err == nil {
				version++
				tr := applied(task)
				tr.Record.Applied.InstanceVersion = version
				if err = s.Save(ctx, tr); err == nil {
					_, err = fmt.Fprintf(os.Stdout, "%d %d\n", task, version)
				}
			}
			failed <- err
		}()
	}
	return <-failed
}

// TestNothingAcknowledgedIsLostByAKill kills a process that writes, again and again,
// and finds all that it had acknowledged.
func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	kills := 50
	if *long {
		kills = 1000
	}
	path := diskPath(t)
	acked := make([]int64, writerTasks)
	total := 0
	for range kills {
		total += runAndKill(t, path, acked)
		compareAcked(t, path, acked)
	}
	if _, err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
	t.Logf("%d kills, %d acknowledged", kills, total)
	if total == 0 {
		t.Error("nothing was ever acknowledged")
	}
}

// runAndKill runs a writer for a moment, notes what it acknowledges, and returns
// how much that was. One kill in five may hit the start, the others the writing.
func runAndKill(t *testing.T, path string, acked []int64) int {
	t.Helper()
	cmd := child(t, "writer", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		time.AfterFunc(time.Duration(rand.IntN(40_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
	}
	early := rand.IntN(5) == 0
	if early {
		kill()
	}
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); n++ {
		if n == 0 && !early {
			kill()
		}
		var task int
		var version int64
		if _, err := fmt.Sscan(lines.Text(), &task, &version); err != nil {
			break // cut by the kill
		}
		acked[task] = max(acked[task], version)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return n
}

// compareAcked opens the state as a new start does and makes sure of the versions.
func compareAcked(t *testing.T, path string, acked []int64) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for task, version := range acked {
		rec, err := s.Record(t.Context(), sampleKey(task))
		if err != nil {
			t.Fatal(err)
		}
		if version > 0 && (rec == nil || rec.Applied.InstanceVersion < version) {
			t.Fatalf("task %d: version %d was acknowledged, the state has %+v", task, version, rec)
		}
	}
}

// startOnce is a process that tries to hold a state until it is told to end.
func startOnce(path string) error {
	s, err := sqlstore.Open(context.Background(), path, sampleIdentity(), sqlstore.Options{Create: true})
	if errors.Is(err, state.ErrLocked) {
		fmt.Println("locked")
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Println("holds")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return s.Close()
}

// TestOneOfManyProcessesHoldsTheState starts many, some at the same time.
func TestOneOfManyProcessesHoldsTheState(t *testing.T) {
	starts := 12
	if *long {
		starts = 1000
	}
	path := statePath(t)
	slots := make(chan struct{}, 12) // more processes at a time only wait for a processor
	said, done := make(chan string, starts), make(chan struct{})
	var wg sync.WaitGroup
	for range starts {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := startAndTell(t, path, said, done); err != nil {
				t.Error(err)
			}
		})
	}
	counts := map[string]int{}
	for range starts {
		counts[<-said]++
	}
	close(done)
	wg.Wait()
	if counts["holds"] != 1 || counts["locked"] != starts-1 {
		t.Errorf("of %d starts: %v", starts, counts)
	}
}

// startAndTell starts a process and passes on what it says. One that holds the
// state holds on to it until done.
func startAndTell(t *testing.T, path string, said chan<- string, done <-chan struct{}) error {
	cmd := child(t, "starter", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	line = strings.TrimSpace(line)
	said <- line
	if line == "holds" {
		<-done
	}
	return errors.Join(in.Close(), cmd.Wait())
}

// TestOneOfManyOpensHoldsTheState does the same in one process, a thousand times.
func TestOneOfManyOpensHoldsTheState(t *testing.T) {
	path := statePath(t)
	var wg sync.WaitGroup
	stores, errs := make(chan *sqlstore.Store, 1000), make(chan error, 1000)
	for range 1000 {
		wg.Go(func() {
			s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true, Version: "1.2.3"})
			if err != nil {
				errs <- err
				return
			}
			stores <- s
		})
	}
	wg.Wait()
	if len(stores) != 1 || len(errs) != 999 {
		t.Fatalf("%d hold it", len(stores))
	}
	defer (<-stores).Close()
	for range 999 {
		if err := <-errs; !errors.Is(err, state.ErrLocked) {
			t.Fatalf("got %v", err)
		}
	}
	_, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{})
	locked, ok := errors.AsType[*state.LockedError](err)
	if !ok || locked.Holder.PID != os.Getpid() || locked.Holder.Version != "1.2.3" || locked.Holder.Host == "" || locked.Holder.Since.IsZero() {
		t.Errorf("got %+v", locked)
	}
}
