package snapshot

import (
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile"
)

// Reloads are the results of the last reloads from disk. After an error the values from
// before are in use. A Health is zero where nothing is reloaded.
type Reloads struct {
	Configuration reconcile.Health
	Credentials   reconcile.Health
}

// reasons says why an operator is needed: a change on disk has no effect, and the next start
// would fail.
func (r Reloads) reasons() []explain.Reason {
	var reasons []explain.Reason
	if err := r.Credentials.Err; err != nil {
		reasons = append(reasons, explain.Reason{Code: explain.ReasonCredentials, Message: "the credentials on disk are not used, but those before: " + ErrorText(err)})
	}
	if err := r.Configuration.Err; err != nil {
		reasons = append(reasons, explain.Reason{Code: explain.ReasonConfiguration, Message: "the configuration on disk is not used, but the one before: " + ErrorText(err)})
	}
	return reasons
}
