package spec

import (
	"bytes"
	"encoding/binary"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// checkText says why the bytes are no text that a spec may be, or returns nil.
// It comes before any parsing: what passes is bounded UTF-8 whose lines count as
// people and editors count them. The byte order mark must be off.
func checkText(name string, data []byte) *Problem {
	bad := func(line, column int, code, message string) *Problem {
		p := problemf(Pos{File: name, Line: line, Column: column}, code, "%s", message)
		return &p
	}
	switch {
	case len(data) > MaxFileSize:
		return bad(1, 1, "file-too-large", "the file is larger than 4 MiB: split it into several files")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return bad(1, 1, "not-utf8", "the file is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")):
		return bad(1, 1, "lfs-pointer", "the file is a Git LFS pointer, not a spec: keep specs out of LFS (git lfs untrack, then commit the file itself)")
	}

	values := newValueCount(data)
	for line, row := range rows(data) {
		if string(row) == "---" { // of which a file can have a million
			values.n = 1
			continue
		}
		values.add(line, row)
		if i, code, message := badCharacter(row); i >= 0 {
			return bad(line, 1+utf8.RuneCount(row[:i]), code, message)
		}
		if isConflictMarker(row) {
			return bad(line, 1, "conflict-marker", "a merge was left unfinished here: resolve the conflict and remove the marker lines")
		}
		if bytes.HasPrefix(row, []byte("%")) {
			return bad(line, 1, "directive", "directives (%YAML, %TAG) are not used in specs: remove the line")
		}
	}
	if values.over > 0 {
		return bad(values.over, 1, "too-many-values", "the document has more commas, colons and brackets than specs need: split it into several files")
	}
	return nil
}

// rows yields the lines of data, without their ends, and counts them from 1.
func rows(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for line := 1; len(data) > 0; line++ {
			row, end := data, bytes.IndexByte(data, '\n')
			if data = nil; end >= 0 {
				row, data = row[:end], row[end+1:]
				if end > 0 && row[end-1] == '\r' {
					row = row[:end-1]
				}
			}
			if !yield(line, row) {
				return
			}
		}
	}
}

// badCharacter finds the first character of a line that no spec may hold, or
// returns -1.
func badCharacter(row []byte) (at int, code, message string) {
	for i := 0; i < len(row); {
		if i+8 <= len(row) && isPlain(binary.LittleEndian.Uint64(row[i:])) {
			i += 8
			continue
		}
		c := row[i]
		if c >= ' ' && c < 0x7f || c == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(row[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return i, "not-utf8", "the file is not UTF-8 here: save it as UTF-8"
		case r == 0:
			return i, "control-character", "there is a NUL byte here: the file is binary or UTF-16; save it as UTF-8 text"
		case r == '\r':
			return i, "control-character", `there is a lone carriage return here: end lines with "\n" or "\r\n"`
		case isControl(r):
			return i, "control-character", "there is a control character here (" + runeName(r) + "): remove it"
		case isBidi(r):
			return i, "bidi-control", "there is a character here that reorders the text on screen (" + runeName(r) + "): remove it"
		}
		i += size
	}
	return -1, "", ""
}

// isPlain reports whether eight bytes are each from ' ' to '~'.
func isPlain(eight uint64) bool {
	const each, top = 0x0101010101010101, 0x8080808080808080
	return (eight|(eight+each)|(eight-' '*each))&top == 0
}

// isControl reports whether r is a control character, or one that only some
// readers take for the end of a line, or no character at all.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 ||
		r == '\u2028' || r == '\u2029' || r == '\ufeff' || r&0xfffe == 0xfffe
}

// isBidi reports whether r changes the direction of the text around it.
func isBidi(r rune) bool {
	return r == '\u061c' || r == '\u200e' || r == '\u200f' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func isConflictMarker(row []byte) bool {
	if len(row) < 7 || strings.IndexByte("<=>|", row[0]) < 0 {
		return false
	}
	mark, rest := row[:7], row[7:]
	return bytes.Count(mark, row[:1]) == 7 && (len(rest) == 0 || rest[0] == ' ')
}

// valueCount finds the line where a document has more values than specs of the file's
// size need: a value costs the YAML library several hundred bytes, however short it is.
type valueCount struct {
	limit int // 0: there cannot be too many
	n     int // of the document, so far
	over  int // the line; 0 if there is none
}

func newValueCount(data []byte) valueCount {
	limit, most := min(maxValues, minValues+len(data)/3), 0
	for _, c := range ",:[{-?" { // each value but the first of a document is after one of these
		most += bytes.Count(data, []byte{byte(c)})
	}
	if most <= limit {
		limit = 0
	}
	return valueCount{limit: limit}
}

func (v *valueCount) add(line int, row []byte) {
	if v.limit == 0 || v.over > 0 {
		return
	}
	if bytes.HasPrefix(row, []byte("---")) {
		v.n = 0
	}
	if v.n += countValues(row); v.n > v.limit {
		v.over = line
	}
}

// countValues counts the places of a line where a YAML value may begin.
func countValues(row []byte) int {
	n := 0
	for i, c := range row {
		switch c {
		case ',', ':', '[', '{':
			n++
		case '-', '?':
			if i+1 == len(row) || row[i+1] == ' ' || row[i+1] == '\t' {
				n++
			}
		}
	}
	return n
}

// latinTwins are letters of Cyrillic and Greek that most fonts draw as those of Latin.
const latinTwins = "аАВеЕёЁЗіІїЇјЈкКМНоОрРсСТуУхХѕЅһԁԛԝԌӏҮү" + "αΑΒΕΖΗΙΚΜΝνοΟρΡΤυΥχΧϲϳ"

// beside are scripts whose letters stand beside others, and look like none of them.
var beside = [...]*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Common, unicode.Inherited}

// lookAlike returns a letter of a name that can be taken for one of another script: the
// name has letters of two scripts, or only such as Latin has, too, or one in another
// form. How fonts draw the rest is not known here.
func lookAlike(name string) (letter rune, like string, found bool) {
	var first, twin rune
	var of string
	twins := true
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		if plain := norm.NFKC.String(string(r)); r >= utf8.RuneSelf && plain[0] < utf8.RuneSelf {
			return r, "a plain " + plain, true
		}
		script := scriptOf(r)
		switch {
		case script == "":
			continue
		case of == "":
			first, of = r, script
		case script != of && script == "Latin":
			return first, "Latin", true
		case script != of:
			return r, of, true
		}
		if strings.ContainsRune(latinTwins, r) {
			twin = r
		} else {
			twins = false
		}
	}
	return twin, "Latin", twins && twin != 0
}

// scriptOf names the script of a letter, or returns "" if it goes with every other.
func scriptOf(r rune) string {
	switch {
	case unicode.Is(unicode.Latin, r):
		return "Latin"
	case unicode.IsDigit(r) || unicode.In(r, beside[:]...):
		return ""
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
