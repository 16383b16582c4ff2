package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Adopt takes the source's specs as already applied, without a call: each task
// that the state does not know yet, and with all also those that it knows. It
// returns how many.
func Adopt(ctx context.Context, s config.Settings, env parts.Env, all bool) (_ int, err error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	log, err := env.Logger(&s)
	if err != nil {
		return 0, err
	}
	o, err := openBoth(ctx, &s, env.Version, log, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	rev, err := o.source.Poll(ctx)
	if err != nil {
		return 0, err
	}
	if n := rev.Specs.Problems().Errors(); n > 0 {
		return 0, fmt.Errorf("adopt the specs: %w", rev.Specs.Problems())
	}
	records, err := o.store.Load(ctx)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	var adopted []state.Transition
	for c := range rev.Specs.All() {
		have := records.Get(c.Key)
		if have != nil && (have.Attempt != nil || have.Applied != nil && have.Removed == nil && !all) {
			continue
		}
		adopted = append(adopted, plan.Adopt(have, c, rev.ID, now))
	}
	return len(adopted), o.store.SaveAll(ctx, adopted)
}
