package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/wedatasync/wedatasync/internal/fault"
)

// TestError_SaysNothingTwice: a cause that begins with its kind, or ends with nothing, is
// said once.
func TestError_SaysNothingTwice(t *testing.T) {
	t.Parallel()
	kind := errors.New("repository not found")
	for _, c := range []struct {
		err  fault.Error
		want string
	}{
		{fault.Error{Op: "read source x", Kind: kind, Err: kind, Hint: "check the URL"}, "read source x: repository not found: check the URL"},
		{fault.Error{Kind: kind, Err: fmt.Errorf("%w: no such project", kind)}, "repository not found: no such project"},
		{fault.Error{Kind: kind, Err: errors.New("authentication required: "), Hint: "give a token"}, "repository not found: authentication required: give a token"},
		{fault.Error{Kind: kind, Detail: "main", Err: fmt.Errorf("%w: main: gone", kind)}, "repository not found: main: gone"},
		{fault.Error{Kind: kind, Err: errors.New("repository not foundling")}, "repository not found: repository not foundling"},
		{fault.Error{Kind: kind, Status: 404, Err: kind}, "repository not found (HTTP 404)"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
