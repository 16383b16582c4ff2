package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// Git's protocol of version 2 lists the refs that are asked for, where earlier versions list
// all of them, and gives any object to who knows its name.
const (
	Version2 = "version=2"    // how it is asked for
	Env      = "GIT_PROTOCOL" // in which variable
	Header   = "Git-Protocol" // in which header of HTTP
)

// The bounds of what a server sends before a pack, in bytes.
const (
	maxGreeting = 64 << 10
	maxRefs     = 16 << 20
	maxBefore   = 64 << 10
)

// Of the refs that are not asked for, this many are kept to name them to a person, and of each
// so many bytes.
const (
	MaxNamed = 100
	maxName  = 1 << 10
)

// Server is what a server of version 2 says that it can do, as far as that is used.
type Server struct {
	Filters bool `json:"filters,omitempty"` // it leaves out of a pack what it is asked to
	Formats bool `json:"formats,omitempty"` // it wants to be told how objects are named
	Agent   bool `json:"agent,omitempty"`   // it wants to be told who asks
}

// Greeting reads what a server says before it is asked. If that is not in version 2, server
// is nil, and what is left of the input is a list of refs as versions 0 and 1 have it.
func Greeting(in *bufio.Reader) (server *Server, err error) {
	r := NewReader(in, maxGreeting, "a greeting")
	if startsWith(in, "# service=") {
		if _, _, err := r.next(); err != nil {
			return nil, err
		}
		if head, err := in.Peek(len(End)); err == nil && string(head) == End {
			_, _ = in.Discard(len(End)) // it was peeked at
		}
	}
	switch {
	case startsWith(in, "version 2"):
	case startsWith(in, "version 1"): // is version 0 after this line
		_, _, err := r.next()
		return nil, err
	default:
		return nil, nil
	}
	server = new(Server)
	for {
		line, kind, err := r.next()
		switch {
		case err != nil:
			return nil, cutOff(err)
		case kind == flush:
			return server, nil
		case kind != data:
			return nil, fmt.Errorf("%w: a greeting in sections", ErrMalformed)
		}
		if err := server.can(string(line)); err != nil {
			return nil, err
		}
	}
}

// startsWith reports whether a line begins so.
func startsWith(in *bufio.Reader, text string) bool {
	head, _ := in.Peek(len("0000") + len(text))
	return len(head) > 4 && string(head[4:]) == text
}

// can notes what a line of a greeting says.
func (s *Server) can(line string) error {
	name, value, _ := strings.Cut(line, "=")
	switch name {
	case "agent":
		s.Agent = true
	case "object-format":
		if s.Formats = true; value != "sha1" {
			return gitstore.ErrSHA256
		}
	case "fetch":
		for word := range strings.FieldsSeq(value) {
			s.Filters = s.Filters || word == "filter"
		}
	}
	return nil
}

// command begins a request.
func (s *Server) command(name string) []byte {
	b := appendLine(nil, "command="+name)
	if s.Agent {
		b = appendLine(b, "agent="+Agent)
	}
	if s.Formats {
		b = appendLine(b, "object-format=sha1")
	}
	return append(b, delimPacket...)
}

// Agent is who asks. Servers tell git from browsers by its name.
const Agent = "git/wedatasync"

// ListRefs asks for the refs whose names begin so.
func (s *Server) ListRefs(prefix string) []byte {
	return append(appendLine(s.command("ls-refs"), "ref-prefix "+prefix), End...)
}

// Refs reads the answer to ListRefs: where the ref of that name is, zero if it is not there,
// and the names of some others.
func Refs(in *bufio.Reader, name string) (head plumbing.Hash, others []string, err error) {
	r := NewReader(in, maxRefs, "a list of refs")
	for {
		line, kind, err := r.next()
		switch {
		case err != nil:
			return head, nil, cutOff(err)
		case kind == flush:
			return head, others, nil
		case kind != data:
			return head, nil, fmt.Errorf("%w: a list of refs in sections", ErrMalformed)
		}
		hash, rest, _ := bytes.Cut(line, []byte(" "))
		ref, _, _ := bytes.Cut(rest, []byte(" ")) // attributes follow
		switch {
		case !plumbing.IsHash(string(hash)) || len(ref) == 0:
			return head, nil, fmt.Errorf("%w: it lists %q", ErrMalformed, line[:min(len(line), 60)])
		case string(ref) == name:
			head = plumbing.NewHash(string(hash))
		case len(others) < MaxNamed:
			others = append(others, string(ref[:min(len(ref), maxName)]))
		}
	}
}

// Fetch asks for a pack.
type Fetch struct {
	Wants  []plumbing.Hash
	Haves  []plumbing.Hash // commits of which all is there
	Filter string          // what to leave out, as git has it; empty: nothing. For a server that Filters.
}

// Fetch writes the request. It says all that there is to say at once, so that the answer is
// the pack.
func (s *Server) Fetch(f Fetch) []byte {
	b := s.command("fetch")
	b = appendLine(b, "ofs-delta")
	b = appendLine(b, "no-progress")
	if f.Filter != "" {
		b = appendLine(b, "filter "+f.Filter)
	}
	for _, h := range f.Wants {
		b = appendLine(b, "want "+h.String())
	}
	for _, h := range f.Haves {
		b = appendLine(b, "have "+h.String())
	}
	return append(appendLine(b, "done"), End...)
}

// ErrShallow says that the history that a server has is cut off.
var ErrShallow = errors.New("history is cut off")

// BeforePack reads what comes in answer to Fetch before the pack, which follows in a side
// band of 64 KiB.
func BeforePack(in *bufio.Reader) error {
	r := NewReader(in, maxBefore, "what comes before a pack")
	for {
		section, kind, err := r.next()
		switch {
		case err != nil:
			return cutOff(err)
		case kind != data:
			return fmt.Errorf("%w: there is no pack", ErrMalformed)
		case string(section) == "packfile":
			return nil
		case string(section) == "packfile-uris" || string(section) == "wanted-refs": // which nobody asked for
			return fmt.Errorf("%w: %s", ErrMalformed, section)
		}
		for kind == data {
			var line []byte
			if line, kind, err = r.next(); err != nil {
				return cutOff(err)
			}
			if bytes.HasPrefix(line, []byte("shallow ")) {
				return ErrShallow
			}
		}
		if kind != delim {
			return fmt.Errorf("%w: there is no pack", ErrMalformed)
		}
	}
}

// cutOff says that an answer ends too early.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
