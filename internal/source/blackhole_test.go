package source

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	neturl "net/url"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/transport/transporttest"
)

// TestBlackHole: a connection that dies without a word costs one poll some time, and none a
// revision, over HTTP/1 and HTTP/2. With -long the time is the real one.
func TestBlackHole(t *testing.T) {
	for name, serve := range map[string]func(*testing.T, *repo) (url, authority string, proxy *transporttest.Proxy){
		"HTTP/1 of Go": func(t *testing.T, r *repo) (string, string, *transporttest.Proxy) {
			return behindHole(t, r.startWeb(true))
		},
		"HTTP/2 of Go": func(t *testing.T, r *repo) (string, string, *transporttest.Proxy) {
			ca := newAuthority(t)
			pair, _, _ := ca.issue("127.0.0.1", time.Now().Add(time.Hour))
			url, _, proxy := behindHole(t, r.startTLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
			return url, ca.file, proxy
		},
		"HTTP/2 of nginx": func(t *testing.T, r *repo) (string, string, *transporttest.Proxy) {
			ca := newAuthority(t)
			addr, _ := startNginx(t, ca, "location / { proxy_pass "+r.startWeb(false).URL+"; }")
			proxy := transporttest.NewProxy(t, addr)
			return "https://" + proxy.Addr + "/origin.git", ca.file, proxy
		},
	} {
		// Where there are many refs, a poll is a request of another kind.
		for _, refs := range []int{0, 1000} {
			t.Run(fmt.Sprintf("%s, %d more refs", name, refs), func(t *testing.T) { overBlackHole(t, refs, serve) })
		}
	}
}

func overBlackHole(t *testing.T, refs int, serve func(*testing.T, *repo) (url, authority string, proxy *transporttest.Proxy)) {
	t.Parallel()
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	r.withRefs(refs)
	url, authority, proxy := serve(t, r)
	config := GitConfig{URL: url, CAFile: authority, StaleAfter: 300 * time.Millisecond}
	if *long {
		config.StaleAfter = 0
	}
	g := r.open(config)
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	for version := 2; version < 4; version++ {
		r.Commit(map[string]string{"a.yaml": specOf("a", version)})
		proxy.Swallow()
		start := time.Now()
		wantSaid(t, poll(t, g), fmt.Sprintf("a v%d a.yaml", version))
		took := time.Since(start)
		t.Logf("a poll over a black hole took %v", took.Round(time.Millisecond))
		if took > time.Minute {
			t.Errorf("a poll took %v", took)
		}
		if conns := proxy.Conns(); conns != version {
			t.Errorf("%d connections after %d black holes", conns, version-1)
		}
	}
}

// TestBlackHole_SSH: a host that is gone in the middle of a pack is found out, long before a
// first pack would have to be there.
func TestBlackHole_SSH(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	noise := make([]byte, 4<<20)
	_, _ = rand.Read(noise)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1), "noise.bin": string(noise)})
	userKey, key := newKey(t)
	server := r.startSSHD(string(marshalKey(key)))
	proxy := transporttest.NewProxy(t, server.addr)
	line := strings.Replace(server.line("", "ed25519"), strings.Replace(server.addr, ":", "]:", 1), strings.Replace(proxy.Addr, ":", "]:", 1), 1)
	config := GitConfig{
		URL: strings.Replace(server.url, server.addr, proxy.Addr, 1), SSHKeyFile: userKey, KnownHostsFile: writeFile(t, "known_hosts", line),
		StaleAfter: time.Second,
	}
	if *long {
		config.StaleAfter = 0
	}
	proxy.SwallowAfter(1 << 20)
	g := r.open(config)
	start := time.Now()
	wantError(t, g, gitremote.ErrUnreachable, "the host does not answer any more")
	took := time.Since(start)
	t.Logf("it took %v", took.Round(time.Millisecond))
	if took > time.Minute {
		t.Errorf("it took %v", took)
	}
	proxy.SwallowAfter(0)
	wantSaid(t, poll(t, g), "a v1 a.yaml")
}

// behindHole puts a server behind a proxy.
func behindHole(t *testing.T, web *webServer) (url, authority string, proxy *transporttest.Proxy) {
	at, err := neturl.Parse(web.url)
	must(t, err)
	proxy = transporttest.NewProxy(t, at.Host)
	if web.Certificate() != nil {
		authority = web.authority(t)
	}
	return "https://" + proxy.Addr + at.Path, authority, proxy
}

// TestBlackHole_GitHubApp: so does a token of a GitHub App, which is asked for by a POST.
func TestBlackHole_GitHubApp(t *testing.T) {
	if !*long {
		t.Skip("-long: it takes half a minute")
	}
	t.Parallel()
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	ca := newAuthority(t)
	pair, _, _ := ca.issue("127.0.0.1", time.Now().Add(time.Hour))
	web := r.startTLS(&tls.Config{Certificates: []tls.Certificate{pair}})
	hub := &github{key: &key.PublicKey, good: time.Hour}
	web.instead(hub.serve)
	at, err := neturl.Parse(web.url)
	must(t, err)
	proxy := transporttest.NewProxy(t, at.Host)
	g := r.open(GitConfig{URL: "https://" + proxy.Addr + at.Path, CAFile: ca.file, GitHubApp: gitremote.GitHubApp{
		ID: "1234", InstallationID: "42", APIURL: "https://" + proxy.Addr + "/api/v3/",
		KeyFile: writeFile(t, "app.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))),
	}})
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	g.remote.Denied() // a new token is needed
	proxy.Swallow()
	start := time.Now()
	_, err = g.Poll(t.Context())
	t.Logf("after %v: %v", time.Since(start).Round(time.Millisecond), err)
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	took := time.Since(start)
	t.Logf("a token was had %v after the black hole", took.Round(time.Millisecond))
	if took > time.Minute || hub.tokens != 2 {
		t.Errorf("%d tokens after %v", hub.tokens, took)
	}
}
