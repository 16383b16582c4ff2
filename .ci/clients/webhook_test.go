package clients

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// delivery is a webhook as it came.
type delivery struct {
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// TestStandardWebhooks: the library verifies every notification, and no other text.
func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	deliveries := make(chan delivery, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		headers := map[string]string{}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			headers[name] = r.Header.Get(name)
		}
		deliveries <- delivery{headers, string(body)}
	}))
	defer receiver.Close()

	dir := t.TempDir()
	key := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a key of more than 24 bytes"))
	for name, text := range map[string]string{
		"key": key, "url": receiver.URL + "/hook",
		"wedatasync.yaml": fmt.Sprintf("simulate: true\nlisten: \"off\"\nsource: %s\nstate: wedatasync.db\nnotify:\n  channels:\n    - {name: audit, kind: webhook, urlFile: url, keyFile: key}\n", absolute(t, "examples")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(wedatasync(t), "run", "--config", "wedatasync.yaml")
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()

	var got []delivery
	for late, done := time.After(time.Minute), false; !done; {
		select {
		case d := <-deliveries:
			got = append(got, d)
			var event struct{ Type string }
			if err := json.Unmarshal([]byte(d.Body), &event); err != nil {
				t.Fatal(err)
			}
			done = event.Type == "release.done"
		case <-late:
			t.Fatalf("after %d deliveries there is none of the release", len(got))
		}
	}
	altered := got[len(got)-1]
	altered.Body += " "
	in, err := json.Marshal(append(got, altered))
	if err != nil {
		t.Fatal(err)
	}
	verify := node(t, "standardwebhooks", `
const {Webhook} = require('standardwebhooks')
const w = new Webhook(process.env.KEY)
console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(d => { try { return w.verify(d.body, d.headers).type } catch (e) { return e.message } })))`)
	verify.Env = append(verify.Env, "KEY="+key)
	var said []string
	if err := json.Unmarshal([]byte(output(t, verify, string(in))), &said); err != nil {
		t.Fatal(err)
	}
	for i, d := range got {
		var event struct{ Type string }
		if _ = json.Unmarshal([]byte(d.Body), &event); said[i] != event.Type {
			t.Errorf("of %s the library says %s", d.Body, said[i])
		}
	}
	if last := said[len(said)-1]; last != "No matching signature found" {
		t.Errorf("of an altered body the library says %s", last)
	}
}

// absolute returns the path of what is in the repository.
func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
