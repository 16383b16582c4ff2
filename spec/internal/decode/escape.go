package decode

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/text"
)

// longest is the length of the longest escape, \U0010FFFF.
const longest = len(`\U0010FFFF`)

// BadEscape finds the escape in double quotes that the YAML library gives up on, and what to
// write in its place. line is 0 if there is none where it gave up.
func BadEscape(data []byte) (line, column int, advice string) {
	read := gaveUp(data)
	for at := max(0, read-longest); at < read; {
		escape := data[at:]
		switch {
		case escape[0] != '\\':
			at++
			continue
		case len(escape) == 1:
			return 0, 0, ""
		}
		if n := goodEscape(escape); n > 0 {
			at += n
			continue
		}
		start := bytes.LastIndexByte(data[:at], '\n') + 1
		return 1 + bytes.Count(data[:at], []byte("\n")), 1 + utf8.RuneCount(data[start:at]), adviceOn(escape)
	}
	return 0, 0, ""
}

// digits is how many hexadecimal digits follow a letter.
var digits = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// goodEscape returns the length of an escape that the library takes, or 0.
func goodEscape(escape []byte) int {
	n := digits[escape[1]]
	if n == 0 {
		if strings.IndexByte("0abt\tnvfre \"'\\N_LP\r\n", escape[1]) < 0 {
			return 0
		}
		return 2
	}
	if r, ok := unit(escape, n); !ok || utf16.IsSurrogate(r) || r > utf8.MaxRune {
		return 0
	}
	return 2 + n
}

// unit reads the digits of an escape.
func unit(escape []byte, n int) (rune, bool) {
	if len(escape) < 2+n {
		return 0, false
	}
	r, err := strconv.ParseUint(string(escape[2:2+n]), 16, 32)
	return rune(r), err == nil
}

func adviceOn(escape []byte) string {
	n := digits[escape[1]]
	r, ok := unit(escape, n)
	switch {
	case n == 0 && escape[1] == '/':
		return `\/ is a slash in JSON and nothing in YAML: write / alone`
	case n == 0:
		_, size := utf8.DecodeRune(escape[1:])
		return fmt.Sprintf(`%s means nothing in "double quotes": write \%[1]s for a backslash, or use 'single quotes'`, text.Printable(string(escape[:1+size])))
	case !ok:
		return fmt.Sprintf(`\%c begins a character in %d hexadecimal digits, which do not follow: write \\%[1]c for a backslash, or use 'single quotes'`, escape[1], n)
	case n == 4 && len(escape) > 6 && bytes.HasPrefix(escape[6:], []byte(`\u`)):
		if second, ok := unit(escape[6:], n); ok {
			if whole := utf16.DecodeRune(r, second); whole != utf8.RuneError {
				return fmt.Sprintf(`%s is a character in two halves, as JSON has it and YAML has not: write \U%08X, or the character itself`, escape[:12], whole)
			}
		}
	}
	return fmt.Sprintf(`%s is no character: write the one that is meant`, escape[:2+n])
}
