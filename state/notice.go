package state

import (
	"errors"
	"fmt"
	"time"
)

// Notice is what is remembered of one thing that a receiver is notified of, so that a
// restart neither loses it nor repeats it. It is no part of what was applied: a state
// that has lost its notices is whole.
type Notice struct {
	Receiver string    `json:"receiver"` // whom it is for
	ID       string    `json:"id"`       // names what it is about, for the receiver
	At       time.Time `json:"at"`       // when it was last changed
	Body     string    `json:"body"`     // what is to be sent, or was; at most MaxNotice bytes
}

// MaxNotice bounds the texts of a Notice, in bytes.
const MaxNotice = 16 << 10

// Check reports what makes a notice one that cannot be saved.
func (n *Notice) Check() error {
	if n.Receiver == "" {
		return errors.New("save notice: it is for nobody")
	}
	if size := len(n.Receiver) + len(n.ID) + len(n.Body); size > MaxNotice {
		return fmt.Errorf("save notice: it has %d bytes, at most %d are kept", size, MaxNotice)
	}
	return nil
}
