package receiver

import (
	"context"
	"net/http"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/apiclient"
)

// sendDingTalk signs in the URL, with the time in milliseconds (DingTalk, security
// settings of custom robots).
func sendDingTalk(ctx context.Context, m Message) (*http.Request, error) {
	if m.Key != "" {
		timestamp := strconv.FormatInt(m.Now.UnixMilli(), 10)
		query := m.URL.Query()
		query.Set("timestamp", timestamp)
		query.Set("sign", sum(m.Key, timestamp+"\n"+m.Key))
		m.URL.RawQuery = query.Encode()
	}
	return m.post(ctx, map[string]any{"msgtype": "text", "text": map[string]string{"content": m.Text}})
}

func codesDingTalk(code int, _ string) (hint string, kind error) {
	switch code {
	case busy:
		return "", apiclient.ErrUnavailable
	case 130101, 410100:
		return "", apiclient.ErrLimited
	case 300001, 300005, 400101:
		return "the access_token in the URL is not that of a robot: copy the robot's webhook address again", apiclient.ErrToken
	case 310000:
		return "the robot's security settings ask for a keyword in the template, a key, or another address; check this machine's clock, too", apiclient.ErrPermission
	default:
		return "", apiclient.ErrRefused
	}
}
