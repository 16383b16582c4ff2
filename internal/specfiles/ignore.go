package specfiles

import (
	"fmt"
	"slices"
	"strings"
)

// ignores are the patterns of an ignore file, in its order, with git's meaning: the last
// one that fits decides.
type ignores []pattern

// pattern is one line of an ignore file.
type pattern struct {
	negated bool   // what it fits is not ignored
	folders bool   // it fits folders only
	parts   []glob // of a path below the source's path
}

// glob is what one name of a path must be like.
type glob struct {
	any    bool      // "**": any number of names
	pieces [][]class // what stands between the stars; at least one
}

// class is the set of bytes that may stand in one place.
type class [4]uint64

func (c *class) add(b byte)      { c[b>>6] |= 1 << (b & 63) }
func (c *class) has(b byte) bool { return c[b>>6]&(1<<(b&63)) != 0 }

// parsePattern reads a line. It reports false if there is nothing in it.
func parsePattern(line string) (p pattern, ok bool, err error) {
	if strings.HasPrefix(line, "#") {
		return p, false, nil
	}
	line = trimBlanks(strings.TrimSuffix(line, "\r"))
	line, p.negated = strings.CutPrefix(line, "!")
	line, p.folders = strings.CutSuffix(line, "/")
	if strings.Trim(line, " \t") == "" {
		return p, false, nil // git takes it for a name that nothing has
	}
	anchored := strings.Contains(line, "/")
	if !anchored {
		p.parts = append(p.parts, glob{any: true})
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(line, "/"), "/") {
		g := glob{any: anchored && len(part) > 1 && strings.Trim(part, "*") == ""}
		if !g.any {
			if g.pieces, err = parseGlob(part); err != nil {
				return p, false, err
			}
		}
		p.parts = append(p.parts, g)
	}
	return p, true, nil
}

// trimBlanks takes away spaces at the end but for one that is escaped.
func trimBlanks(line string) string {
	short := strings.TrimRight(line, " ")
	slashes := len(short) - len(strings.TrimRight(short, `\`))
	if len(short) < len(line) && slashes%2 == 1 {
		return line[:len(short)+1]
	}
	return short
}

// parseGlob reads the pattern of one name.
func parseGlob(text string) ([][]class, error) {
	pieces := [][]class{nil}
	for i := 0; i < len(text); i++ {
		var c class
		switch text[i] {
		case '*':
			if last := len(pieces) - 1; last == 0 || len(pieces[last]) > 0 {
				pieces = append(pieces, nil)
			}
			continue
		case '?':
			c = class{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		case '[':
			n, err := parseClass(text[i+1:], &c)
			if err != nil {
				return nil, err
			}
			i += n
		case '\\':
			if i++; i == len(text) {
				return nil, errPattern
			}
			c.add(text[i])
		default:
			c.add(text[i])
		}
		last := len(pieces) - 1
		pieces[last] = append(pieces[last], c)
	}
	return pieces, nil
}

// errPattern says that a line is no pattern.
var errPattern = fmt.Errorf("%w: it is not a pattern", ErrIgnoreFile)

// parseClass reads what follows a bracket, and returns how long it is.
func parseClass(text string, c *class) (length int, err error) {
	i := 0
	negated := i < len(text) && (text[i] == '!' || text[i] == '^')
	if negated {
		i++
	}
	for first := true; ; first = false {
		switch {
		case i >= len(text):
			return 0, errPattern
		case text[i] == ']' && !first:
			if negated {
				for j := range c {
					c[j] = ^c[j]
				}
			}
			return i + 1, nil
		}
		if name, ok := className(text[i:]); ok {
			if !c.addNamed(name) {
				return 0, errPattern
			}
			i += len("[::]") + len(name)
			continue
		}
		low, n, err := classByte(text[i:])
		if err != nil {
			return 0, err
		}
		i += n
		high := low
		if strings.HasPrefix(text[i:], "-") && len(text) > i+1 && text[i+1] != ']' {
			if high, n, err = classByte(text[i+1:]); err != nil {
				return 0, err
			}
			i += 1 + n
		}
		for b := int(low); b <= int(high); b++ {
			c.add(byte(b))
		}
	}
}

// className returns the name in a [:name:] that a text begins with.
func className(text string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(text, "[:")
	name, _, closed := strings.Cut(rest, "]")
	if !ok || !closed {
		return "", false
	}
	return strings.CutSuffix(name, ":")
}

// classByte reads one byte of a class, which may be escaped.
func classByte(text string) (b byte, length int, err error) {
	switch {
	case text[0] != '\\':
		return text[0], 1, nil
	case len(text) == 1:
		return 0, 0, errPattern
	default:
		return text[1], 2, nil
	}
}

// addNamed adds the bytes of a class by its name, such as alpha.
func (c *class) addNamed(name string) bool {
	is, ok := map[string]func(b byte) bool{
		"alpha":  func(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' },
		"digit":  func(b byte) bool { return '0' <= b && b <= '9' },
		"alnum":  func(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' || '0' <= b && b <= '9' },
		"upper":  func(b byte) bool { return 'A' <= b && b <= 'Z' },
		"lower":  func(b byte) bool { return 'a' <= b && b <= 'z' },
		"xdigit": func(b byte) bool { return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'f' },
		"blank":  func(b byte) bool { return b == ' ' || b == '\t' },
		"space":  func(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' },
		"cntrl":  func(b byte) bool { return b < ' ' || b == 0x7f },
		"print":  func(b byte) bool { return ' ' <= b && b < 0x7f },
		"graph":  func(b byte) bool { return ' ' < b && b < 0x7f },
		"punct": func(b byte) bool {
			return ' ' < b && b < 0x7f && !('a' <= b|0x20 && b|0x20 <= 'z') && !('0' <= b && b <= '9')
		},
	}[name]
	for b := 0; ok && b < 256; b++ {
		if is(byte(b)) {
			c.add(byte(b))
		}
	}
	return ok
}

// match reports whether the entry whose path has these parts is ignored, and how many
// steps that took: at most the bytes of the patterns times those of the path. The folders
// that it is in are not ignored.
func (ps ignores) match(parts []string, folder bool) (ignored bool, steps int) {
	for _, p := range slices.Backward(ps) {
		steps++
		if p.folders && !folder {
			continue
		}
		ok, n := p.fits(parts)
		if steps += n; ok {
			return !p.negated, steps
		}
	}
	return false, steps
}

// fits matches names as the glob of a name matches bytes: what stands between two "**"
// has a fixed length, so the first place where it fits is as good as any.
func (p *pattern) fits(parts []string) (ok bool, steps int) {
	globs, at := p.parts, 0
	for free := false; len(globs) > 0; {
		if globs[0].any {
			free, globs = true, globs[1:]
			if len(globs) == 0 {
				return at < len(parts), steps
			}
			continue
		}
		run := slices.IndexFunc(globs, func(g glob) bool { return g.any })
		last := run < 0
		if last {
			run = len(globs)
		}
		if len(parts)-at < run {
			return false, steps
		}
		end := at // the last place to try
		if free {
			end = len(parts) - run
		}
		if last {
			at = max(end, len(parts)-run) // it ends the path
			if end < at {
				return false, steps
			}
		}
		for ; at <= end; at++ {
			if ok, steps = fitAll(globs[:run], parts[at:], steps); ok {
				break
			}
		}
		if !ok {
			return false, steps
		}
		at, globs, free = at+run, globs[run:], false
	}
	return at == len(parts), steps
}

// fitAll matches names with as many globs.
func fitAll(globs []glob, names []string, steps int) (ok bool, _ int) {
	for i := range globs {
		n := 0
		if ok, n = globs[i].fits(names[i]); !ok {
			return false, steps + n
		}
		steps += n
	}
	return true, steps
}

// fits matches one name: the first piece begins it, the last one ends it, and each other
// is found as early as can be.
func (g *glob) fits(name string) (ok bool, steps int) {
	first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
	if len(g.pieces) == 1 {
		return len(name) == len(first) && fitsAt(first, name, &steps), steps + 1
	}
	if len(name) < len(first)+len(last) || !fitsAt(last, name[len(name)-len(last):], &steps) || !fitsAt(first, name, &steps) {
		return false, steps + 1
	}
	name = name[len(first) : len(name)-len(last)]
	for _, piece := range g.pieces[1 : len(g.pieces)-1] {
		for {
			if len(name) < len(piece) {
				return false, steps + 1
			}
			if fitsAt(piece, name, &steps) {
				break
			}
			name = name[1:]
		}
		name = name[len(piece):]
	}
	return true, steps + 1
}

func fitsAt(piece []class, text string, steps *int) bool {
	for i := range piece {
		*steps++
		if !piece[i].has(text[i]) {
			return false
		}
	}
	return true
}
