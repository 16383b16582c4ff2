package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// The flags of simulate choose what the service's documents leave open.
func TestSimulateFlags(t *testing.T) {
	newest, err := wedatasim.ProfileOf("newest")
	if err != nil {
		t.Fatal(err)
	}
	full := wedatasim.Profile{Name: "full"}
	tests := []struct {
		args string
		want wedatasim.Behavior
		err  string
	}{
		{args: "", want: wedatasim.Behavior{Profile: full}},
		{args: "--profile newest --read-lag 4s --skew -2m", want: wedatasim.Behavior{Profile: newest, ReadLag: 4 * time.Second, Skew: -2 * time.Minute}},
		{args: "--profile drawn-7", want: wedatasim.Behavior{Profile: wedatasim.DrawProfile(7)}},
		{args: "--lock-message locked:{locker}", want: wedatasim.Behavior{Profile: full, LockMessage: "locked:{locker}"}},
		{args: "--approvals rejected", want: wedatasim.Behavior{Profile: full, Approvals: wedatasim.Approvals{Projects: []string{"*"}, End: wedatasim.ApprovalRejected, After: time.Minute}}},
		{args: "--approvals order --approve-projects 1,2", want: wedatasim.Behavior{Profile: full, Approvals: wedatasim.Approvals{Projects: []string{"1", "2"}, After: time.Minute}}},
		{args: "--approve-after 5m", want: wedatasim.Behavior{Profile: full}},
		{args: "--profile nope", err: `--profile: no such profile: "nope"`},
		{args: "--read-lag 2h", err: "--read-lag: 2h0m0s is not between 0 and 1h0m0s"},
		{args: "--approvals maybe", err: `--approvals: no such end of an approval: "maybe"`},
		{args: "--listen 0.0.0.0:1", err: "--listen: "},
	}
	for _, tt := range tests {
		var f simulateFlags
		cmd := &cobra.Command{}
		f.add(cmd)
		if err := cmd.ParseFlags(strings.Fields(tt.args)); err != nil {
			t.Fatal(err)
		}
		opts, err := f.options()
		if tt.err != "" {
			if _, ok := errors.AsType[usageError](err); !ok || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.args, err, tt.err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, opts.Behavior, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.args, err, diff)
		}
	}
}
