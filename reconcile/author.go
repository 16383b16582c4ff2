package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// guardAuthor is the name of the guard that wants another person's approval.
const guardAuthor = "approverIsNotAuthor"

// Author says as whom somebody who approves writes revisions.
type Author struct {
	Actor string // the name that the approval is recorded with
	Is    string // the name or the e-mail address of a commit's author
}

// ownWork says that the actor may not approve the plan of a revision by the author, because
// it is the actor's own; or "". It compares every name that the actor is recorded with, and
// the one that Authors gives to it, with the author's name, e-mail address and the part of
// that before the @.
func (g *Guards) ownWork(from *SourceInfo, actor string) string {
	if !g.ApproverIsNotAuthor {
		return ""
	}
	theirs := authorNames(from.Author)
	for _, name := range actorNames(actor) {
		mine := []string{name}
		for _, a := range g.Authors {
			if a.Actor == name {
				mine = append(mine, authorNames(a.Is)...)
			}
		}
		for _, m := range mine {
			if slices.ContainsFunc(theirs, func(t string) bool { return strings.EqualFold(m, t) }) {
				return fmt.Sprintf("%s wrote revision %s: guards.%s asks for the approval of somebody else", actor, short(from.Revision), guardAuthor)
			}
		}
	}
	return ""
}

// actorNames splits "lin (as ops)" and "lin (api)" into the names in it.
func actorNames(actor string) []string {
	name, rest, marked := strings.Cut(actor, " (")
	names := []string{name}
	if as, ok := strings.CutPrefix(strings.TrimSuffix(rest, ")"), "as "); marked && ok {
		names = append(names, as)
	}
	return names
}

// authorNames splits "Name <local@host>" into what names its person.
func authorNames(author string) []string {
	name, mail, _ := strings.Cut(author, "<")
	name, mail = strings.TrimSpace(name), strings.TrimSuffix(strings.TrimSpace(mail), ">")
	if mail == "" {
		mail = name
	}
	local, _, _ := strings.Cut(mail, "@")
	return slices.DeleteFunc([]string{name, mail, local}, func(s string) bool { return s == "" })
}
