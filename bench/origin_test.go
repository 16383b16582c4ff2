package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// layout is how the specs of a repository lie in files.
type layout struct {
	files int // in folders of a hundred
	each  int // specs a file
	list  int // specs of one more file
}

// layouts are the repositories to measure with. The names of the first three and of
// the last differ in the number of specs alone: that is what growth is fitted over.
func layouts() []layout {
	switch {
	case testing.Short():
		return []layout{{files: 1_000, each: 1}}
	case *long:
		return []layout{{files: 1_000, each: 1}, {files: 10_000, each: 1}, {files: 100_000, each: 1}, {files: 10_000, each: 1, list: 10_000}, {files: 100_000, each: 10}}
	default:
		return []layout{{files: 1_000, each: 1}, {files: 10_000, each: 1}, {files: 100_000, each: 1}, {files: 10_000, each: 1, list: 10_000}}
	}
}

func (l layout) specs() int { return l.files*l.each + l.list }

// String names the layout as part of a benchmark's name.
func (l layout) String() string {
	if l.list > 0 {
		return fmt.Sprintf("files=%d+list=%d", l.files, l.list)
	}
	return fmt.Sprintf("specs=%d", l.specs())
}

// file returns the i-th file of the layout, or the list if i is one more.
func (l layout) file(i, version int) (name string, text []byte) {
	var b bytes.Buffer
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	if i == l.files {
		for n := range l.list {
			v := 1
			if n < changed {
				v = version
			}
			writeSpec(&b, l.files+n, v)
		}
		return "list.yaml", b.Bytes()
	}
	for n := range l.each {
		v := 1
		if n == 0 {
			v = version
		}
		writeSpec(&b, i*l.each+n, v)
	}
	return fmt.Sprintf("tasks/%04d/%06d.yaml", i/100, i), b.Bytes()
}

// edit returns the files of a push that changes as many specs as changed says.
func (l layout) edit(version int) map[string][]byte {
	edited := make(map[string][]byte, changed)
	put := func(i int) {
		name, text := l.file(i, version)
		edited[name] = text
	}
	if l.list > 0 {
		put(l.files)
		return edited
	}
	for i := range changed {
		put(i * (l.files / changed))
	}
	return edited
}

// taskID is the id of the i-th task.
func taskID(i int) string { return fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i) }

// writeSpec writes the commit of the i-th task, about 280 bytes.
func writeSpec(w io.Writer, i, version int) {
	fmt.Fprintf(w, `  - taskId: %s
    projectId: "1486804694126882816"
    commitType: pause-resume
    taskType: realtime
    instanceVersion: %d
    versionDesc: release %d of task %d
    extConfig:
      - {name: parallelism, value: "%d"}
`, taskID(i), version, version, i, i%7)
}

// origin is a bare repository that is pushed to, and git's own server for it.
type origin struct {
	layout
	dir     string
	url     string
	head    string // the commit that main is at
	version int
}

var origins = map[layout]*origin{}

// originOf returns the repository of the layout, which is made once a run.
func originOf(b testing.TB, l layout) *origin {
	b.Helper()
	if o := origins[l]; o != nil {
		return o
	}
	o := makeOrigin(b, l, l.String(), nil)
	origins[l] = o
	return o
}

// makeOrigin makes the repository of the layout, in a folder of that name. more, if not nil,
// writes more files into its first commit.
func makeOrigin(b testing.TB, l layout, name string, more func(io.Writer)) *origin {
	b.Helper()
	o := &origin{layout: l, dir: filepath.Join(scratch, name, "origin.git"), version: 1}
	must(b, os.MkdirAll(o.dir, 0o755))
	o.git(b, nil, "init", "-q", "--bare", "-b", "main")
	from, to := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(to, 1<<20)
		o.header(w, "main")
		for i := range l.files {
			writeFile(w, l, i, 1)
		}
		if l.list > 0 {
			writeFile(w, l, l.files, 1)
		}
		if more != nil {
			more(w)
		}
		to.CloseWithError(w.Flush())
	}()
	o.git(b, from, "fast-import", "--quiet")
	o.git(b, nil, "repack", "-adq") // as a forge packs it
	o.head = o.git(b, nil, "rev-parse", "main")
	o.git(b, nil, "config", "uploadpack.allowFilter", "true") // as forges have it
	o.url = startGit(b, o.dir)
	return o
}

func writeFile(w io.Writer, l layout, i, version int) {
	name, text := l.file(i, version)
	fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
}

func (o *origin) header(w io.Writer, branch string) {
	fmt.Fprintf(w, "commit refs/heads/%s\ncommitter Ana <ana@example.com> %d +0000\ndata 7\nRelease\n", branch, 1_790_000_000+60*o.version)
	if o.head != "" {
		fmt.Fprintf(w, "from %s\n", o.head)
	}
}

// prepare makes the next commit, of ten changed specs. Nobody sees it before publish.
func (o *origin) prepare(b testing.TB) {
	b.Helper()
	o.version++
	var in bytes.Buffer
	o.header(&in, "next")
	for name, text := range o.edit(o.version) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
	}
	o.git(b, &in, "fast-import", "--quiet", "--force")
	o.head = o.git(b, nil, "rev-parse", "next")
}

// publish moves the branch to what was prepared, as the end of a push does.
func (o *origin) publish(b testing.TB) {
	b.Helper()
	must(b, move(o.dir, o.head))
}

// move moves the branch.
func move(dir, head string) error {
	ref := filepath.Join(dir, "refs", "heads", "main")
	if err := os.WriteFile(ref+".lock", []byte(head+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(ref+".lock", ref)
}

// publishBeforePoll moves the branch just before the server looks at it for the next
// poll: what then passes is not the wait for a poll, of which a webhook leaves nothing.
func (o *origin) publishBeforePoll(b testing.TB) {
	b.Helper()
	o.ask(b, "/publish/"+o.head)
}

// published returns when the branch was moved.
func (o *origin) published(b testing.TB) time.Time {
	b.Helper()
	return time.Unix(0, o.ask(b, "/published"))
}

// answering returns how long the server took for the requests that pushes led to.
func (o *origin) answering(b testing.TB) time.Duration {
	b.Helper()
	return time.Duration(o.ask(b, "/answering"))
}

// requests returns how many requests the repository's server has had.
func (o *origin) requests(b testing.TB) int64 {
	b.Helper()
	return o.ask(b, "/requests")
}

// sent returns how many bytes the repository's server has answered with.
func (o *origin) sent(b testing.TB) int64 {
	b.Helper()
	return o.ask(b, "/sent")
}

// ask asks the server for one of its numbers.
func (o *origin) ask(b testing.TB, path string) int64 {
	b.Helper()
	resp, err := http.Get(strings.TrimSuffix(o.url, "/origin.git") + path)
	must(b, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(b, err)
	n, err := strconv.ParseInt(string(text), 10, 64)
	must(b, err)
	return n
}

func (o *origin) git(b testing.TB, in io.Reader, args ...string) string {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "git", append([]string{"-C", o.dir}, args...)...)
	cmd.Env, cmd.Stdin = gitEnv(), in
	return strings.TrimSpace(run(b, cmd))
}

// gitEnv keeps the machine's configuration away from git.
func gitEnv() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0")
}

// startGit serves the repository over http, in a process of its own that ends with
// this one. It returns the repository's URL.
func startGit(b testing.TB, dir string) string {
	b.Helper()
	cmd := self(b, "git-server", dir)
	cmd.Cancel = func() error { return nil } // it outlives the benchmark that starts it
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(b, err)
	out, err := cmd.StdoutPipe()
	must(b, err)
	must(b, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(b, err)
	servers = append(servers, in)
	return strings.TrimSpace(line)
}

// servers are the pipes whose end ends a server: with this process at the latest.
var servers []io.Closer

// gitServer is git's own http server for one repository, in a process of its own.
type gitServer struct {
	dir       string
	git       http.Handler
	requests  atomic.Int64
	sent      atomic.Int64           // bytes of answers
	next      atomic.Pointer[string] // where the branch is to be at the next poll
	published atomic.Int64           // when it was moved, in nanoseconds
	answering atomic.Int64           // how long it took to answer what a push leads to, in nanoseconds
}

// serveGit serves the repository until its standard input ends. It prints the URL.
func serveGit(dir string) int {
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "find git:", err)
		return 1
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := &gitServer{dir: dir, git: &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"),
		Env:  append(gitEnv(), "GIT_PROJECT_ROOT="+filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1"),
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("/requests", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.requests.Load()) })
	mux.HandleFunc("/sent", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.sent.Load()) })
	mux.HandleFunc("/published", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.published.Load()) })
	mux.HandleFunc("/answering", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.answering.Load()) })
	mux.HandleFunc("/publish/{commit}", func(w http.ResponseWriter, r *http.Request) {
		s.next.Store(new(r.PathValue("commit")))
		fmt.Fprint(w, 0)
	})
	mux.Handle("/", s)
	go func() { _ = http.Serve(l, mux) }()
	fmt.Printf("http://%s/%s\n", l.Addr(), filepath.Base(dir))
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// asksWhere reports whether a request asks where the branch is.
func asksWhere(r *http.Request) bool {
	in := bufio.NewReader(r.Body)
	start, _ := in.Peek(len("0014command=ls-refs"))
	r.Body = struct {
		io.Reader
		io.Closer
	}{in, r.Body}
	return strings.HasSuffix(string(start), "command=ls-refs") || strings.HasSuffix(r.URL.Path, "/info/refs") && r.Header.Get("Git-Protocol") == ""
}

// ServeHTTP answers what git asks.
func (s *gitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	start, counts := time.Now(), r.Method == http.MethodPost
	if asksWhere(r) {
		if head := s.next.Swap(nil); head != nil {
			if err := move(s.dir, *head); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			s.published.Store(time.Now().UnixNano())
			counts = true
		}
	}
	s.git.ServeHTTP(counted{w, &s.sent}, r)
	if counts {
		s.answering.Add(int64(time.Since(start)))
	}
}

// counted counts what is written through it.
type counted struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}
