package decode_test

import (
	"fmt"
	"testing"

	"github.com/wedatasync/wedatasync/spec/internal/decode"
)

// TestBadEscape finds the escape, and says what to write: JSON writers use some that YAML does
// not know.
func TestBadEscape(t *testing.T) {
	for text, want := range map[string]string{
		`a: "\ud83d\ude80 go"`:              `1:5 \ud83d\ude80 is a character in two halves, as JSON has it and YAML has not: write \U0001F680, or the character itself`,
		"b: 1\na: \"é\\n x\\/y\\/z\"":       `2:10 \/ is a slash in JSON and nothing in YAML: write / alone`,
		`a: "C:\\dir\data\new"`:             `1:12 \d means nothing in "double quotes": write \\d for a backslash, or use 'single quotes'`,
		`a: "\` + "\u00e9\"":                `1:5 \é means nothing in "double quotes": write \\é for a backslash, or use 'single quotes'`,
		`a: "\u12"`:                         `1:5 \u begins a character in 4 hexadecimal digits, which do not follow: write \\u for a backslash, or use 'single quotes'`,
		`a: "\xg0"`:                         `1:5 \x begins a character in 2 hexadecimal digits, which do not follow: write \\x for a backslash, or use 'single quotes'`,
		`a: "\ud83d alone"`:                 `1:5 \ud83d is no character: write the one that is meant`,
		`a: "\ud83d\u0041"`:                 `1:5 \ud83d is no character: write the one that is meant`,
		`a: "\U00110000"`:                   `1:5 \U00110000 is no character: write the one that is meant`,
		`{"a": '\d', "b": "\t", "c": "\i"}`: `1:30 \i means nothing in "double quotes": write \\i for a backslash, or use 'single quotes'`,
		"a: \"many\n  lines \\q\"":          `2:9 \q means nothing in "double quotes": write \\q for a backslash, or use 'single quotes'`,
		`a: [`:                              `0:0 `,
		`a: "\`:                             `0:0 `,
	} {
		line, column, advice := decode.BadEscape([]byte(text))
		if got := fmt.Sprintf("%d:%d %s", line, column, advice); got != want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
}
