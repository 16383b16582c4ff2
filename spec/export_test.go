package spec

import "github.com/wedatasync/wedatasync/spec/internal/decode"

// HalvedSize is from how many bytes on a file is decoded in two halves.
var HalvedSize = &halvedSize

// Halved reports whether a file that is large enough is decoded in two halves.
func Halved(data []byte) bool { return decode.Halves(data) != nil }

// NotInID and NotInText report whether an id or a text must not hold the character.
var (
	NotInID   = notInID
	NotInText = notInText
)
