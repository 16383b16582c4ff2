package signature

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// signer is a line of an allowed_signers file.
type signer struct {
	principals    string
	key           ssh.PublicKey
	namespaces    string    // a list of patterns; empty: any
	after, before time.Time // zero: no bound
}

// readSigners reads a file in the format of allowed_signers of ssh-keygen(1).
func readSigners(data []byte) ([]signer, error) {
	var list []signer
	for n, line := range lines(data) {
		s, err := readSigner(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// lines yields the lines that are neither empty nor a comment, with their numbers.
func lines(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range bytes.Lines(data) {
			n++
			text := strings.TrimSpace(string(line))
			if text != "" && text[0] != '#' && !yield(n, text) {
				return
			}
		}
	}
}

func readSigner(line string) (s signer, err error) {
	var rest string
	if s.principals, rest, err = word(line); err != nil {
		return s, err
	}
	if s.principals = strings.ReplaceAll(s.principals, `"`, ""); s.principals == "" {
		return s, errors.New("it names no principal")
	}
	var options string
	if s.key, err = publicKey(rest); err != nil {
		if options, rest, err = word(rest); err != nil {
			return s, err
		}
		if err := s.options(options); err != nil {
			return s, err
		}
		if s.key, err = publicKey(rest); err != nil {
			return s, err
		}
	}
	if _, ok := s.key.(*ssh.Certificate); ok {
		return s, errors.New("it has a certificate: name the key itself")
	}
	return s, nil
}

// word takes the first word of a line; blanks in quotes are part of it.
func word(line string) (first, rest string, err error) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quoted && i+1 < len(line) && line[i+1] == '"':
			i++
		case line[i] == '"':
			quoted = !quoted
		case !quoted && (line[i] == ' ' || line[i] == '\t'):
			return line[:i], strings.TrimLeft(line[i:], " \t"), nil
		}
	}
	if quoted {
		return "", "", errors.New("a quote is not closed")
	}
	return "", "", errors.New("it has no key: write principals, options if any, the kind of the key and the key")
}

// publicKey reads the kind of a key and the key; a comment may follow.
func publicKey(text string) (ssh.PublicKey, error) {
	kind, rest, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	key, _, options, more, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(options) > 0 || len(more) > 0 || key.Type() != kind || rest == "" {
		return nil, errors.New("its key cannot be read")
	}
	return key, nil
}

// options reads what is said of a signer between its principals and its key.
func (s *signer) options(text string) error {
	seen := make(map[string]bool)
	for text != "" {
		name, value, rest, err := option(text)
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("%s appears twice", name)
		}
		seen[name] = true
		switch name {
		case "namespaces":
			if value == "" {
				return errors.New("namespaces is empty")
			}
			s.namespaces = value
		case "valid-after":
			s.after, err = moment(value)
		case "valid-before":
			s.before, err = moment(value)
		case "cert-authority":
			err = errors.New("it is a certificate authority, which is not supported: name the signers' own keys")
		default:
			err = fmt.Errorf("there is no option %q", name)
		}
		if err != nil {
			return err
		}
		text = rest
	}
	if !s.after.IsZero() && !s.before.IsZero() && !s.after.Before(s.before) {
		return errors.New("valid-after is not before valid-before")
	}
	return nil
}

// option takes the first of options that commas separate: a name, or name="value".
func option(text string) (name, value, rest string, err error) {
	end := strings.IndexAny(text, ",=")
	if end < 0 {
		return strings.ToLower(text), "", "", nil
	}
	name, rest = strings.ToLower(text[:end]), text[end+1:]
	if text[end] == '=' {
		var b strings.Builder
		quoted, ok := strings.CutPrefix(rest, `"`)
		i := 0
		for ; ok && i < len(quoted) && quoted[i] != '"'; i++ {
			if quoted[i] == '\\' && i+1 < len(quoted) && quoted[i+1] == '"' {
				i++
			}
			b.WriteByte(quoted[i])
		}
		if !ok || i == len(quoted) {
			return "", "", "", fmt.Errorf("the value of %q is not in quotes", name)
		}
		value = b.String()
		if rest = quoted[i+1:]; rest == "" {
			return name, value, "", nil
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return "", "", "", fmt.Errorf("something follows the value of %q", name)
		}
	}
	if name == "" || rest == "" {
		return "", "", "", errors.New("an option is empty")
	}
	return name, value, rest, nil
}

// moment reads a time as ssh-keygen writes it: local, or with a Z in UTC.
func moment(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	place := time.Local
	if utc {
		place = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(layout) == len(digits) {
			if t, err := time.ParseInLocation(layout, digits, place); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z for UTC", text)
}

func (s *signer) valid(at time.Time) bool {
	return (s.after.IsZero() || !at.Before(s.after)) && (s.before.IsZero() || !at.After(s.before))
}

// forGit reports whether the signer may sign for git.
func (s *signer) forGit() bool {
	if s.namespaces == "" {
		return true
	}
	found := false
	for pattern := range strings.SplitSeq(s.namespaces, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if !matches(pattern, namespace) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// matches reports whether a pattern with * and ? is that of the text, as OpenSSH
// has patterns. It takes time in proportion to the product of their lengths.
func matches(pattern, text string) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// readRevoked reads public keys of SSH, one a line.
func readRevoked(data []byte) (map[string]struct{}, error) {
	if bytes.HasPrefix(data, []byte("SSHKRL\n")) {
		return nil, errors.New("it is a KRL, which is not supported: write the public keys, one a line")
	}
	revoked := make(map[string]struct{})
	for n, line := range lines(data) {
		key, err := publicKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		revoked[string(key.Marshal())] = struct{}{}
	}
	return revoked, nil
}
