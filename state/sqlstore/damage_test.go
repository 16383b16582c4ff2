package sqlstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// sampleFiles makes a state of about 64 KiB and returns its files, by extension,
// and what it says. With a log, the newest half of it is only there.
func sampleFiles(t testing.TB, withLog bool) (map[string][]byte, content) {
	t.Helper()
	path := statePath(t)
	s := open(t, path)
	adopt(t, s, 12)
	if withLog {
		s.Close()
		s = open(t, path)
	}
	control := state.Control{Revision: "9fceb02d0ae598e95dc970b74767f19372d61af8"}
	for n := range 3 {
		tr := intent(n)
		tr.Control = &control
		if err := s.Save(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sqlstore.Enqueue(t.Context(), path, command(1)); err != nil {
		t.Fatal(err)
	}
	if !withLog {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string][]byte{}
	for _, ext := range []string{"", "-wal", ".head"} {
		data, err := os.ReadFile(path + ext)
		if err == nil {
			all[ext] = data
		} else if ext != "-wal" || withLog {
			t.Fatal(err)
		}
	}
	return all, mustRead(t, path)
}

// damaged is one way to spoil one file of a state.
type damaged struct {
	ext   string
	where int
	spoil func(data []byte, where int) []byte
}

func flipBit(data []byte, bit int) []byte {
	data[bit/8] ^= 1 << (bit % 8)
	return data
}

func truncate(data []byte, size int) []byte { return data[:size] }

// TestEveryDamageIsMetOrHarmless flips single bits of a state, and cuts its files
// at every length: it is refused, or says exactly what it said before.
func TestEveryDamageIsMetOrHarmless(t *testing.T) {
	bitStep, cutStep := 61*slower, 509*slower
	logBitStep := 4 * bitStep
	if *long {
		bitStep, cutStep, logBitStep = 1, 1, 7
	}
	for _, tt := range []struct {
		name             string
		withLog          bool
		ext              string
		bitStep, cutStep int
	}{
		{"database", false, "", bitStep, cutStep},
		{"head", false, ".head", 1, 1},
		{"database with a log", true, "", logBitStep, cutStep},
		{"log", true, "-wal", logBitStep, cutStep},
		{"head with a log", true, ".head", 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files, want := sampleFiles(t, tt.withLog)
			size := len(files[tt.ext])
			var all []damaged
			for bit := 0; bit < size*8; bit += tt.bitStep {
				all = append(all, damaged{tt.ext, bit, flipBit})
			}
			for cut := 0; cut < size; cut += tt.cutStep {
				all = append(all, damaged{tt.ext, cut, truncate})
			}
			met := 0
			dir := memDir(t)
			for n, d := range all {
				path := filepath.Join(dir, fmt.Sprintf("%d.db", n))
				err := d.try(t.Context(), path, files, want)
				if errors.Is(err, errOther) {
					t.Errorf("%s at %d of %d: %v", tt.name, d.where, size, err)
				}
				if err != nil {
					met++
				}
			}
			t.Logf("%d bytes, %d damages: %d met, %d harmless", size, len(all), met, len(all)-met)
			if tt.ext == ".head" && met != len(all) {
				t.Errorf("%d damages of the head were not met", len(all)-met)
			}
		})
	}
}

// errOther says that a damaged state was taken for good and says something else.
var errOther = errors.New("the state says something else")

// try spoils the state at path and returns why it is refused, nil if it is as it
// was, or errOther.
func (d damaged) try(ctx context.Context, path string, files map[string][]byte, want content) error {
	for ext, data := range files {
		if ext == d.ext {
			data = d.spoil(bytes.Clone(data), d.where)
		}
		if err := os.WriteFile(path+ext, data, 0o600); err != nil {
			return err
		}
		defer os.Remove(path + ext)
	}
	defer os.Remove(path + "-shm")
	defer os.Remove(path + "-wal")
	return sqlstore.VerifyAndRead(ctx, path, sampleIdentity(), func(r *sqlstore.Reader) error {
		got, err := read(ctx, r)
		if err != nil {
			return err
		}
		// A command that was only in a log may be gone with it: who enqueued it sees that.
		if len(got.Commands) == 0 {
			got.Commands = want.Commands
		}
		if !reflect.DeepEqual(want, got) {
			return fmt.Errorf("%w (-want +got):\n%s", errOther, cmp.Diff(want, got))
		}
		return nil
	})
}
