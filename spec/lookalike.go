package spec

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"
)

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

// checkLookAlike warns of a name that can be taken for another one.
func (r *reader) checkLookAlike(n *yaml.Node, what, name string) {
	if isASCII(name) {
		return
	}
	if letter, like, found := lookAlike(name); found {
		r.warnf(n, "look-alike", "%s %s has a letter (%s) that looks like %s: write it anew, unless it is meant", what, quote(name), runeName(letter), like)
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
