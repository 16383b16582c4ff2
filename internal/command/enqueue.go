package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// resultWithin is how long the daemon gets to carry out a command. What is under way may
// have to end first.
const resultWithin = 30 * time.Second

// ErrNoResult says that the daemon has not carried out a command yet. It has the command,
// and will.
var ErrNoResult = errors.New("the daemon has not answered yet; it will, and history shows it")

// Enqueue leaves an operator's command for the daemon that holds the state, and returns
// its result. If there is no daemon, the command is carried out here.
func Enqueue(ctx context.Context, s config.Settings, c state.Command) (state.CommandResult, error) {
	id, err := identityOf(ctx, s.State)
	if err != nil {
		return state.CommandResult{}, err
	}
	c.ID, err = sqlstore.Enqueue(ctx, s.State, c)
	if err != nil {
		return state.CommandResult{}, err
	}
	if err := carryOut(ctx, &s, id, c.Verb); err != nil && !errors.Is(err, state.ErrLocked) {
		return state.CommandResult{}, err
	}
	return WaitResult(ctx, s.State, c.ID)
}

// WaitResult waits for the result of a command, for as long as makes sense.
func WaitResult(ctx context.Context, path string, id int64) (state.CommandResult, error) {
	ctx, cancel := context.WithTimeout(ctx, resultWithin)
	defer cancel()
	result, err := sqlstore.WaitResult(ctx, path, id)
	if errors.Is(err, context.DeadlineExceeded) {
		return result, ErrNoResult
	}
	return result, err
}

func identityOf(ctx context.Context, path string) (state.Identity, error) {
	r, err := sqlstore.OpenReader(ctx, path)
	if err != nil {
		return state.Identity{}, err
	}
	return r.Identity(), r.Close()
}

// carryOut carries out the commands in a state that nobody holds. To approve a plan, it
// makes one.
func carryOut(ctx context.Context, s *config.Settings, id state.Identity, verb state.Verb) (err error) {
	store, err := sqlstore.Open(ctx, s.State, id, sqlstore.Options{Actor: "wedatasync"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	control, err := store.Control(ctx)
	if err != nil {
		return err
	}
	records, err := store.Load(ctx)
	if err != nil {
		return err
	}
	c := reconcile.Config{
		Store: store, Logger: slog.New(slog.DiscardHandler), Random: mathrand.Float64, NewID: rand.Text,
		Info: s.SourceInfo(), State: plan.StateInfo{Lineage: store.Lineage()},
		Guards: func() *plan.Guards { return &s.Guards },
		Policy: func() plan.DriftPolicy { return plan.DriftPolicy(s.DriftPolicy) },
		// No answer has shown how far this machine's clock is off.
		Horizon: func() time.Duration { return s.AcceptHorizon + wedata.MaxSkew },
	}
	var unplanned error // the command is answered all the same: nothing may be left of it
	if verb == state.VerbApprove {
		if c.Source, unplanned = parts.OpenShared(s, s.Mirror(), &control, c.Logger); unplanned == nil {
			defer func() { err = errors.Join(err, c.Source.Close()) }()
		}
	}
	r := reconcile.New(c, records, control)
	if c.Source != nil {
		if _, unplanned = r.Poll(ctx); errors.Is(unplanned, reconcile.ErrUnverified) {
			unplanned = nil // it may be what is approved
		}
	}
	if _, err := r.Obey(ctx); err != nil {
		return fmt.Errorf("carry out a command: %w", err)
	}
	if unplanned != nil {
		return fmt.Errorf("make the plan to approve: %w", unplanned)
	}
	return nil
}

// Actor is who gives a command, as the history has it: the user who runs the program, and
// the name that the user goes by.
func Actor(getenv func(string) string, as string) string {
	return actorOf(login(os.Getuid(), getenv), as)
}

func actorOf(user, as string) string {
	if as == "" || as == user {
		return user
	}
	return state.Clip(user + " (as " + as + ")")
}

// login is who runs the program, by the system's word: of the environment only root's is
// believed, for whom sudo has set it.
func login(uid int, getenv func(string) string) string {
	if sudo := getenv("SUDO_USER"); sudo != "" && uid == 0 {
		return sudo
	}
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}
