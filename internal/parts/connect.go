package parts

import (
	"context"
	"log/slog"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/wedata"
)

// Connect makes the client of the API, and the credentials that it signs with.
func Connect(ctx context.Context, s *config.Settings, env *Env, log *slog.Logger) (*wedata.Client, *wedata.Credentials, error) {
	credentials, err := wedata.FindCredentials(ctx, wedata.CredentialSources{Getenv: env.Getenv, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	client, err := wedata.New(wedata.Config{
		Endpoint:    s.Endpoint,
		PlainHosts:  s.PlainHosts,
		Region:      s.Region,
		Credentials: credentials,
		UserAgent:   "wedatasync/" + env.Version,
		Logger:      log,
		Uptime:      Uptime,
	})
	return client, credentials, err
}
