package sqlstore

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gofrs/flock"
	"github.com/wedatasync/wedatasync/state"
)

// maxHolder bounds what is read of a lock file, in bytes.
const maxHolder = 4 << 10

// takeLock makes this process the only one that holds the state. The kernel lets
// go of the lock when the process ends, however it ends; the file stays.
func takeLock(fl files, version string) (*flock.Flock, error) {
	lock := flock.New(fl.lock, flock.SetPermissions(fileMode))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock state %s: %w", fl.db, err)
	}
	if !held {
		return nil, &state.LockedError{Path: fl.db, Holder: readHolder(fl.lock)}
	}
	if err := writeHolder(fl.lock, version); err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("lock state %s: %w", fl.db, err)
	}
	return lock, nil
}

// writeHolder says in the lock file that this process holds the state. It is for
// people to read: the lock is the kernel's.
func writeHolder(name, version string) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	data, err := json.Marshal(state.Holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second), Version: version})
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(data, '\n'), fileMode)
}

// readHolder returns what the lock file says, or nothing if it says nothing.
func readHolder(name string) state.Holder {
	f, err := os.Open(name)
	if err != nil {
		return state.Holder{}
	}
	defer f.Close()
	var h state.Holder
	if json.NewDecoder(io.LimitReader(f, maxHolder)).Decode(&h) != nil {
		return state.Holder{}
	}
	return h
}
