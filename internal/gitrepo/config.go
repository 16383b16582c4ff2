package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
)

// maxConfig bounds a file of git's configuration, in bytes.
const maxConfig = 4 << 20

// config is what counts of a repository's configuration.
type config struct {
	version        string // core.repositoryFormatVersion
	worktree       string // core.worktree
	objectFormat   string // extensions.objectFormat
	refStorage     string // extensions.refStorage
	bare           bool   // core.bare
	worktreeConfig bool   // extensions.worktreeConfig: each work tree has more of it
	partial        bool   // it is a partial clone
	filter         string // of a partial clone
}

// read adds what a file of configuration says. As git does for these keys, it follows no
// include.
func (c *config) read(name string) error {
	data, err := file.Read("", name, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for key, value := range settings(data) {
		switch key {
		case "core.repositoryformatversion":
			c.version = value
		case "core.bare":
			c.bare = isTrue(value)
		case "core.worktree":
			c.worktree = value
		case "extensions.objectformat":
			c.objectFormat = value
		case "extensions.refstorage":
			c.refStorage = value
		case "extensions.worktreeconfig":
			c.worktreeConfig = isTrue(value)
		case "extensions.partialclone":
			c.partial = true
		}
		switch section, last, _ := cutLast(key); {
		case !strings.HasPrefix(section, "remote."):
		case last == "partialclonefilter":
			c.partial, c.filter = true, value
		case last == "promisor":
			c.partial = c.partial || isTrue(value)
		}
	}
	return err
}

// check refuses a repository whose objects or refs are not stored as they are read here.
func (c *config) check() error {
	format := strings.ToLower(c.objectFormat)
	refs := strings.ToLower(c.refStorage)
	version, err := strconv.Atoi(strings.TrimSpace(c.version))
	switch {
	case format == "sha256":
		return &Error{Kind: gitstore.ErrSHA256, Hint: gitstore.HintSHA256}
	case format != "" && format != "sha1":
		return &Error{Kind: ErrFormat, Detail: fmt.Sprintf("extensions.objectFormat is %q", text.OneLine(c.objectFormat, 40))}
	case refs != "" && refs != "files":
		return &Error{
			Kind: ErrFormat, Detail: fmt.Sprintf("extensions.refStorage is %q", text.OneLine(c.refStorage, 40)),
			Hint: "plan in a clone with ordinary refs: git clone --ref-format=files, or git refs migrate --ref-format=files here",
		}
	case err == nil && version > 1:
		return &Error{Kind: ErrFormat, Detail: fmt.Sprintf("core.repositoryFormatVersion is %d", version)}
	}
	return nil
}

// readConfig reads the configuration that the work trees of a repository share, and that of
// the one whose folder is dir.
func readConfig(dir, common string) (*config, error) {
	c := new(config)
	if err := c.read(filepath.Join(common, "config")); err != nil {
		return nil, err
	}
	if dir != common {
		c.worktree, c.bare = "", false // that of the first one
	}
	if c.worktreeConfig {
		if err := c.read(filepath.Join(dir, "config.worktree")); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func isTrue(value string) bool {
	switch n, err := strconv.Atoi(value); strings.ToLower(value) {
	case "true", "yes", "on":
		return true
	default:
		return err == nil && n != 0
	}
}

func cutLast(key string) (before, last string, ok bool) {
	i := strings.LastIndexByte(key, '.')
	return key[:max(i, 0)], key[i+1:], i >= 0
}

// settings yields the keys and values of a file of configuration, in small letters but for
// subsections. A line that is none is left out: git would refuse the whole, but nothing
// that can be broken in it is of interest here.
func settings(data []byte) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		rest := string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
		section := ""
		for rest != "" {
			rest = strings.TrimLeft(rest, " \t\r\n\v\f")
			switch {
			case rest == "":
				return
			case rest[0] == '[':
				section, rest = cutSection(rest[1:])
			case rest[0] == '#', rest[0] == ';':
				_, rest, _ = strings.Cut(rest, "\n")
			default:
				var name, value string
				name, value, rest = cutSetting(rest)
				if name != "" && section != "" && !yield(section+"."+strings.ToLower(name), value) {
					return
				}
			}
		}
	}
}

// cutSection reads the rest of a section's header: name] or name "subsection"]. What is
// none ends with its line, and has no name.
func cutSection(s string) (section, rest string) {
	line, after, _ := strings.Cut(s, "\n")
	end := strings.IndexAny(line, "]\"")
	if end < 0 {
		return "", after
	}
	name := strings.ToLower(strings.TrimSpace(line[:end]))
	if line[end] == ']' {
		return name, s[end+1:]
	}
	var sub strings.Builder
	for i := end + 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			sub.WriteByte(line[i])
		case c == '"':
			if !strings.HasPrefix(line[i+1:], "]") {
				return "", after
			}
			return name + "." + sub.String(), s[i+2:]
		default:
			sub.WriteByte(c)
		}
	}
	return "", after
}

// cutSetting reads a line "name = value". A name alone is true.
func cutSetting(s string) (name, value, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	})
	if end < 0 {
		return s, "true", ""
	}
	name, s = s[:end], strings.TrimLeft(s[end:], " \t")
	switch {
	case strings.HasPrefix(s, "="):
		value, rest = cutValue(strings.TrimLeft(s[1:], " \t"))
		return name, value, rest
	case s == "" || strings.ContainsAny(s[:1], "\r\n#;"):
		_, rest, _ = strings.Cut(s, "\n")
		return name, "true", rest
	default:
		_, rest, _ = strings.Cut(s, "\n")
		return "", "", rest
	}
}

// cutValue reads a value up to the end of its line, which a backslash continues.
func cutValue(s string) (value, rest string) {
	var b strings.Builder
	quoted, end := false, 0 // end: of the value without the spaces after it
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\n':
			return b.String()[:end], s[i+1:]
		case c == '\r' && strings.HasPrefix(s[i+1:], "\n"):
			continue
		case !quoted && (c == '#' || c == ';'):
			_, rest, _ = strings.Cut(s[i:], "\n")
			return b.String()[:end], rest
		case c == '"':
			quoted = !quoted
			continue
		case c == '\\' && i+1 < len(s):
			i++
			if escaped, ok := map[byte]string{'n': "\n", 't': "\t", 'b': "\b", '\n': ""}[s[i]]; ok {
				b.WriteString(escaped)
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
		if c := s[i]; quoted || c != ' ' && c != '\t' {
			end = b.Len()
		}
	}
	return b.String()[:end], ""
}
