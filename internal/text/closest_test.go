package text_test

import (
	"testing"

	"github.com/wedatasync/wedatasync/internal/text"
)

func TestClosest(t *testing.T) {
	t.Parallel()
	words := []string{"state", "status", "json", "resume", "at"}
	for word, want := range map[string]string{
		"stauts": "status", "STATE": "state", "sttae": "state", "jsno": "json", "resum": "resume", "rezumee": "resume",
		"staging": "", "x": "", "": "", "ta": "", "statuses!": "",
	} {
		if got := text.Closest(word, words); got != want {
			t.Errorf("Closest(%q) = %q, want %q", word, got, want)
		}
	}
}
