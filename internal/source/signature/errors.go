package signature

import "errors"

// Why a commit is not trusted. They are met wrapped, with more about it.
var (
	ErrUnsigned   = errors.New("it is not signed")
	ErrMalformed  = errors.New("it is not as git writes commits")
	ErrUnreadable = errors.New("its signature cannot be read")
	ErrForged     = errors.New("its signature does not fit its content")
	ErrUnknownKey = errors.New("it is signed by a key that is not trusted")
	ErrExpired    = errors.New("its signature or its key is not valid at this time")
	ErrRevoked    = errors.New("it is signed by a key that was revoked")
	ErrWeak       = errors.New("its signature is of a kind that can be forged")
)
