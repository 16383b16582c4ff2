package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

const (
	// fetchWithin bounds the time, and maxExport the bytes, of a state from a daemon.
	fetchWithin = time.Minute
	maxExport   = 1 << 30
)

// fetchState reads the state of id that a daemon exports at a URL.
func fetchState(ctx context.Context, url string, id state.Identity) (k known, err error) {
	dir, err := os.MkdirTemp("", "wedatasync-state-")
	if err != nil {
		return k, fmt.Errorf("make a folder for the state: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Imported, it is checked as any state from elsewhere.
	path := filepath.Join(dir, "wedatasync.db")
	if err := importState(ctx, url, path, id); err != nil {
		return k, err
	}
	k, err = readState(ctx, path, id)
	k.control.Restored = false // the daemon's own is not
	return k, err
}

func importState(ctx context.Context, url, path string, id state.Identity) (err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask the daemon for its state: %w", err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the daemon for its state: %w", err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the daemon for its state: %s answers %s: give the URL of its /api/v1/state", url, res.Status)
	}
	return state.Import(ctx, path, id, io.LimitReader(res.Body, maxExport), state.Options{Actor: "plan"})
}
