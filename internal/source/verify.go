package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/signature"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// Verify says which commits of a branch have to be signed by a trusted key.
type Verify string

// The values of Verify.
const (
	VerifyOff    Verify = "off"    // none
	VerifyHead   Verify = "head"   // the newest: its signature covers all files
	VerifyStrict Verify = "strict" // also those that led to it, by first parents
)

// maxKeys bounds a file of keys, in bytes.
const maxKeys = 4 << 20

// verifier checks the signatures of commits before they are read.
type verifier struct {
	mode    Verify
	pgp     string // the files of keys; empty: none
	signers string
	revoked string
	log     *slog.Logger

	// mark is the newest commit that counts, in every mode: what led to it is not looked at
	// again. It never moves back. Zero: there is none yet.
	mark    plumbing.Hash
	trusted map[plumbing.Hash]bool // that operators let count, with what led to them

	files signature.Files // that keys was read from
	keys  *signature.Keys
}

// newVerifier reads the keys once, so that a mistake is known at the start.
func newVerifier(c *GitConfig, log *slog.Logger) (*verifier, error) {
	v := &verifier{mode: c.Verify, pgp: c.PGPKeysFile, signers: c.AllowedSignersFile, revoked: c.RevokedKeysFile, log: log}
	if mark := cmp.Or(c.Verified, c.Since); plumbing.IsHash(mark) {
		v.mark = plumbing.NewHash(mark)
	}
	switch c.Verify {
	case "", VerifyOff:
		v.mode = VerifyOff
		return v, nil
	case VerifyHead, VerifyStrict:
		return v, v.read()
	default:
		return nil, fmt.Errorf("verify %q is not one of off, head and strict", c.Verify)
	}
}

// read reads the keys, anew if a file has changed.
func (v *verifier) read() error {
	var files signature.Files
	for _, f := range []struct {
		by, path string
		data     *[]byte
	}{
		{"--pgp-keys-file", v.pgp, &files.PGP},
		{"--allowed-signers-file", v.signers, &files.Signers},
		{"--revoked-keys-file", v.revoked, &files.Revoked},
	} {
		if f.path == "" {
			continue
		}
		var err error
		if *f.data, err = file.Read(f.by, f.path, maxKeys); err != nil {
			return err
		}
	}
	same := bytes.Equal(files.PGP, v.files.PGP) && bytes.Equal(files.Signers, v.files.Signers) && bytes.Equal(files.Revoked, v.files.Revoked)
	if v.keys != nil && same {
		return nil
	}
	keys, err := signature.ReadKeys(files)
	if err != nil {
		return err
	}
	v.files, v.keys = files, keys
	return nil
}

// check checks the commit, and in strict mode those that came after the mark. Its cost is
// that of what is new.
func (v *verifier) check(ctx context.Context, s *gitstore.Store, head plumbing.Hash) (err error) {
	defer recovered(&err)
	if v.mode == VerifyOff {
		return v.moveMark(ctx, s, head)
	}
	if err := v.read(); err != nil {
		return &Error{Kind: ErrUnverified, Err: err, Hint: "correct the file of keys"}
	}
	return v.checkPath(ctx, s, head, head == v.mark)
}

// checkPath checks the commit and what led to it, with the keys that were read last. One that
// counted before does so as long as nobody takes its key away: that a key has expired
// since is no reason to leave what was applied.
func (v *verifier) checkPath(ctx context.Context, s *gitstore.Store, head plumbing.Hash, before bool) error {
	if err := v.checkOne(s, head, head, before); err != nil {
		return err
	}
	if v.mode == VerifyHead || head == v.mark || v.trusted[head] {
		return v.moveMark(ctx, s, head)
	}
	path, err := s.FirstParents(ctx, v.mark, head)
	if incomparable(ctx, err) {
		return v.fault(s, head, head, err)
	}
	if err != nil {
		return err
	}
	for _, h := range path {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if v.trusted[h] {
			break
		}
		if err := v.checkOne(s, h, head, before); err != nil {
			return err
		}
	}
	return v.moveMark(ctx, s, head)
}

// moveMark makes a commit that counts the mark, unless it led to the mark.
func (v *verifier) moveMark(ctx context.Context, s *gitstore.Store, head plumbing.Hash) error {
	if head == v.mark {
		return nil
	}
	if !v.mark.IsZero() && s.Has(v.mark) {
		after, err := s.Descends(ctx, v.mark, head)
		if err == nil && !after {
			var led bool
			if led, err = s.Descends(ctx, head, v.mark); led {
				return nil
			}
		}
		if err != nil && !incomparable(ctx, err) {
			return err
		}
	}
	v.mark = head
	return nil
}

// checkOne checks one commit on the way to head. That its bytes have its name was checked by
// reading them.
func (v *verifier) checkOne(s *gitstore.Store, h, head plumbing.Hash, before bool) error {
	if v.trusted[h] {
		return nil
	}
	raw, err := s.Read(h, plumbing.CommitObject, gitstore.MaxCommit)
	if err != nil {
		return err
	}
	verify := v.keys.Verify
	if before {
		verify = v.keys.VerifyAgain
	}
	who, err := verify(raw, time.Now())
	if err != nil {
		return v.fault(s, h, head, err)
	}
	v.log.Debug("commit is verified", "commit", h.String(), "by", text.OneLine(who, maxText))
	return nil
}

// fault says that a commit does not count, and what to do.
func (v *verifier) fault(s *gitstore.Store, h, head plumbing.Hash, why error) error {
	u := &plan.Unverified{Head: authored(s, head), Fault: authored(s, h), Err: why}
	hint := "add a commit that a trusted key has signed on top of it, or review it and approve it: wedatasync approve " + h.String()
	if h != head {
		hint = "each commit must be signed by a trusted key: review it, and approve it and its ancestors: wedatasync approve " + h.String()
	}
	return &Error{Kind: ErrUnverified, Detail: "commit " + h.String(), Err: u, Hint: hint}
}

// authored says who wrote a commit.
func authored(s *gitstore.Store, h plumbing.Hash) plan.Authored {
	a := plan.Authored{Commit: h.String()}
	if c, err := s.Commit(h); err == nil {
		a.Author = authorOf(c)
	}
	return a
}

// errNoSignatures says why a folder cannot be verified.
var errNoSignatures = errors.New("a folder has no signatures to verify: use a git repository, or verify off")
