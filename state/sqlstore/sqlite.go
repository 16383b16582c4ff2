package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// All that is SQLite's own is in this file. Another database needs the same few
// functions, and a statement for each of these.
const (
	beginWrite = "BEGIN IMMEDIATE" // the lock first, so that nothing fails half-way for want of it
	commitTx   = "COMMIT"
	rollbackTx = "ROLLBACK"

	checkpointLog = "PRAGMA wal_checkpoint(PASSIVE)" // into the database, without waiting for readers
)

// dialect turns the words of the schema into SQLite's: a key that is the number of
// the row, and a table that is kept in the order of its key.
func dialect(ddl string) string {
	return strings.NewReplacer("BIGINT NOT NULL PRIMARY KEY", "INTEGER PRIMARY KEY", "/* clustered */", "WITHOUT ROWID").Replace(ddl)
}

// numbered matches a numbered parameter.
var numbered = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\d+`) })

// dialectStatement gives the statement parameters without numbers: they come in
// order anyway, and the driver looks each number up, each time.
func dialectStatement(query string) string { return numbered().ReplaceAllLiteralString(query, "?") }

// busyTimeout is how long to wait for another program's transaction.
const busyTimeout = 5 * time.Second

// pagesPerCheckpoint is about how many pages may gather in the log before they
// are moved to the database.
const pagesPerCheckpoint = 1000

// pageCache is how much of the database the writer keeps in memory, in KiB: with
// 100,000 tasks, all but the leaves of the trees.
const pageCache = "cache_size(-8192)"

// readCache is the same of each connection that reads: it reads all rows once, or a few by
// their keys, and what it has read the system keeps as well.
const readCache = "cache_size(-256)"

// access is how a database is opened.
type access int

const (
	readWrite access = iota
	readOnly         // needs the log, or leave to make one
	immutable        // touches nothing but the database itself: only while it has no log
	creating         // a new file that nobody else sees, without a log
)

// openDB opens the database file, with up to conns connections. Its errors are the
// database's own.
func openDB(ctx context.Context, path string, how access, conns int) (*sql.DB, error) {
	q := url.Values{
		"_busy_timeout": {fmt.Sprint(busyTimeout.Milliseconds())},
		"_synchronous":  {"FULL"},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
		"_error_rc":     {"1"},
		"_pragma":       {"trusted_schema(0)", "cell_size_check(1)"},
	}
	switch how {
	case readWrite:
		q.Set("mode", "rw")
		q.Set("_journal_mode", "WAL")
		// The store moves the log itself, to see it fail; what a large change has
		// made of the log is given back.
		q["_pragma"] = append(q["_pragma"], "wal_autocheckpoint(0)", "journal_size_limit(16777216)", pageCache)
	case readOnly:
		q.Set("mode", "ro")
		q.Set("_query_only", "1")
		q["_pragma"] = append(q["_pragma"], readCache)
	case immutable:
		q.Set("mode", "ro")
		q.Set("immutable", "1")
		q.Set("_query_only", "1")
		q["_pragma"] = append(q["_pragma"], readCache)
	case creating:
		q.Set("mode", "rw")
		q.Set("_journal_mode", "DELETE")
	}
	// As SQLite is built everywhere else: the time of the last change need not be on
	// the disk. Where there is no such call, it syncs that as well.
	_, _ = sqlite.Fdatasync(true)
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// checkDurable makes sure that what is committed on the connection is on the
// disk. A file system without shared memory, for one, cannot do it.
func checkDurable(ctx context.Context, conn querier, how access) error {
	want := "wal"
	if how == creating {
		want = "delete"
	}
	mode, err := one(ctx, conn, scanValue[string], "PRAGMA journal_mode")
	if err != nil {
		return err
	}
	sync, err := one(ctx, conn, scanValue[int64], "PRAGMA synchronous")
	if err != nil {
		return err
	}
	if mode != want || sync != 2 {
		return fmt.Errorf("set up database: journal_mode is %s and synchronous %d, want %s and 2: keep the state on a local file system", mode, sync, want)
	}
	return nil
}

// hasTable reports whether the database has a table of that name.
func hasTable(ctx context.Context, q querier, name string) (bool, error) {
	n, err := one(ctx, q, scanValue[int64], "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = $1", name)
	return n > 0, err
}

// checkPages has the database check its own structure.
func checkPages(ctx context.Context, q querier) error {
	first, err := one(ctx, q, scanValue[string], "PRAGMA integrity_check(1)")
	if err != nil {
		return err
	}
	if first != "ok" {
		return &state.DamagedError{Detail: first}
	}
	return nil
}

// What a user who may not do all can meet. The index of the log is not whole while the
// writer changes it, for some microseconds, and after the writer was killed in the middle.
var (
	errUnrecovered = errors.New("the state was left in the middle of a change: start the daemon, or run as the one who owns the state")
	errDenied      = errors.New("this user may not: run as the one who owns the state")
)

// dbError says in this package's words what an error of the database means. An
// error that it does not know, or has been given before, stays as it is.
func dbError(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*state.DamagedError](err); ok {
		return err
	}
	known := map[int]error{
		sqlite3.SQLITE_FULL: state.ErrFull, sqlite3.SQLITE_BUSY: state.ErrBusy, sqlite3.SQLITE_READONLY_RECOVERY: errUnrecovered,
		sqlite3.SQLITE_CANTOPEN: errDenied, sqlite3.SQLITE_READONLY: errDenied, sqlite3.SQLITE_PERM: errDenied,
	}
	meaning := cmp.Or(known[e.Code()], known[e.Code()&0xff])
	switch {
	case meaning != nil && !errors.Is(err, meaning):
		return fmt.Errorf("%w: %w", meaning, err)
	case e.Code()&0xff == sqlite3.SQLITE_CORRUPT, e.Code()&0xff == sqlite3.SQLITE_NOTADB:
		return &state.DamagedError{Detail: "the database cannot be read", Err: err}
	}
	return err
}
