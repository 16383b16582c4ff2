package apiclient_test

import (
	"context"
	"encoding/pem"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/transport/transporttest"
)

var long = flag.Bool("long", false, "run the longest tests")

// TestBlackHole: a connection that dies without a word costs a forge's or a chat's API less
// than a minute, with the real times.
func TestBlackHole(t *testing.T) {
	if !*long {
		t.Skip("-long: it takes half a minute")
	}
	for _, http2 := range []bool{false, true} {
		for _, repeatable := range []bool{false, true} {
			t.Run(fmt.Sprintf("http2=%v repeatable=%v", http2, repeatable), func(t *testing.T) {
				t.Parallel()
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if (r.ProtoMajor == 2) != http2 {
						t.Errorf("spoken is %s", r.Proto)
					}
				}))
				server.EnableHTTP2 = http2
				server.StartTLS()
				t.Cleanup(server.Close)
				proxy := transporttest.NewProxy(t, server.Listener.Addr().String())
				authority := filepath.Join(t.TempDir(), "ca.pem")
				if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
					t.Fatal(err)
				}
				client, err := apiclient.New(nil, authority, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close)
				ask := func() error {
					return client.Do(t.Context(), apiclient.Call{
						Op: "ask", Repeatable: repeatable,
						Build: func(ctx context.Context) (*http.Request, []string, error) {
							req, err := apiclient.NewRequest(ctx, http.MethodPost, "https://"+proxy.Addr+"/", []byte("{}"))
							return req, nil, err
						},
						Refusal: func(*http.Response, []byte) *fault.Error { return &fault.Error{Kind: apiclient.ErrRefused} },
						Read:    func(*http.Response) error { return nil },
					})
				}
				if err := ask(); err != nil {
					t.Fatal(err)
				}
				proxy.Swallow()
				start := time.Now()
				err = ask()
				t.Logf("after %v: %v", time.Since(start).Round(time.Millisecond), err)
				if err != nil && !repeatable { // who asked does so again
					err = ask()
				}
				took := time.Since(start)
				if err != nil || took > time.Minute {
					t.Errorf("after %v: %v", took, err)
				}
				t.Logf("answered %v after the black hole", took.Round(time.Millisecond))
			})
		}
	}
}
