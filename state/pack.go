package state

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// packer turns records into a few bytes and back. What many of them say is in its
// dictionary, once.
type packer struct {
	texts  []string
	number map[string]uint64 // of a text in the dictionary, from 1
}

func newPacker() packer { return packer{number: map[string]uint64{}} }

// maxTexts bounds a dictionary. What does not go in is there each time.
const maxTexts = 1 << 12

// The fields that an Applied may be without.
const (
	withTaskType = 1 << iota
	withInstanceVersion
	withVersionDesc
	withEventDesc
	withRerun
	withContent
	withExt
	withRevision
	withRequestID
	withTaskApproveID
	withWait
	withRun
	withIdle
	withOperateID
	withRemoved
	withRequest
	withSpent
)

// packs reports whether a record can be packed: one with which nothing is open.
func packs(r *Record) bool {
	return r.Applied != nil && r.Attempt == nil && r.Suspended == nil && r.Applied.Drift == nil &&
		(r.Applied.Run == nil || r.Applied.Run.Status != RunStarting)
}

// append appends the record, all but its key. Of a time it keeps the instant.
func (p *packer) append(b []byte, r *Record) []byte {
	a := r.Applied
	var with uint64
	for i, has := range [...]bool{
		a.TaskType != 0, a.InstanceVersion != 0, a.VersionDesc != "", a.EventDesc != "", a.Rerun != "",
		!a.Content.IsZero(), !a.Ext.IsZero(), a.Revision != "", a.RequestID != "", a.TaskApproveID != "",
		a.Wait != 0, a.Run != nil, a.Idle, a.OperateID != "", r.Removed != nil, !a.Request.IsZero(), a.Spent != nil,
	} {
		if has {
			with |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, with)
	b = p.shared(b, string(r.Status))
	b = p.shared(b, string(a.Origin))
	b = binary.AppendVarint(b, int64(a.CommitType))
	b = appendTime(b, a.At)
	if with&withTaskType != 0 {
		b = binary.AppendVarint(b, int64(a.TaskType))
	}
	if with&withInstanceVersion != 0 {
		b = binary.AppendVarint(b, a.InstanceVersion)
	}
	if with&withContent != 0 {
		b = append(b, a.Content[:]...)
	}
	if with&withExt != 0 {
		b = append(b, a.Ext[:]...)
	}
	for _, text := range [...]string{a.VersionDesc, a.EventDesc, a.RequestID, a.TaskApproveID} {
		if text != "" {
			b = appendText(b, text)
		}
	}
	for _, text := range [...]string{a.Rerun, a.Revision} {
		if text != "" {
			b = p.shared(b, text)
		}
	}
	if with&withWait != 0 {
		b = binary.AppendVarint(b, a.Wait)
	}
	if run := a.Run; run != nil {
		b = p.shared(b, string(run.Status))
		b = appendTime(appendTime(b, run.Since), run.Until)
		b = appendText(b, run.Detail)
	}
	if with&withOperateID != 0 {
		b = appendText(b, a.OperateID)
	}
	if removed := r.Removed; removed != nil {
		b = p.shared(appendTime(b, removed.At), removed.Revision)
	}
	if with&withRequest != 0 {
		b = append(b, a.Request[:]...)
	}
	if a.Spent != nil {
		b = a.Spent.append(b)
	}
	return b
}

// append appends what was spent.
func (s *Spent) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.Discards)))
	for _, version := range s.Discards {
		b = binary.AppendVarint(b, version)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Reruns)))
	for _, token := range s.Reruns {
		b = appendText(b, token)
	}
	return b
}

// shared appends a text that other records may have as well.
func (p *packer) shared(b []byte, text string) []byte {
	n, ok := p.number[text]
	if !ok && len(p.texts) < maxTexts {
		n = p.add(strings.Clone(text))
	}
	b = binary.AppendUvarint(b, n)
	if n == 0 {
		b = appendText(b, text)
	}
	return b
}

// add puts a text into the dictionary, and returns its number.
func (p *packer) add(text string) uint64 {
	p.texts = append(p.texts, text)
	n := uint64(len(p.texts))
	p.number[text] = n
	return n
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

// unpack makes r, whose Applied is there, what data was packed from. Its texts are
// parts of data. It reports whether data was packed by append.
func (p *packer) unpack(data string, r *Record) bool {
	d := unpacking{rest: data, texts: p.texts}
	a := r.Applied
	with := d.count()
	*r = Record{Key: r.Key, Status: Status(d.shared()), Applied: a}
	*a = Applied{Origin: Origin(d.shared()), CommitType: spec.CommitType(d.signed()), At: d.time(), Idle: with&withIdle != 0}
	if with&withTaskType != 0 {
		a.TaskType = spec.TaskType(d.signed())
	}
	if with&withInstanceVersion != 0 {
		a.InstanceVersion = d.signed()
	}
	if with&withContent != 0 {
		copy(a.Content[:], d.take(uint64(len(a.Content))))
	}
	if with&withExt != 0 {
		copy(a.Ext[:], d.take(uint64(len(a.Ext))))
	}
	if with&withVersionDesc != 0 {
		a.VersionDesc = d.text()
	}
	if with&withEventDesc != 0 {
		a.EventDesc = d.text()
	}
	if with&withRequestID != 0 {
		a.RequestID = d.text()
	}
	if with&withTaskApproveID != 0 {
		a.TaskApproveID = d.text()
	}
	if with&withRerun != 0 {
		a.Rerun = d.shared()
	}
	if with&withRevision != 0 {
		a.Revision = d.shared()
	}
	if with&withWait != 0 {
		a.Wait = d.signed()
	}
	if with&withRun != 0 {
		a.Run = &Run{Status: RunStatus(d.shared()), Since: d.time(), Until: d.time(), Detail: d.text()}
	}
	if with&withOperateID != 0 {
		a.OperateID = d.text()
	}
	if with&withRemoved != 0 {
		r.Removed = &Removal{At: d.time(), Revision: d.shared()}
	}
	if with&withRequest != 0 {
		copy(a.Request[:], d.take(uint64(len(a.Request))))
	}
	if with&withSpent != 0 {
		a.Spent = d.spent()
	}
	return !d.bad && d.rest == ""
}

// unpacking is what is left of packed data. bad is set once there is less than is
// asked for, which is then zero.
type unpacking struct {
	rest  string
	texts []string
	bad   bool
}

func (d *unpacking) take(n uint64) string {
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, ""
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

// count reads what binary.AppendUvarint wrote.
func (d *unpacking) count() (n uint64) {
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		c := d.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			return n
		}
	}
	d.bad, d.rest = true, ""
	return 0
}

// signed reads what binary.AppendVarint wrote.
func (d *unpacking) signed() int64 {
	n := d.count()
	return int64(n>>1) ^ -int64(n&1)
}

// spent reads what Spent.append wrote.
func (d *unpacking) spent() *Spent {
	s := new(Spent)
	for n := d.count(); n > 0 && !d.bad; n-- {
		s.Discards = append(s.Discards, d.signed())
	}
	for n := d.count(); n > 0 && !d.bad; n-- {
		s.Reruns = append(s.Reruns, d.text())
	}
	return s
}

func (d *unpacking) text() string { return d.take(d.count()) }

func (d *unpacking) shared() string {
	switch n := d.count(); {
	case n == 0:
		return d.text()
	case n <= uint64(len(d.texts)):
		return d.texts[n-1]
	}
	d.bad = true
	return ""
}

func (d *unpacking) time() time.Time {
	s, ns := d.signed(), d.count()
	if ns >= uint64(time.Second) {
		d.bad = true
		return time.Time{}
	}
	return time.Unix(s, int64(ns)).UTC()
}
