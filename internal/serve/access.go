package serve

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/state"
)

// VerbRead lets a token read where reading needs one. The other verbs are those of words.
const VerbRead state.Verb = "read"

// Verbs lists what a token can be good for.
func Verbs() []state.Verb {
	return []state.Verb{
		state.VerbApprove, state.VerbRetry, state.VerbResolve, state.VerbSuspend, state.VerbUnsuspend, VerbRead,
	}
}

// Token says who may do what over HTTP.
type Token struct {
	// Name goes into the history as the actor. Empty: the token says that its bearer may
	// act, and the request who that is.
	Name string
	// File has the token; a second line may have another one, for its rotation. It is
	// read again at each use.
	File  string
	Verbs []state.Verb
}

// may reports whether the token is good for the verb.
func (t *Token) may(v state.Verb) bool { return slices.Contains(t.Verbs, v) }

// setting names what names the file.
func (t *Token) setting() string {
	switch {
	case t.Name != "":
		return "tokens, " + t.Name
	case t.may(state.VerbApprove):
		return "--action-token-file"
	default:
		return "--read-token-file"
	}
}

// tokens are those that are known.
type tokens []Token

// acts reports whether one of them is good for more than to read.
func (all tokens) acts() bool {
	return slices.ContainsFunc(all, func(t Token) bool {
		return slices.ContainsFunc(t.Verbs, func(v state.Verb) bool { return v != VerbRead })
	})
}

// check reads every file, and refuses a token that two have: it would not say who it is.
func (all tokens) check() error {
	first := map[[sha256.Size]byte]string{}
	for _, t := range all {
		s, err := readSecrets(t.setting(), t.File, nil)
		if err != nil {
			return err
		}
		for _, v := range s.values {
			sum := sha256.Sum256(v)
			if other, taken := first[sum]; taken && other != t.File {
				return fmt.Errorf("read secrets: %s and %s have the same token: give each its own", other, t.File)
			}
			first[sum] = t.File
		}
	}
	return nil
}

// find returns whose token was given; nil if it is nobody's, or that of two. All are
// compared, so that how long it takes says nothing about any of them.
func (all tokens) find(r *http.Request, log *slog.Logger, given string) *Token {
	var found *Token
	n := 0
	for i := range all {
		known, err := readSecrets(all[i].setting(), all[i].File, log)
		if err != nil {
			log.ErrorContext(r.Context(), "read a token", "error", err)
			continue
		}
		if known.match(given) {
			found = &all[i]
			n++
		}
	}
	if n != 1 {
		return nil
	}
	return found
}

// bearer returns the token in the request's Authorization header, or "".
func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// forReaders returns h for who may read. Browsers ask for the token as a password, and
// send it along with every page from then on; that is enough to read, and for nothing else.
func (s *Server) forReaders(l *live, h http.Handler) http.Handler {
	if !l.private {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := bearer(r)
		if _, password, ok := r.BasicAuth(); ok {
			given = password
		}
		switch t := l.tokens.find(r, s.cfg.Logger, given); {
		case t == nil:
			w.Header().Add("WWW-Authenticate", `Basic realm="wedatasync", charset="UTF-8"`)
			w.Header().Add("WWW-Authenticate", `Bearer realm="wedatasync"`)
			fail(w, http.StatusUnauthorized, "a token is needed to read: as the password, whatever the user name, or as Authorization: Bearer TOKEN")
		case !t.may(VerbRead):
			fail(w, http.StatusForbidden, t.cannot(VerbRead))
		default:
			prove(r)
			h.ServeHTTP(w, r)
		}
	})
}

// cannot says that the token is not good for the verb.
func (t *Token) cannot(v state.Verb) string {
	return fmt.Sprintf("the token %s may not %s: its verbs are %s", t.Name, v, join(t.Verbs))
}

func join(verbs []state.Verb) string {
	var b strings.Builder
	for i, v := range verbs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(v))
	}
	return b.String()
}

// hosts are the names that requests may have for this server, beside IP addresses and
// localhost. A page of another site that has its own name resolved to this address is
// not let through with them.
type hosts []string

// has reports whether the Host header of a request is one of a known name.
func (known hosts) has(header string) bool {
	name := header
	if host, _, err := net.SplitHostPort(header); err == nil {
		name = host
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if _, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")); err == nil {
		return true
	}
	return name == "localhost" || slices.Contains(known, name)
}

// misdirected is the answer to a request for another host.
const misdirected = "This is wedatasync, and the Host of the request is not one of its names. " +
	"Use its IP address, or add the name to allowedHosts in its configuration (--allowed-hosts, WEDATASYNC_ALLOWED_HOSTS).\n"

// addressed returns h for requests to a known host. Probes are answered in any case:
// they say nothing that is worth reading by a detour.
func addressed(known hosts, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" && !known.has(r.Host) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusMisdirectedRequest)
			_, _ = io.WriteString(w, misdirected)
			return
		}
		h.ServeHTTP(w, r)
	})
}
