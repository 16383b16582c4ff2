package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

var one = strings.Repeat("1", 40)

func reader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

func TestGreeting(t *testing.T) {
	const refs = "the rest"
	for _, tt := range []struct {
		name, text string
		want       *Server
		err        error
	}{
		{"of git over ssh", "000eversion 2\n0015agent=git/2.39.5\n0013ls-refs=unborn\n0027fetch=shallow wait-for-done filter\n0012server-option\n0017object-format=sha1\n0000", &Server{Filters: true, Formats: true, Agent: true}, nil},
		{"of GitHub over http", "001e# service=git-upload-pack\n0000000eversion 2\n0012fetch=shallow\n0000", &Server{}, nil},
		{"without ends of lines", "000dversion 2000bls-refs0010fetch=filter0000", &Server{Filters: true}, nil},
		{"a word that is like it", string(appendLine(appendLine(nil, "version 2"), "fetch=filters no-filter")) + End, &Server{}, nil},
		{"another that can filter", string(appendLine(appendLine(nil, "version 2"), "push=filter")) + End, &Server{}, nil},
		{"version 1", "000eversion 1\n" + refs, nil, nil},
		{"version 0 over http", "001e# service=git-upload-pack\n0000" + refs, nil, nil},
		{"version 0", refs, nil, nil},
		{"nothing", "", nil, nil},
		{"SHA-256", "000eversion 2\n0019object-format=sha256\n0000", nil, gitstore.ErrSHA256},
		{"cut off", "000eversion 2\n", nil, io.ErrUnexpectedEOF},
		{"cut off in a line", "000eversion 2\n0012fe", nil, io.ErrUnexpectedEOF},
		{"a size that is none", "000eversion 2\n0003", nil, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := reader(tt.text)
			got, err := Greeting(in)
			if !errors.Is(err, tt.err) {
				t.Fatalf("the error is %v, want %v", err, tt.err)
			}
			if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
				t.Errorf("it is %+v, want %+v", got, tt.want)
			}
			if rest, _ := io.ReadAll(in); err == nil && string(rest) != refs && got == nil && tt.text != "" {
				t.Errorf("%q is left", rest)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	s := &Server{Formats: true, Agent: true}
	if got, want := string(s.ListRefs("refs/heads/main")), "0014command=ls-refs\n0019agent=git/wedatasync\n0017object-format=sha1\n0001001fref-prefix refs/heads/main\n0000"; got != want {
		t.Errorf("to list refs it asks\n%q, want\n%q", got, want)
	}
	f := Fetch{Wants: []plumbing.Hash{plumbing.NewHash(one)}, Haves: []plumbing.Hash{plumbing.NewHash(one)}, Filter: "blob:none"}
	if got, want := string(new(Server).Fetch(f)), "0012command=fetch\n0001000eofs-delta\n0010no-progress\n0015filter blob:none\n0032want "+one+"\n0032have "+one+"\n0009done\n0000"; got != want {
		t.Errorf("for a pack it asks\n%q, want\n%q", got, want)
	}
}

func TestRefs(t *testing.T) {
	list := "003d" + one + " refs/heads/main\n003f" + one + " refs/heads/main-2\n0000"
	in := reader(list + "next")
	head, others, err := Refs(in, "refs/heads/main")
	if err != nil || head.String() != one || !slices.Equal(others, []string{"refs/heads/main-2"}) {
		t.Errorf("it is at %s, beside %v, %v", head, others, err)
	}
	if rest, _ := io.ReadAll(in); string(rest) != "next" {
		t.Errorf("%q is left", rest)
	}
	head, others, err = Refs(reader(strings.Repeat("003f"+one+" refs/heads/main-2\n", 10*MaxNamed)+"0000"), "refs/heads/main")
	if err != nil || !head.IsZero() || len(others) != MaxNamed {
		t.Errorf("it is at %s, beside %d, %v", head, len(others), err)
	}
	_, _, err = Refs(reader("0010ERR go away\n"), "refs/heads/main")
	if line, ok := errors.AsType[*pktline.ErrorLine](err); !ok || line.Text != "go away" {
		t.Errorf("the error is %v", err)
	}
}

func TestBeforePack(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		err        error
	}{
		{"at once", "000dpackfile\n", nil},
		{"after acknowledgements", "0014acknowledgments\n0008NAK\n0001000dpackfile\n", nil},
		{"cut off history", "0011shallow-info\n0035shallow " + one + "\n0001000dpackfile\n", ErrShallow},
		{"no end", "0014acknowledgments\n0008NAK\n", io.ErrUnexpectedEOF},
		{"no pack", "0000", ErrMalformed},
		{"without an end", strings.Repeat("0014acknowledgments\n0001", 1<<16), gitstore.ErrTooLarge},
	} {
		in := reader(tt.text + "0009\x01PACK")
		if err := BeforePack(in); !errors.Is(err, tt.err) {
			t.Errorf("%s: the error is %v", tt.name, err)
			continue
		}
		if rest, _ := io.ReadAll(in); tt.err == nil && string(rest) != "0009\x01PACK" {
			t.Errorf("%s: %q is left", tt.name, rest)
		}
	}
}

// Whatever a server says is an answer or an error. Not a byte is taken that comes after the
// answer, and the memory that it takes is bounded.
func FuzzVersion2(f *testing.F) {
	f.Add([]byte("000eversion 2\n0027fetch=shallow wait-for-done filter\n0017object-format=sha1\n0000"))
	f.Add([]byte("001e# service=git-upload-pack\n0000000eversion 2\n0012fetch=shallow\n0000"))
	f.Add([]byte("001e# service=git-upload-pack\n0000004a" + one + " HEAD\x00side-band-64k ofs-delta\n0000"))
	f.Add([]byte("003d" + one + " refs/heads/main\n0045" + one + " refs/heads/main peeled:\n0000"))
	f.Add([]byte("unborn refs/heads/main\n0000"))
	f.Add([]byte("0014acknowledgments\n0008NAK\n0001000dpackfile\n0009\x01PACK0000"))
	f.Add([]byte("0011shallow-info\n0035shallow " + one + "\n0001000dpackfile\n"))
	f.Add([]byte("0010ERR go away\n"))
	f.Add([]byte("fff00004000300020001000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := map[string]func(in *bufio.Reader) error{
			"greeting": func(in *bufio.Reader) error { _, err := Greeting(in); return err },
			"refs":     func(in *bufio.Reader) error { _, _, err := Refs(in, "refs/heads/main"); return err },
			"pack":     BeforePack,
		}
		for name, f := range read {
			in := bufio.NewReader(bytes.NewReader(data))
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			err := f(in)
			runtime.ReadMemStats(&now)
			if grew := now.TotalAlloc - before.TotalAlloc; grew > 1<<20 {
				t.Errorf("%s: %q takes %d bytes", name, data, grew)
			}
			rest, _ := io.ReadAll(in)
			taken := data[:len(data)-len(rest)]
			if err != nil || name == "greeting" {
				continue
			}
			if err := f(bufio.NewReader(bytes.NewReader(taken))); err != nil {
				t.Errorf("%s: %q is an answer, and without what follows %v", name, taken, err)
			}
			if f(bufio.NewReader(bytes.NewReader(taken[:len(taken)-1]))) == nil {
				t.Errorf("%s: of %q the last byte is not read", name, taken)
			}
		}
	})
}
