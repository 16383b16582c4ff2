package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// Next reads the next document. The YAML library reports by panicking inside;
// one that escapes must not take the daemon down.
func Next(dec *yaml.Decoder, doc *yaml.Node) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("yaml: the parser gave up: %v", v)
		}
	}()
	return dec.Decode(doc)
}

// Halves decodes a text of one document that ends with a list of commits. The second half of
// the list is decoded at the same time as all before it, in the lines that it has in the text.
// It returns nil where the halves could mean something else than the whole: a cut in a quoted
// text, for one, leaves it open.
func Halves(data []byte) *yaml.Node {
	first, second := cutInHalves(data)
	if first == nil {
		return nil
	}
	var whole, rest *yaml.Node
	var decoding sync.WaitGroup
	decoding.Go(func() { rest = decodeOnly(second) })
	whole = decodeOnly(first)
	decoding.Wait()
	list, more := lastList(whole), lastList(rest)
	if list == nil || more == nil || list.Column != more.Column || len(rest.Content[0].Content) != 2 {
		return nil
	}
	list.Content = append(list.Content, more.Content...)
	return whole
}

// cutInHalves cuts a text before an item of its list of commits. The second part gets the key of
// the list, and as many lines before it as are cut off.
func cutInHalves(data []byte) (first, second []byte) {
	const key = "\ncommits:\n"
	start := bytes.Index(data, []byte(key)) + len(key)
	if start < len(key) {
		return nil, nil
	}
	indent := len(data[start:]) - len(bytes.TrimLeft(data[start:], " "))
	item := "\n" + strings.Repeat(" ", indent) + "- "
	middle := start + (len(data)-start)/2
	cut := middle + bytes.Index(data[middle:], []byte(item)) + 1
	if cut <= middle {
		return nil, nil
	}
	if first = data[:cut]; bytes.Contains(first, []byte("\n...")) { // the end of the document
		return nil, nil
	}
	lines := bytes.Repeat([]byte("\n"), bytes.Count(first, []byte("\n"))-1)
	return first, slices.Concat(lines, []byte(key[1:]), data[cut:])
}

// decodeOnly decodes the only document of a text; nil if there is none, or more.
func decodeOnly(data []byte) *yaml.Node {
	dec, doc := yaml.NewDecoder(bytes.NewReader(data)), new(yaml.Node)
	if Next(dec, doc) != nil || !errors.Is(Next(dec, new(yaml.Node)), io.EOF) {
		return nil
	}
	return doc
}

// lastList returns the list that a document ends with, if it does.
func lastList(doc *yaml.Node) *yaml.Node {
	if doc == nil || doc.Content[0].Kind != yaml.MappingNode {
		return nil
	}
	fields := doc.Content[0].Content
	if len(fields) == 0 {
		return nil
	}
	if last := fields[len(fields)-1]; last.Kind == yaml.SequenceNode && last.Style&yaml.FlowStyle == 0 {
		return last
	}
	return nil
}

// GaveUp returns the line where the YAML library gives up on data, by handing it
// one byte after the other and looking how far it came.
func GaveUp(data []byte) int {
	read := bytes.TrimRight(data[:gaveUp(data)], " \r\n") // it looks a little ahead
	return 1 + bytes.Count(read, []byte("\n"))
}

// gaveUp returns how many bytes it has read by then.
func gaveUp(data []byte) int {
	src := &byteReader{data: data}
	dec := yaml.NewDecoder(src)
	for Next(dec, new(yaml.Node)) == nil {
	}
	return src.read
}

// byteReader reads one byte at a time.
type byteReader struct {
	data []byte
	read int
}

// Read reads one byte.
func (b *byteReader) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), 1)], b.data[b.read:])
	b.read += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
