package state

import (
	"errors"
	"fmt"
	"time"
)

// What the errors of this package say, for errors.Is. The text of an error adds
// what, where, and what to do; some are also a type that has the details.
var (
	ErrLocked     = errors.New("state is in use")                      // a LockedError
	ErrMissing    = errors.New("state is missing")                     // a file of it, or all
	ErrExists     = errors.New("state exists already")                 // where a new one was to be made
	ErrForeign    = errors.New("state belongs to something else")      // a ForeignError
	ErrRolledBack = errors.New("state is older than it once was")      // a RolledBackError
	ErrNewer      = errors.New("state was written by a newer version") // a NewerError
	ErrDamaged    = errors.New("state is damaged")                     // a DamagedError

	// ErrFull and ErrBusy say that nothing was written, and that the same change
	// may be saved later: when there is space, or when another program has ended
	// its transaction.
	ErrFull = errors.New("no space is left for the state")
	ErrBusy = errors.New("another program is writing to the state")
	// ErrBroken says that the store has failed once and takes no more changes:
	// whether the last ones are durable is not known. A new start finds out.
	ErrBroken = errors.New("state can no longer be written")
	// ErrClosed says that the store was closed before.
	ErrClosed = errors.New("state is closed")
	// ErrChanged says that a state that nobody held came into use while it was
	// read. To read again helps.
	ErrChanged = errors.New("state changed while it was read")
	// ErrNoCommand says that there is no such command, or that it has ended.
	ErrNoCommand = errors.New("no such open command")
)

// What to do, where several errors have the same one.
const (
	HintAccept  = `if that was meant, run "wedatasync state check --accept"`
	hintRestore = `restore a backup and run "wedatasync state check --accept"`
)

// LockedError says who holds the state.
type LockedError struct {
	Path   string
	Holder Holder // zero if the lock file does not say
}

// Holder is the process that holds a state, as its lock file has it.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Version string    `json:"version,omitempty"`
}

// Error names the holder and what to do.
func (e *LockedError) Error() string {
	who := "another process"
	if h := e.Holder; h.PID != 0 {
		who = fmt.Sprintf("process %d on %s, since %s,", h.PID, h.Host, h.Since.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("lock state %s: %s uses it: stop that process, or give this one another --state", e.Path, who)
}

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// ForeignError says in which field the state is another one's.
type ForeignError struct {
	Path  string
	Field string // of Identity, or "lineage" when the head file is of another state
	Have  string // what the state says
	Want  string // what it should say
}

// Error names the field, both values and what to do.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("open state %s: its %s is %q, not %q: check the settings, and give each source and endpoint a --state of its own; only if the %[2]s has moved, run \"wedatasync state check --accept\"",
		e.Path, e.Field, e.Have, e.Want)
}

// Is reports whether target is ErrForeign.
func (e *ForeignError) Is(target error) bool { return target == ErrForeign }

// RolledBackError says that the state is at an older serial than its head file:
// an old copy was put in place, or its newest changes are lost.
type RolledBackError struct {
	Path string
	Have int64 // the serial of the state
	Head int64 // the serial it had before
}

// Error names both serials and what to do.
func (e *RolledBackError) Error() string {
	return fmt.Sprintf("open state %s: it is at serial %d and was at %d before, so what was applied since is not in it: restore the newer file; %s, and the next plan is held for approval",
		e.Path, e.Have, e.Head, HintAccept)
}

// Is reports whether target is ErrRolledBack.
func (e *RolledBackError) Is(target error) bool { return target == ErrRolledBack }

// NewerError says that the state has a schema this version does not know.
type NewerError struct {
	Path string
	Have int64 // the schema of the state
	Know int64 // the newest one this version knows
}

// Error names both versions and what to do.
func (e *NewerError) Error() string {
	return fmt.Sprintf("open state %s: it has schema %d and this version knows up to %d: run the newer wedatasync again", e.Path, e.Have, e.Know)
}

// Is reports whether target is ErrNewer.
func (e *NewerError) Is(target error) bool { return target == ErrNewer }

// DamagedError names the first place where the state is not as it was written.
type DamagedError struct {
	Path   string
	Table  string // empty if no single table is at fault; "head" is the head file
	Row    string // its key; empty if no single row is at fault
	Detail string
	Err    error // of the database; nil if a check of ours found it
}

// Error names the place and what to do.
func (e *DamagedError) Error() string {
	place := e.Table
	if e.Row != "" {
		place += " " + e.Row
	}
	if place != "" {
		place += ": "
	}
	detail := e.Detail
	if e.Err != nil {
		detail += ": " + e.Err.Error()
	}
	return fmt.Sprintf("read state %s: %s%s: the file was changed by something else: %s", e.Path, place, detail, hintRestore)
}

// Is reports whether target is ErrDamaged.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// Unwrap returns the database's error.
func (e *DamagedError) Unwrap() error { return e.Err }
