package wedata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds the nesting of an answer.
const maxDepth = 64

// maxID bounds a request id and the other ids of an answer, in bytes.
const maxID = 128

// reply is a whole and unambiguous answer of the API.
type reply struct {
	requestID string
	fail      *apiError                  // nil if the action succeeded
	fields    map[string]json.RawMessage // of Response
}

// apiError is the error of a reply.
type apiError struct {
	code    string
	message string
}

// parseReply reads the body of an answer strictly. It takes nothing that another
// reader could take to mean something else: no key twice, in any case of letters,
// no error beside a result, nothing after the end.
func parseReply(body []byte) (*reply, error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil || top == nil {
		return nil, errors.New("not an object")
	}
	inner, ok := top["Response"]
	if !ok || len(top) != 1 {
		return nil, errors.New("not an object with Response alone")
	}
	r := new(reply)
	if err := json.Unmarshal(inner, &r.fields); err != nil || r.fields == nil {
		return nil, errors.New("the Response is not an object")
	}
	if err := r.readID(); err != nil {
		return nil, err
	}
	return r, r.readError()
}

func (r *reply) readID() error {
	id, ok := r.fields["RequestId"]
	if !ok {
		return errors.New("no RequestId")
	}
	if err := json.Unmarshal(id, &r.requestID); err != nil || !isID(r.requestID) {
		return errors.New("the RequestId is not an id")
	}
	return nil
}

func (r *reply) readError() error {
	raw, ok := r.fields["Error"]
	if !ok {
		return nil
	}
	var e struct{ Code, Message *string }
	if err := json.Unmarshal(raw, &e); err != nil || e.Code == nil || e.Message == nil {
		return errors.New("the Error has no Code and Message")
	}
	if !isCode(*e.Code) {
		return errors.New("the Error has a Code that is none")
	}
	if len(r.fields) != 2 {
		return errors.New("both an Error and a result")
	}
	r.fail = &apiError{code: *e.Code, message: *e.Message}
	return nil
}

// isID reports whether s is printable ASCII without spaces, not empty and not long.
func isID(s string) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// isCode reports whether s has the form of an error code: words with dots.
func isCode(s string) bool {
	dot := true
	for _, b := range []byte(s) {
		switch {
		case b == '.' && dot:
			return false
		case b == '.':
			dot = true
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-':
			dot = false
		default:
			return false
		}
	}
	return !dot && len(s) <= maxID
}

// checkJSON reports why data is not one JSON value that every reader reads alike.
func checkJSON(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("empty")
	}
	if !utf8.Valid(data) || !json.Valid(data) {
		return errors.New("not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return checkValue(d, 0)
}

// checkValue walks one value of valid JSON.
func checkValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return noEOF(err)
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("nested over %d deep", maxDepth)
	}
	seen := make(map[string]bool)
	for d.More() {
		if open == '{' {
			if err := checkKey(d, seen); err != nil {
				return err
			}
		}
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return noEOF(err)
}

func checkKey(d *json.Decoder, seen map[string]bool) error {
	t, err := d.Token()
	if err != nil {
		return noEOF(err)
	}
	key, _ := t.(string)
	folded := fold(key)
	if seen[folded] {
		return errors.New("a key twice in one object")
	}
	seen[folded] = true
	return nil
}

// fold maps strings that differ in the case of letters only to one string, the way
// encoding/json matches keys.
func fold(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		runes[i] = least
	}
	return string(runes)
}

func noEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // as package io does it
		return io.ErrUnexpectedEOF
	}
	return err
}
