package serve

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// maxPush is how much of a webhook's body is looked at, in bytes: forges say early which
// branch was pushed.
const maxPush = 64 << 10

// head keeps the first bytes that are written to it.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), maxPush-h.Len())])
	return len(p), nil
}

// push is what a webhook says of a push to a branch; zero where it tells of something else,
// or in another way.
type push struct {
	branch string // its full name
	after  string // the commit that it is at now
}

// pushIn reads what the beginning of a body says. The forges agree about these two fields.
func pushIn(body []byte) push {
	var p push
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return push{}
	}
	for dec.More() && (p.branch == "" || p.after == "") {
		name, err := dec.Token()
		if err != nil {
			return push{}
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return push{} // cut off
		}
		switch name {
		case "ref":
			_ = json.Unmarshal(value, &p.branch) // something else is no branch
		case "after":
			_ = json.Unmarshal(value, &p.after)
		}
	}
	if !strings.HasPrefix(p.branch, "refs/heads/") || !isCommit(p.after) {
		return push{} // a tag, or a branch that is gone
	}
	return p
}

// isCommit reports whether the text names a commit; all zeros say that there is none.
func isCommit(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == 40 && strings.Trim(text, "0") != ""
}
