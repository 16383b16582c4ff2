package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wedatasync/wedatasync/internal/file"
)

// maxFile bounds a status file, in bytes.
const maxFile = 4 << 20

// Path returns the file in which the daemon that has the state leaves its condition.
func Path(statePath string) string { return statePath + ".status" }

// Save writes the condition to the file of the state. Who reads it meanwhile reads the one
// before.
func (s *Status) Save(statePath string) error {
	path := Path(statePath)
	data, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(path+"~", append(data, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(path+"~", path)
	}
	if err != nil {
		return fmt.Errorf("write the status file %s: %w", path, err)
	}
	return nil
}

// Load reads the condition that a daemon has left beside the state. It is nil if none has.
func Load(statePath string) (*Status, error) {
	path := Path(statePath)
	data, err := file.Read("the status file", path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(Status)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("read the status file %s: %w: delete it; a daemon writes it again", path, err)
	}
	return s, nil
}
