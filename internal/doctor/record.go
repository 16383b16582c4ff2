package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/wedatasync/wedatasync/internal/recording"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile/pace"
)

// Record reads one task, named PROJECT/TASK, in each way in which the program could, and
// writes the answers, masked, to a file that is not there yet. It says on w how many there are.
func Record(ctx context.Context, w io.Writer, s Subject, task, path string) (err error) {
	project, id, ok := strings.Cut(task, "/")
	if !ok || project == "" || id == "" {
		return fmt.Errorf("record: %q is not a task: name it as PROJECT/TASK", task)
	}
	found, err := wedata.FindCredentials(ctx, wedata.CredentialSources{Getenv: s.Getenv})
	if err != nil {
		return err
	}
	client, err := s.connect(found)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	pacer := pace.New(readRate)
	r, err := recording.Make(ctx, func(ctx context.Context, action string, params map[string]any) (json.RawMessage, error) {
		return client.Raw(ctx, action, params, pacer.Gate)
	}, project, id)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("record: write the file, which must not exist: %w", err)
	}
	if err := errors.Join(r.Write(file), file.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Recorded %d answers in %s. Read it before you show it to others.\n", len(r.Exchanges), path)
	return err
}
