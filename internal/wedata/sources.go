package wedata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/wedatasync/wedatasync/internal/file"
)

// The environment variables of the SDK.
const (
	envSecretID  = "TENCENTCLOUD_SECRET_ID"
	envSecretKey = "TENCENTCLOUD_SECRET_KEY"
	envToken     = "TENCENTCLOUD_TOKEN"
	envProfile   = "TENCENTCLOUD_CREDENTIALS_FILE"
)

// maxProfile bounds a profile file in bytes.
const maxProfile = 64 << 10

// CredentialSources says where to look for credentials, in this order:
//
//  1. the environment: TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY and, for
//     temporary ones, TENCENTCLOUD_TOKEN;
//  2. the profile file TENCENTCLOUD_CREDENTIALS_FILE, or ~/.tencentcloud/credentials:
//     secret_id, secret_key and, if there is one, token in the section [default];
//  3. the role of the pod, if the cluster gives one (TKE_ROLE_ARN and its kin);
//  4. the role of the instance, asked from the metadata service.
//
// What is there but not usable is an error: it never falls through to the next.
type CredentialSources struct {
	Getenv func(string) string // usually os.Getenv
	Logger *slog.Logger        // told of a profile file that others can read

	metadata string // another address of the metadata service
	sts      string // another endpoint of the service that gives a pod its role
}

// NoCredentialsError says that no source has credentials, and how to give them.
type NoCredentialsError struct {
	Role error // why the instance gave no role
}

// Error names the ways to give credentials.
func (e *NoCredentialsError) Error() string {
	return "find credentials: there are none: set " + envSecretID + " and " + envSecretKey +
		", or write secret_id and secret_key under [default] in ~/.tencentcloud/credentials" +
		", or bind a CAM role to this instance (" + e.Role.Error() + ")"
}

// Unwrap returns Role.
func (e *NoCredentialsError) Unwrap() error { return e.Role }

// errNone says that a source has nothing, and that the next is to be asked.
var errNone = errors.New("not there")

// find asks the sources in turn. It returns the one that has them, too: a file that
// is being replaced must not make another source's turn.
func (s CredentialSources) find(ctx context.Context) (keys, source, error) {
	var err error
	for _, from := range []source{s.environment, s.profile, s.podRole, s.instanceRole} {
		var k keys
		k, err = ask(ctx, from)
		if errors.Is(err, errNone) {
			continue
		}
		return k, from, err
	}
	return keys{}, nil, &NoCredentialsError{Role: errors.Unwrap(err)}
}

// source is one place where credentials can be.
type source func(context.Context) (keys, error)

// ask returns the keys of a source, if they can be used.
func ask(ctx context.Context, from source) (keys, error) {
	ctx, cancel := context.WithTimeout(ctx, MaxTimeout)
	defer cancel()
	k, err := from(ctx)
	if err == nil {
		err = k.check()
	}
	if err != nil {
		return keys{}, fmt.Errorf("find credentials: %s: %w", k.origin, err)
	}
	return k, nil
}

func (s CredentialSources) environment(context.Context) (keys, error) {
	k := keys{
		id:     s.Getenv(envSecretID),
		key:    s.Getenv(envSecretKey),
		token:  s.Getenv(envToken),
		origin: "the environment",
	}
	if k.id == "" && k.key == "" {
		return k, errNone
	}
	return k, nil
}

func (s CredentialSources) profile(context.Context) (keys, error) {
	by, path := envProfile, s.Getenv(envProfile)
	asked := path != ""
	if !asked {
		by = "the SDK's profile"
		home := s.Getenv("HOME")
		if home == "" {
			return keys{}, errNone
		}
		path = filepath.Join(home, ".tencentcloud", "credentials")
	}
	k := keys{origin: "the file " + path}
	data, err := file.ReadSecret(by, path, maxProfile, s.Logger)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return k, errNone
	}
	if err != nil {
		return k, err
	}
	values := parseProfile(data)
	k.id, k.key, k.token, k.file = values["secret_id"], values["secret_key"], values["token"], path
	return k, nil
}

// parseProfile returns what the section [default] says, as the SDK reads it.
func parseProfile(data []byte) map[string]string {
	values := make(map[string]string)
	section := ""
	for line := range bytes.Lines(data) {
		text := strings.TrimSpace(string(line))
		if name, ok := strings.CutPrefix(text, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok || section != "default" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";") {
			continue
		}
		values[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return values
}
