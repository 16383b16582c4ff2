package command

import (
	"context"
	"errors"
	"iter"
	"log/slog"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// reading is what a plan needs of a state.
type reading interface {
	Control(ctx context.Context) (state.Control, error)
	Records(ctx context.Context) iter.Seq2[state.Record, error]
}

// load reads all of a state.
func load(ctx context.Context, from reading) (*state.Records, state.Control, error) {
	control, err := from.Control(ctx)
	if err != nil {
		return nil, control, err
	}
	records := state.NewRecords()
	for rec, err := range from.Records(ctx) {
		if err != nil {
			return nil, control, err
		}
		records.Put(&rec)
	}
	return records, control, nil
}

// opened are the source and the state of a command that writes to the state.
type opened struct {
	source reconcile.Source
	store  *sqlstore.Store
}

// openBoth opens the source and the state, which is made if there is none. as, if not nil,
// replaces the source.
func openBoth(ctx context.Context, s *config.Settings, version string, log *slog.Logger, as func(reconcile.Source) reconcile.Source) (o *opened, err error) {
	o = new(opened)
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	if o.store, err = parts.OpenExistingState(ctx, s, version, log); err != nil {
		return o, err
	}
	if o.source, err = parts.OpenMirrored(ctx, s, o.store, log); err != nil {
		return o, err
	}
	if as != nil {
		o.source = as(o.source)
	}
	if o.store != nil {
		return o, nil
	}
	o.store, err = parts.CreateState(ctx, s, o.source, version, log)
	return o, err
}

func (o *opened) close() error {
	var errs []error
	if o.source != nil {
		errs = append(errs, o.source.Close())
	}
	if o.store != nil {
		errs = append(errs, o.store.Close())
	}
	return errors.Join(errs...)
}

var errNothingLive = errors.New("a simulated endpoint that is embedded begins without tasks: start one with wedatasync simulate, and name it with --endpoint")

// attach connects to WeData itself, for what asks there first. The client is the
// caller's to close.
func attach(ctx context.Context, s *config.Settings, env *parts.Env) (*wedata.Client, *slog.Logger, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	if s.Simulate {
		return nil, nil, &config.SettingError{Name: "simulate", Err: errNothingLive}
	}
	log, err := env.Logger(s)
	if err != nil {
		return nil, nil, err
	}
	client, _, err := parts.Connect(ctx, s, env, log)
	return client, log, err
}
