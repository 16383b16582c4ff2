package drift

import (
	"context"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/state"
)

// ReadTag completes what was read of a task whose commit has an unknown outcome with the tag
// in the description of the version that the commit was to submit. What is not told is left
// out: then the tag proves nothing.
func ReadTag(ctx context.Context, from Versioner, reads *pace.Limiter, rec *state.Record, live *state.Live) {
	if from == nil || live == nil || live.Missing || rec.Status != state.StatusUnknown || rec.Attempt.Tag == "" {
		return
	}
	wanted := &rec.Attempt.Wanted
	version, err := from.Version(ctx, rec.Key, wanted.TaskType, wanted.InstanceVersion, reads.Gate)
	if err == nil && version != nil {
		live.Tag, live.TagEnabled = version.Tag, version.Enabled
	}
}
