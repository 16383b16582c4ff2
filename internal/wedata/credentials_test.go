package wedata

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var long = flag.Bool("long", false, "repeat what is done under load more often")

// StaticCredentials returns credentials that never change; token may be empty.
func StaticCredentials(secretID, secretKey, token string) *Credentials {
	k := keys{id: secretID, key: secretKey, token: token, origin: "given"}
	return &Credentials{keys: k, find: func(context.Context) (keys, error) { return k, nil }}
}

// env is an environment for CredentialSources.Getenv.
func env(pairs ...string) func(string) string {
	m := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

// writeFile writes a file that only its owner can read, and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// nowhere is an address at which no metadata service answers.
func nowhere(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	return srv.URL + "/"
}

func TestFindCredentials(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".tencentcloud", "credentials"),
		"# mine\r\n[other]\r\nsecret_id = no\r\n\r\n[default]\r\n; a comment = x\r\nsecret_id = file-id\r\nsecret_key= file-key=\r\n")
	other := writeFile(t, filepath.Join(t.TempDir(), "p"), "[default]\nsecret_id=other-id\nsecret_key=other-key\ntoken=other-token\n")
	half := writeFile(t, filepath.Join(t.TempDir(), "p"), "[default]\nsecret_id=half-id\n")
	long := writeFile(t, filepath.Join(t.TempDir(), "p"), strings.Repeat("#", maxProfile+1))
	odd := writeFile(t, filepath.Join(t.TempDir(), "p"), "[default]\nsecret_id=a b\nsecret_key=c\n")
	longest, tooLong := strings.Repeat("t", maxSecret), strings.Repeat("t", maxSecret+1)
	tests := []struct {
		name string
		env  func(string) string
		want keys   // without origin
		err  string // in the error
	}{
		{name: "the environment", env: env("TENCENTCLOUD_SECRET_ID", "i", "TENCENTCLOUD_SECRET_KEY", "k", "HOME", home), want: keys{id: "i", key: "k"}},
		{name: "the environment, temporary", env: env("TENCENTCLOUD_SECRET_ID", "i", "TENCENTCLOUD_SECRET_KEY", "k", "TENCENTCLOUD_TOKEN", "t"), want: keys{id: "i", key: "k", token: "t"}},
		{name: "the longest token", env: env("TENCENTCLOUD_SECRET_ID", "i", "TENCENTCLOUD_SECRET_KEY", "k", "TENCENTCLOUD_TOKEN", longest), want: keys{id: "i", key: "k", token: longest}},
		{name: "a token too long", env: env("TENCENTCLOUD_SECRET_ID", "i", "TENCENTCLOUD_SECRET_KEY", "k", "TENCENTCLOUD_TOKEN", tooLong), err: "over 8192 bytes"},
		{name: "a key that ends in a line break", env: env("TENCENTCLOUD_SECRET_ID", "i", "TENCENTCLOUD_SECRET_KEY", "k\n"), err: "not ASCII"},
		{name: "a key that is not ASCII", env: env("TENCENTCLOUD_SECRET_ID", "i", "TENCENTCLOUD_SECRET_KEY", "\x7f"), err: "not ASCII"},
		{name: "half the environment", env: env("TENCENTCLOUD_SECRET_ID", "i", "HOME", home), err: "the environment: the secret id or the secret key is empty"},
		{name: "the profile file", env: env("HOME", home), want: keys{id: "file-id", key: "file-key="}},
		{name: "another profile file", env: env("HOME", home, "TENCENTCLOUD_CREDENTIALS_FILE", other), want: keys{id: "other-id", key: "other-key", token: "other-token"}},
		{name: "a profile file that is not there", env: env("HOME", home, "TENCENTCLOUD_CREDENTIALS_FILE", other+"x"), err: "no such file"},
		{name: "half a profile file", env: env("TENCENTCLOUD_CREDENTIALS_FILE", half), err: "the secret id or the secret key is empty"},
		{name: "a profile file without end", env: env("TENCENTCLOUD_CREDENTIALS_FILE", long), err: "it may have at most 65536 bytes"},
		{name: "a profile file with an odd id", env: env("TENCENTCLOUD_CREDENTIALS_FILE", odd), err: "not ASCII"},
		{name: "half a role of a pod", env: env("TKE_ROLE_ARN", "r"), err: "the role of the pod: TKE_REGION is not set"},
		{name: "nothing", env: env("HOME", t.TempDir()), err: "there are none"},
		{name: "nothing, not even a home", env: env(), err: "there are none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := FindCredentials(t.Context(), CredentialSources{Getenv: tt.env, metadata: nowhere(t)})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if k := c.keys; k.id != tt.want.id || k.key != tt.want.key || k.token != tt.want.token {
				t.Errorf("found %q %q %q, want %q %q %q", k.id, k.key, k.token, tt.want.id, tt.want.key, tt.want.token)
			}
		})
	}
}

// Who has no credentials is told the three ways to give them.
func TestNoCredentials(t *testing.T) {
	_, err := FindCredentials(t.Context(), CredentialSources{Getenv: env(), metadata: nowhere(t)})
	if _, ok := errors.AsType[*NoCredentialsError](err); !ok {
		t.Fatalf("got %v", err)
	}
	want := "find credentials: there are none: set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, " +
		"or write secret_id and secret_key under [default] in ~/.tencentcloud/credentials, " +
		"or bind a CAM role to this instance (ask the metadata service: it answered 404)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestProfileThatOthersCanRead(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "p"), "[default]\nsecret_id=i\nsecret_key=k\n")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	_, err := FindCredentials(t.Context(), CredentialSources{
		Getenv: env("TENCENTCLOUD_CREDENTIALS_FILE", path),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil || !strings.Contains(log.String(), "make it 0600") {
		t.Errorf("got %v, log %q", err, log.String())
	}
}

func TestInstanceRole(t *testing.T) {
	tests := []struct {
		name    string
		role    string
		answer  string
		want    string // the id
		wantErr string
	}{
		{name: "a role", role: "WeData_role-1\n", answer: `{"Code":"Success","TmpSecretId":"i","TmpSecretKey":"k","Token":"t","ExpiredTime":4102444800}`, want: "i"},
		{name: "an error", role: "r", answer: `{"Code":"Failed"}`, wantErr: "no keys"},
		{name: "no time", role: "r", answer: `{"Code":"Success","TmpSecretId":"i","TmpSecretKey":"k","Token":"t"}`, wantErr: "no keys"},
		{name: "no JSON", role: "r", answer: `<html>`, wantErr: "no keys"},
		{name: "a path for a name", role: "../../user-data", wantErr: "no name of a role"},
		{name: "a page for a name", role: "<html> <body>", wantErr: "no name of a role"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/role/" {
					_, _ = io.WriteString(w, tt.role)
					return
				}
				_, _ = io.WriteString(w, tt.answer)
			}))
			t.Cleanup(srv.Close)
			c, err := FindCredentials(t.Context(), CredentialSources{Getenv: env(), metadata: srv.URL + "/role/"})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.keys.id != tt.want || c.keys.expires.Unix() != 4102444800 || c.Origin() != "the role WeData_role-1 of the instance" {
				t.Errorf("id %q, expires %s, origin %q", c.keys.id, c.keys.expires, c.Origin())
			}
		})
	}
}

func TestPodRole(t *testing.T) {
	const token = "pod-token-0123456789"
	file := writeFile(t, filepath.Join(t.TempDir(), "token"), token)
	var answer string
	var got map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-TC-Action") != "AssumeRoleWithWebIdentity" || r.Header.Get("X-TC-Region") != "ap-guangzhou" {
			t.Errorf("headers %v", r.Header)
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	from := CredentialSources{
		Getenv: env("TKE_REGION", "ap-guangzhou", "TKE_PROVIDER_ID", "p", "TKE_ROLE_ARN", "qcs::cam::1:r", "TKE_WEB_IDENTITY_TOKEN_FILE", file),
		sts:    srv.URL,
	}

	answer = `{"Response":{"Credentials":{"TmpSecretId":"i","TmpSecretKey":"k","Token":"t"},"ExpiredTime":4102444800,"Expiration":"2100-01-01T00:00:00Z","RequestId":"r"}}`
	c, err := FindCredentials(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	if k := c.keys; k.id != "i" || k.key != "k" || k.token != "t" || k.expires.Unix() != 4102444800 {
		t.Errorf("found %q %q %q until %s", k.id, k.key, k.token, k.expires)
	}
	if got["WebIdentityToken"] != token || got["RoleArn"] != "qcs::cam::1:r" || got["ProviderId"] != "p" {
		t.Errorf("asked %v", got)
	}

	for body, want := range map[string]string{
		refusal("InvalidParameter.WebIdentityTokenError", "bad token "+token): "AssumeRoleWithWebIdentity: InvalidParameter.WebIdentityTokenError: bad token [redacted]",
		`{"Response":{"RequestId":"r"}}`:                                      "the answer has no keys",
		`{}`:                                                                  CodeMalformed,
	} {
		answer = body
		_, err := FindCredentials(t.Context(), from)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Nothing prints credentials, however they are held.
func TestCredentialsAreNeverPrinted(t *testing.T) {
	canaries := []string{"canary-id", "canary-key", "canary-token"}
	c := StaticCredentials(canaries[0], canaries[1], canaries[2])
	k, _ := c.current(t.Context())
	holder := struct {
		Credentials *Credentials
		Keys        keys
	}{c, k}
	var texts []string
	for _, v := range []any{c, k, &k, holder, &holder, []any{c, k}, map[string]any{"c": c, "k": k}, fmt.Errorf("with %v", c), fmt.Errorf("with %+v", holder)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		if data, err := json.Marshal(v); err == nil {
			texts = append(texts, string(data))
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		texts = append(texts, log.String())
	}
	for _, text := range texts {
		for _, canary := range canaries {
			if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) || strings.Contains(text, fmt.Sprintf("%X", canary)) {
				t.Errorf("%q shows %q", text, canary)
			}
		}
	}
}

// Keys that expire are renewed in time. When that fails they are used to the end.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, broken := 0, false
		c := &Credentials{find: func(context.Context) (keys, error) {
			asked++
			if broken {
				return keys{}, errors.New("no answer")
			}
			return keys{id: fmt.Sprint("id", asked), key: "k", expires: time.Now().Add(time.Hour)}, nil
		}}
		if _, err := c.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect := func(at time.Duration, id string, asks int) {
			t.Helper()
			time.Sleep(at)
			k, err := c.current(t.Context())
			if (err != nil) != (id == "") || k.id != id || asked != asks {
				t.Fatalf("id %q, error %v, asked %d times; want %q, %d", k.id, err, asked, id, asks)
			}
		}
		expect(0, "id1", 1)
		expect(54*time.Minute, "id1", 1)
		expect(time.Minute, "id2", 2) // 5 minutes before the end
		broken = true
		expect(56*time.Minute, "id2", 3)
		expect(time.Second, "id2", 3) // not again so soon
		expect(time.Minute, "id2", 4)
		expect(10*time.Minute, "", 5) // they have expired
		broken = false
		expect(time.Second, "id6", 6)
	})
}

// A file that is gone, as between two renames, is no reason to sign as somebody
// else: the pair before stays, and the next one comes from the file again.
func TestReload_StaysWithItsSource(t *testing.T) {
	home := t.TempDir()
	path := writeFile(t, filepath.Join(home, ".tencentcloud", "credentials"), "[default]\nsecret_id=id1\nsecret_key=key1\n")
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			_, _ = io.WriteString(w, "role")
			return
		}
		_, _ = io.WriteString(w, `{"Code":"Success","TmpSecretId":"role","TmpSecretKey":"k","Token":"t","ExpiredTime":4102444800}`)
	}))
	t.Cleanup(metadata.Close)
	c, err := FindCredentials(t.Context(), CredentialSources{Getenv: env("HOME", home), metadata: metadata.URL + "/"})
	if err != nil || c.File() != path {
		t.Fatalf("found %q, error %v", c.File(), err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if changed, err := c.Reload(t.Context()); changed || err == nil || !strings.Contains(err.Error(), path) || c.keys.id != "id1" {
		t.Errorf("with the file gone: %q, changed %v, error %v", c.keys.id, changed, err)
	}
	writeFile(t, path, "[default]\nsecret_id=id2\nsecret_key=key2\n")
	if changed, err := c.Reload(t.Context()); !changed || err != nil || c.keys.id != "id2" {
		t.Errorf("with the file back: %q, changed %v, error %v", c.keys.id, changed, err)
	}
}

// Who signs does not wait for who looks for new credentials.
func TestReload_DoesNotHoldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		c := StaticCredentials("id1", "k", "")
		c.find = func(context.Context) (keys, error) {
			<-slow
			return keys{id: "id2", key: "k"}, nil
		}
		go func() { _, _ = c.Reload(t.Context()) }()
		synctest.Wait()
		if k, err := c.current(t.Context()); err != nil || k.id != "id1" {
			t.Errorf("during the reload: %q, %v", k.id, err)
		}
		close(slow)
		synctest.Wait()
		if k, err := c.current(t.Context()); err != nil || k.id != "id2" {
			t.Errorf("after it: %q, %v", k.id, err)
		}
	})
}

// While a file is rewritten, badly, a pair that does not belong together is never
// used.
func TestRotationUnderLoad(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "p"), "[default]\nsecret_id=id0\nsecret_key=key0\n")
	c, err := FindCredentials(t.Context(), CredentialSources{Getenv: env("TENCENTCLOUD_CREDENTIALS_FILE", path)})
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				k, err := c.current(context.Background())
				if err != nil || strings.TrimPrefix(k.id, "id") != strings.TrimPrefix(k.key, "key") {
					t.Errorf("mixed %q with %q, error %v", k.id, k.key, err)
					return
				}
				_, _ = c.Reload(context.Background()) // half a file is an error, and the old pair stays
			}
		})
	}
	rotations := 300
	if *long {
		rotations = 1000
	}
	for n := range rotations {
		writeFile(t, path, "")
		writeFile(t, path, fmt.Sprintf("[default]\nsecret_id=id%d\n", n))
		writeFile(t, path, fmt.Sprintf("[default]\nsecret_id=id%d\nsecret_key=key%d\n", n, n))
	}
	stop.Store(true)
	wg.Wait()
	if _, err := c.Reload(t.Context()); err != nil || c.keys.id != fmt.Sprint("id", rotations-1) {
		t.Errorf("at the end: %q, %v", c.keys.id, err)
	}
}
