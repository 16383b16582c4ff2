package report

import (
	"fmt"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// masked stands for a value of extConfig, which may be a secret. notKept stands
// for one that the state has only a digest of.
const (
	masked  = "(masked)"
	notKept = "(not kept)"
)

// maxFields bounds the fields that are written for one change, and maxValue one
// value in bytes.
const (
	maxFields = 20
	maxValue  = 120
)

// fieldLine is one difference as text: inert, on one line.
type fieldLine struct {
	name   string
	before string
	after  string
	added  bool // there was nothing before
}

// fieldLines returns the first maxFields differences of c, and how many more
// there are.
func fieldLines(c *plan.Change, showValues bool) (lines []fieldLine, more int) {
	for _, f := range c.Fields {
		if isWholeExt(f) && showValues && c.Want != nil && len(c.Want.ExtConfig) > 0 {
			for _, p := range c.Want.ExtConfig {
				lines = append(lines, newFieldLine(wholeExtParam(f, p), true))
			}
			continue
		}
		lines = append(lines, newFieldLine(f, showValues))
	}
	n := min(len(lines), maxFields)
	return lines[:n], len(lines) - n
}

// isWholeExt reports whether f is extConfig as a whole: what was applied is only
// known by its digest, so that f cannot say which names differ.
func isWholeExt(f plan.Field) bool { return f.Secret && f.Name == "extConfig" }

// wholeExtParam is one wanted parameter of a field that is extConfig as a whole.
func wholeExtParam(f plan.Field, p spec.Param) plan.Field {
	one := plan.Field{Name: f.Name + "." + p.Name, After: p.Value}
	if f.Before != nil {
		one.Before = bare(notKept)
	}
	return one
}

func newFieldLine(f plan.Field, showValues bool) fieldLine {
	hide := f.Secret && !showValues
	return fieldLine{
		name:   text.Clip(Visible(f.Name), maxValue),
		before: fieldValue(f.Before, hide),
		after:  fieldValue(f.After, hide),
		added:  f.Before == nil,
	}
}

// bare is a value that is written without quotes: it is ours.
type bare string

func fieldValue(v any, hide bool) string {
	switch v := v.(type) {
	case nil:
		return "(none)"
	case bare:
		return string(v)
	}
	if hide {
		return masked
	}
	if s, ok := v.(string); ok {
		v = strconv.Quote(text.Clip(s, maxValue))
	}
	return text.Clip(Visible(fmt.Sprint(v)), 2*maxValue)
}
