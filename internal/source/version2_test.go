package source

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// answersInVersion2 are hostile in version 2 of git's protocol, before there is a pack.
func answersInVersion2(hang <-chan struct{}) []hostility {
	at := func(place string, f func(w http.ResponseWriter)) serveFunc {
		return func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			switch asked := asks(req); {
			case asked == place:
				f(w)
			case place == askGreeting: // what is remembered of it does not hold
				w.WriteHeader(http.StatusBadRequest)
			default:
				git.ServeHTTP(w, req)
			}
		}
	}
	says := func(text string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { fmt.Fprint(w, text) }
	}
	endlessly := func(start, line string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			_, err := io.WriteString(w, start)
			for many := strings.Repeat(line, 1+1000/len(line)); err == nil; {
				_, err = io.WriteString(w, many)
			}
		}
	}
	hash := strings.Repeat("1", 40)
	const version = "000eversion 2\n"
	return []hostility{
		{"greeting: without an end", gitstore.ErrTooLarge, at(askGreeting, endlessly(version, "000aagent\n"))},
		{"greeting: cut off", gitremote.ErrBadAnswer, at(askGreeting, says(version+"000aag"))},
		{"greeting: no end", gitremote.ErrBadAnswer, at(askGreeting, says(version))},
		{"greeting: in sections", gitremote.ErrBadAnswer, at(askGreeting, says(version+"0001"))},
		{"greeting: other names", gitstore.ErrSHA256, at(askGreeting, says(version+"0019object-format=sha256\n0000"))},
		{"greeting: an error", gitremote.ErrRefused, at(askGreeting, says(version+"0010ERR go away\n"))},
		{"refs: without an end", gitstore.ErrTooLarge, at(askRefs, endlessly("", "003e"+hash+" refs/heads/main1\n"))},
		{"refs: without an end of line", gitstore.ErrTooLarge, at(askRefs, endlessly("", fmt.Sprintf("%04x%s %s", 65000, hash, strings.Repeat("x", 65000-4-41))))},
		{"refs: of nothing, without an end", gitremote.ErrBadAnswer, at(askRefs, endlessly("", "0004"))},
		{"refs: a line of no length", gitremote.ErrBadAnswer, at(askRefs, says("zzzz"))},
		{"refs: cut off in a line", gitremote.ErrBadAnswer, at(askRefs, says("00ff1111"))},
		{"refs: no end", gitremote.ErrBadAnswer, at(askRefs, says("003d"+hash+" refs/heads/main\n"))},
		{"refs: no hash", gitremote.ErrBadAnswer, at(askRefs, says("003d"+strings.Repeat("z", 40)+" refs/heads/main\n0000"))},
		{"refs: no name", gitremote.ErrBadAnswer, at(askRefs, says("002d"+hash+"\n0000"))},
		{"refs: in sections", gitremote.ErrBadAnswer, at(askRefs, says("0001"))},
		{"refs: none", gitremote.ErrEmptyRepository, at(askRefs, says("0000"))},
		{"refs: the branch is gone", gitremote.ErrNoBranch, at(askRefs, says("003e"+hash+" refs/heads/other\n0000"))},
		{"refs: an error", gitremote.ErrRefused, at(askRefs, says("0010ERR go away\n"))},
		{"refs: a page", gitremote.ErrBadAnswer, at(askRefs, says("<html>please log in</html>"))},
		{"refs: nothing", gitremote.ErrBadAnswer, at(askRefs, says(""))},
		{"refs: a hang", gitremote.ErrUnreachable, at(askRefs, func(http.ResponseWriter) { <-hang })},
		{"pack: acknowledgements without an end", gitstore.ErrTooLarge, at(askPack, endlessly("0014acknowledgments\n", "0008NAK\n"))},
		{"pack: sections without an end", gitstore.ErrTooLarge, at(askPack, endlessly("", "0014acknowledgments\n0001"))},
		{"pack: a shallow history", gitremote.ErrShallow, at(askPack, says("0011shallow-info\n0035shallow "+hash+"\n0001000dpackfile\n"))},
		{"pack: none", gitremote.ErrBadAnswer, at(askPack, says("0014acknowledgments\n0008NAK\n0000"))},
		{"pack: elsewhere", gitremote.ErrBadAnswer, at(askPack, says("0012packfile-uris\n"))},
		{"pack: an error", gitremote.ErrRefused, at(askPack, says("0010ERR go away\n"))},
		{"pack: a page", gitremote.ErrBadAnswer, at(askPack, says("<html>please log in</html>"))},
	}
}
