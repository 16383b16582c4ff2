package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"github.com/wedatasync/wedatasync/spec"
)

// Every YAML example of the guide is a whole file without a fault, by the parser
// and by the schema.
func TestGuideExamples(t *testing.T) {
	examples := yamlBlocks(read(t, "..", "docs", "specs.md"))
	if len(examples) < 8 {
		t.Fatalf("only %d examples", len(examples))
	}
	schema := compiledSchema(t)
	for i, example := range examples {
		s := spec.NewSet()
		s.Put(spec.Parse(fmt.Sprintf("example-%d.yaml", i+1), []byte(example)))
		if problems := s.Problems(); len(problems) > 0 {
			t.Errorf("%v\n%s", problems, example)
		}
		if _, _, err := verdicts(schema, []byte(example)); err != nil {
			t.Errorf("the schema refuses an example: %v\n%s", err, example)
		}
	}
}

// The guide names every key that the schema knows, and every commit type.
func TestGuideIsComplete(t *testing.T) {
	guide := string(read(t, "..", "docs", "specs.md"))
	for _, key := range schemaKeys(t) {
		if !strings.Contains(guide, "`"+key+"`") {
			t.Errorf("the guide does not explain %s", key)
		}
	}
	for ct := spec.Submit; ct <= spec.Resume; ct++ {
		if row := fmt.Sprintf("| `%s` | %d |", ct, int(ct)); !strings.Contains(guide, row) {
			t.Errorf("the guide has no row %s", row)
		}
	}
}

// yamlBlocks returns the fenced code blocks of language yaml.
func yamlBlocks(markdown []byte) []string {
	var blocks []string
	doc := goldmark.DefaultParser().Parse(text.NewReader(markdown))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if block, ok := n.(*ast.FencedCodeBlock); ok && string(block.Language(markdown)) == "yaml" {
			blocks = append(blocks, string(block.Lines().Value(markdown)))
		}
	}
	return blocks
}
