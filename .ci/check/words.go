package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// A word is one that users stumble over, and what the field says in its place.
type word struct {
	pattern *regexp.Regexp
	say     string
}

func say(pattern, say string) word {
	return word{regexp.MustCompile(`(?i)` + pattern), say}
}

// words are not said to users: in the documentation, in help, in messages and on pages.
var words = []word{
	say(`\bpersons?\b`, "action required; an operator"),
	say(`\bneeds? (nobody|somebody|someone)\b`, "no action required; action required"),
	say(`\bverdicts?\b`, "result; operator action"),
	say(`\b(a|one|last|next|own|each|the|operator's|whose) words?\b|\bword\b.{0,20}\bgiven\b`, "operator action; command; text"),
	say(`\blet(s|ting)?\b.{0,30}\b(go|through|count)\b`, "approve"),
	say(`\bway on\b`, "Next step:"),
	say(`\blive\s+otherwise\b`, "drifted"),
	say(`\blook(s|ed|ing)?\b`, "drift check; check; review; find"),
	say(`\bforg(et|ets|ot|otten)\b`, "removed from state"),
	say(`\bas (its|their) specs? (says?|asks?)\b`, "in sync; matches its spec"),
	say(`\bstays? as (it is|they are)\b`, "skipped; unchanged"),
	say(`\bknown by\b`, "from:"),
	say(`\bsends? (has |have )?stop(s|ped)?\b`, "sending paused"),
	say(`\b(go|goes|going|went|gone) on\b`, "resumed; continues"),
	say(`\b(taken|takes|take|taking) (as|for) applied\b`, "marked as applied"),
	say(`\b(tell|tells|told|telling)\b`, "notified; says; shows"),
	say(`\b(is|are|was|were) (not )?(gone|there)\b`, "missing; removed; exists"),
	say(`\bnobody\s+answers\b`, "port free"),
	say(`\bif not (given|said)\b`, "default:"),
	say(`\band not with what was applied\b`, "git only; applied state not consulted"),
	say(`\bwhat is not\b`, "name the subject"),
	say(`\bbeside\b`, "in addition to; next to"),
	say(`\bstand(s|ing)?\b`, "status; state; is"),
	say(`\bmend(s|ed|ing)?\b`, "fix; correct"),
	say(`\bat the (most|least)\b`, "at most; at least"),
	say(`\bnone of\b.* and\b`, "not one of"),
	say(`\banew\b`, "again"),
	say(`\bputs? back\b|\bput (it|the \w+) back\b`, "restore"),
	say(`\b(take|took|taken|taking) over\b`, "adopt; follow; reload"),
	say(`\bis no (regular|object|number|id|marker|pattern|mode|spec|loopback|URL|commit)\b`, "is not a"),
	say(`\b(survey|sighting|poke|pulse|limbo|thrift|glimpse)s?\b`, "drift check; trigger; heartbeat"),
}

// excused are public names that a pattern is in, each with its reason. The list only becomes
// shorter.
var excused = map[string]string{
	"the action forget":                "an action in plans for programs",
	"task.person":                      "a topic of notifications: receivers select it by this name",
	"the label standing is deprecated": "the earlier name of the label state: dashboards use it",
}

// identifier is text for programs: names of files, keys, metrics and the like.
var identifier = regexp.MustCompile("^[A-Za-z0-9_./:{}\\[\\]<>=\"',*%#|-]*$")

// codeSpan is code in Markdown.
var codeSpan = regexp.MustCompile("`[^`\n]*`")

// tag is a tag of HTML.
var tag = regexp.MustCompile("<[^>\n]*>")

// key is what a schema names, and no prose: keys, and values that programs compare.
var key = regexp.MustCompile(`\b(enum|required):\s+\[[^\]]*\]|"[^" \n]+"|\b[\w-]+:|[#/][\w/.-]+`)

// A stumble is one place where a word is said.
type stumble struct {
	at, text string
	word     word
}

func (s stumble) String() string {
	return fmt.Sprintf("%s: %q: say: %s", s.at, s.text, s.word.say)
}

// findWords reads what users read below a folder.
func findWords(fsys fs.FS) (all []stumble, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name == "bench" || name == "browser" || name == ".ci" || strings.HasSuffix(name, "test") {
				return fs.SkipDir
			}
			return skipped(name)
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		found, err := wordsOf(name, string(text))
		all = append(all, found...)
		return err
	})
	return all, err
}

// wordsOf finds the words in what users read of one file.
func wordsOf(name, text string) ([]stumble, error) {
	switch {
	case strings.HasSuffix(name, "_test.go"), strings.HasSuffix(name, "_test.yaml"), name == "CHANGELOG.md", name == "ARCHITECTURE.md":
		return nil, nil
	case path.Ext(name) == ".go":
		return wordsOfGo(name, text)
	case path.Ext(name) == ".md":
		return wordsIn(name, codeSpan.ReplaceAllStringFunc(text, func(span string) string {
			if identifier.MatchString(strings.Trim(span, "`")) {
				return ""
			}
			return span
		})), nil
	case path.Ext(name) == ".html":
		return wordsIn(name, tag.ReplaceAllString(text, "")), nil
	case strings.HasSuffix(name, "openapi.yaml"), strings.HasSuffix(name, "schema.json"):
		return wordsIn(name, key.ReplaceAllStringFunc(text, func(s string) string {
			return strings.Repeat("\n", strings.Count(s, "\n"))
		})), nil
	case name == "action.yml", strings.HasPrefix(name, "examples/"), strings.HasPrefix(name, "deploy/") && path.Ext(name) == ".yaml":
		return wordsIn(name, text), nil
	default:
		return nil, nil
	}
}

// wordsOfGo finds the words in the texts of a Go file.
func wordsOfGo(name, text string) (all []stumble, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			n.Tag = nil
		case *ast.BasicLit:
			if n.Kind != token.STRING {
				break
			}
			value, _ := strconv.Unquote(n.Value)
			if identifier.MatchString(value) {
				break
			}
			all = append(all, wordsIn(set.Position(n.Pos()).String(), value)...)
		}
		return true
	})
	return all, nil
}

// wordsIn finds the words in a text, of which a place is a line, or the whole.
func wordsIn(at, text string) (all []stumble) {
	for name := range excused {
		text = strings.ReplaceAll(text, name, "")
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		place := at
		if !strings.Contains(at, ":") {
			place = fmt.Sprintf("%s:%d", at, i+1)
		}
		for _, w := range words {
			found := w.pattern.FindString(line)
			if found == "" && i > 0 && len(strings.Fields(line)) > 0 {
				// It can begin on the line before.
				found = w.pattern.FindString(lastField(lines[i-1]) + " " + strings.Fields(line)[0])
			}
			if found != "" {
				all = append(all, stumble{place, found, w})
			}
		}
	}
	return all
}

func lastField(line string) string {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return ""
	}
	return fields[len(fields)-1]
}
