package wedata_test

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
)

// TestTryEndpoint: what anybody can see of an endpoint, its clock above all.
func TestTryEndpoint(t *testing.T) {
	for name, behind := range map[string]time.Duration{"right": 0, "ahead": -10 * time.Minute, "behind": 10 * time.Minute} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" || r.Method != http.MethodHead {
				t.Errorf("%s: it is sent a %s that is signed with %q", name, r.Method, r.Header.Get("Authorization"))
			}
			w.Header().Set("Date", time.Now().Add(behind).UTC().Format(http.TimeFormat))
		}))
		defer server.Close()
		pool := x509.NewCertPool()
		pool.AddCert(server.Certificate())
		r, err := wedata.TryEndpoint(t.Context(), wedata.Config{Endpoint: server.URL, RootCAs: pool})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Skew.Known || r.Skew.Least > -behind || r.Skew.Most < -behind || r.Skew.Most-r.Skew.Least > 30*time.Second {
			t.Errorf("%s: the clock is taken to be %+v ahead, want %v", name, r.Skew, -behind)
		}
		if r.TLS != "TLS 1.3" || r.RoundTrip <= 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestTryEndpoint_Fault: each way in which an endpoint is not reached has its word.
func TestTryEndpoint_Fault(t *testing.T) {
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	defer untrusted.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	for _, tt := range []struct{ endpoint, want string }{
		{untrusted.URL, wedata.CodeUntrusted},
		{"https://" + closed, wedata.CodeNoConnection},
		{"https://wedata.invalid", wedata.CodeUnknownHost},
	} {
		_, err := wedata.TryEndpoint(t.Context(), wedata.Config{Endpoint: tt.endpoint})
		if fault, ok := errors.AsType[*wedata.ReachError](err); !ok || fault.Code != tt.want {
			t.Errorf("%s: %v, want %s", tt.endpoint, err, tt.want)
		}
	}
}
