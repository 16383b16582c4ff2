package source

import "fmt"

// Reload checks how else the repository's server is to be reached, by the user name
// and the files with credentials in c, and returns what makes it so from the next
// poll on. After an error it stays as it is. It may be called from any goroutine.
func (g *Git) Reload(c GitConfig) (swap func(), err error) {
	c.URL = g.config.URL
	next := &Git{config: c, source: g.source, log: g.log}
	if next.remote, err = next.connector(); err != nil {
		return nil, fmt.Errorf("open source %s: %w", g.source, err)
	}
	switch r := next.remote.(type) {
	case *httpGit:
		err = r.check()
	case *sshGit:
		_, _, err = r.config()
	}
	if err != nil {
		return nil, next.describe(err)
	}
	return func() { g.next.Store(&next.remote) }, nil
}

// reconnect does what the last Reload asks for.
func (g *Git) reconnect() {
	if next := g.next.Swap(nil); next != nil {
		g.remote.close()
		g.remote = *next
	}
}
