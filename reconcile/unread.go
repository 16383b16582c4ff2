package reconcile

import (
	"context"

	"github.com/wedatasync/wedatasync/spec"
)

// maxUnreadLines bounds the files that one pass names in the log.
const maxUnreadLines = 20

// logUnread says once of each file that looks like a spec that it is not read.
func (r *Reconciler) logUnread(ctx context.Context, problems spec.Problems) {
	now := make(map[string]struct{})
	news := 0
	for _, p := range problems {
		if p.Code != spec.CodeNotRead {
			continue
		}
		now[p.File] = struct{}{}
		if _, said := r.unread[p.File]; said {
			continue
		}
		if news++; news <= maxUnreadLines {
			r.cfg.Logger.WarnContext(ctx, "a file that looks like a spec is not read", "file", p.File, "why", p.Message)
		}
	}
	if news > maxUnreadLines {
		r.cfg.Logger.WarnContext(ctx, "more files that look like specs are not read", "files", news-maxUnreadLines)
	}
	r.unread = now
}
