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

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// fetchWithin bounds the time of getting a state from a daemon.
	fetchWithin = time.Minute
	// MaxExport bounds a state that is imported, in bytes.
	MaxExport = 1 << 30
)

// fetchState reads the state of id that a daemon exports at an address.
func fetchState(ctx context.Context, address string, plain secret.PlainHosts, id state.Identity) (k known, err error) {
	dir, err := os.MkdirTemp("", "wedatasync-state-")
	if err != nil {
		return k, fmt.Errorf("make a folder for the state: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Imported, it is checked as any state from elsewhere.
	path := filepath.Join(dir, "wedatasync.db")
	if err := importState(ctx, address, plain, path, id); err != nil {
		return k, err
	}
	k, err = readState(ctx, path, id)
	k.control.Restored = false // the daemon's own is not
	return k, err
}

// importState imports the state that is at an address. Errors name it without its user
// and its query, which can hold a token.
func importState(ctx context.Context, address string, plain secret.PlainHosts, path string, id state.Identity) (err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	shown := source.Redact(address)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask the daemon for its state: %s is not a URL", shown)
	}
	if req.URL.User != nil || req.URL.RawQuery != "" { // either can be a token
		if err := plain.Check(req.URL); err != nil {
			return fmt.Errorf("ask the daemon for its state: %s: %w", shown, err)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
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
	return state.Import(ctx, path, id, io.LimitReader(res.Body, MaxExport), state.Options{Actor: "plan"})
}
