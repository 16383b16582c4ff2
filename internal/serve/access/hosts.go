package access

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/serve/problem"
)

// Hosts are the names that requests may have for this server, beside IP addresses and
// localhost. They stop DNS rebinding: a page of another site whose own name resolves to
// this address.
type Hosts []string

// has reports whether the Host header of a request is one of a known name.
func (known Hosts) has(header string) bool {
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
	"Use its IP address, or add the name to allowedHosts in its configuration (--allowed-hosts, WEDATASYNC_ALLOWED_HOSTS)."

// Addressed returns h for requests to a known host. Probes are answered for any host, as
// they say nothing that an attacker wants.
func Addressed(known Hosts, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" && !known.has(r.Host) {
			problem.Write(w, http.StatusMisdirectedRequest, misdirected)
			return
		}
		h.ServeHTTP(w, r)
	})
}
