package plan

import (
	"testing"

	"github.com/wedatasync/wedatasync/state"
)

// TestLearnOperator: our own account is the one that reads name for our commits more often than
// any other. Others operate a task between a commit and the read, too.
func TestLearnOperator(t *testing.T) {
	for name, tt := range map[string]struct {
		named string // o is our own account, x another one, n the one of new credentials
		want  string
	}{
		"nothing is known":              {"", ""},
		"once may be somebody else":     {"o", ""},
		"twice":                         {"oo", "o"},
		"twice, with another before":    {"xoo", "o"},
		"one other at first":            {"ox", ""},
		"two others later":              {"ooooxx", "o"},
		"two others after very many":    {"ooooooooooooxx", "o"},
		"others now and then":           {"oooxooxxooo", "o"},
		"new credentials":               {"oooooooonnnnnnn", "n"},
		"new credentials, and not sure": {"oooooooonnnn", ""},
	} {
		var c state.Control
		for i, named := range tt.named {
			rec := &state.Record{Attempt: &state.Attempt{Before: &state.Live{OperateID: "before"}}}
			if next := LearnOperator(c, rec, &state.Live{OperateID: string(rune('a' + i)), Operator: string(named)}); next != nil {
				c = *next
			}
		}
		if got := Operator(&c); got != tt.want {
			t.Errorf("%s: after %s our own account is %q, want %q", name, tt.named, got, tt.want)
		}
	}
}
