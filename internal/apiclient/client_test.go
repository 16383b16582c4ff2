package apiclient_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/fault"
)

// TestClient_Do repeats what may be repeated, follows no server elsewhere, and lets no
// secret into an error.
func TestClient_Do(t *testing.T) {
	tests := []struct {
		name       string
		repeatable bool
		answer     func(w http.ResponseWriter, n int) // to the n-th request
		want       error
		asked      int
	}{
		{"at once", false, func(http.ResponseWriter, int) {}, nil, 1},
		{"busy, and it may be repeated", true, busyUntil(3), nil, 3},
		{"busy, and it may not", false, busyUntil(3), apiclient.ErrUnavailable, 1},
		{"always busy", true, busyUntil(100), apiclient.ErrUnavailable, 5},
		{"elsewhere", true, func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "https://evil.example.com/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, apiclient.ErrBadAnswer, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				way := apitest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					asked++
					test.answer(w, asked)
				}))
				log := slog.New(slog.NewTextHandler(apitest.Leaks{T: t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
				client, err := apiclient.New(apitest.Insecure{Transport: way}, "", log)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				err = client.Do(t.Context(), apiclient.Call{
					Op: "ask", Repeatable: test.repeatable,
					Build: func(ctx context.Context) (*http.Request, []string, error) {
						req, err := apiclient.NewRequest(ctx, http.MethodPost, "https://api.example.com/", []byte("{}"))
						return req, []string{"s3cr3t-token"}, err
					},
					Refusal: func(resp *http.Response, data []byte) *fault.Error {
						return &fault.Error{Op: "ask", Kind: apiclient.ErrUnavailable, Status: resp.StatusCode, Detail: string(data), Effect: fault.MaybeDone}
					},
					Read: func(resp *http.Response) error {
						_, err := io.Copy(io.Discard, resp.Body)
						return err
					},
				})
				if !errors.Is(err, test.want) || asked != test.asked {
					t.Errorf("error %v after %d requests, want %v after %d", err, asked, test.want, test.asked)
				}
				if err != nil {
					apitest.Hides(t, err.Error())
				}
			})
		})
	}
}

// busyUntil answers that the server is busy, and with the secret, until the n-th request.
func busyUntil(last int) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, n int) {
		if n < last {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "busy with s3cr3t-token")
		}
	}
}
