package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
)

// minWebhookKey is how long a key has to be, in bytes (Standard Webhooks 1.0).
const minWebhookKey = 24

// webhookKey returns the bytes of a key: of whsec_ and Base64, as the standard
// writes them, or as they are.
func webhookKey(key string) string {
	if text, ok := strings.CutPrefix(key, "whsec_"); ok {
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			return string(raw)
		}
	}
	return key
}

// delivery is the body of a webhook.
type delivery struct {
	Type      Topic     `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Event     `json:"data"`
}

// sendWebhook signs the id, the time and the body (Standard Webhooks 1.0). The id
// stays the same when the event is sent again, so that a receiver can tell.
func sendWebhook(ctx context.Context, m message) (*http.Request, error) {
	body, err := json.Marshal(delivery{Type: m.event.Topic, Timestamp: m.event.At.UTC(), Data: m.event})
	if err != nil {
		return nil, err
	}
	timestamp := strconv.FormatInt(m.now.Unix(), 10)
	req, err := apiclient.NewRequest(ctx, http.MethodPost, m.url.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Webhook-Id", m.event.ID)
	req.Header.Set("Webhook-Timestamp", timestamp)
	req.Header.Set("Webhook-Signature", "v1,"+sum(webhookKey(m.key), m.event.ID+"."+timestamp+"."+string(body)))
	return req, nil
}
