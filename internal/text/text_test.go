package text_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/text"
)

// TestHidden: of the characters that this version of Unicode has, those are hidden that do
// not print, are left to be ignored, or are blank. It also fails with a Unicode that has
// another character of these: then it is to be spelled out, here and in the schema.
func TestHidden(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		ignored := unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Noncharacter_Code_Point)
		if !utf8.ValidRune(r) || unicode.Is(unicode.Cn, r) && !ignored {
			continue
		}
		want := ignored || r == 0x2800 || !unicode.IsPrint(r)
		if got := text.Hidden(r); got != want {
			t.Errorf("%U is hidden: %v, want %v", r, got, want)
		}
	}
	for name, r := range map[string]rune{"assigned by Unicode 16": 0x1c89, "by Unicode 17": 0x1e6c0, "by none so far": 0x0378} {
		if text.Hidden(r) {
			t.Errorf("%U, %s, is hidden", r, name)
		}
	}
}

func TestClip(t *testing.T) {
	for _, test := range []struct {
		s     string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"orders", 6, "orders"},
		{"orders", 5, "or…"},
		{"orders", 3, "…"},
		{"orders", 2, ""}, // the ellipsis does not fit
		{"orders", -1, ""},
		{"订单", 6, "订单"},
		{"订单表", 8, "订…"},
		{"\x80\x80\x80\x80\x80", 4, "…"},
	} {
		if got := text.Clip(test.s, test.limit); got != test.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", test.s, test.limit, got, test.want)
		}
	}
}

// TestOneLine: what cannot be seen is a space, by one rule whoever asks.
func TestOneLine(t *testing.T) {
	for s, want := range map[string]string{
		"as it is":             "as it is",
		"  two\r\n\tlines\x00": "two lines",
		"a\u00a0b\u3000c":      "a b c", // spaces of other kinds
		"a\u202eb\u200bc":      "a b c", // turns the line around; has no width
		"a\u3164b\u2800c":      "a b c", // fillers, which print
		"\x1b[31mred":          "[31mred",
		"a\xffb":               "a\uFFFDb",
		"订单：ｏｋ":                "订单：ｏｋ",
	} {
		if got := text.OneLine(s, 100); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		`a "b" \c`:     `a "b" \c`,
		"a\n\"b\"":     `a\n"b"`,
		"a\u3164b\xff": `a\u3164b\xff`,
	} {
		if got := text.Printable(s); got != want {
			t.Errorf("Printable(%q) = %q, want %q", s, got, want)
		}
	}
}

// FuzzText holds the functions to what their comments say, for every text.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "-n", "a 'b' \"c\" \\", "a\x1b[1m\r\nb", "订单\u202e\u3164\u2800\ufe0f", "\xff\xfe\x80", "$(id)`id`;!#~*?", "::error::x\n##[error]y:"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit %= 64
		clipped := text.Clip(s, limit)
		if len(clipped) > max(limit, 0) && clipped != s {
			t.Errorf("Clip(%q, %d) has %d bytes", s, limit, len(clipped))
		}
		if !strings.HasPrefix(s, strings.TrimSuffix(clipped, "…")) {
			t.Errorf("Clip(%q, %d) = %q, which is another text", s, limit, clipped)
		}
		if utf8.ValidString(s) && !utf8.ValidString(clipped) {
			t.Errorf("Clip(%q, %d) = %q, which breaks a character", s, limit, clipped)
		}
		line := text.OneLine(s, limit)
		if len(line) > max(limit, 0) || !visible(line) {
			t.Errorf("OneLine(%q, %d) = %q", s, limit, line)
		}
		if again := text.OneLine(line, limit); strings.TrimSpace(again) != again || !strings.HasPrefix(again, strings.TrimSuffix(line, " …")) {
			t.Errorf("OneLine(%q, %d) = %q, and of that %q", s, limit, line, again)
		}
		if shown := text.Visible(s); !visible(shown) || strings.Contains(shown, "##") || strings.HasPrefix(shown, "::") {
			t.Errorf("Visible(%q) = %q", s, shown)
		}
		var log strings.Builder
		if _, err := text.NoCommands(&log).Write([]byte(s)); err != nil || strings.Contains(log.String(), "##") || strings.HasPrefix(strings.TrimLeft(log.String(), " \r\n"), "::") {
			t.Errorf("NoCommands writes %q as %q, %v", s, log.String(), err)
		}
		if shown := text.Printable(s); !visible(shown) {
			t.Errorf("Printable(%q) = %q", s, shown)
		}
		quoted := text.Quote(s, len(s))
		if back, err := strconv.Unquote(quoted); err != nil || back != s || !visible(quoted) {
			t.Errorf("Quote(%q) = %s, which reads %q, %v", s, quoted, back, err)
		}
		if word := text.ShellWord(s); unquoteShell(word) != s {
			t.Errorf("ShellWord(%q) = %s, which a shell reads as %q", s, word, unquoteShell(word))
		}
	})
}

func visible(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, text.Hidden) }

// unquoteShell reads one word as a POSIX shell does, or returns what s cannot be.
func unquoteShell(word string) string {
	const wrong = "\x00 not one word"
	var b strings.Builder
	for word != "" {
		switch {
		case word[0] == '\'':
			inside, rest, closed := strings.Cut(word[1:], "'")
			if !closed {
				return wrong
			}
			b.WriteString(inside)
			word = rest
		case strings.HasPrefix(word, `\'`):
			b.WriteByte('\'')
			word = word[2:]
		case strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,", rune(word[0])):
			b.WriteByte(word[0])
			word = word[1:]
		default:
			return wrong
		}
	}
	return b.String()
}
