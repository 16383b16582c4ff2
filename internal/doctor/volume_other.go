//go:build !linux

package doctor

import "errors"

// volume is where a folder is.
type volume struct {
	free    int64  // bytes that this user may still write
	network string // the kind of network file system; empty for a disk
}

func volumeOf(string) (volume, error) { return volume{}, errors.ErrUnsupported }

// writable reports nothing here: the first write finds out.
func writable(string) error { return nil }
