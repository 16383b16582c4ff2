package spec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// errEncoding says that data is not what AppendFiles has written.
var errEncoding = errors.New("malformed encoding of spec files")

// AppendFiles appends an encoding of the files, which DecodeFiles gives back. It is
// for a cache of the same program: what it looks like may change with each version.
//
// It consists of the lengths of its two parts, the fields, and the texts that they
// refer to. A text that several files of one encoding have is in it once.
func AppendFiles(dst []byte, files []*File) []byte {
	e := encoder{known: make(map[string]int)}
	e.count(len(files))
	for _, f := range files {
		e.file(f)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.fields)))
	dst = binary.AppendUvarint(dst, uint64(len(e.texts)))
	return append(append(dst, e.fields...), e.texts...)
}

// DecodeFiles returns the files that AppendFiles has written. They keep one copy of
// the texts in data between them, and nothing else of it. Data that was not written
// by AppendFiles is an error, or makes files that say anything: who keeps it has to
// know that it is whole.
func DecodeFiles(data []byte) ([]*File, error) {
	fields, n := binary.Uvarint(data)
	texts, m := binary.Uvarint(data[max(n, 0):])
	rest := data[max(n, 0)+max(m, 0):]
	if n <= 0 || m <= 0 || fields > uint64(len(rest)) || texts != uint64(len(rest))-fields {
		return nil, fmt.Errorf("%w: its parts are not %d bytes", errEncoding, len(rest))
	}
	d := decoder{fields: rest[:fields], texts: string(rest[fields:])}
	files := make([]*File, d.count())
	for i := range files {
		files[i] = d.file()
	}
	if len(d.fields) > 0 || d.at < len(d.texts) {
		d.bad = true
	}
	if d.bad {
		return nil, errEncoding
	}
	return files, nil
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
	e.text(f.Name)
	e.flag(f.Unread)
	e.count(len(f.Commits))
	for _, c := range f.Commits {
		e.commit(c, f.Name)
	}
	e.count(len(f.Broken))
	for _, b := range f.Broken {
		e.key(b.Key)
		e.pos(b.Pos, f.Name)
	}
	e.count(len(f.Problems))
	for _, p := range f.Problems {
		e.pos(p.Pos, f.Name)
		e.again(string(p.Severity))
		e.again(p.Code)
		e.again(p.Message)
	}
	e.outline(f.outline)
}

func (e *encoder) outline(o *outline) {
	if o == nil {
		e.count(0)
		return
	}
	e.count(len(o.pieces))
	for _, p := range o.pieces {
		e.fields = append(e.fields, p.sum[:]...)
		e.number(int64(p.line))
		e.number(int64(p.commits))
	}
}

func (e *encoder) commit(c *Commit, name string) {
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
	e.pos(c.Pos, name)
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

// pos writes a place, which is in the file of that name.
func (e *encoder) pos(p Pos, name string) {
	e.flag(p.File != name)
	if p.File != name {
		e.again(p.File)
	}
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

// decoder reads what an encoder has written. What cannot be read is zero, and
// noted in bad.
type decoder struct {
	fields []byte
	texts  string
	at     int // where in texts the next new one begins
	bad    bool
}

func (d *decoder) file() *File {
	f := &File{Name: d.text(), Unread: d.flag()}
	if n := d.count(); n > 0 {
		f.Commits = make([]*Commit, n)
	}
	for i := range f.Commits {
		f.Commits[i] = d.commit(f.Name)
	}
	if n := d.count(); n > 0 {
		f.Broken = make([]Named, n)
	}
	for i := range f.Broken {
		f.Broken[i] = Named{d.key(), d.pos(f.Name)}
	}
	if n := d.count(); n > 0 {
		f.Problems = make(Problems, n)
	}
	for i := range f.Problems {
		f.Problems[i] = Problem{Pos: d.pos(f.Name), Severity: Severity(d.text()), Code: d.text(), Message: d.text()}
	}
	f.outline = d.outline(len(f.Commits))
	return f
}

// outline reads an outline, which must have so many commits.
func (d *decoder) outline(commits int) *outline {
	n := d.count()
	if n == 0 {
		return nil
	}
	o := &outline{make([]piece, n)}
	for i := range o.pieces {
		p := &o.pieces[i]
		d.fields = d.fields[copy(p.sum[:], d.fields):]
		p.line, p.commits = int32(d.number()), int32(d.number())
		if commits -= int(p.commits); p.commits < 0 {
			d.bad = true
		}
	}
	d.bad = d.bad || commits != 0
	return o
}

func (d *decoder) commit(name string) *Commit {
	c := new(Commit)
	with := d.unsigned()
	c.Key = d.key()
	c.Pos = d.pos(name)
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
		c.ExtConfig = make([]Param, d.count())
		for i := range c.ExtConfig {
			c.ExtConfig[i] = Param{d.text(), d.text()}
		}
	}
	if with&withDependsOn != 0 {
		c.DependsOn = make([]Key, d.count())
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
	return c
}

func (d *decoder) key() Key { return Key{d.text(), d.text()} }

func (d *decoder) pos(name string) Pos {
	if d.flag() {
		name = d.text()
	}
	return Pos{name, int(d.number()), int(d.number())}
}

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
