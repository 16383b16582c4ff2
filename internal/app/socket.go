package app

import (
	"context"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/socket"
)

// openSocket answers commands on this machine that ask for the plan, until Close. Without it, they
// make plans of their own.
func (a *App) openSocket(ctx context.Context, state, version string) {
	l, err := socket.Listen(ctx, state)
	if err != nil {
		a.log.WarnContext(ctx, "commands on this machine make plans of their own", "error", err)
		return
	}
	answer := func(q socket.Question) socket.Answer { return a.answer(q, version) }
	stop := background(ctx, func(ctx context.Context) { socket.Serve(ctx, l, answer, a.log) })
	a.closers.add("close the socket", func() error { stop(); return nil })
}

// answer answers with the newest plan, if it is the one that the command would make now.
func (a *App) answer(q socket.Question, version string) socket.Answer {
	at := a.daemon.Snapshot()
	p, settled := at.Settled()
	switch {
	case q.Version != version:
		return socket.Answer{Refusal: "the daemon is of version " + version}
	case q.Settings != a.settings.get().PlanDigest():
		return socket.Answer{Refusal: "the daemon has other settings"}
	case !settled:
		return socket.Answer{Refusal: "a pass is under way"}
	case q.Revision != p.Source.Revision || p.Source.Unverified != "":
		return socket.Answer{Refusal: "the daemon has not followed the newest revision"}
	case q.Task != "":
		return socket.Answer{Plan: explain.Narrow(p, q.Task)}
	}
	whole := *p
	whole.Wanted = nil
	return socket.Answer{Plan: &whole}
}
