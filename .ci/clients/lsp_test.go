package clients

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// languageServer is yaml-language-server with one file open, as an editor drives it.
type languageServer struct {
	*testing.T
	stdin io.Writer
	said  chan message
	uri   string
	lines []string
	files int
	id    int
}

// message is one of JSON-RPC, either way.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// completion is what the editor offers, and what it inserts.
type completion struct {
	Label         string `json:"label"`
	InsertText    string `json:"insertText"`
	Documentation any    `json:"documentation"`
	TextEdit      struct {
		NewText string `json:"newText"`
	} `json:"textEdit"`
}

// diagnostic is one complaint.
type diagnostic struct {
	Message string `json:"message"`
	Range   struct {
		Start position `json:"start"`
	} `json:"range"`
}

// startLanguageServer starts the server with an editor's settings, which name no schema.
func startLanguageServer(t *testing.T) *languageServer {
	t.Helper()
	bin := need(t, filepath.Join(modules(t), "yaml-language-server", "bin", "yaml-language-server"))
	cmd := exec.CommandContext(t.Context(), need(t, "node"), bin, "--stdio")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	s := &languageServer{T: t, stdin: stdin, said: make(chan message, 100)}
	go func() {
		defer close(s.said)
		for r := bufio.NewReader(stdout); ; {
			header, err := textproto.NewReader(r).ReadMIMEHeader()
			if err != nil {
				return
			}
			size, _ := strconv.Atoi(header.Get("Content-Length"))
			body := make([]byte, size)
			if _, err := io.ReadFull(r, body); err != nil {
				return
			}
			var m message
			if err := json.Unmarshal(body, &m); err != nil {
				return
			}
			s.said <- m
		}
	}()
	s.call("initialize", map[string]any{
		"processId": nil, "rootUri": nil,
		"capabilities": map[string]any{"textDocument": map[string]any{
			"completion":         map[string]any{"completionItem": map[string]any{"snippetSupport": true, "documentationFormat": []string{"markdown"}}},
			"hover":              map[string]any{"contentFormat": []string{"markdown"}},
			"publishDiagnostics": map[string]any{},
		}},
	})
	s.notify("initialized", struct{}{})
	s.notify("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{"yaml": map[string]any{
		"validate": true, "hover": true, "completion": true, "schemaStore": map[string]any{"enable": false},
	}}})
	return s
}

func (s *languageServer) send(m message) {
	s.Helper()
	m.Version = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		s.Fatal(err)
	}
	if _, err := fmt.Fprintf(s.stdin, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		s.Fatal(err)
	}
}

func (s *languageServer) notify(method string, params any) {
	s.send(message{Method: method, Params: params})
}

// next returns the next message that is wanted, and answers what the server asks meanwhile.
func (s *languageServer) next(wanted func(message) bool) message {
	s.Helper()
	late := time.After(2 * time.Minute)
	for {
		select {
		case m, open := <-s.said:
			switch {
			case !open:
				s.Fatal("the language server has ended")
			case wanted(m):
				return m
			case m.ID != nil && m.Method != "":
				s.send(message{ID: m.ID, Result: json.RawMessage(`[]`)})
			}
		case <-late:
			s.Fatal("the language server does not answer")
		}
	}
}

func (s *languageServer) call(method string, params any) json.RawMessage {
	s.Helper()
	s.id++
	id := strconv.Itoa(s.id)
	s.send(message{ID: json.RawMessage(id), Method: method, Params: params})
	m := s.next(func(m message) bool { return m.Method == "" && string(m.ID) == id })
	if m.Error != nil {
		s.Fatalf("%s: %s", method, m.Error)
	}
	return m.Result
}

// open opens a new file of the folder, with the text, and returns what the server says of it.
func (s *languageServer) open(dir, text string) []diagnostic {
	s.Helper()
	s.files++
	s.uri, s.lines = fmt.Sprintf("file://%s/%d.yaml", dir, s.files), strings.Split(text, "\n")
	s.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": s.uri, "languageId": "yaml", "version": 1, "text": text}})
	m := s.next(func(m message) bool {
		params, _ := m.Params.(map[string]any)
		return m.Method == "textDocument/publishDiagnostics" && params["uri"] == s.uri
	})
	return decoded[struct{ Diagnostics []diagnostic }](s, m.Params).Diagnostics
}

// place is a place in the open file: the end, or the second letter of the text, which is in
// the file once.
func (s *languageServer) place(text string) map[string]any {
	s.Helper()
	end := len(s.lines) - 1
	p := position{end, len(s.lines[end])}
	if text != "" {
		p.Line = slices.IndexFunc(s.lines, func(line string) bool { return strings.Contains(line, text) })
		if p.Line < 0 {
			s.Fatalf("%q is not in the file", text)
		}
		p.Character = strings.Index(s.lines[p.Line], text) + len(text) - len(strings.TrimLeft(text, " ")) + 1
	}
	return map[string]any{"textDocument": map[string]any{"uri": s.uri}, "position": p}
}

// hover returns what is shown over the text.
func (s *languageServer) hover(text string) string {
	s.Helper()
	h := decoded[*struct {
		Contents struct{ Value string }
	}](s, s.call("textDocument/hover", s.place(text)))
	if h == nil {
		return ""
	}
	return h.Contents.Value
}

// complete returns what is offered at the end of the file.
func (s *languageServer) complete() []completion {
	s.Helper()
	return decoded[struct{ Items []completion }](s, s.call("textDocument/completion", s.place(""))).Items
}

// decoded reads what the server said as a T.
func decoded[T any](s *languageServer, from any) (v T) {
	s.Helper()
	data, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		s.Fatal(err)
	}
	return v
}
