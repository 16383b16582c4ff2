package speccache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wedatasync/wedatasync/spec"
)

func hashOf(i int) (h Hash) {
	binary.BigEndian.PutUint64(h[:], uint64(i))
	return h
}

func all(files []*spec.File) iter.Seq2[Hash, *spec.File] {
	return func(yield func(Hash, *spec.File) bool) {
		for i, f := range files {
			if !yield(hashOf(i), f) {
				return
			}
		}
	}
}

func save(t testing.TB, files []*spec.File) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), Name)
	if err := Save(path, path+".new", all(files)); err != nil {
		t.Fatal(err)
	}
	return path
}

func one(i int) *spec.File {
	return spec.Parse(fmt.Sprintf("%d.yaml", i), fmt.Appendf(nil, `apiVersion: wedatasync/v1
commits:
  - {taskId: t%d, projectId: 1, commitType: start, instanceVersion: %d}
`, i, i+1))
}

// What is written comes back: whatever a file says, and all of it.
func TestCache(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "..", "spec", "testdata", "*", "*.yaml"))
	if err != nil || len(names) < 100 {
		t.Fatal(len(names), err)
	}
	var files []*spec.File
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, spec.Parse(filepath.Base(name), data))
	}
	for i := range 3 * blockFiles {
		files = append(files, one(i))
	}
	for _, n := range []int{0, 1, len(files)} {
		c, err := Open(save(t, files[:n]))
		if err != nil {
			t.Fatal(err)
		}
		if c.Len() != n || c.File(hashOf(len(files)), "x") != nil {
			t.Errorf("%d files are known, want %d", c.Len(), n)
		}
		for i, f := range files[:n] {
			got, again := c.File(hashOf(i), f.Name), c.File(hashOf(i), "again.yaml")
			if diff := cmp.Diff(f, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("the file is another (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(f.As("again.yaml"), again, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("under another name the file is another (-before +after):\n%s", diff)
			}
		}
	}
}

// A field of a file is kept without anybody having to think of it.
func TestCache_everyField(t *testing.T) {
	filler := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		filler++
		switch v.Kind() {
		case reflect.Struct:
			for _, field := range v.Fields() {
				fill(field)
			}
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range v.Len() {
				fill(v.Index(i))
			}
		case reflect.String:
			v.SetString(fmt.Sprint("text ", filler))
		case reflect.Bool:
			v.SetBool(true)
		default:
			v.SetInt(int64(filler))
		}
	}
	f := new(spec.File)
	fill(reflect.ValueOf(f).Elem())
	f.Rename("all.yaml")
	c, err := Open(save(t, []*spec.File{f}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, c.File(hashOf(0), f.Name)); diff != "" {
		t.Errorf("the file is another (-before +after):\n%s", diff)
	}
}

// Not a bit may be flipped, and not a byte be missing or too many.
func TestParse_damaged(t *testing.T) {
	whole, err := os.ReadFile(save(t, []*spec.File{one(1), spec.Parse("b.yaml", []byte("commits: ["))}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			whole[i] ^= 1 << bit
			if _, err := parse(whole); err == nil {
				t.Errorf("with bit %d of byte %d flipped it is believed", bit, i)
			}
			whole[i] ^= 1 << bit
		}
		if _, err := parse(whole[:i]); err == nil {
			t.Errorf("cut off after %d bytes it is believed", i)
		}
	}
	if _, err := parse(append(whole, 0)); err == nil {
		t.Error("with a byte more it is believed")
	}
}

// It is left alone if it is of a program that reads specs in another way.
func TestParse_ofAnotherProgram(t *testing.T) {
	whole, err := os.ReadFile(save(t, []*spec.File{one(1)}))
	if err != nil {
		t.Fatal(err)
	}
	of, err := spec.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	for old, other := range map[string]string{
		of.String():                 strings.Repeat("0", len(of.String())),
		fmt.Sprintf(" %d ", format): fmt.Sprintf(" %d ", format+1),
	} {
		if _, err := parse(resum(bytes.Replace(whole, []byte(old), []byte(other), 1))); err == nil {
			t.Errorf("with %q in place of %q it is believed", other, old)
		}
	}
	if _, err := parse(resum(whole)); err != nil {
		t.Fatal(err)
	}
}

// resum gives changed data a checksum that fits.
func resum(data []byte) []byte {
	body := data[:len(data)-sumSize]
	return binary.BigEndian.AppendUint64(bytes.Clone(body), xxhash.Sum64(body))
}

func TestOpen_unusable(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := errors.Join(os.WriteFile(large, nil, 0o600), os.Truncate(large, maxSize+1)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing"), dir, large} {
		if _, err := Open(path); !errors.Is(err, ErrUnusable) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A cache that cannot be written leaves the old one, and nothing else.
func TestSave_fails(t *testing.T) {
	path := save(t, []*spec.File{one(1)})
	if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	if err := Save(path, path+".new", all(nil)); err == nil {
		t.Error("it is written")
	}
	if c, err := Open(path); err != nil || c.Len() != 1 {
		t.Errorf("the old one has %d files, %v", c.Len(), err)
	}
}

// Even with a checksum that fits, nothing that was kept breaks the reader.
func FuzzOpen(f *testing.F) {
	whole, err := os.ReadFile(save(f, []*spec.File{one(1), spec.Parse("b.yaml", []byte("commits: ["))}))
	if err != nil {
		f.Fatal(err)
	}
	first, err := header()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[len(first) : len(whole)-sumSize])
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parse(resum(slices.Concat(first, body, make([]byte, sumSize))))
		if err != nil {
			return
		}
		for h := range c.files {
			c.File(h, "a.yaml")
			c.File(h, "b.yaml")
		}
	})
}

func BenchmarkOpen100k(b *testing.B) {
	var files []*spec.File
	for i := range 100_000 {
		files = append(files, one(i))
	}
	path := save(b, files)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
	b.ReportAllocs()
	for b.Loop() {
		if c, err := Open(path); err != nil || c.Len() != len(files) {
			b.Fatal(c.Len(), err)
		}
	}
}
