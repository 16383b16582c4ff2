package receiver

import (
	"context"
	"net/http"

	"github.com/wedatasync/wedatasync/internal/apiclient"
)

func sendWeCom(ctx context.Context, m Message) (*http.Request, error) {
	return m.post(ctx, map[string]any{"msgtype": "text", "text": map[string]string{"content": m.Text}})
}

func codesWeCom(code int, _ string) (hint string, kind error) {
	switch code {
	case busy:
		return "", apiclient.ErrUnavailable
	case 45009, 45033:
		return "", apiclient.ErrLimited
	case 93000:
		return "the key in the URL is not that of a robot: copy the robot's webhook address again", apiclient.ErrToken
	default:
		return "", apiclient.ErrRefused
	}
}
