package notify_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

var long = flag.Bool("long", false, "run everything")

// TestKills kills and restarts the notifier at random moments, also between the answer of
// a receiver and the write that remembers it, while chats and the forge come and go for up
// to 25 minutes with every refusal that they document. Nothing that requires action is
// lost, a restart repeats at most one message for each receiver, and in the end the forge
// has the newest status.
func TestKills(t *testing.T) {
	worlds, lives := 6, 10
	if *long {
		worlds, lives = 42, 25
	}
	kills := 0
	for seed := range worlds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, uint64(seed))
				for range lives {
					w.live(true)
				}
				for _, c := range w.chats {
					c.down = nil
				}
				w.forge.down = nil
				w.live(false)
				w.judge()
				kills += w.kills
			})
		})
	}
	if kills < worlds*lives {
		t.Errorf("%d kills", kills)
	}
}

// world is what outlives a process: the state, the receivers, and what has happened.
type world struct {
	t     *testing.T
	chats []*modelChat
	forge *modelForge

	mu   sync.Mutex // of what follows, and of the receivers; it is not held while time passes
	rng  *rand.Rand
	kept map[[2]string]state.Notice

	// Of the engine.
	tasks map[string]*plan.Change // that are not in sync, by name
	next  int64                   // version
	rev   int
	holds []plan.GuardHold
	hash  string
	bad   spec.Problems
	began map[string]bool // what requires action, by the name in it
	kills int
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), kept: map[[2]string]state.Notice{}, tasks: map[string]*plan.Change{}, next: 1000,
		began: map[string]bool{}, hash: "sha256:none",
	}
	for _, kind := range channelKinds {
		w.chats = append(w.chats, &modelChat{w: w, kind: kind, told: map[string]int{}})
	}
	w.forge = &modelForge{w: w, kind: []forge.Kind{forge.GitHub, forge.GitLab, forge.Gitea}[seed%3], shown: map[string]string{}}
	return w
}

// draw is a random number below n.
func (w *world) draw(n int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.Int64N(n)
}

// one reports, one time in n, that it is so.
func (w *world) one(n int64) bool { return w.draw(n) == 0 }

// upTo is a random time.
func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.draw(int64(d))) }

// life is one process.
type life struct {
	*world
	n      *notify.Notifier
	mortal bool
	dead   atomic.Bool
}

var errDead = errors.New("the process is dead")

// mayDie ends the process, one time in n: nothing leaves it any more, and nothing is written.
func (l *life) mayDie(n int64) bool {
	if l.mortal && l.one(n) {
		l.dead.Store(true)
	}
	return l.dead.Load()
}

// Notices implements [notify.Keeper].
func (l *life) Notices(context.Context) ([]state.Notice, error) {
	list := slices.Collect(maps.Values(l.kept))
	slices.SortFunc(list, func(a, b state.Notice) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	return list, nil
}

// SaveNotices implements [notify.Keeper]. The process can die before it, and after.
func (l *life) SaveNotices(_ context.Context, put, drop []state.Notice) error {
	if l.mayDie(1000) {
		return errDead
	}
	l.mu.Lock()
	for _, n := range put {
		l.kept[[2]string{n.Receiver, n.ID}] = n
	}
	for _, n := range drop {
		delete(l.kept, [2]string{n.Receiver, n.ID})
	}
	l.mu.Unlock()
	l.mayDie(1000)
	return nil
}

// RoundTrip carries a request to its receiver. The process can die before the answer comes.
func (l *life) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.dead.Load() {
		return nil, errDead
	}
	var h http.Handler = l.forge
	deaths := int64(20) // one in so many answers
	for _, c := range l.chats {
		if strings.HasPrefix(addresses[c.kind], "https://"+r.URL.Host+"/") {
			h, deaths = c, 200
		}
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	switch {
	case answer.Code < 300 && l.mayDie(deaths):
		return nil, errDead
	case answer.Header().Get("Silent") != "":
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	resp := answer.Result()
	resp.Request = r
	return resp, nil
}

// live runs a process until it is killed, or until all is quiet.
func (w *world) live(mortal bool) {
	l := &life{world: w, mortal: mortal}
	s := notify.Settings{
		Link: "https://status.example.com/", Transport: l, NewID: func() string { return fmt.Sprint(w.draw(1 << 60)) },
		Logger: slog.New(slog.DiscardHandler),
		Forge:  &forge.Config{Kind: w.forge.kind, BaseURL: "https://forge.example.com/api", Repository: "acme/tasks", Token: secret.Text("token"), Transport: l},
	}
	for _, c := range w.chats {
		ch := notify.Channel{Name: string(c.kind), Kind: c.kind, URL: secret.Text(addresses[c.kind])}
		if c.kind != notify.WeCom && c.kind != notify.Slack {
			ch.Key = secret.Text(signing)
		}
		s.Channels = append(s.Channels, ch)
	}
	var err error
	if l.n, err = notify.New(s); err != nil {
		w.t.Fatal(err)
	}
	var open []*state.Record
	for _, name := range slices.Sorted(maps.Keys(w.tasks)) {
		open = append(open, w.tasks[name].Have)
	}
	if err := l.n.Restore(w.t.Context(), l, slices.Values(open), nil); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { l.n.Run(ctx) })
	if mortal && l.one(3) {
		l.release() // somebody has pushed meanwhile
	}
	if l.pass(); mortal {
		timer := time.AfterFunc(w.upTo(40*time.Minute), func() { l.dead.Store(true) })
		for !l.dead.Load() {
			l.work()
		}
		timer.Stop()
		w.kills++
	} else {
		pass(3 * time.Hour)
	}
	cancel()
	running.Wait()
	l.n.Close()
	time.Sleep(w.upTo(25 * time.Minute))
}

// work does what an engine does in a while.
func (l *life) work() {
	for _, c := range l.chats {
		c.comeOrGo()
	}
	l.forge.comeOrGo()
	time.Sleep(l.upTo(3 * time.Minute))
	if l.dead.Load() {
		return
	}
	switch l.draw(6) {
	case 0, 1, 2:
		l.release()
	case 3:
		l.holds, l.hash = nil, "sha256:none"
		if l.one(2) {
			l.next++
			l.hash = fmt.Sprintf("sha256:hash-%d-x", l.next)
			l.holds = []plan.GuardHold{{Guard: "maxChanges", Message: "12 are more than 10", Approvable: true}}
		}
	case 4:
		l.bad = nil
		if l.one(2) {
			l.next++
			l.bad = spec.Problems{{Severity: spec.SeverityError, Pos: spec.Pos{File: fmt.Sprintf("file-%d-x.yaml", l.next), Line: 3}, Message: "no taskId"}}
		}
	default:
		for name, c := range l.tasks { // what is in doubt is settled, or is an operator's
			if c.Hold == plan.HoldUnknown && l.one(2) {
				delete(l.tasks, name)
			} else if c.Hold == plan.HoldUnknown {
				l.tasks[name] = held(c.Key.TaskID, c.Want.InstanceVersion, plan.HoldUnknown, unknown, "no before")
				l.tasks[name].Want.Name, l.tasks[name].Have.Attempt.Wanted.Name = name, name
				l.began[name] = l.began[name] || !l.dead.Load()
			}
		}
	}
	l.pass()
}

// release commits a new version of some tasks.
func (l *life) release() {
	l.rev++ // of the repository
	var changes []*plan.Change
	for range 1 + l.draw(30) {
		l.next++
		id := fmt.Sprint("task-", l.draw(40))
		if slices.ContainsFunc(changes, func(c *plan.Change) bool { return c.Key.TaskID == id }) {
			continue
		}
		for name, c := range l.tasks {
			if c.Key.TaskID == id {
				delete(l.tasks, name) // the specs ask for another version
			}
		}
		c := want(id, l.next)
		c.Want.Name = fmt.Sprintf("name-%d-x", l.next)
		changes = append(changes, c)
	}
	l.n.Planned(l.plan(changes...))
	for _, c := range changes {
		time.Sleep(l.upTo(time.Second))
		if l.dead.Load() {
			return // the others are not sent, and in sync with what was before
		}
		out := []state.Outcome{applied, applied, applied, applied, applied, refused("no such field"), refused(fmt.Sprint("no ", c.Want.Name)), locked, unknown}[l.draw(9)]
		name := c.Want.Name
		switch out.Class {
		case state.ClassRefused:
			l.tasks[name] = held(c.Key.TaskID, c.Want.InstanceVersion, plan.HoldRefused, out, "")
		case state.ClassWaiting:
			l.tasks[name] = held(c.Key.TaskID, c.Want.InstanceVersion, plan.HoldLocked, out, "")
		case state.ClassUnknown:
			l.tasks[name] = held(c.Key.TaskID, c.Want.InstanceVersion, plan.HoldUnknown, out, "")
		}
		if c := l.tasks[name]; c != nil {
			c.Want.Name, c.Have.Attempt.Wanted.Name = name, name
			l.began[name] = l.began[name] || c.Hold == plan.HoldRefused // the state has it
		}
		if l.mayDie(1000) {
			return // between the state and the notifier
		}
		l.n.Called(c, nil, out)
		l.note()
	}
}

// plan is what is left, with the changes.
func (l *life) plan(changes ...*plan.Change) *plan.Plan {
	for _, name := range slices.Sorted(maps.Keys(l.tasks)) {
		changes = append(changes, l.tasks[name])
	}
	p := planOf(changes...)
	p.Source.Revision, p.Hash, p.Holds, p.Problems = fmt.Sprintf("%040x", l.rev), l.hash, l.holds, l.bad
	return p
}

// pass makes a pass that changes nothing more.
func (l *life) pass() {
	if l.dead.Load() {
		return
	}
	l.n.Planned(l.plan())
	l.n.Passed(&reconcile.Result{Plan: planOf(), Left: l.plan()})
	l.note()
}

// note notes what requires action, if the process has lived to keep it.
func (l *life) note() {
	synctest.Wait()
	if l.dead.Load() {
		return
	}
	for name, c := range l.tasks {
		if c.Hold == plan.HoldRefused || c.Have.Attempt.NeedsOperator != "" {
			l.began[name] = true
		}
	}
	for _, name := range about.FindAllString(l.hash+fmt.Sprint(l.bad), -1) {
		l.began[name] = true
	}
}

// judge says what was lost, and what was repeated.
func (w *world) judge() {
	for _, c := range w.chats {
		for name, is := range w.began {
			if is && c.told[name] == 0 {
				w.t.Errorf("%s: %s was never told", c.kind, name)
			}
		}
		if c.repeats > w.kills {
			w.t.Errorf("%s: %d messages repeat something after %d restarts", c.kind, c.repeats, w.kills)
		}
		w.t.Logf("%s: %d messages about %d things that require action, %d repeated after %d restarts", c.kind, len(c.taken), len(w.began), c.repeats, w.kills)
	}
	want := "success"
	for _, c := range w.tasks {
		if c.Hold == plan.HoldRefused || c.Have.Attempt.NeedsOperator != "" {
			want = "failure"
		} else if want == "success" {
			want = "pending"
		}
	}
	if len(w.holds) > 0 && want == "success" {
		want = "pending"
	}
	if len(w.bad) > 0 {
		want = "failure"
	}
	newest := fmt.Sprintf("%040x", w.rev)
	for sha, got := range w.forge.shown {
		if sha == newest && got != want {
			w.t.Errorf("%s: the newest status is %q, want %q", w.forge.kind, got, want)
		}
		if sha != newest && got == "pending" {
			w.t.Errorf("%s: %s is pending although it was overtaken", w.forge.kind, sha)
		}
	}
	if w.rev > 0 && w.forge.shown[newest] == "" {
		w.t.Errorf("%s: the newest revision has no status", w.forge.kind)
	}
}
