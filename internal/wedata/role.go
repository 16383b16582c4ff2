package wedata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// Where an instance asks for its role. The address answers on the instance only.
const (
	metadataURL     = "http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/"
	metadataTimeout = 2 * time.Second
	maxMetadata     = 64 << 10
)

// Where a pod exchanges the token its cluster gave it for the keys of its role.
const (
	stsEndpoint = "sts.tencentcloudapi.com"
	stsVersion  = "2018-08-13"
	stsAction   = "AssumeRoleWithWebIdentity"
	stsSeconds  = 7200 // for how long the keys are asked
)

// noRole says why an instance gives no role.
type noRole struct{ cause error }

func (e *noRole) Error() string        { return e.cause.Error() }
func (e *noRole) Unwrap() error        { return e.cause }
func (e *noRole) Is(target error) bool { return target == errNone }

// instanceRole asks the metadata service for the keys of the instance's role.
func (s CredentialSources) instanceRole(ctx context.Context) (keys, error) {
	url := or(nonZero(s.metadata), metadataURL)
	k := keys{origin: "the role of the instance"}
	name, err := getMetadata(ctx, url)
	if err != nil {
		return k, &noRole{err}
	}
	role := strings.TrimSpace(string(name))
	if !isID(role) || strings.ContainsAny(role, "/?#%") {
		return k, errors.New("the metadata service answered no name of a role")
	}
	k.origin = "the role " + role + " of the instance"
	data, err := getMetadata(ctx, url+role)
	if err != nil {
		return k, err
	}
	var answer struct {
		Code, TmpSecretId, TmpSecretKey, Token string
		ExpiredTime                            int64
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Code != "Success" || answer.ExpiredTime <= 0 {
		return k, errors.New("the metadata service answered no keys")
	}
	k.id, k.key, k.token = answer.TmpSecretId, answer.TmpSecretKey, answer.Token
	k.expires = time.Unix(answer.ExpiredTime, 0)
	return k, nil
}

// getMetadata reads one text of the metadata service, bounded in size and time.
func getMetadata(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	way := transport.New(transport.Options{Proxy: transport.Direct})
	way.DisableKeepAlives, way.Protocols = true, transport.HTTP1()
	resp, err := way.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("ask the metadata service: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the metadata service: it answered %d", resp.StatusCode)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxMetadata))
}

// podRole exchanges the token that the cluster gave this pod for the keys of its
// role, as the SDK's provider for OIDC in TKE does.
func (s CredentialSources) podRole(ctx context.Context) (keys, error) {
	k := keys{origin: "the role of the pod"}
	if s.Getenv("TKE_ROLE_ARN") == "" && s.Getenv("TKE_WEB_IDENTITY_TOKEN_FILE") == "" {
		return k, errNone
	}
	for _, name := range []string{"TKE_REGION", "TKE_PROVIDER_ID", "TKE_ROLE_ARN", "TKE_WEB_IDENTITY_TOKEN_FILE"} {
		if s.Getenv(name) == "" {
			return k, fmt.Errorf("%s is not set", name)
		}
	}
	const by = "TKE_WEB_IDENTITY_TOKEN_FILE"
	token, err := file.ReadSecret(by, s.Getenv(by), maxProfile, s.Logger)
	if err != nil {
		return k, err
	}
	return s.assumeRole(ctx, k, string(token))
}

// assumeRole fills k with the keys that the token is good for.
func (s CredentialSources) assumeRole(ctx context.Context, k keys, token string) (keys, error) {
	e, err := parseEndpoint(or(nonZero(s.sts), stsEndpoint), "")
	if err != nil {
		return k, err
	}
	request := tchttp.NewCommonRequest("sts", stsVersion, stsAction)
	request.SetSkipSign(true)
	x := newExchange(ctx, e.transport(&Config{Timeout: MaxTimeout}, false), maxBody, MaxTimeout)
	defer x.end()
	request.SetContext(x.ctx)
	err = request.SetActionParameters(map[string]any{
		"ProviderId":       s.Getenv("TKE_PROVIDER_ID"),
		"WebIdentityToken": token,
		"RoleArn":          s.Getenv("TKE_ROLE_ARN"),
		"RoleSessionName":  "wedatasync",
		"DurationSeconds":  stsSeconds,
	})
	if err != nil {
		return k, err
	}
	client := common.NewCommonClient(nil, s.Getenv("TKE_REGION"), e.profile()).WithHttpTransport(x)
	sdkErr := client.Send(request, tchttp.NewCommonResponse())
	return k.fromSTS(x.response(sdkErr, []string{token}))
}

// fromSTS fills k with what the answer gives.
func (k keys) fromSTS(a Response) (keys, error) {
	r, out := receive(&a)
	if r != nil && r.fail != nil {
		out = failed(r)
	}
	if r == nil || r.fail != nil {
		out = clean(out, newCleaner(a.Secrets))
		return k, fmt.Errorf("%s: %s: %s", stsAction, out.Code, out.Message)
	}
	var c struct{ TmpSecretId, TmpSecretKey, Token string }
	var expires int64
	if json.Unmarshal(r.fields["Credentials"], &c) != nil || json.Unmarshal(r.fields["ExpiredTime"], &expires) != nil || expires <= 0 {
		return k, fmt.Errorf("%s: the answer has no keys", stsAction)
	}
	k.id, k.key, k.token, k.expires = c.TmpSecretId, c.TmpSecretKey, c.Token, time.Unix(expires, 0)
	return k, nil
}
