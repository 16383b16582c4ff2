package wedata

import (
	"strings"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
)

// Whatever in the SDK repeats, redirects or prints a request is off, also where
// that is the SDK's default today.
func TestSDKSettings(t *testing.T) {
	p := endpoint{scheme: "https", host: "wedata.tencentcloudapi.com"}.profile()
	if p.HttpProfile.ReqTimeout <= 0 || time.Duration(p.HttpProfile.ReqTimeout)*time.Second < MaxTimeout {
		t.Errorf("the SDK's timeout is %d s", p.HttpProfile.ReqTimeout)
	}
	got := *p
	got.HttpProfile = nil
	want := profile.ClientProfile{
		SignMethod:           "TC3-HMAC-SHA256",
		Language:             "en-US",
		DisableRegionBreaker: true,
	}
	// Functions cannot be compared; with no retries they are not called.
	got.NetworkFailureRetryDuration, got.RateLimitExceededRetryDuration = nil, nil
	if !sameProfile(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func sameProfile(a, b profile.ClientProfile) bool {
	return a.SignMethod == b.SignMethod && a.UnsignedPayload == b.UnsignedPayload && a.Language == b.Language &&
		a.Debug == b.Debug && a.DisableRegionBreaker == b.DisableRegionBreaker && a.BackupEndpoint == b.BackupEndpoint &&
		a.NetworkFailureMaxRetries == b.NetworkFailureMaxRetries && a.RateLimitExceededMaxRetries == b.RateLimitExceededMaxRetries &&
		a.UnsafeRetryOnConnectionFailure == b.UnsafeRetryOnConnectionFailure
}

// A name that only seems to be this machine gets no plain request.
func TestPlainDialStaysHere(t *testing.T) {
	dial := endpoint{scheme: "http", host: "localhost", loopback: true}.dial(&Config{Timeout: time.Second})
	_, err := dial(t.Context(), "tcp", "192.0.2.1:80")
	if err == nil || !strings.Contains(err.Error(), "plain http to 192.0.2.1:80, which is not this machine") {
		t.Errorf("got %v", err)
	}
}

// The bytes of a request are written at once, after its headers are said to be.
func TestHeadersFitTheWriteBuffer(t *testing.T) {
	const other = 4 << 10 // more than all other headers take
	if 3*maxSecret+other > writeBuffer {
		t.Errorf("an id, a key and a token of %d bytes do not fit %d", maxSecret, writeBuffer)
	}
}
