package spec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// errEncoding says that data is not what Packed.Append has written.
var errEncoding = errors.New("malformed encoding of spec files")

// Append appends the files as they are packed, which ReadPacked gives back: the
// lengths of the two parts, and the parts.
func (p *Packed) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(p.fields)))
	dst = binary.AppendUvarint(dst, uint64(len(p.texts)))
	return append(append(dst, p.fields...), p.texts...)
}

// ReadPacked returns a copy of what Append has written. Data that was not written by
// Append is an error now or when it is unpacked, or makes files that say anything: who
// keeps it has to know that it is whole.
func ReadPacked(data []byte) (*Packed, error) {
	fields, n := binary.Uvarint(data)
	texts, m := binary.Uvarint(data[max(n, 0):])
	rest := data[max(n, 0)+max(m, 0):]
	if n <= 0 || m <= 0 || fields > uint64(len(rest)) || texts != uint64(len(rest))-fields || len(rest) > math.MaxUint32 {
		return nil, fmt.Errorf("%w: its parts are not %d bytes", errEncoding, len(rest))
	}
	return &Packed{fields: bytes.Clone(rest[:fields]), texts: string(rest[fields:])}, nil
}

// The fields that a commit may be without.
const (
	withTaskType = 1 << iota
	withInstanceVersion
	withVersionDesc
	withEventDesc
	withExtConfig
	withDependsOn
	withDiscardState
	withRerun
	withSuspend
	withWait
)

// encoder writes fields, and beside them the texts they refer to.
type encoder struct {
	fields []byte
	texts  []byte
	known  map[string]int // where a text that may come again begins
}

func (e *encoder) file(f *File) {
	e.again(f.Name)
	e.text(f.Mark)
	e.number(int64(f.Size))
	e.number(int64(f.depends()))
	e.flag(f.plain())
	e.count(len(f.Commits))
	for _, c := range f.Commits {
		e.commit(c)
	}
	if f.plain() {
		return
	}
	e.flag(f.Unread)
	e.count(len(f.Broken))
	for _, b := range f.Broken {
		e.key(b.Key)
		e.pos(b.Pos)
	}
	e.count(len(f.Problems))
	for _, p := range f.Problems {
		e.pos(p.Pos)
		e.again(string(p.Severity))
		e.again(p.Code)
		e.again(p.Message)
		e.number(int64(p.More))
	}
}

func (e *encoder) commit(c *Commit) {
	var with uint64
	for i, has := range [...]bool{
		c.TaskType != 0, c.InstanceVersion != 0, c.VersionDesc != "", c.EventDesc != "",
		len(c.ExtConfig) > 0, len(c.DependsOn) > 0, c.DiscardState != 0, c.Rerun != "", c.Suspend, c.Wait != 0,
	} {
		if has {
			with |= 1 << i
		}
	}
	e.fields = binary.AppendUvarint(e.fields, with)
	e.key(c.Key)
	e.pos(c.Pos)
	e.number(int64(c.CommitType))
	if with&withTaskType != 0 {
		e.number(int64(c.TaskType))
	}
	if with&withInstanceVersion != 0 {
		e.number(c.InstanceVersion)
	}
	if with&withVersionDesc != 0 {
		e.again(c.VersionDesc)
	}
	if with&withEventDesc != 0 {
		e.again(c.EventDesc)
	}
	if with&withExtConfig != 0 {
		e.count(len(c.ExtConfig))
		for _, p := range c.ExtConfig {
			e.again(p.Name)
			e.again(p.Value)
		}
	}
	if with&withDependsOn != 0 {
		e.count(len(c.DependsOn))
		for _, k := range c.DependsOn {
			e.key(k)
		}
	}
	if with&withDiscardState != 0 {
		e.number(c.DiscardState)
	}
	if with&withRerun != 0 {
		e.again(c.Rerun)
	}
	if with&withWait != 0 {
		e.number(int64(c.Wait))
	}
}

func (e *encoder) key(k Key) {
	e.again(k.ProjectID)
	e.text(k.TaskID)
}

func (e *encoder) pos(p Pos) {
	e.again(p.File)
	e.number(int64(p.Line))
	e.number(int64(p.Column))
}

func (e *encoder) count(n int)    { e.fields = binary.AppendUvarint(e.fields, uint64(n)) }
func (e *encoder) number(n int64) { e.fields = binary.AppendVarint(e.fields, n) }

func (e *encoder) flag(b bool) {
	n := 0
	if b {
		n = 1
	}
	e.count(n)
}

// text writes a text that hardly comes twice: its length, doubled.
func (e *encoder) text(s string) {
	e.count(len(s) << 1)
	e.texts = append(e.texts, s...)
}

// again writes a text that may have been written before: then it refers to that,
// by an odd number and the place.
func (e *encoder) again(s string) {
	at, ok := e.known[s]
	if !ok || s == "" {
		e.known[s] = len(e.texts)
		e.text(s)
		return
	}
	e.count(len(s)<<1 | 1)
	e.count(at)
}

// cursor is a place in what an encoder has written, from which a decoder can go on.
type cursor struct {
	fields uint32 // how many bytes of fields come before
	texts  uint32 // where the next new text begins
}

// decoder reads what an encoder has written. What cannot be read is zero, and
// noted in bad.
type decoder struct {
	fields []byte
	texts  string
	at     int // where in texts the next new one begins
	size   int // of all fields
	bad    bool
}

// cursor returns where it stands.
func (d *decoder) cursor() cursor { return cursor{uint32(d.size - len(d.fields)), uint32(d.at)} }

// more reports whether there is another file.
func (d *decoder) more() bool { return len(d.fields) > 0 }

// done returns an error if anything could not be read, or was not.
func (d *decoder) done() error {
	if d.bad || len(d.fields) > 0 || d.at < len(d.texts) {
		return errEncoding
	}
	return nil
}

// head is what a file begins with.
type head struct {
	name, mark string
	size       int // of the text it was made from, in bytes
	depends    int // how many tasks its commits depend on
	plain      bool
	commits    int // how many follow
}

func (d *decoder) head() head {
	return head{d.text(), d.text(), int(d.number()), int(d.number()), d.flag(), d.count()}
}

func (d *decoder) file() *File {
	h := d.head()
	f := &File{Name: h.name, Mark: h.mark, Size: h.size}
	if n := h.commits; n > 0 {
		f.Commits = make([]*Commit, n)
	}
	for i := range f.Commits {
		f.Commits[i] = new(Commit)
		d.commit(f.Commits[i])
	}
	if h.plain {
		return f
	}
	f.Unread = d.flag()
	if n := d.count(); n > 0 {
		f.Broken = make([]Named, n)
	}
	for i := range f.Broken {
		f.Broken[i] = Named{d.key(), d.pos()}
	}
	if n := d.count(); n > 0 {
		f.Problems = make(Problems, n)
	}
	for i := range f.Problems {
		f.Problems[i] = Problem{Pos: d.pos(), Severity: Severity(d.text()), Code: d.text(), Message: d.text(), More: int(d.number())}
	}
	return f
}

// commit reads a commit in place of what there was in c.
func (d *decoder) commit(c *Commit) {
	*c = Commit{ExtConfig: c.ExtConfig[:0], DependsOn: c.DependsOn[:0]}
	with := d.unsigned()
	c.Key = d.key()
	c.Pos = d.pos()
	c.CommitType = CommitType(d.number())
	if with&withTaskType != 0 {
		c.TaskType = TaskType(d.number())
	}
	if with&withInstanceVersion != 0 {
		c.InstanceVersion = d.number()
	}
	if with&withVersionDesc != 0 {
		c.VersionDesc = d.text()
	}
	if with&withEventDesc != 0 {
		c.EventDesc = d.text()
	}
	if with&withExtConfig != 0 {
		n := d.count()
		c.ExtConfig = slices.Grow(c.ExtConfig, n)[:n]
		for i := range c.ExtConfig {
			c.ExtConfig[i] = Param{d.text(), d.text()}
		}
	}
	if with&withDependsOn != 0 {
		n := d.count()
		c.DependsOn = slices.Grow(c.DependsOn, n)[:n]
		for i := range c.DependsOn {
			c.DependsOn[i] = d.key()
		}
	}
	if with&withDiscardState != 0 {
		c.DiscardState = d.number()
	}
	if with&withRerun != 0 {
		c.Rerun = d.text()
	}
	c.Suspend = with&withSuspend != 0
	if with&withWait != 0 {
		c.Wait = time.Duration(d.number())
	}
}

func (d *decoder) key() Key { return Key{d.text(), d.text()} }

func (d *decoder) pos() Pos { return Pos{d.text(), int(d.number()), int(d.number())} }

func (d *decoder) flag() bool { return d.unsigned() == 1 }

func (d *decoder) unsigned() uint64 {
	n, size := binary.Uvarint(d.fields)
	if size <= 0 {
		d.bad, d.fields = true, nil
		return 0
	}
	d.fields = d.fields[size:]
	return n
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.fields)
	if size <= 0 {
		d.bad, d.fields = true, nil
		return 0
	}
	d.fields = d.fields[size:]
	return n
}

// count reads how many follow. Each takes a byte at the least, so that no count
// makes us allocate much more than there is.
func (d *decoder) count() int {
	n := d.unsigned()
	if n > uint64(len(d.fields)) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.unsigned()
	at, length := uint64(d.at), n>>1
	if n&1 != 0 {
		at = d.unsigned()
	}
	if at > uint64(len(d.texts)) || length > uint64(len(d.texts))-at {
		d.bad = true
		return ""
	}
	if n&1 == 0 {
		d.at += int(length)
	}
	return d.texts[at : at+length]
}
