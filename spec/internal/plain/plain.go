// Package plain knows what programs that read YAML take unquoted text for. They differ:
// YAML 1.1 and 1.2 name other numbers and truth values, some have dates, and many keep
// numbers in 64 bits of floating point. What one of them reads as something else, it
// writes in another way when it saves the file.
//
// Nothing but this rule is in here. The real programs are asked in .ci/clients.
package plain

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Kind is what some programs take text for.
type Kind string

// The kinds that are written back in another way.
const (
	Text   Kind = "" // all programs read and write it as it is
	Number Kind = "a number"
	Date   Kind = "a date"
	Truth  Kind = "true or false"
	Symbol Kind = "something other than text"
)

// numbers are those of YAML 1.1 and 1.2, and of Ruby, in which commas group digits.
// They are compiled when a text first begins as one: most programs that start read none.
var numbers = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[-+]?(?:` + strings.Join([]string{
		`(?:[0-9][0-9_]*)?(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?`,
		`0[0-7_,]*|[1-9](?:[,_]?[0-9])*|[0-9][0-9_,]*\.[0-9]*(?:[eE][-+][0-9]+)?`, // Ruby
		`0[xX][0-9a-fA-F_,]+|0[oO][0-7_]+|0[bB][01_]+`,
		`[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?`, // minutes and seconds
		`\.(?:inf|Inf|INF|nan|NaN|NAN)`,
	}, "|") + `)$`)
})

var dates = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}.*)?)?$`)
})

// Read returns what some programs take unquoted text for.
func Read(s string) Kind {
	if s == "" {
		return Text
	}
	switch c := s[0]; {
	case s == "+" || s == "-":
	case s == "=" || s == "<<" || c == ':':
		return Symbol
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || (c|0x20 == 'e' && len(s) > 1 && strings.Trim(s[1:], "+-0123456789") == ""):
		switch {
		case dates().MatchString(s):
			return Date
		case numbers().MatchString(s) && !isStable(s):
			return Number
		}
	case len(s) <= len("false"):
		switch strings.ToLower(s) {
		case "y", "n", "yes", "no", "on", "off":
			return Truth
		case "true", "false":
			if s != strings.ToLower(s) {
				return Truth
			}
		}
	}
	return Text
}

// isStable reports whether every program writes the number as it is.
func isStable(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if strings.Trim(digits, "0123456789.") != "" || s == "-0" {
		return false
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || strconv.FormatFloat(f, 'f', -1, 64) != digits {
		return false
	}
	// Some write an exponent for what has a fraction and is small or large, does not fit in
	// 64 bits, or ends with many zeros.
	if strings.Contains(digits, ".") {
		return f == 0 || f >= 1e-4 && f < 1e6
	}
	_, err = strconv.ParseUint(digits, 10, 64)
	if s != digits {
		_, err = strconv.ParseInt(s, 10, 64)
	}
	return err == nil && len(digits)-len(strings.TrimRight(digits, "0")) <= 15
}
