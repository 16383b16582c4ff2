package text

import (
	"unicode"
	"unicode/utf8"
)

// hidden are the characters that cannot be seen: controls, formats, spaces other than the
// plain one, what is for private use, no character at all, or left to be ignored, also where
// Unicode has only reserved it for that, and what is blank. They are spelled out, so that no
// file becomes valid or invalid with another Unicode of another Go; spec/schema.json spells
// the same ones.
var hidden = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0000, 0x001f, 1},
		{0x007f, 0x00a0, 1},
		{0x00ad, 0x00ad, 1},
		{0x034f, 0x034f, 1},
		{0x0600, 0x0605, 1},
		{0x061c, 0x061c, 1},
		{0x06dd, 0x06dd, 1},
		{0x070f, 0x070f, 1},
		{0x0890, 0x0891, 1},
		{0x08e2, 0x08e2, 1},
		{0x115f, 0x1160, 1},
		{0x1680, 0x1680, 1},
		{0x17b4, 0x17b5, 1},
		{0x180b, 0x180f, 1},
		{0x2000, 0x200f, 1},
		{0x2028, 0x202f, 1},
		{0x205f, 0x206f, 1},
		{0x2800, 0x2800, 1},
		{0x3000, 0x3000, 1},
		{0x3164, 0x3164, 1},
		{0xe000, 0xf8ff, 1},
		{0xfdd0, 0xfdef, 1},
		{0xfe00, 0xfe0f, 1},
		{0xfeff, 0xfeff, 1},
		{0xffa0, 0xffa0, 1},
		{0xfff0, 0xfffb, 1},
		{0xfffe, 0xffff, 1},
	},
	R32: []unicode.Range32{
		{0x110bd, 0x110bd, 1},
		{0x110cd, 0x110cd, 1},
		{0x13430, 0x1343f, 1},
		{0x1bca0, 0x1bca3, 1},
		{0x1d173, 0x1d17a, 1},
		{0x1fffe, 0x1ffff, 1},
		{0x2fffe, 0x2ffff, 1},
		{0x3fffe, 0x3ffff, 1},
		{0x4fffe, 0x4ffff, 1},
		{0x5fffe, 0x5ffff, 1},
		{0x6fffe, 0x6ffff, 1},
		{0x7fffe, 0x7ffff, 1},
		{0x8fffe, 0x8ffff, 1},
		{0x9fffe, 0x9ffff, 1},
		{0xafffe, 0xaffff, 1},
		{0xbfffe, 0xbffff, 1},
		{0xcfffe, 0xcffff, 1},
		{0xdfffe, 0xe0fff, 1},
		{0xefffe, 0x10ffff, 1},
	},
	LatinOffset: 3,
}

// Hidden reports whether a character cannot be seen: it does not print, or it is one
// that Unicode leaves to be ignored, such as a filler (U+3164), or blank.
func Hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.Is(hidden, r)
}
