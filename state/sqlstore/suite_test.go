package sqlstore_test

import (
	"context"
	"testing"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/sqlstore/storetest"
)

// TestStore has SQLite pass what every store has to.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Database { return database{statePath(t)} })
}

// database is a state in a file.
type database struct{ path string }

func (d database) Open(ctx context.Context) (storetest.Store, error) {
	return sqlstore.Open(ctx, d.path, sampleIdentity(), sqlstore.Options{Create: true, Actor: "test"})
}

func (d database) Read(ctx context.Context) (storetest.Reader, error) {
	return sqlstore.OpenReader(ctx, d.path)
}

func (d database) Check(ctx context.Context) error {
	_, err := sqlstore.Check(ctx, d.path)
	return err
}

func (d database) Enqueue(ctx context.Context, c state.Command) (int64, error) {
	return sqlstore.Enqueue(ctx, d.path, c)
}

func (d database) WaitResult(ctx context.Context, id int64) (state.CommandResult, error) {
	return sqlstore.WaitResult(ctx, d.path, id)
}
