package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/transport"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

const (
	// fetchWithin bounds the time of getting a state from a daemon.
	fetchWithin = time.Minute
	// MaxExport bounds a state that is imported, in bytes.
	MaxExport = 1 << 30
)

// fetchState reads the state that a daemon exports at an address.
func fetchState(ctx context.Context, address string, s *config.Settings) (k known, err error) {
	dir, err := os.MkdirTemp("", "wedatasync-state-")
	if err != nil {
		return k, fmt.Errorf("make a folder for the state: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Imported, it is checked as any state from elsewhere.
	path := filepath.Join(dir, "wedatasync.db")
	if err := importState(ctx, address, path, s); err != nil {
		return k, err
	}
	imported := *s
	imported.State = path
	if k, err = openState(ctx, &imported); err != nil {
		return k, err
	}
	k.records, err = k.reader.Load(ctx)
	err = errors.Join(err, k.close())
	k.reader, k.mirror = nil, ""
	k.control.Restored = false // the daemon's own is not
	return k, err
}

// importState imports the state that is at an address. Errors name it without its user
// and its query, which can hold a token.
func importState(ctx context.Context, address, path string, s *config.Settings) (err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	shown := gitremote.Redact(address)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask the daemon for its state: %s is not a URL", shown)
	}
	if req.URL.User != nil || req.URL.RawQuery != "" { // either can be a token
		if err := s.PlainHosts.Check(req.URL); err != nil {
			return fmt.Errorf("ask the daemon for its state: %s: %w", shown, err)
		}
	}
	roots, err := transport.ReadRootCAs("--ca-file", s.Git.CAFile)
	if err != nil {
		return err
	}
	way := transport.New(transport.Options{RootCAs: roots})
	defer way.CloseIdleConnections()
	client := &http.Client{Transport: way, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the address
	}
	if err != nil {
		return fmt.Errorf("ask the daemon for its state: %s: %w", shown, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the daemon for its state: %s answers %s: give the URL of its /api/v1/state", shown, res.Status)
	}
	return sqlstore.Import(ctx, path, s.Identity(), io.LimitReader(res.Body, MaxExport), sqlstore.Options{Actor: "plan"})
}
