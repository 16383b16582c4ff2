package gitremote

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/wedatasync/wedatasync/internal/transport"
)

// refusal says what an answer means that is no answer of git: in the server's own words,
// and with the time that it asks for.
func refusal(resp *http.Response) *Error {
	page, _ := io.ReadAll(io.LimitReader(resp.Body, maxPage)) // what there is of it is quoted
	said := words(resp.Header.Get("Content-Type"), page)
	e := &Error{Status: resp.StatusCode, RetryAfter: transport.RetryAfter(resp.Header, time.Now())}
	if strings.TrimSpace(said) != "" {
		e.Err = errors.New(said)
	}
	switch status := resp.StatusCode; {
	case transport.IsLimit(resp, said), status == http.StatusBadRequest, status == http.StatusRequestTimeout, status >= 500:
		e.Kind = ErrUnreachable
		e.Hint = "try again; if it lasts, check --source"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Kind = ErrAuth
		e.Hint = "check --git-username and --git-token-file, and that they may read the repository"
	case status == http.StatusNotFound, status == http.StatusGone:
		e.Kind = ErrNoRepository
		e.Hint = "check --source, and that what --git-token-file names may read it: many servers say the same for both"
	default:
		e.Kind = ErrBadAnswer
		e.Hint = "check that --source is the URL of a git repository"
	}
	return e
}

// maxPage bounds what is read of a page to find its words, in bytes.
const maxPage = 16 << 10

// words returns what a page says: of one in HTML, its text. An error shows one line of it,
// when secrets have been taken out.
func words(contentType string, page []byte) string {
	if !strings.HasPrefix(contentType, "text/html") {
		return string(page)
	}
	var said []string
	skip := false
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(said, ": ")
		case html.StartTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			skip = tag == atom.Script || tag == atom.Style
		case html.EndTagToken:
			skip = false
		case html.TextToken:
			line := strings.Join(strings.Fields(string(z.Text())), " ")
			// A page often says the same in its title and its heading.
			if line != "" && !skip && (len(said) == 0 || said[len(said)-1] != line) {
				said = append(said, line)
			}
		}
	}
}
