package gitremote

import (
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// proxy is the one that the environment says to use for a host: HTTPS_PROXY,
// HTTP_PROXY and NO_PROXY, as most programs know them. There is none for ssh.
type proxy struct{ url *url.URL }

// read finds the proxy for a URL. The standard library reads the environment once for
// a whole process, and goes without a proxy if it cannot read what is there.
func (p *proxy) read(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	config := httpproxy.FromEnvironment()
	value := config.HTTPSProxy
	if u.Scheme == "http" {
		value = config.HTTPProxy
	}
	_, whole := url.Parse(value)
	_, place := url.Parse("http://" + value) // host:port is enough
	if p.url, err = config.ProxyFunc()(u); err != nil || whole != nil && place != nil {
		return &Error{
			Kind: ErrUnreachable, Detail: "proxy", Err: errors.New("it is not a valid URL"),
			Hint: "write HTTPS_PROXY (or HTTP_PROXY) as http://host:port or http://user:password@host:port",
		}
	}
	return nil
}

// of is what http.Transport asks. A redirect to another host is never followed, so
// that one proxy fits all requests.
func (p *proxy) of(*http.Request) (*url.URL, error) { return p.url, nil }

func (p *proxy) secrets() []string {
	if p.url == nil {
		return nil
	}
	password, _ := p.url.User.Password()
	return credentials(p.url.User.Username(), password)
}
