package snapshot

import "github.com/wedatasync/wedatasync/reconcile"

// Reloads says how the last reloads of what is on disk went. Err is why what is there
// is not used, but what was there before. The zero Health is of what is not reloaded.
type Reloads struct {
	Configuration reconcile.Health
	Credentials   reconcile.Health
}

// reasons says why an operator is needed: the next start would fail, and what somebody
// wanted does not hold.
func (r Reloads) reasons() []Reason {
	var reasons []Reason
	if err := r.Credentials.Err; err != nil {
		reasons = append(reasons, Reason{Code: ReasonCredentials, Message: "the credentials on disk are not used, but those before: " + ErrorText(err)})
	}
	if err := r.Configuration.Err; err != nil {
		reasons = append(reasons, Reason{Code: ReasonConfiguration, Message: "the configuration on disk is not used, but the one before: " + ErrorText(err)})
	}
	return reasons
}
