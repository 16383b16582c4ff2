package gitremote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/wedatasync/wedatasync/internal/gitremote/wire"
	"github.com/wedatasync/wedatasync/internal/text"
)

// stream is a session with a git-upload-pack at the other end of two pipes. What
// it waits for ends with the context it was made with.
type stream struct {
	in      io.WriteCloser
	out     *bufio.Reader
	errors  *tail        // what the other end says on its standard error
	wait    func() error // waits until the other end has ended
	close   func() error // ends it
	greeted bool
	last    bool // nothing can be asked any more
}

func (s *stream) said() *tail { return s.errors }

func (s *stream) greeting(context.Context) (answer, error) {
	s.greeted = true
	if _, err := s.out.Peek(1); errors.Is(err, io.EOF) {
		return answer{}, s.refused()
	}
	return s.answer(), nil
}

// answer is what is said next. Only the session as a whole is closed.
func (s *stream) answer() answer { return answer{s.out, io.NopCloser(nil)} }

// refused says why the other end said nothing.
func (s *stream) refused() error {
	_ = s.in.Close()
	_ = s.wait() // what it said is complete then; how it ended adds nothing
	said := s.errors.String()
	if said == "" {
		return io.ErrUnexpectedEOF
	}
	return &Error{Kind: ErrNoRepository, Detail: text.OneLine(said, maxCause), Hint: "check the path in --source, and that the repository may be read"}
}

// ask does not wait for a greeting that is known, but to see that it is as it was.
func (s *stream) ask(ctx context.Context, r request) (answer, error) {
	_, failed := s.in.Write(r.body)
	if !s.greeted {
		hello, err := s.greeting(ctx)
		if err != nil {
			return answer{}, err
		}
		switch server, err := wire.Greeting(hello.Reader); {
		case err != nil:
			return answer{}, err
		case server == nil:
			return answer{}, errOutdated
		}
	}
	s.last = !r.version2
	return s.answer(), failed
}

// Close ends the conversation, politely if more could be asked.
func (s *stream) Close() error {
	if !s.last {
		_, _ = io.WriteString(s.in, wire.End) // it may be gone already
	}
	_ = s.in.Close()
	return s.close()
}

// tail keeps the first bytes of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
	gone atomic.Bool // it says nothing any more
}

// errGone says why a connection was given up.
var errGone = errors.New("the host does not answer any more")

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), most-len(t.text))]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// after adds to an error what was said, if anything.
func (t *tail) after(err error) error {
	if t.gone.Load() {
		return &Error{Kind: ErrUnreachable, Err: errGone}
	}
	if said := t.String(); said != "" {
		return fmt.Errorf("%w: the server says: %s", err, said)
	}
	return err
}
