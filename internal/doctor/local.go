package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// examineConfiguration checks what a person set, as the daemon does at its start.
func examineConfiguration(_ context.Context, s *Subject) (r result) {
	if s.ConfigErr != nil {
		r.failLines(checkConfiguration, s.ConfigErr)
	}
	if err := s.Settings.Validate(); err != nil {
		r.failLines(checkConfiguration, err)
	}
	if n, err := notify.New(s.Settings.Notify); err != nil {
		r.fail(checkConfiguration, "notify: %v", err)
	} else if err := n.Close(); err != nil {
		r.fail(checkConfiguration, "notify: %v", err)
	}
	if info, err := os.Stat(s.ConfigFile); err == nil && info.Mode().Perm()&0o022 != 0 {
		r.warn(checkConfiguration, "%s can be written by others than its owner, and the guards are in it: chmod go-w %[1]s", s.ConfigFile)
	}
	for _, path := range []string{s.Settings.Git.PGPKeysFile, s.Settings.Git.AllowedSignersFile, s.Settings.Git.RevokedKeysFile} {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o022 != 0 {
			r.warn(checkConfiguration, "%s can be written by others than its owner, and it says whose commits are trusted: chmod go-w %[1]s", path)
		}
	}
	switch {
	case len(r.findings) > 0:
	case s.ConfigFile == "":
		r.ok(checkConfiguration, "the file does not exist: flags and environment variables apply")
	default:
		r.ok(checkConfiguration, "%s can be used", s.ConfigFile)
	}
	return r
}

// secretFile is a file that nobody else may read.
type secretFile struct {
	name  string                  // of the setting
	path  string                  // empty if it is not set
	check func(path string) error // what it has to hold; nil for any text
}

func secretFiles(s *config.Settings) []secretFile {
	files := []secretFile{
		{"git-token-file", s.Git.TokenFile, nil},
		{"github-app-key-file", s.Git.GitHubAppKeyFile, nil},
		{"ssh-key-file", s.Git.SSHKeyFile, nil},
		{"ssh-passphrase-file", s.Git.SSHPassphraseFile, nil},
		{"action-token-file", s.ActionTokenFile, access.CheckSecrets},
		{"read-token-file", s.ReadTokenFile, access.CheckSecrets},
		{"github-secret-file", s.Webhooks.GitHub, access.CheckSecrets},
		{"gitlab-secret-file", s.Webhooks.GitLab, access.CheckSecrets},
		{"gitea-secret-file", s.Webhooks.Gitea, access.CheckSecrets},
	}
	for _, t := range s.Tokens {
		files = append(files, secretFile{"tokens." + t.Name + ".tokenFile", t.File, access.CheckSecrets})
	}
	if f := s.Notify.Forge; f != nil {
		files = append(files, secretFile{"notify.forge.tokenFile", f.Token.File(), nil})
	}
	for _, c := range s.Notify.Channels {
		files = append(files,
			secretFile{"notify.channels." + c.Name + ".urlFile", c.URL.File(), nil},
			secretFile{"notify.channels." + c.Name + ".keyFile", c.Key.File(), nil})
	}
	return files
}

// examineSecrets checks the files of secrets: that this user can read them, and that
// others cannot.
func examineSecrets(_ context.Context, s *Subject) (r result) {
	n := 0
	for _, f := range secretFiles(&s.Settings) {
		if f.path == "" {
			continue
		}
		n++
		info, err := readable(f.path)
		if err == nil && f.check != nil {
			err = f.check(f.path)
		}
		if err != nil {
			r.fail(checkSecrets, "%s: %v", f.name, err)
		} else if who := file.Exposed(info); who != "" {
			r.warn(checkSecrets, "%s: %s can read %s: chmod 0600 %[3]s", f.name, who, f.path)
		}
	}
	switch {
	case len(r.findings) > 0:
	case n == 0:
		r.ok(checkSecrets, "no file of secrets is set")
	default:
		r.ok(checkSecrets, "%s can be read by this user only", counted(n, "file"))
	}
	return r
}

// readable reports whether there is something in the file that this user can read.
func readable(path string) (fs.FileInfo, error) {
	f, err := file.Open("", path, file.MaxCertificates)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := f.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: it is empty", path)
	} else if err != nil {
		return nil, err
	}
	return info, nil
}

// examineListen asks who answers where the daemon would.
func examineListen(ctx context.Context, s *Subject) (r result) {
	address := s.Settings.Listen
	if address == config.ListenOff {
		r.ok(checkListen, "the status page, the probes and the metrics are off")
		return r
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		r.fail(checkListen, "%v: give --listen an address such as 127.0.0.1:9740, or %s", err, config.ListenOff)
		return r
	}
	open := ""
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		open = "; anyone who can reach it can read it, unencrypted: allow only a proxy and the scraper"
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	place := net.JoinHostPort(host, port)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", place)
	if err != nil {
		r.ok(checkListen, "the port of %s is free%s", address, open)
		return r
	}
	conn.Close()
	ready, err := askReady(ctx, place)
	switch {
	case err != nil:
		r.fail(checkListen, "another program answers at %s (%v): give this daemon a --listen of its own, or --listen %s", address, err, config.ListenOff)
	case ready == "":
		r.ok(checkListen, "a daemon answers at %s: no action required%s", address, open)
	default:
		r.warn(checkListen, "the daemon at %s: action required: %s%s", address, ready, open)
	}
	return r
}

// askReady asks a daemon why action is required: empty if nobody is.
func askReady(ctx context.Context, place string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+place+"/readyz", nil)
	if err != nil {
		return "", err
	}
	way := transport.New(transport.Options{Proxy: transport.Direct})
	defer way.CloseIdleConnections()
	resp, err := way.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	first, reasons, _ := strings.Cut(string(body), "\n")
	switch {
	case err != nil:
		return "", err
	case resp.StatusCode == http.StatusOK && first == "ready":
		return "", nil
	case resp.StatusCode == http.StatusServiceUnavailable && reasons != "":
		reason, _, _ := strings.Cut(reasons, "\n")
		return reason, nil
	default:
		return "", fmt.Errorf("it answers %s", resp.Status)
	}
}
