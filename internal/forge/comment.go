package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
)

// ErrTooLong says that the forge takes no comment of that length.
var ErrTooLong = errors.New("text is too long")

// Action is what became of a comment.
type Action string

// The actions of a Posted.
const (
	ActionCreated   Action = "created"
	ActionUpdated   Action = "updated"
	ActionUnchanged Action = "unchanged" // it says the same already
	ActionSkipped   Action = "skipped"   // there is none, and none was to be created
)

// Posted is what became of a comment, and where it is.
type Posted struct {
	Action Action
	URL    string // for people; empty if the forge does not say
}

// Options say how a comment is posted.
type Options struct {
	// CreateIfMissing creates the comment if there is none yet. Without it a comment
	// is only kept current: nobody needs one that says that nothing changed.
	CreateIfMissing bool
}

// account is an author, or who we are.
type account struct {
	ID   int64  `json:"id"`
	Type string `json:"type"` // GitHub: User, Bot, Organization
}

// comment is a comment as the forges list it.
type comment struct {
	ID     int64    `json:"id"`
	Body   string   `json:"body"`
	URL    string   `json:"html_url"`
	User   *account `json:"user"`   // GitHub, Gitea
	Author *account `json:"author"` // GitLab
	System bool     `json:"system"` // GitLab: an event, not someone's words
}

func (c *comment) author() account {
	switch {
	case c.User != nil:
		return *c.User
	case c.Author != nil:
		return *c.Author
	default:
		return account{} // whose account was deleted
	}
}

// Upsert posts the one comment that the first line of body, a hidden marker,
// names: it updates the one that is there if that says something else, and
// creates it otherwise.
//
// A comment is ours if its first line is the marker and we wrote it; anyone can
// write a marker, and what others wrote is not touched. If several are ours, as when two
// jobs raced, the newest is kept current and the others lead to it. A comment that
// vanishes meanwhile is created anew. A create whose answer is lost is looked for
// before it is repeated.
func (f *Forge) Upsert(ctx context.Context, body string, o Options) (Posted, error) {
	op := "comment on " + f.name(f.config.Repository, f.config.PullRequest)
	marker, err := f.check(op, body)
	if err != nil {
		return Posted{}, err
	}
	ctx, cancel := apiclient.WithTimeout(ctx, op, f.timeout)
	defer cancel()
	var posted Posted
	err = f.client.Again(ctx, func() (err error) {
		posted, err = f.upsert(ctx, op, marker, body, o)
		return err
	}, func(e *fault.Error) bool { return e.Effect == fault.MaybeDone })
	return posted, err
}

// check returns the marker of a body that can be posted.
func (f *Forge) check(op, body string) (marker string, err error) {
	marker = firstLine(body)
	switch {
	case f.config.PullRequest <= 0:
		return "", &fault.Error{Op: op, Kind: apiclient.ErrConfig, Detail: "there is no pull request", Hint: "name its number"}
	case !strings.HasPrefix(marker, "<!-- ") || !strings.HasSuffix(marker, " -->"):
		return "", &fault.Error{Op: op, Kind: apiclient.ErrConfig, Detail: "the first line of the text is not a marker"}
	case f.limit > 0 && utf8.RuneCountInString(body) > f.limit:
		return "", &fault.Error{Op: op, Kind: ErrTooLong, Detail: fmt.Sprintf("the forge takes %d characters", f.limit), Hint: "lower --limit"}
	}
	return marker, nil
}

func firstLine(body string) string {
	line, _, _ := strings.Cut(body, "\n")
	return strings.TrimSpace(line)
}

func (f *Forge) upsert(ctx context.Context, op, marker, body string, o Options) (Posted, error) {
	ours, err := f.ours(ctx, op, marker)
	if err != nil {
		return Posted{}, err
	}
	for i, c := range slices.Backward(ours) {
		posted := Posted{Action: ActionUnchanged, URL: c.URL}
		if plain(c.Body) != plain(body) {
			var now comment
			if now, err = f.update(ctx, op, c.ID, body); err == nil {
				posted = Posted{Action: ActionUpdated, URL: now.URL}
			}
		}
		// It was deleted meanwhile, or it is another's after all.
		if errors.Is(err, apiclient.ErrNotFound) || errors.Is(err, apiclient.ErrPermission) {
			f.config.Logger.DebugContext(ctx, "leave a comment", "id", c.ID, "cause", err)
			err = nil
			continue
		}
		if err == nil {
			f.fold(ctx, op, ours[:i], c)
		}
		return posted, err
	}
	if !o.CreateIfMissing {
		return Posted{Action: ActionSkipped}, nil
	}
	made, err := f.create(ctx, op, body)
	if err == nil {
		f.foldTwins(ctx, op, marker, made)
	}
	return Posted{Action: ActionCreated, URL: made.URL}, err
}

// foldTwins folds what another job has created at the same time: of two, the newest stays.
func (f *Forge) foldTwins(ctx context.Context, op, marker string, made comment) {
	ours, err := f.ours(ctx, op, marker)
	if err != nil {
		f.config.Logger.DebugContext(ctx, "find twins of a comment", "cause", err)
		return
	}
	if n := len(ours); n > 1 {
		f.fold(ctx, op, slices.DeleteFunc(ours[:n-1], func(c comment) bool { return c.author() != made.author() }), ours[n-1])
	}
}

// fold has older comments say no more than that there is a newer one. Only what the author
// of that one wrote is touched.
func (f *Forge) fold(ctx context.Context, op string, older []comment, newest comment) {
	text := folded + "\nA newer comment below has the plan.\n"
	if newest.URL != "" {
		text = fmt.Sprintf("%s\nThe plan is in [a newer comment](%s).\n", folded, newest.URL)
	}
	for _, c := range older {
		if c.author().ID == 0 || c.author() != newest.author() {
			continue
		}
		if _, err := f.update(ctx, op, c.ID, text); err != nil {
			f.config.Logger.DebugContext(ctx, "leave an older comment", "id", c.ID, "cause", err)
		}
	}
}

// folded is the first line of a comment that has been folded into a newer one. It is no
// marker: the comment is not found again.
const folded = "<!-- wedatasync:folded -->"

// plain is a body without what a forge may change in it.
func plain(body string) string {
	return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n"))
}

func (f *Forge) create(ctx context.Context, op, body string) (c comment, err error) {
	path := f.notes(f.config.Repository, f.config.PullRequest)
	err = f.client.Do(ctx, f.ask(op, http.MethodPost, path, map[string]string{"body": body}, decode(&c)))
	return c, err
}

func (f *Forge) update(ctx context.Context, op string, id int64, body string) (c comment, err error) {
	path := f.note(f.config.Repository, f.config.PullRequest, id)
	err = f.client.Do(ctx, f.ask(op, f.edit, path, map[string]string{"body": body}, decode(&c)))
	return c, err
}

// ours lists the comments that are ours, the oldest first. It asks who we are only when
// there is a comment that could be.
func (f *Forge) ours(ctx context.Context, op, marker string) ([]comment, error) {
	var mine func(account) bool
	var list []comment
	for c, err := range f.marked(ctx, op, marker) {
		if err == nil && mine == nil {
			mine, err = f.whoami(ctx, op)
		}
		if err != nil {
			return nil, err
		}
		if mine(c.author()) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b comment) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// whoami returns how to tell our own comments. A token can be allowed to comment
// and not to ask whose it is.
func (f *Forge) whoami(ctx context.Context, op string) (func(account) bool, error) {
	var me account
	err := f.client.Do(ctx, f.ask(op, http.MethodGet, "/user", nil, decode(&me)))
	switch {
	case errors.Is(err, apiclient.ErrToken), errors.Is(err, apiclient.ErrPermission), errors.Is(err, apiclient.ErrNotFound):
		return f.mine, nil
	case err != nil:
		return nil, err
	case me.ID == 0:
		return f.mine, nil
	}
	return func(a account) bool { return a.ID == me.ID }, nil
}

// maxPages bounds the pages of comments that are looked through, of 100 each.
const maxPages = 200

// marked yields the comments that start with the marker, the oldest first.
func (f *Forge) marked(ctx context.Context, op, marker string) iter.Seq2[comment, error] {
	return func(yield func(comment, error) bool) {
		for page := 1; page > 0; {
			found, next, err := f.page(ctx, op, page, marker)
			if err == nil && next > 0 && (next <= page || next > maxPages) {
				err = &fault.Error{Op: op, Kind: apiclient.ErrBadAnswer, Detail: fmt.Sprintf("the list of comments has no end: page %d leads to page %d", page, next)}
			}
			if err != nil {
				yield(comment{}, err)
				return
			}
			for _, c := range found {
				if !yield(c, nil) {
					return
				}
			}
			page = next
		}
	}
}

// page reads one page of comments and returns those with the marker, and the
// number of the next page, 0 if it is the last. Gitea has one page for all.
func (f *Forge) page(ctx context.Context, op string, page int, marker string) (found []comment, next int, err error) {
	query := url.Values{"per_page": {"100"}, "page": {strconv.Itoa(page)}}
	if f.config.Kind == GitLab {
		query.Set("sort", "asc")
		query.Set("order_by", "created_at")
	}
	path := f.notes(f.config.Repository, f.config.PullRequest) + "?" + query.Encode()
	err = f.client.Do(ctx, f.ask(op, http.MethodGet, path, nil, func(resp *http.Response) error {
		found, next = nil, nextPage(resp.Header)
		return decode(&found)(resp)
	}))
	found = slices.DeleteFunc(found, func(c comment) bool { return c.System || firstLine(c.Body) != marker })
	return found, next, err
}

// nextPage returns the page after this one, or 0. Of the link to it only the
// number is taken: it can name a host that is not reached from here, or another's.
func nextPage(h http.Header) int {
	if n, err := strconv.Atoi(h.Get("X-Next-Page")); err == nil {
		return max(n, 0)
	}
	for link := range strings.SplitSeq(strings.Join(h.Values("Link"), ","), ",") {
		target, relation, _ := strings.Cut(link, ";")
		if !strings.Contains(relation, `rel="next"`) {
			continue
		}
		u, err := url.Parse(strings.Trim(strings.TrimSpace(target), "<>"))
		if err != nil {
			return 0
		}
		n, _ := strconv.Atoi(u.Query().Get("page"))
		return max(n, 0)
	}
	return 0
}
