package gitremote

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"regexp"
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

// smart returns the body of an answer, or the error of one that is no greeting as git's
// smart protocol has it: a page, or what servers of files alone give.
func smart(resp *http.Response) (answer, error) {
	in := bufio.NewReader(resp.Body)
	if resp.Header.Get("Content-Type") == "application/x-git-upload-pack-advertisement" {
		return answer{in, resp.Body}, nil
	}
	if start, _ := in.Peek(len("001e# service=")); smartStart.Match(start) {
		return answer{in, resp.Body}, nil
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(in, maxPage))
	if err != nil {
		return answer{}, err
	}
	e := &Error{Kind: ErrBadAnswer, Hint: "check that --source is the URL of a git repository, and not of its page"}
	if dumbRefs.Match(page) {
		e.Detail = "the server gives files alone (git's dumb protocol), and no packs"
		e.Hint = "serve the repository by git http-backend, or over ssh"
	} else if said := words(resp.Header.Get("Content-Type"), page); strings.TrimSpace(said) != "" {
		e.Err = errors.New(said)
	}
	return answer{}, e
}

// smartStart is what a greeting begins with, or a line that says why there is none.
var smartStart = regexp.MustCompile(`^[0-9a-f]{4}(# service=|version [12]|ERR )`)

// dumbRefs is what info/refs is as a file.
var dumbRefs = regexp.MustCompile(`^[0-9a-f]{40}\trefs/`)

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
