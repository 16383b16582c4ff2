package wedatasim

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	hugeBody  = 1 << 30
	slowPause = 500 * time.Millisecond
)

// respond writes the answer, or what the fault makes of it.
func (f *Fault) respond(w http.ResponseWriter, r *http.Request, answer []byte) {
	switch f.Answer {
	case ReplyDrop:
		panic(http.ErrAbortHandler)
	case ReplyReset:
		reset(w)
	case ReplyHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case ReplyTruncated:
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		write(w, http.StatusOK, "application/json", answer[:len(answer)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case ReplySlow:
		slow(w, r, answer)
	case ReplyHuge:
		huge(w)
	case ReplyEmpty:
		write(w, http.StatusOK, "application/json", []byte("{}"))
	case ReplyHTML:
		status := cmp.Or(f.Status, http.StatusBadGateway)
		write(w, status, "text/html", fmt.Appendf(nil, "<html><body><h1>%d %s</h1></body></html>\n", status, http.StatusText(status)))
	case ReplyRedirect:
		w.Header().Set("Location", f.Location)
		w.WriteHeader(cmp.Or(f.Status, http.StatusTemporaryRedirect))
	case ReplyRaw:
		write(w, cmp.Or(f.Status, http.StatusOK), "application/json", []byte(f.Body))
	default:
		write(w, http.StatusOK, "application/json", answer)
	}
}

func write(w http.ResponseWriter, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is no fault of the server's
}

// reset ends the connection with a RST where it is one of TCP.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func slow(w http.ResponseWriter, r *http.Request, answer []byte) {
	w.Header().Set("Content-Type", "application/json")
	for _, b := range answer {
		if _, err := w.Write([]byte{b}); err != nil || r.Context().Err() != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		time.Sleep(slowPause)
	}
}

// huge writes an answer that would be good if it ever ended.
func huge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	chunk := bytes.Repeat([]byte{' '}, 1<<16)
	for n := 0; n < hugeBody; n += len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}
