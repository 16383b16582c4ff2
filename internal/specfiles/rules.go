package specfiles

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// IgnoreFile is the name of the file, at the source's path, that says in
// gitignore syntax which files and folders are not specs.
const IgnoreFile = ".wedatasyncignore"

// The bounds of what is walked over.
const (
	MaxIgnore = 64 << 10 // bytes of an ignore file
	MaxDepth  = 32       // folders inside one another
	maxName   = 255      // bytes of one name
)

// ErrIgnoreFile says that a folder's ignore file cannot be used: what it was to hide
// would be sent.
var ErrIgnoreFile = errors.New("ignore file cannot be used")

// CleanPath checks the path of the folder with the specs, below the root of a source.
func CleanPath(p string) (string, error) {
	clean := path.Clean(cmp.Or(filepath.ToSlash(p), "."))
	if !fs.ValidPath(clean) {
		return "", fmt.Errorf("the path %q is not a folder below the root: write it without .. and a slash in front", text.OneLine(p, 100))
	}
	return clean, nil
}

// Kind is what an entry of a folder is to us.
type Kind uint8

const (
	KindNone        Kind = iota // nothing
	KindFolder                  // may hold specs
	KindSpec                    // a file to parse
	kindLink                    // a symbolic link named as a spec
	kindLinkAside               // a symbolic link that may lead to a folder of specs
	kindModule                  // a submodule named as a spec
	kindModuleAside             // a submodule that may hold specs
	kindSpecial                 // a device, pipe or socket named as a spec
	kindName                    // a spec or folder whose name cannot be shown
	kindDeep                    // a folder too far down
	KindUnreadable              // a file or folder that could not be read
	kindCase                    // a file named as a spec but for its case
	KindHidden                  // a file named so, with a dot in front or in such a folder
	KindIgnored                 // a file named so that the ignore file names
	kindLost                    // a symbolic link named as a spec, of those that are followed
	kindLostAside               // one that may lead to a folder of specs
)

// NotFollowed returns the kind that says why a link is not followed, where links are.
func (k Kind) NotFollowed() Kind {
	switch k {
	case kindLink:
		return kindLost
	case kindLinkAside:
		return kindLostAside
	default:
		return k
	}
}

// Rules says which entries are specs.
type Rules struct {
	ignore ignores
}

// ParseRules reads an ignore file. A pattern that is none is an error: what it
// was to hide would be sent.
func ParseRules(data []byte) (r Rules, err error) {
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		line = strings.TrimSuffix(line, "\n")
		p, ok, err := parsePattern(line)
		if err != nil {
			return Rules{}, fmt.Errorf("%w: %s:%d: %q is not a pattern", ErrIgnoreFile, IgnoreFile, number, text.OneLine(line, 100))
		}
		if ok {
			r.ignore = append(r.ignore, p)
		}
	}
	return r, nil
}

// KindOf tells what the entry is whose path below the source's path has the given
// parts, in a folder of an area, and which area it is in itself.
func (r Rules) KindOf(parts []string, mode fs.FileMode, in Area, b *Budget) (Kind, Area) {
	if in = r.AreaOf(parts, mode.IsDir(), in, b); in != AreaSpecs {
		return unreadKind(parts, mode, in), in
	}
	return specKind(parts, mode), in
}

// specKind is kind for what is neither hidden nor ignored.
func specKind(parts []string, mode fs.FileMode) Kind {
	name := parts[len(parts)-1]
	isSpec := spec.IsSpec(name)
	switch {
	case mode.IsDir():
		return folderKind(name, len(parts))
	case mode&fs.ModeSymlink != 0 && isSpec:
		return kindLink
	case mode&fs.ModeSymlink != 0 && (path.Ext(name) == "" || likeSpec(name)):
		return kindLinkAside
	case mode&fs.ModeIrregular != 0 && isSpec:
		return kindModule
	case mode&fs.ModeIrregular != 0:
		return kindModuleAside
	case !isSpec && mode.IsRegular() && likeSpec(name) && presentable(name):
		return kindCase
	case !isSpec:
		return KindNone
	case !mode.IsRegular():
		return kindSpecial
	case !presentable(name):
		return kindName
	}
	return KindSpec
}

func folderKind(name string, depth int) Kind {
	switch {
	case !presentable(name):
		return kindName
	case depth > MaxDepth:
		return kindDeep
	}
	return KindFolder
}

// presentable reports whether a name can be shown to people as it is. Pictures have variation
// selectors.
func presentable(name string) bool {
	return len(name) <= maxName && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return text.Hidden(r) && !unicode.Is(unicode.Variation_Selector, r) })
}

// Shown returns a name as people see it: as it is, or quoted and cut. Different
// names stay different.
func Shown(name string) string {
	if presentable(name) {
		return name
	}
	quoted := strings.ReplaceAll(strconv.QuoteToASCII(name), "/", `\x2f`)
	if len(quoted) > maxName {
		quoted = fmt.Sprintf("%s...%x", quoted[:maxName-40], sha256.Sum256([]byte(name)))[:maxName]
	}
	return quoted
}

// notFollowed says what a link leads to that is not followed.
const notFollowed = "the symbolic link is not followed: it leads to nothing, out of the folder, into .git, or to what is read already: make it lead elsewhere below the folder, or remove it"

// Complaint returns the file that stands for an entry that is not read, so that
// it is seen.
func (k Kind) Complaint(name string) *spec.File {
	switch k {
	case kindLink:
		return spec.BadFile(name, "symlink", "symbolic links are not followed: put the file itself here")
	case kindLinkAside:
		return aside(name, "symlink", "symbolic links are not followed: specs in a folder behind it are not read")
	case kindLost:
		return spec.BadFile(name, "symlink", notFollowed)
	case kindLostAside:
		return aside(name, "symlink", notFollowed)
	case kindModule:
		return spec.BadFile(name, "submodule", "a submodule is not a spec: put the file itself here")
	case kindModuleAside:
		return aside(name, "submodule", "submodules are not read: specs in it are not seen")
	case kindSpecial:
		return spec.BadFile(name, "special-file", "it is not a regular file: put a file here")
	case kindName:
		return spec.BadFile(name, "file-name", fmt.Sprintf("its name is not text of at most %d bytes that can be shown: rename it", maxName))
	case kindDeep:
		return spec.BadFile(name, "too-deep", fmt.Sprintf("it is more than %d folders down: move it up", MaxDepth))
	case kindCase:
		return aside(name, spec.CodeNotRead, "it is not read: only names that end in .yaml or .yml, in small letters, are specs: rename it")
	case KindHidden:
		return aside(name, spec.CodeNotRead, "it says that it is a spec, and is not read: its name, or that of a folder it is in, begins with a dot: move it")
	case KindIgnored:
		return aside(name, spec.CodeNotRead, "it says that it is a spec, and is not read: "+IgnoreFile+" names it, or a folder it is in: take that line out, or the file")
	case KindUnreadable:
		return spec.BadFile(name, "unreadable", "it cannot be read: check its permissions")
	}
	return nil
}

// aside is a file that has only a warning.
func aside(name, code, message string) *spec.File {
	at := spec.Pos{File: name, Line: 1, Column: 1}
	return &spec.File{Name: name, Problems: spec.Problems{{Pos: at, Severity: spec.SeverityWarning, Code: code, Message: message}}}
}
