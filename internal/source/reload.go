package source

import (
	"fmt"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// reach is how the repository's server is reached, and whose commits count.
type reach struct {
	remote gitremote.Remote
	trust  *verifier
}

// Reload checks how else the repository's server is to be reached, by the user name
// and the files with credentials in c, and whose signatures are to count. It returns
// what makes it so from the next poll on. After an error it stays as it is. It may be
// called from any goroutine.
func (g *Git) Reload(c GitConfig) (swap func(), err error) {
	c.URL = g.config.URL
	next := &Git{config: c, source: g.source, branch: g.branch, log: g.log}
	if next.remote, err = c.remote(g.branch, g.log); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	if next.trust, err = newVerifier(&c, g.log); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	if err := next.remote.Check(); err != nil {
		return nil, next.describe(err)
	}
	return func() { g.next.Store(&reach{next.remote, next.trust}) }, nil
}

// reconnect does what the last Reload asks for.
func (g *Git) reconnect() {
	next := g.next.Swap(nil)
	if next == nil {
		return
	}
	g.remote.CloseIdle()
	next.trust.mark, next.trust.trusted = g.trust.mark, g.trust.trusted // what counts still does
	g.remote, g.trust = next.remote, next.trust
}
