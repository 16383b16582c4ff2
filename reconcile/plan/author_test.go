package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// TestGuards_OwnWork has who may not approve what: every name of an actor counts, and
// each thing that names an author.
func TestGuards_OwnWork(t *testing.T) {
	const ada = "Ada Lovelace <ada@example.com>"
	g := Guards{ApproverIsNotAuthor: true, Authors: []Author{
		{Actor: "al", Is: "ADA@example.com"}, {Actor: "full", Is: ada}, {Actor: "bo", Is: "bo@example.com"},
	}}
	for _, tt := range []struct {
		author, actor string
		own           bool
	}{
		{ada, "ada", true},
		{ada, "Ada", true},
		{ada, "Ada Lovelace", true},
		{ada, "ada@example.com", true},
		{ada, "ada (as grace)", true},
		{ada, "grace (as ada)", true},
		{ada, "ada (api)", true},
		{ada, "al", true},
		{ada, "root (as al)", true},
		{ada, "full", true},
		{ada, "bo", false},
		{ada, "grace", false},
		{ada, "adam", false},
		{ada, "ad", false},
		{ada, "", false},
		{ada, "api", false},
		{"Ada Lovelace", "Ada Lovelace", true},
		{"<>", "", false},
		{"", "", false},
		{"", "bo", false},
	} {
		from := SourceInfo{Revision: "2222222222222222222222222222222222222222", Author: tt.author}
		if says := g.ownWork(&from, tt.actor); (says != "") != tt.own {
			t.Errorf("%q approves what %q wrote: %q", tt.actor, tt.author, says)
		}
		if says := (&Guards{Authors: g.Authors}).ownWork(&from, tt.actor); says != "" {
			t.Errorf("%q approves what %q wrote, without the guard: %q", tt.actor, tt.author, says)
		}
	}
}

// TestGuards_OwnApproval: an approval by the author does not count, wherever it was given,
// and the plan says why.
func TestGuards_OwnApproval(t *testing.T) {
	g := &Guards{MaxChanges: 1, ApproverIsNotAuthor: true}
	for actor, counts := range map[string]bool{"ada": false, "lin (as ada)": false, "grace": true} {
		p := changing(t, 10, 3, 0)
		p.Source.Author = "Ada Lovelace <ada@example.com>"
		now := time.Now()
		a := approvalOf(p, "maxChanges")
		a.Actor, a.Expires = actor, now.Add(time.Hour)
		control := &state.Control{Approvals: []state.Approval{a}}
		out := g.Check(p, Facts{Control: control}, now)
		names, want := guardNames(out), ""
		if !counts {
			want = "maxChanges approverIsNotAuthor"
		}
		if names != want || (out.Approved != "") != counts || out.Count(ActionCommit) > 0 != counts {
			t.Errorf("approved by %s: held by %q, approved by %q, want %q", actor, names, out.Approved, want)
		}
	}
}

// TestApprove_OwnWork: the word is refused, and the history has that it was.
func TestApprove_OwnWork(t *testing.T) {
	g := &Guards{MaxChanges: 1, ApproverIsNotAuthor: true}
	p := changing(t, 10, 3, 0)
	p.Source.Author = "Ada Lovelace <ada@example.com>"
	in := &Commands{Plan: g.Check(p, Facts{}, time.Now()), Guards: g}
	word := state.Command{Verb: state.VerbApprove, Target: p.Hash, Actor: "ada"}
	if next, answer := in.Decide(word, time.Now()); answer.OK || next.Control != nil || !strings.Contains(answer.Message, "ada wrote revision 222222222222: guards.approverIsNotAuthor") {
		t.Errorf("the author approves: %+v", answer)
	}
	word.Actor = "grace"
	if next, answer := in.Decide(word, time.Now()); !answer.OK || next.Control == nil {
		t.Errorf("somebody else approves: %+v", answer)
	}
}
