package receiver

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/apiclient"
)

// sendFeishu signs with the text as the key and nothing as the message (Feishu,
// custom bot guide).
func sendFeishu(ctx context.Context, m Message) (*http.Request, error) {
	payload := map[string]any{"msg_type": "text", "content": map[string]string{"text": m.Text}}
	if m.Key != "" {
		timestamp := strconv.FormatInt(m.Now.Unix(), 10)
		payload["timestamp"], payload["sign"] = timestamp, sum(timestamp+"\n"+m.Key, "")
	}
	return m.post(ctx, payload)
}

func codesFeishu(code int, words string) (hint string, kind error) {
	switch code {
	case 11232, 19003, 99991400:
		return "", apiclient.ErrLimited
	case 2200: // an internal error
		return "", apiclient.ErrUnavailable
	case 9499: // any bad request, and one too many
		if strings.Contains(strings.ToLower(words), "too many") {
			return "", apiclient.ErrLimited
		}
		return "", apiclient.ErrRefused
	case 19001:
		return "the URL is not that of a robot: copy the robot's webhook address again", apiclient.ErrToken
	case 19021:
		return "the robot asks for a signature: check the key, and this machine's clock", apiclient.ErrToken
	case 19022:
		return "the robot's security settings do not allow this machine's address", apiclient.ErrPermission
	case 19024:
		return "put one of the robot's keywords into the template", apiclient.ErrRefused
	default:
		return "", apiclient.ErrRefused
	}
}
