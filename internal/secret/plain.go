package secret

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// ErrPlain says that a secret would be shown to the network on its way.
var ErrPlain = errors.New("a secret would leave over plain http: use https, or, in a network that nobody else is in, name the host in --plain-http-hosts")

// PlainHosts are hosts, separated by commas, that secrets may be sent to over plain
// http. This machine is always one.
type PlainHosts string

// Check returns ErrPlain if a secret must not be sent to the address.
func (p PlainHosts) Check(u *url.URL) error {
	host := u.Hostname()
	if u.Scheme != "http" || Loopback(host) {
		return nil
	}
	for named := range strings.SplitSeq(string(p), ",") {
		if named = strings.TrimSpace(named); named != "" && strings.EqualFold(named, host) {
			return nil
		}
	}
	return ErrPlain
}

// Loopback reports whether a host can only be this machine.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
