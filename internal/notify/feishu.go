package notify

import (
	"context"
	"net/http"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/apiclient"
)

// sendFeishu signs with the text as the key and nothing as the message (Feishu,
// custom bot guide).
func sendFeishu(ctx context.Context, m message) (*http.Request, error) {
	payload := map[string]any{"msg_type": "text", "content": map[string]string{"text": m.text}}
	if m.key != "" {
		timestamp := strconv.FormatInt(m.now.Unix(), 10)
		payload["timestamp"], payload["sign"] = timestamp, sum(timestamp+"\n"+m.key, "")
	}
	return m.post(ctx, payload)
}

func codesFeishu(code int) (hint string, kind error) {
	switch code {
	case 11232, 99991400:
		return "", apiclient.ErrLimited
	case 19001:
		return "the URL is not that of a robot: copy the robot's webhook address anew", apiclient.ErrToken
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
