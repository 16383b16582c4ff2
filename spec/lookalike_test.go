package spec_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
)

// TestLookAlike warns, at its place, of a name that can be taken for another one, and of
// no other. The spec is used.
func TestLookAlike(t *testing.T) {
	for id, want := range map[string]string{
		"orders":       "",
		"订单orders":     "",
		"注文オーダーorders": "",
		"주문-orders":    "",
		"größe_1":      "",
		"склад":        "",
		"παραγγελία":   "",
		"данные-7":     "",
		"任务（一）":        "",
		"ordеrs":       "U+0435", // Cyrillic in Latin
		"оrders":       "U+043E", // first
		"оrders订单":     "U+043E",
		"ѕсоре":        "U+0435", // Cyrillic, and no letter that Latin has not
		"ΑΒΕ":          "U+0395", // Greek
		"ordεrs":       "U+03B5",
		"ｏrders":       "U+FF4F", // of full width
		"𝐨rders":       "U+1D428",
		"task１":        "U+FF11",
		"ꓳrders":       "U+A4F3", // Lisu
		"ordeɾs":       "",       // Latin, too: what fonts make of it is not known
	} {
		f := spec.Parse("a.yaml", []byte("apiVersion: wedatasync/v1\ncommits:\n  - {taskId: "+id+", projectId: \"1\", commitType: start, instanceVersion: 1}\n"))
		if len(f.Commits) != 1 {
			t.Fatalf("%s: it is not used: %v", id, f.Problems)
		}
		switch {
		case want == "" && len(f.Problems) > 0:
			t.Errorf("%s: %v", id, f.Problems)
		case want != "" && len(f.Problems) != 1:
			t.Errorf("%s: %d problems, want a warning", id, len(f.Problems))
		case want != "":
			p := f.Problems[0]
			if p.Severity != spec.SeverityWarning || p.Code != "look-alike" || p.Line != 3 || p.Column != 14 || !strings.Contains(p.Message, want) {
				t.Errorf("%s: %v [%s %s], want a warning of %s in line 3", id, p, p.Severity, p.Code, want)
			}
		}
	}
}

// TestLookAlike_Everywhere warns in all places that hold names.
func TestLookAlike_Everywhere(t *testing.T) {
	f := spec.Parse("a.yaml", []byte(`apiVersion: wedatasync/v1
commits:
  - taskId: users
    projectId: prоject
    commitType: start
    instanceVersion: 1
    dependsOn: [ordеrs]
    extConfig: [{name: pаrallel, value: "1"}]
`))
	var lines []int
	for _, p := range f.Problems {
		if p.Code == "look-alike" {
			lines = append(lines, p.Line)
		}
	}
	slices.Sort(lines)
	if !slices.Equal(lines, []int{4, 7, 8}) {
		t.Errorf("warnings in lines %v, want 4, 7, 8: %v", lines, f.Problems)
	}
}

// TestHidden escapes in a complaint what nobody would see.
func TestHidden(t *testing.T) {
	for _, r := range "\u3164\u115f\uffa0\u034f\u200b\ufe0f\u2800\U000e0041\u202e\u00ad" {
		f := spec.Parse("a.yaml", []byte("apiVersion: wedatasync/v1\ncommits:\n  - {taskId: a"+string(r)+"b, projectId: \"1\", commitType: start, instanceVersion: 1}\n"))
		if len(f.Commits) != 0 || len(f.Problems) != 1 {
			t.Errorf("%U: it is used: %v", r, f.Problems)
			continue
		}
		if s := f.Problems[0].String(); strings.ContainsRune(s, r) {
			t.Errorf("%U is printed as it is: %q", r, s)
		}
	}
}
