// Package tc3 is the signature of API 3.0, TC3-HMAC-SHA256, as the documents have it. It
// shares nothing with the SDK, whose signatures it checks.
package tc3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// Algorithm is the name of the signature.
const Algorithm = "TC3-HMAC-SHA256"

// Authorization is a parsed Authorization header.
type Authorization struct {
	SecretID, Date, Service string
	Signed                  []string // names of headers
	Signature               string
}

// Parse reads a header such as
//
//	TC3-HMAC-SHA256 Credential=ID/2026-11-23/wedata/tc3_request, SignedHeaders=content-type;host, Signature=0123…
func Parse(header string) (Authorization, bool) {
	rest, ok := strings.CutPrefix(header, Algorithm+" ")
	parts := strings.Split(rest, ",")
	if !ok || len(parts) != 3 {
		return Authorization{}, false
	}
	credential, ok1 := strings.CutPrefix(strings.TrimSpace(parts[0]), "Credential=")
	signed, ok2 := strings.CutPrefix(strings.TrimSpace(parts[1]), "SignedHeaders=")
	signature, ok3 := strings.CutPrefix(strings.TrimSpace(parts[2]), "Signature=")
	scope := strings.Split(credential, "/")
	if !ok1 || !ok2 || !ok3 || len(scope) != 4 || scope[3] != "tc3_request" {
		return Authorization{}, false
	}
	return Authorization{
		SecretID:  scope[0],
		Date:      scope[1],
		Service:   scope[2],
		Signed:    strings.Split(signed, ";"),
		Signature: signature,
	}, true
}

// Sign returns the signature in hexadecimal that the request has to have.
func (a Authorization) Sign(secretKey string, r *http.Request, body []byte) string {
	text := strings.Join([]string{
		Algorithm, r.Header.Get("X-TC-Timestamp"), a.Date + "/" + a.Service + "/tc3_request", Digest([]byte(canonicalRequest(r, a.Signed, body))),
	}, "\n")
	key := []byte("TC3" + secretKey)
	for _, part := range []string{a.Date, a.Service, "tc3_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
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
		r.Method, "/", r.URL.RawQuery, headers.String(), strings.Join(signed, ";"), Digest(body),
	}, "\n")
}

// Digest is the SHA-256 of the data in hexadecimal.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
