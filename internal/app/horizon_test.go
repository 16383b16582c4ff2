package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestHorizon: a signed request can be accepted for longer by what this machine's clock
// is ahead, and by the most that it may be as long as that is not known.
func TestHorizon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ahead = 100 * time.Second
		sim := wedatasim.New(wedatasim.Options{Behavior: wedatasim.Behavior{Skew: -ahead}})
		defer sim.Close()
		credentials, err := wedata.FindCredentials(t.Context(), wedata.CredentialSources{Getenv: wedatasim.DefaultAccount().Getenv})
		if err != nil {
			t.Fatal(err)
		}
		client, err := wedata.New(wedata.Config{
			Endpoint: "http://127.0.0.1", Region: "ap-guangzhou", Dial: sim.Dial,
			Credentials: credentials,
		})
		if err != nil {
			t.Fatal(err)
		}
		a := &App{client: client, settings: newInUse(config.Settings{AcceptHorizon: config.CloudHorizon})}
		if got, want := a.horizon(), config.CloudHorizon+wedata.MaxSkew; got != want {
			t.Errorf("%v before any answer, want %v", got, want)
		}
		out, _ := client.Commit(t.Context(), &spec.Commit{Key: spec.Key{ProjectID: "1", TaskID: "a"}, CommitType: spec.Start, InstanceVersion: 1}, nil)
		if out.Class != state.ClassApplied {
			t.Fatalf("%+v", out)
		}
		if got := a.horizon() - config.CloudHorizon; got < ahead || got > ahead+time.Second {
			t.Errorf("%v more than without, want %v, and a second at the most", got, ahead)
		}
	})
}
