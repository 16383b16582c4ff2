package source

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// authority is a private authority for certificates.
type authority struct {
	t    testing.TB
	file string // its certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return &authority{t, writeFile(t, "ca.pem", string(text)), cert, key}
}

// issue makes a certificate for a host name or address, and the files of it.
func (a *authority) issue(host string, notAfter time.Time) (pair tls.Certificate, certFile, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: notAfter, DNSNames: []string{host}}
	if ip := net.ParseIP(host); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	pair, err = tls.X509KeyPair(cert, secret)
	must(a.t, err)
	return pair, writeFile(a.t, "cert.pem", string(cert)), writeFile(a.t, "key.pem", string(secret))
}

// startTLS serves the repository over https with a certificate.
func (r *repo) startTLS(config *tls.Config) *webServer {
	r.T.Helper()
	web := r.startWeb(false)
	front := httptest.NewUnstartedServer(web.Config.Handler)
	front.TLS, front.EnableHTTP2 = config, true
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it are what is tested
	front.StartTLS()
	r.T.Cleanup(front.Close)
	web.url = front.URL + "/origin.git"
	return web
}

func TestTLS(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	ca, stranger := newAuthority(t), newAuthority(t)
	hour := time.Now().Add(time.Hour)
	good, _, _ := ca.issue("127.0.0.1", hour)
	expired, _, _ := ca.issue("127.0.0.1", time.Now().Add(-time.Minute))
	other, _, _ := ca.issue("git.example.com", hour)
	foreign, _, _ := stranger.issue("127.0.0.1", hour)
	both := writeFile(t, "both.pem", slurp(t, ca.file)+slurp(t, stranger.file))

	tests := []struct {
		name   string
		config *tls.Config
		ca     string
		say    string // "": it is trusted
	}{
		{"a private authority", &tls.Config{Certificates: []tls.Certificate{good}}, ca.file, ""},
		{"one of two authorities", &tls.Config{Certificates: []tls.Certificate{foreign}}, both, ""},
		{"the system's authorities alone", &tls.Config{Certificates: []tls.Certificate{good}}, "", "unknown authority"},
		{"another authority", &tls.Config{Certificates: []tls.Certificate{foreign}}, ca.file, "unknown authority"},
		{"an expired certificate", &tls.Config{Certificates: []tls.Certificate{expired}}, ca.file, "expired"},
		{"the certificate of another host", &tls.Config{Certificates: []tls.Certificate{other}}, ca.file, "127.0.0.1"},
		{"an old TLS", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11}, ca.file, "protocol version"},
		{"no file of authorities", &tls.Config{Certificates: []tls.Certificate{good}}, filepath.Join(t.TempDir(), "none"), "no such file"},
		{"a file without authorities", &tls.Config{Certificates: []tls.Certificate{good}}, writeFile(t, "ca", "hello"), "holds no certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := r.open(GitConfig{URL: r.startTLS(test.config).url, CAFile: test.ca})
			if test.say == "" {
				wantSaid(t, poll(t, g), "a v1 a.yaml")
				return
			}
			wantError(t, g, gitremote.ErrUnreachable, test.say)
		})
	}
	t.Run("an authority that is added later", func(t *testing.T) {
		file := writeFile(t, "ca.pem", slurp(t, stranger.file))
		g := r.open(GitConfig{URL: r.startTLS(&tls.Config{Certificates: []tls.Certificate{good}}).url, CAFile: file})
		wantError(t, g, gitremote.ErrUnreachable, "unknown authority")
		must(t, os.WriteFile(file, []byte(slurp(t, both)), 0o600))
		wantSaid(t, poll(t, g), "a v1 a.yaml")
	})
}

func slurp(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

// TestNginx reads through the server that stands before most git servers: with TLS,
// startNginx starts nginx with TLS and HTTP/2. conf is what its server does; DIR is a folder
// that its workers can read, and ADDR where it listens.
func startNginx(t *testing.T, ca *authority, conf string) (addr, dir string) {
	t.Helper()
	const nginx = "/usr/sbin/nginx"
	if _, err := exec.LookPath(nginx); err != nil {
		t.Skipf("%s is not installed (Debian: nginx-light)", nginx)
	}
	_, cert, key := ca.issue("127.0.0.1", time.Now().Add(time.Hour))
	// The socket is ours, so that no other test takes its port; nginx inherits it.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	socket, err := l.(*net.TCPListener).File()
	must(t, err)
	defer socket.Close()
	dir = t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755)) // its workers read files as another user
	must(t, os.Chmod(dir, 0o755))
	config := filepath.Join(dir, "nginx.conf")
	conf = strings.NewReplacer("DIR", dir, "ADDR", l.Addr().String()).Replace(conf)
	must(t, os.WriteFile(config, fmt.Appendf(nil, `
daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log; events {}
http {
  access_log off; gzip on; gzip_min_length 1; gzip_types *;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server {
    listen %[2]s ssl http2; ssl_certificate %[3]s; ssl_certificate_key %[4]s;
    %[5]s
  }
}
`, dir, l.Addr(), cert, key, conf), 0o600))
	cmd := exec.Command(nginx, "-p", dir, "-c", config, "-e", filepath.Join(dir, "error.log"))
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Env = []string{"NGINX=3;", "PATH=" + os.Getenv("PATH")}
	var said bytes.Buffer
	cmd.Stderr = &said
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		l.Close()
		if t.Failed() {
			t.Logf("nginx says %s%s", &said, slurp(t, filepath.Join(dir, "error.log")))
		}
	})
	return l.Addr().String(), dir
}

// HTTP/2, compression and a password of its own.
func TestNginx(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(false)
	ca := newAuthority(t)
	addr, dir := startNginx(t, ca, `
    auth_basic git; auth_basic_user_file DIR/passwords;
    location / { proxy_pass `+web.Server.URL+`; }
    location /old.git { return 301 https://ADDR/origin.git$is_args$args; }
    location /old.git/info/refs { return 301 https://ADDR/origin.git/info/refs$is_args$args; }
    location /away.git { return 302 https://git.example.com/origin.git; }
    location /plain.git { return 302 http://ADDR/origin.git; }
    location /loop.git { return 302 https://ADDR$request_uri; }
`)
	must(t, os.WriteFile(filepath.Join(dir, "passwords"), []byte("ann:{PLAIN}first-secret\n"), 0o644))

	secret := writeFile(t, "password", "first-secret\n")
	at := func(path string) GitConfig {
		return GitConfig{URL: "https://" + addr + path, Username: "ann", PasswordFile: secret, CAFile: ca.file}
	}
	g := r.open(at("/origin.git"))
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 a.yaml")
	wantSaid(t, poll(t, r.open(at("/old.git"))), "a v2 a.yaml") // a repository that was renamed

	wrong := at("/origin.git")
	wrong.PasswordFile = writeFile(t, "password", "second-secret")
	wantError(t, r.open(wrong), gitremote.ErrAuth, "--git-token-file")
	wantError(t, r.open(at("/none.git")), gitremote.ErrNoRepository, "")
	wantError(t, r.open(at("/away.git")), gitremote.ErrBadAnswer, "https://git.example.com/origin.git: if that is right, set --source to it")
	wantError(t, r.open(at("/plain.git")), gitremote.ErrBadAnswer, "points to another place, http://")
	wantError(t, r.open(at("/loop.git")), gitremote.ErrBadAnswer, "points from one place to the next")
}

// proxyServer is an http proxy that tunnels to one address, whatever name it is asked for.
type proxyServer struct {
	*httptest.Server
	asked []string
}

// startProxy starts a proxy that wants the user and password, if there is one.
func startProxy(t testing.TB, to, userinfo string, config *tls.Config) *proxyServer {
	t.Helper()
	p := &proxyServer{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p.asked = append(p.asked, req.Method+" "+req.Host)
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
		if userinfo != "" && req.Header.Get("Proxy-Authorization") != want {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			fmt.Fprint(w, "not with ", req.Header.Get("Proxy-Authorization"))
			return
		}
		if req.Method != http.MethodConnect {
			fmt.Fprint(w, "<html>this proxy answers itself</html>")
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer server.Close()
		client, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(server, buffered)
			server.(*net.TCPConn).CloseWrite()
		}()
		_, _ = io.Copy(client, server)
	}))
	if config != nil {
		p.TLS = config
		p.Config.ErrorLog = log.New(io.Discard, "", 0)
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

// The proxy of the environment is used, with its password, which is never shown.
func TestProxy(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	ca := newAuthority(t)
	cert, _, _ := ca.issue("git.example.test", time.Now().Add(time.Hour))
	web := r.startTLS(&tls.Config{Certificates: []tls.Certificate{cert}})
	address, err := url.Parse(web.url)
	must(t, err)
	config := GitConfig{URL: "https://git.example.test/origin.git", CAFile: ca.file}
	use := func(t *testing.T, value string) {
		for _, name := range []string{"HTTP_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"} {
			t.Setenv(name, "")
		}
		t.Setenv("HTTPS_PROXY", value)
	}
	hidden := func(t *testing.T, g *Git, say string) {
		t.Helper()
		_, err := g.Poll(t.Context())
		if err == nil || !strings.Contains(err.Error(), say) || strings.Contains(err.Error(), "pr0xy-secret") || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte("ann:pr0xy-secret"))) {
			t.Errorf("the error is %v, want %q in it", err, say)
		}
	}
	userinfo := "ann:pr0xy-secret"

	t.Run("without a password", func(t *testing.T) {
		p := startProxy(t, address.Host, "", nil)
		use(t, p.URL)
		wantSaid(t, poll(t, r.open(config)), "a v1 a.yaml")
		if got := strings.Join(p.asked, ", "); got != "CONNECT git.example.test:443" {
			t.Errorf("it was asked %s", got)
		}
	})
	t.Run("with a password", func(t *testing.T) {
		p := startProxy(t, address.Host, userinfo, nil)
		use(t, strings.Replace(p.URL, "://", "://"+userinfo+"@", 1))
		wantSaid(t, poll(t, r.open(config)), "a v1 a.yaml")
	})
	t.Run("over TLS", func(t *testing.T) {
		its, _, _ := ca.issue("127.0.0.1", time.Now().Add(time.Hour))
		p := startProxy(t, address.Host, userinfo, &tls.Config{Certificates: []tls.Certificate{its}})
		use(t, strings.Replace(p.URL, "://", "://"+userinfo+"@", 1))
		wantSaid(t, poll(t, r.open(config)), "a v1 a.yaml")
	})
	t.Run("with another password", func(t *testing.T) {
		p := startProxy(t, address.Host, "ann:other", nil)
		use(t, strings.Replace(p.URL, "://", "://"+userinfo+"@", 1))
		hidden(t, r.open(config), "Proxy Authentication Required")
	})
	t.Run("that reaches nobody", func(t *testing.T) {
		p := startProxy(t, "127.0.0.1:1", userinfo, nil)
		use(t, strings.Replace(p.URL, "://", "://"+userinfo+"@", 1))
		hidden(t, r.open(config), "Bad Gateway")
	})
	t.Run("that is not there", func(t *testing.T) {
		use(t, "http://"+userinfo+"@127.0.0.1:1")
		hidden(t, r.open(config), "connection refused")
	})
	t.Run("that is no URL", func(t *testing.T) {
		use(t, "http://"+userinfo+"@%zz")
		hidden(t, r.open(config), "HTTPS_PROXY")
	})
	t.Run("that answers itself", func(t *testing.T) {
		p := startProxy(t, address.Host, "", nil)
		use(t, "")
		t.Setenv("HTTP_PROXY", p.URL)
		plain := config
		plain.URL = "http://git.example.test/origin.git"
		wantError(t, r.open(plain), gitremote.ErrBadAnswer, "")
	})
	t.Run("not for this host", func(t *testing.T) {
		use(t, "http://127.0.0.1:1")
		t.Setenv("NO_PROXY", "127.0.0.1")
		other, _, _ := ca.issue("127.0.0.1", time.Now().Add(time.Hour))
		direct := config
		direct.URL = r.startTLS(&tls.Config{Certificates: []tls.Certificate{other}}).url
		wantSaid(t, poll(t, r.open(direct)), "a v1 a.yaml")
	})
}
