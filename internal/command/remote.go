package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/transport"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/document"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

const (
	// fetchWithin bounds the time of getting a state from a daemon.
	fetchWithin = time.Minute
	// MaxExport bounds a state that is imported, in bytes.
	MaxExport = 1 << 30
)

// fetchState reads the state that a daemon exports. The address is the daemon's, or that of the
// export. A state has to be of the source of s, unless that is a folder: of a checkout nobody
// knows where it comes from.
func fetchState(ctx context.Context, address, token string, s *config.Settings) (k known, err error) {
	dir, err := os.MkdirTemp("", "wedatasync-state-")
	if err != nil {
		return k, fmt.Errorf("make a folder for the state: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Imported, it is checked as any state from elsewhere.
	path := filepath.Join(dir, "wedatasync.db")
	id, err := importState(ctx, address, token, path, s)
	if err != nil {
		return k, err
	}
	imported := *s
	imported.State = path
	if k, err = openStateOf(ctx, &imported, id); err != nil {
		return k, err
	}
	k.records, err = k.reader.Load(ctx)
	err = errors.Join(err, k.close())
	k.reader, k.mirror = nil, ""
	k.control.Restored = false // the daemon's own is not
	return k, err
}

// importState imports the state that is at an address, and returns whose it is. Errors name
// the address without its user and its query, which can hold a token.
func importState(ctx context.Context, address, token, path string, s *config.Settings) (id state.Identity, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	shown := gitremote.Redact(address)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return id, fmt.Errorf("ask the daemon for its state: %s is not a URL", shown)
	}
	if strings.Trim(req.URL.Path, "/") == "" {
		req.URL.Path = "/api/v1/state"
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if token != "" || req.URL.User != nil || req.URL.RawQuery != "" { // either can be a token
		if err := s.PlainHosts.Check(req.URL); err != nil {
			return id, fmt.Errorf("ask the daemon for its state: %s: %w", shown, err)
		}
	}
	roots, err := transport.ReadRootCAs("--ca-file", s.Git.CAFile)
	if err != nil {
		return id, err
	}
	way := transport.New(transport.Options{RootCAs: roots})
	defer way.CloseIdleConnections()
	client := &http.Client{Transport: way, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the address
	}
	if err != nil {
		return id, fmt.Errorf("ask the daemon for its state: %s: %w", shown, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return id, fmt.Errorf("ask the daemon for its state: %s answers %s: give a token that may read with --token-file or %s", shown, res.Status, config.EnvName("token"))
	default:
		return id, fmt.Errorf("ask the daemon for its state: %s answers %s: give the URL of the daemon, or of its /api/v1/state", shown, res.Status)
	}
	id = s.Identity()
	var read bytes.Buffer
	from := io.LimitReader(res.Body, MaxExport)
	if !source.IsGit(s.Source) {
		h, err := document.NewReader(io.TeeReader(from, &read)).Header()
		if err != nil {
			return id, fmt.Errorf("read the state of the daemon: %s: %w", shown, err)
		}
		id = h.Identity
	}
	return id, sqlstore.Import(ctx, path, id, io.MultiReader(&read, from), sqlstore.Options{Actor: "plan"})
}
