package sqlstore

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// rowDecoder makes records of rows: of many as cheaply as of one. What repeats in
// them it keeps once, and no record keeps the text of its row in memory.
type rowDecoder struct {
	texts map[string]string
}

// maxTexts bounds how many texts a recordReader shares.
const maxTexts = 1 << 12

func newRowDecoder() *rowDecoder { return &rowDecoder{texts: map[string]string{}} }

// shared returns a text that others have as well.
func (r *rowDecoder) shared(s string) string {
	if s == "" {
		return ""
	}
	if have, ok := r.texts[s]; ok {
		return have
	}
	s = strings.Clone(s)
	if len(r.texts) < maxTexts {
		r.texts[s] = s
	}
	return s
}

// decodeRow verifies a row that was read alone and returns what it says.
func decodeRow(t *taskRow) (*state.Record, error) {
	if err := t.verify(); err != nil {
		return nil, err
	}
	rec, err := newRowDecoder().record(t)
	return &rec, err
}

// record returns what a verified row says.
func (r *rowDecoder) record(t *taskRow) (state.Record, error) {
	rec := state.Record{
		Key:    spec.Key{ProjectID: r.shared(t.key.ProjectID), TaskID: t.key.TaskID},
		Status: state.Status(r.shared(t.status)),
	}
	if t.applied != "" {
		rec.Applied = new(state.Applied)
		if !r.applied(t.applied, rec.Applied) {
			*rec.Applied = state.Applied{}
			if err := unmarshal("tasks", t.key.String(), t.applied, rec.Applied); err != nil {
				return state.Record{}, err
			}
		}
	}
	if err := optional("tasks", t.key, t.attempt, &rec.Attempt); err != nil {
		return state.Record{}, err
	}
	if err := optional("tasks", t.key, t.removed, &rec.Removed); err != nil {
		return state.Record{}, err
	}
	return rec, optional("tasks", t.key, t.suspended, &rec.Suspended)
}

// applied reads the JSON of an Applied as this package writes it, and reports
// whether it could. encoding/json, which reads the same of any other, takes several
// times as long: most of what a start would do.
func (r *rowDecoder) applied(text string, a *state.Applied) bool {
	p := plainJSON{rest: text, ok: true}
	for p.field() {
		switch p.name {
		case "commit_type":
			a.CommitType = spec.CommitType(p.number())
		case "task_type":
			a.TaskType = spec.TaskType(p.number())
		case "instance_version":
			a.InstanceVersion = p.number()
		case "version_desc":
			a.VersionDesc = r.shared(p.text())
		case "event_desc":
			a.EventDesc = r.shared(p.text())
		case "rerun":
			a.Rerun = r.shared(p.text())
		case "content":
			p.digest(&a.Content)
		case "ext_config":
			p.digest(&a.Ext)
		case "revision":
			a.Revision = r.shared(p.text())
		case "request_id":
			a.RequestID = strings.Clone(p.text())
		case "task_approve_id":
			a.TaskApproveID = strings.Clone(p.text())
		case "request_digest":
			p.digest(&a.Request)
		case "origin":
			a.Origin = state.Origin(r.shared(p.text()))
		case "at":
			p.time(&a.At)
		case "wait_s":
			a.Wait = p.number()
		case "run":
			if a.Run != nil {
				return false // there twice
			}
			a.Run = new(state.Run)
			p.rest, p.ok = r.run(p.rest, a.Run)
		case "operate_id":
			a.OperateID = strings.Clone(p.text())
		default:
			return false
		}
	}
	return p.ok && p.rest == ""
}

// run reads the JSON of a Run in the same way, and returns what comes after it.
func (r *rowDecoder) run(text string, run *state.Run) (rest string, ok bool) {
	p := plainJSON{rest: text, ok: true}
	for p.field() {
		switch p.name {
		case "status":
			run.Status = state.RunStatus(r.shared(p.text()))
		case "since":
			p.time(&run.Since)
		case "until":
			p.time(&run.Until)
		case "detail":
			run.Detail = strings.Clone(p.text())
		default:
			return "", false
		}
	}
	return p.rest, p.ok
}

// plainJSON reads an object of numbers and of texts without escapes, that was
// written without spaces. ok is false once there was anything else.
type plainJSON struct {
	rest  string
	name  string // of the field whose value is next
	begun bool
	ok    bool
}

// field goes to the next field, and reports whether there is one.
func (p *plainJSON) field() bool {
	if p.begun && p.skip("}") || !p.ok {
		return false
	}
	if p.begun {
		p.need(",")
	} else {
		p.need("{")
	}
	p.begun = true
	p.name = p.text()
	p.need(":")
	return p.ok
}

func (p *plainJSON) skip(token string) (found bool) {
	p.rest, found = strings.CutPrefix(p.rest, token)
	return found
}

func (p *plainJSON) need(token string) { p.ok = p.ok && p.skip(token) }

// text returns a text, which is a part of what is read.
func (p *plainJSON) text() string {
	p.need(`"`)
	n, ascii := 0, true
	for ; n < len(p.rest) && p.rest[n] != '"'; n++ {
		c := p.rest[n]
		p.ok = p.ok && c != '\\' && c >= ' '
		ascii = ascii && c < utf8.RuneSelf
	}
	s := p.rest[:n]
	p.rest = p.rest[n:]
	p.need(`"`)
	p.ok = p.ok && (ascii || utf8.ValidString(s))
	return s
}

func (p *plainJSON) number() int64 {
	n := 0
	for n < len(p.rest) && (p.rest[n] == '-' || '0' <= p.rest[n] && p.rest[n] <= '9') {
		n++
	}
	v, err := strconv.ParseInt(p.rest[:n], 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != p.rest[:n] {
		p.ok = false
	}
	p.rest = p.rest[n:]
	return v
}

func (p *plainJSON) digest(d *spec.Digest) {
	if d.UnmarshalText([]byte(p.text())) != nil {
		p.ok = false
	}
}

func (p *plainJSON) time(t *time.Time) {
	if t.UnmarshalText([]byte(p.text())) != nil {
		p.ok = false
	}
}
