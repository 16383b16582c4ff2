package gitremote

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitremote/wire"
)

// localRemote reads a repository on this machine through the git command.
type localRemote struct {
	path string
	memory
}

func (*localRemote) Secrets() []string { return nil }
func (*localRemote) Check() error      { return nil }
func (*localRemote) Denied()           {}
func (*localRemote) CloseIdle()        {}

func (l *localRemote) connect(ctx context.Context) (session, error) {
	if _, err := os.Stat(l.path); err != nil {
		return nil, &Error{Kind: ErrNoRepository, Err: err, Hint: "check the path in --source"}
	}
	ctx, cancel := context.WithCancel(ctx)
	said := new(tail)
	cmd := exec.CommandContext(ctx, "git", "upload-pack", l.path)
	cmd.Env = environment("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH", "SYSTEMROOT")
	cmd.Env = append(cmd.Env, wire.Env+"="+wire.Version2)
	cmd.Stderr = said
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, startError(err)
	}
	return &stream{
		in:     in,
		out:    bufio.NewReader(out),
		errors: said,
		wait:   cmd.Wait,
		close: func() error {
			defer cancel()
			_ = out.Close() // an answer that is not read to its end must not keep it
			_ = cmd.Wait()  // what counts was said before
			return nil
		},
	}, nil
}

func startError(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return &Error{Kind: ErrNoGit, Err: err, Hint: "install git, or use an https or ssh URL, which need none"}
	}
	return err
}

// environment is what git needs to know of ours, without what it must not:
// credentials among it.
func environment(names ...string) []string {
	env := []string{"LC_ALL=C"}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
