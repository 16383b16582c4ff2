package wedatasim

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim/tc3"
)

const (
	service = "wedata"
	// maxSkew is how far a request's timestamp may be from the server's clock.
	maxSkew = 5 * time.Minute
)

// authenticate checks who sent the request, and returns the account.
func authenticate(accounts map[string]Account, r *http.Request, body []byte, now time.Time) (Account, *apiError) {
	a, ok := tc3.Parse(r.Header.Get("Authorization"))
	if !ok {
		return Account{}, errorf("AuthFailure.InvalidAuthorization", "the Authorization header is not of the form of %s", tc3.Algorithm)
	}
	if !slices.Contains(a.Signed, "content-type") || !slices.Contains(a.Signed, "host") || !slices.IsSorted(a.Signed) {
		return Account{}, errorf("AuthFailure.InvalidAuthorization", "SignedHeaders has to hold content-type and host, in order")
	}
	account, ok := accounts[a.SecretID]
	if !ok {
		return Account{}, errorf("AuthFailure.SecretIdNotFound", "the SecretId is not found, please ensure that your SecretId is correct")
	}
	timestamp := r.Header.Get("X-TC-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return Account{}, errorf("MissingParameter", "the header X-TC-Timestamp is missing or no number")
	}
	sent := time.Unix(seconds, 0)
	if now.Sub(sent).Abs() > maxSkew {
		return Account{}, errorf("AuthFailure.SignatureExpire", "the signature is expired: the timestamp is %d, the server's time is %d", seconds, now.Unix())
	}
	if a.Service != service || a.Date != sent.UTC().Format(time.DateOnly) {
		return Account{}, errorf("AuthFailure.SignatureFailure", "the scope of the credential is not %s/%s", sent.UTC().Format(time.DateOnly), service)
	}
	want := a.Sign(account.SecretKey, r, body)
	if !hmac.Equal([]byte(want), []byte(a.Signature)) {
		return Account{}, errorf("AuthFailure.SignatureFailure", "the provided credentials could not be validated because of a signature mismatch")
	}
	if r.Header.Get("X-TC-Token") != account.Token {
		return Account{}, errorf("AuthFailure.TokenFailure", "the token is not valid, or not that of this SecretId")
	}
	return account, nil
}
