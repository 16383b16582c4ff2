package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// A tag names one attempt in the description of the version that it submits: a version
// whose description has it was submitted by that attempt's request, and by no other.
const (
	tagOpens  = "(wedatasync:"
	tagCloses = ")"
	tagDigits = 12
)

// Tagged returns the commit to be sent for the attempt with the id: with its tag at the end
// of the description, if the tag can be read back and the description has room for it. The
// spec's own commit stays as it is, and so do its digests.
func Tagged(want *spec.Commit, id string) (tagged *spec.Commit, tag string) {
	sum := sha256.Sum256([]byte(id))
	tag = hex.EncodeToString(sum[:])[:tagDigits]
	desc := strings.TrimSpace(want.VersionDesc + " " + tagOpens + tag + tagCloses)
	if want.InstanceVersion == 0 || len(desc) > spec.MaxText {
		return want, ""
	}
	c := *want
	c.VersionDesc = desc
	return &c, tag
}

// TagIn returns the tag at the end of the description of a version; empty if it has none.
func TagIn(desc string) string {
	rest, ok := strings.CutSuffix(strings.TrimSpace(desc), tagCloses)
	i := strings.LastIndex(rest, tagOpens)
	if !ok || i < 0 {
		return ""
	}
	tag := rest[i+len(tagOpens):]
	if _, err := hex.DecodeString(tag); err != nil || len(tag) != tagDigits {
		return ""
	}
	return tag
}

// tagged reports whether WeData has the version of the attempt, by its own tag.
func tagged(a *state.Attempt, live *state.Live) bool {
	return a.Tag != "" && live != nil && live.Tag == a.Tag
}

// submittedBy reports whether the attempt has submitted its version, by its own tag, and that
// is in production or need not be approved.
func submittedBy(a *state.Attempt, e *Evidence) bool {
	return tagged(a, e.Live) && (e.Live.TagEnabled || e.Approvals == ApprovalNone)
}
