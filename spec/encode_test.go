package spec_test

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wedatasync/wedatasync/spec"
)

// What is encoded comes back: whatever a file says, and all of it.
func TestPack(t *testing.T) {
	var files []*spec.File
	for _, b := range badFiles(t) {
		files = append(files, spec.Parse(b.name, b.data))
	}
	for i, g := range generated() {
		files = append(files, spec.Parse(fmt.Sprintf("%d.yaml", i), g.data))
	}
	for i := range 10 {
		files = append(files, spec.Parse(small(i, 1)))
	}
	files = append(files, spec.Parse("list.yaml", list(1000)), spec.BadFile("link.yaml", "symlink", "it is a link"), &spec.File{})
	for n := range 4 {
		wantUnpacked(t, files[:n])
	}
	wantUnpacked(t, files)
}

// A field that is added to a file, and forgotten in its encoding, would be lost with
// a restart.
func TestPack_everyField(t *testing.T) {
	filler := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		filler++
		switch v.Kind() {
		case reflect.Struct:
			for _, field := range v.Fields() {
				if field.CanSet() {
					fill(field)
				}
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
	wantUnpacked(t, []*spec.File{f, f})
	wantUnpacked(t, []*spec.File{{Name: f.Name, Commits: f.Commits}, f})
}

func readAgain(data []byte) ([]*spec.File, error) {
	packed, err := spec.ReadPacked(data)
	if err != nil {
		return nil, err
	}
	return packed.Unpack()
}

// everything makes cmp compare what a file keeps for itself, too.
var everything = cmp.Exporter(func(reflect.Type) bool { return true })

func wantUnpacked(t *testing.T, files []*spec.File) {
	t.Helper()
	got, err := readAgain(spec.Pack(files).Append(nil))
	if err != nil {
		t.Fatalf("%d files are not read again: %v", len(files), err)
	}
	if diff := cmp.Diff(files, got, cmpopts.EquateEmpty(), everything); diff != "" {
		t.Errorf("the files are others (-before +after):\n%s", diff)
	}
}

// A text that many commits have is in memory once.
func TestPack_sharesTexts(t *testing.T) {
	files, err := readAgain(spec.Pack([]*spec.File{spec.Parse(small(1, 1)), spec.Parse(small(2, 1))}).Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	a, b := files[0].Commits[0], files[1].Commits[0]
	for name, pair := range map[string][2]string{
		"project": {a.ProjectID, b.ProjectID}, "description": {a.VersionDesc, b.VersionDesc}, "file name": {files[0].Name, a.Pos.File},
	} {
		if unsafe.StringData(pair[0]) != unsafe.StringData(pair[1]) {
			t.Errorf("there are two copies of the %s %q", name, pair[0])
		}
	}
}

// Whatever the bytes are, reading ends with an error or with files, and takes no
// more memory than a multiple of them.
func FuzzReadPacked(f *testing.F) {
	for _, b := range badFiles(f) {
		f.Add(spec.Pack([]*spec.File{spec.Parse(b.name, b.data)}).Append(nil))
	}
	f.Add(spec.Pack([]*spec.File{spec.Parse(small(1, 1)), spec.Parse(small(2, 1)), spec.BadFile("link.yaml", "symlink", "it is a link")}).Append(nil))
	f.Add([]byte{1, 0, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		files, err := readAgain(data)
		runtime.ReadMemStats(&after)
		if spent := int(after.TotalAlloc - before.TotalAlloc); spent > 1<<20+1000*len(data) {
			t.Errorf("%d bytes were allocated for %d", spent, len(data))
		}
		if err != nil {
			return
		}
		again, err := readAgain(spec.Pack(files).Append(nil))
		if err != nil {
			t.Fatalf("what was read cannot be packed: %v", err)
		}
		if diff := cmp.Diff(files, again, cmpopts.EquateEmpty(), everything); diff != "" {
			t.Errorf("the files are others the second time:\n%s", diff)
		}
	})
}
