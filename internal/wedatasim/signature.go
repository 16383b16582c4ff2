package wedatasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm = "TC3-HMAC-SHA256"
	service   = "wedata"
	// maxSkew is how far a request's timestamp may be from the server's clock.
	maxSkew = 5 * time.Minute
)

// authorization is a parsed Authorization header.
type authorization struct {
	secretID, date, service string
	signed                  []string // names of headers
	signature               string
}

// parseAuthorization reads a header such as
//
//	TC3-HMAC-SHA256 Credential=ID/2026-11-23/wedata/tc3_request, SignedHeaders=content-type;host, Signature=0123…
func parseAuthorization(header string) (authorization, bool) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	parts := strings.Split(rest, ",")
	if !ok || len(parts) != 3 {
		return authorization{}, false
	}
	credential, ok1 := strings.CutPrefix(strings.TrimSpace(parts[0]), "Credential=")
	signed, ok2 := strings.CutPrefix(strings.TrimSpace(parts[1]), "SignedHeaders=")
	signature, ok3 := strings.CutPrefix(strings.TrimSpace(parts[2]), "Signature=")
	scope := strings.Split(credential, "/")
	if !ok1 || !ok2 || !ok3 || len(scope) != 4 || scope[3] != "tc3_request" {
		return authorization{}, false
	}
	return authorization{
		secretID:  scope[0],
		date:      scope[1],
		service:   scope[2],
		signed:    strings.Split(signed, ";"),
		signature: signature,
	}, true
}

// authenticate checks who sent the request, and returns the account.
func authenticate(accounts map[string]Account, r *http.Request, body []byte, now time.Time) (Account, *apiError) {
	a, ok := parseAuthorization(r.Header.Get("Authorization"))
	if !ok {
		return Account{}, errorf("AuthFailure.InvalidAuthorization", "the Authorization header is not of the form of %s", algorithm)
	}
	if !slices.Contains(a.signed, "content-type") || !slices.Contains(a.signed, "host") || !slices.IsSorted(a.signed) {
		return Account{}, errorf("AuthFailure.InvalidAuthorization", "SignedHeaders has to hold content-type and host, in order")
	}
	account, ok := accounts[a.secretID]
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
	if a.service != service || a.date != sent.UTC().Format(time.DateOnly) {
		return Account{}, errorf("AuthFailure.SignatureFailure", "the scope of the credential is not %s/%s", sent.UTC().Format(time.DateOnly), service)
	}
	want := sign(account.SecretKey, a, timestamp, canonicalRequest(r, a.signed, body))
	if !hmac.Equal([]byte(want), []byte(a.signature)) {
		return Account{}, errorf("AuthFailure.SignatureFailure", "the provided credentials could not be validated because of a signature mismatch")
	}
	if r.Header.Get("X-TC-Token") != account.Token {
		return Account{}, errorf("AuthFailure.TokenFailure", "the token is not valid, or not that of this SecretId")
	}
	return account, nil
}

// canonicalRequest returns the text whose digest is signed.
func canonicalRequest(r *http.Request, signed []string, body []byte) string {
	var headers strings.Builder
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.ToLower(strings.TrimSpace(value)))
	}
	return strings.Join([]string{
		r.Method, "/", r.URL.RawQuery, headers.String(), strings.Join(signed, ";"), digest(body),
	}, "\n")
}

// sign returns the signature in hexadecimal.
func sign(secretKey string, a authorization, timestamp, canonical string) string {
	text := strings.Join([]string{
		algorithm, timestamp, a.date + "/" + a.service + "/tc3_request", digest([]byte(canonical)),
	}, "\n")
	key := []byte("TC3" + secretKey)
	for _, part := range []string{a.date, a.service, "tc3_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
