package socket_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/internal/socket"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// serve answers next to a state until the test ends.
func serve(t *testing.T, answer func(socket.Question) socket.Answer) (state string) {
	t.Helper()
	state = filepath.Join(t.TempDir(), "wedatasync.db")
	l, err := socket.Listen(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		socket.Serve(ctx, l, answer, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return state
}

// at returns the revision, as the server of the repository would.
func at(revision string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return revision, nil }
}

// TestPlanIsWhole: a plan that came over the socket reads in every format as the daemon's does.
func TestPlanIsWhole(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]*plan.Plan{
		"trouble": servetest.TroubledStatus(now).Plan,
		"texts":   servetest.Poisoned("<b>\u202e @all\n|`", now).Plan,
		"nothing": {Source: plan.SourceInfo{Revision: "r1"}, Managed: 3, Unchanged: 3, Hash: plan.HashPrefix},
	} {
		t.Run(name, func(t *testing.T) {
			sent := *want
			sent.Wanted = nil
			state := serve(t, func(socket.Question) socket.Answer { return socket.Answer{Plan: &sent} })
			got, err := socket.Ask(t.Context(), state, socket.Question{}, at("r1"))
			if err != nil {
				t.Fatal(err)
			}
			if g, w := written(t, got), written(t, want); g != w {
				t.Errorf("over the socket:\n%s\nthe daemon's:\n%s", g, w)
			}
		})
	}
}

// written is the plan in the formats that show most of it.
func written(t *testing.T, p *plan.Plan) string {
	t.Helper()
	var b bytes.Buffer
	o := report.Options{ShowValues: true, Rate: 20}
	if err := errors.Join(report.Text(&b, p, o), report.JSON(&b, p, report.JSONOptions{ShowValues: true, Rate: 20})); err != nil {
		t.Fatal(err)
	}
	b.Write(report.Markdown(p, report.MarkdownOptions{ShowValues: true, Rate: 20, Limit: report.DefaultLimit}))
	return b.String()
}

// TestQuestion: the daemon is told what the command would make the plan from, and what it answers
// comes back.
func TestQuestion(t *testing.T) {
	var got socket.Question
	state := serve(t, func(q socket.Question) socket.Answer {
		got = q
		return socket.Answer{Refusal: "a pass is under way"}
	})
	q := socket.Question{Version: "v1.2.3", Settings: "5a", Task: "orders"}
	_, err := socket.Ask(t.Context(), state, q, at("r7"))
	if !errors.Is(err, socket.ErrNone) || !strings.Contains(err.Error(), "a pass is under way") {
		t.Errorf("a refusal is told as %v", err)
	}
	if q.Revision = "r7"; got != q {
		t.Errorf("the daemon was asked %+v, want %+v", got, q)
	}
}

// TestNobodyAnswers: without a daemon nobody asks the repository's server either.
func TestNobodyAnswers(t *testing.T) {
	state := filepath.Join(t.TempDir(), "wedatasync.db")
	_, err := socket.Ask(t.Context(), state, socket.Question{}, func(context.Context) (string, error) {
		t.Error("the repository's server is asked")
		return "", nil
	})
	if !errors.Is(err, socket.ErrNone) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a socket: %v", err)
	}
}

// TestHangs: a daemon that does not answer holds nobody up for longer than they wait.
func TestHangs(t *testing.T) {
	state := filepath.Join(t.TempDir(), "wedatasync.db")
	l, err := socket.Listen(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = socket.Ask(ctx, state, socket.Question{}, func(context.Context) (string, error) {
		cancel()
		return "r1", nil
	})
	if !errors.Is(err, socket.ErrNone) {
		t.Errorf("a daemon that hangs is told as %v", err)
	}
}

// TestListen: the socket is its owner's, takes the place of one that a killed daemon left, and
// never that of another file.
func TestListen(t *testing.T) {
	state := filepath.Join(t.TempDir(), "wedatasync.db")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket.Path(state)})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := socket.Listen(t.Context(), state)
	if err != nil {
		t.Fatalf("next to the socket of a killed daemon: %v", err)
	}
	info, err := os.Stat(socket.Path(state))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socket.Path(state)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays after Close: %v", err)
	}
	if err := os.WriteFile(socket.Path(state), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := socket.Listen(t.Context(), state); err == nil {
		t.Error("a file that is not a socket is replaced")
	}
}

// TestStrangers: what is no question, or too long, gets no answer, and stops nothing.
func TestStrangers(t *testing.T) {
	state := serve(t, func(socket.Question) socket.Answer { return socket.Answer{Plan: new(plan.Plan)} })
	var long bytes.Buffer
	if err := gob.NewEncoder(&long).Encode(socket.Question{Task: strings.Repeat("x", socket.MaxQuestion)}); err != nil {
		t.Fatal(err)
	}
	for name, said := range map[string][]byte{"nothing": nil, "no gob": []byte("GET / HTTP/1.1\r\n\r\n"), "too long": long.Bytes()} {
		c, err := net.Dial("unix", socket.Path(state))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(said) // it may be closed before all is written
		if err := c.(*net.UnixConn).CloseWrite(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Logf("%s: %v", name, err)
		}
		if n, _ := c.Read(make([]byte, 1)); n > 0 {
			t.Errorf("%s is answered", name)
		}
		_ = c.Close()
	}
	if _, err := socket.Ask(t.Context(), state, socket.Question{}, at("r1")); err != nil {
		t.Errorf("after strangers: %v", err)
	}
}
