package gitremote

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"github.com/wedatasync/wedatasync/internal/gitremote/wire"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
)

// MaxHaves bounds the commits that we tell a server that we have. After a push it
// needs one; after a rewrite, one that both sides still share.
const MaxHaves = wire.MaxHaves

// Remote starts conversations with the server of one repository. It reads credentials anew
// each time.
type Remote interface {
	// Secrets are the texts that must not be shown if they turn up in an error.
	Secrets() []string
	// Check reads the files that a conversation needs.
	Check() error
	// CloseIdle closes connections that are kept between conversations.
	CloseIdle()

	// Denied says that a session was not let in.
	Denied()

	connect(ctx context.Context) (session, error)
	recall() *memory
}

// session carries requests to a server, and its answers back.
type session interface {
	// greeting is what the server says before it is asked.
	greeting(ctx context.Context) (answer, error)
	// ask sends a request. In version 2, the server is known to have greeted in it: an
	// errOutdated says that it does so no more.
	ask(ctx context.Context, r request) (answer, error)
	// said is what the other end says beside its answers.
	said() *tail
	Close() error
}

// request is what is asked of a server.
type request struct {
	body     []byte
	version2 bool
	quick    bool // the answer comes at once, and to ask twice does no harm
}

// answer is what a server says.
type answer struct {
	*bufio.Reader
	io.Closer
}

// memory is what a Remote remembers of its server from one conversation to the next: what it
// has said of itself, if that was in version 2.
type memory struct {
	server atomic.Pointer[wire.Server]
	base   atomic.Pointer[string] // of a server over http: where it says that the repository is
}

func (m *memory) recall() *memory { return m }

func (m *memory) forget() { m.server.Store(nil) }

// Remembered returns what the server has said of itself, for [Remember] in another process: nil if
// that is nothing, or goes with another address that the server has given.
func Remembered(r Remote) []byte {
	m := r.recall()
	server := m.server.Load()
	if h, ok := r.(*httpRemote); server == nil || ok && m.base.Load() != nil && *m.base.Load() != h.url {
		return nil
	}
	data, err := json.Marshal(server)
	if err != nil {
		return nil
	}
	return data
}

// Remember takes over what another process has Remembered, so that the first question is asked
// without a greeting. What does not hold any more costs a request.
func Remember(r Remote, data []byte) {
	var server *wire.Server
	if json.Unmarshal(data, &server) == nil {
		r.recall().server.Store(server)
	}
}

// errOutdated says that what was remembered of a server does not hold.
var errOutdated = errors.New("the server does not speak version 2 of git's protocol any more")

// Conversation is what is asked of a server, and said by it, in a row.
type Conversation struct {
	Head plumbing.Hash // the commit that the branch is at

	branch     plumbing.ReferenceName
	remote     Remote
	session    session
	remembered bool         // what the server can do, from an earlier conversation
	server     *wire.Server // nil: it speaks version 0
	old        *version0    // nil: it speaks version 2
}

// Talk begins a conversation about a branch, and asks where that is: in one round trip, if
// the server is known. Its errors are *Errors.
func Talk(ctx context.Context, r Remote, branch plumbing.ReferenceName) (*Conversation, error) {
	return converse(ctx, &Conversation{remote: r, branch: branch}, (*Conversation).look)
}

// Begin begins a conversation that is not about a branch.
func Begin(ctx context.Context, r Remote, branch plumbing.ReferenceName) (*Conversation, error) {
	return converse(ctx, &Conversation{remote: r, branch: branch}, func(*Conversation, context.Context) error { return nil })
}

// converse begins a conversation with a first question. If that fails by what was remembered
// of the server, it is asked anew.
func converse(ctx context.Context, c *Conversation, first func(*Conversation, context.Context) error) (*Conversation, error) {
	for {
		c.server = c.remote.recall().server.Load()
		c.remembered = c.server != nil
		err := c.begin(ctx)
		if err == nil {
			if err = first(c, ctx); err == nil {
				c.remote.recall().server.Store(c.server)
				return c, nil
			}
			err = c.session.said().after(err)
			_ = c.session.Close()
		}
		fault := Classify(ctx, err)
		if errors.Is(fault, ErrAuth) {
			c.remote.Denied()
		}
		c.remote.recall().forget()
		if !c.remembered || !outdated(err, fault) {
			return nil, fault
		}
	}
}

// outdated reports whether a server may answer that is asked without what was remembered of
// it: another one may have taken its place, or its address may have changed.
func outdated(err error, fault *Error) bool {
	switch {
	case errors.Is(err, errOutdated), errors.Is(fault, ErrBadAnswer), errors.Is(fault, ErrNoRepository), errors.Is(fault, ErrRefused):
		return true
	default:
		return errors.Is(fault, ErrUnreachable) && fault.Status != 0 && fault.Status != http.StatusTooManyRequests && fault.RetryAfter == 0
	}
}

// begin connects, and finds out how the server speaks if that is not known.
func (c *Conversation) begin(ctx context.Context) (err error) {
	if c.session, err = c.remote.connect(ctx); err != nil || c.server != nil {
		return err
	}
	if err = c.greet(ctx); err != nil {
		err = c.session.said().after(err)
		_ = c.session.Close()
	}
	return err
}

func (c *Conversation) greet(ctx context.Context) error {
	hello, err := c.session.greeting(ctx)
	if err != nil {
		return err
	}
	defer hello.Close()
	if c.server, err = wire.Greeting(hello.Reader); err != nil || c.server != nil {
		return err
	}
	c.old, err = readVersion0(hello, c.branch)
	return err
}

// look finds out where the branch is.
func (c *Conversation) look(ctx context.Context) (err error) {
	if c.old != nil {
		c.Head, err = c.old.branch(c.branch)
		return err
	}
	if c.Head, _, err = c.list(ctx, c.branch.String()); err != nil || !c.Head.IsZero() {
		return err
	}
	_, others, err := c.list(ctx, "refs/heads/")
	if err != nil {
		return err
	}
	return noBranch(c.branch, others)
}

// list asks for the refs that begin so.
func (c *Conversation) list(ctx context.Context, prefix string) (plumbing.Hash, []string, error) {
	in, err := c.session.ask(ctx, request{body: c.server.ListRefs(prefix), version2: true, quick: true})
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	defer in.Close()
	return wire.Refs(in.Reader, c.branch.String())
}

// noBranch says that there is no such branch, and which there are.
func noBranch(branch plumbing.ReferenceName, refs []string) error {
	var others []string
	for _, ref := range refs {
		if short, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			others = append(others, short)
		}
	}
	if len(others) == 0 {
		return &Error{Kind: ErrEmptyRepository, Hint: "push a branch with specs first"}
	}
	return &Error{Kind: ErrNoBranch, Detail: text.OneLine(branch.Short(), 100), Hint: listBranches(others)}
}

func listBranches(names []string) string {
	const most = 5
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("it has ")
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text.OneLine(name, 60))
	}
	switch more := len(names) - most; {
	case len(names) >= wire.MaxNamed:
		b.WriteString(" and many more")
	case more > 0:
		fmt.Fprintf(&b, " and %d more", more)
	}
	b.WriteString(": set --branch to one of them")
	return b.String()
}

// Filters reports whether the server leaves out of packs what it is asked to leave out, and
// gives any object to who knows its name.
func (c *Conversation) Filters() bool { return c.server != nil && c.server.Filters }

// Close ends the conversation.
func (c *Conversation) Close() error { return c.session.Close() }

// RequestPack asks for a pack of what the branch has and the haves have not, without what the
// filter leaves out, if the server does that.
func (c *Conversation) RequestPack(ctx context.Context, haves []plumbing.Hash, filter string, maxPack int64) (*Pack, error) {
	return c.request(ctx, func() (*Pack, error) {
		if c.old != nil {
			return c.old.requestPack(ctx, c, haves, maxPack)
		}
		f := wire.Fetch{Wants: []plumbing.Hash{c.Head}, Haves: haves}
		if c.Filters() {
			f.Filter = filter
		}
		return c.fetch(ctx, f, maxPack)
	})
}

// RequestObjects asks for a pack of objects by their names, which a server of version 2 gives.
func (c *Conversation) RequestObjects(ctx context.Context, names []plumbing.Hash, maxPack int64) (*Pack, error) {
	return c.request(ctx, func() (*Pack, error) {
		if c.server == nil {
			return nil, &Error{Kind: ErrRefused, Detail: "the server does not speak version 2 of git's protocol", Hint: "make it do so"}
		}
		return c.fetch(ctx, wire.Fetch{Wants: names}, maxPack)
	})
}

// request asks for a pack, once more if the server is not what was remembered of it.
func (c *Conversation) request(ctx context.Context, ask func() (*Pack, error)) (*Pack, error) {
	p, err := ask()
	if err == nil || !c.remembered || !outdated(err, Classify(ctx, err)) {
		return p, err
	}
	c.remote.recall().forget()
	again, err := Begin(ctx, c.remote, c.branch)
	if err != nil {
		return nil, err
	}
	_ = c.session.Close() // it has nothing more to say
	again.Head = c.Head
	*c = *again
	return ask()
}

// fetch asks for a pack in version 2.
func (c *Conversation) fetch(ctx context.Context, f wire.Fetch, maxPack int64) (*Pack, error) {
	in, err := c.session.ask(ctx, request{body: c.server.Fetch(f), version2: true})
	if err != nil {
		return nil, c.session.said().after(err)
	}
	if err := wire.BeforePack(in.Reader); err != nil {
		_ = in.Close()
		return nil, c.session.said().after(err)
	}
	p := c.newPack(in, in, maxPack)
	p.demultiplex(sideband.Sideband64k)
	return p, nil
}

// Pack is a pack as a server sends it.
type Pack struct {
	reader io.Reader
	closer io.Closer
	said   *tail // beside the pack: without progress, that is why there will be no more of it
}

// newPack is the pack that comes next in an answer. What comes beside it, such as endless
// progress, counts as well.
func (c *Conversation) newPack(r io.Reader, in answer, maxPack int64) *Pack {
	return &Pack{reader: gitstore.LimitReader(r, maxPack+maxPack/8+1<<20, "a pack with its messages"), closer: in, said: c.session.said()}
}

// demultiplex takes the pack out of what comes with it.
func (p *Pack) demultiplex(kind sideband.Type) {
	demuxer := sideband.NewDemuxer(kind, p.reader)
	demuxer.Progress, p.reader = p.said, demuxer
}

// Read reads the pack.
func (p *Pack) Read(b []byte) (int, error) { return p.reader.Read(b) }

// Close ends the reading.
func (p *Pack) Close() error { return p.closer.Close() }

// Classify says what an error of reading the pack means, with what the server has said.
func (p *Pack) Classify(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Classify(ctx, p.said.after(err))
}
