package source

import (
	"context"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// Head asks the server which commit the branch is at, in one round trip. It fetches
// nothing.
func (g *Git) Head(ctx context.Context) (string, error) {
	id, err := g.ask(ctx)
	return id, g.describe(err)
}

func (g *Git) ask(ctx context.Context) (_ string, err error) {
	defer recovered(&err)
	ctx, cancel := within(ctx, g.config.Timeout)
	defer cancel()
	c, err := gitremote.Talk(ctx, g.remote, g.branch)
	if err != nil {
		return "", err
	}
	_ = c.Close() // all that counts has been read
	return c.Head.String(), nil
}
