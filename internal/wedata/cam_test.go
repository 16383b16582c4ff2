package wedata_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v20210820 "github.com/wedatasync/wedatasync/internal/wedata/v20210820"
)

// TestPolicies: the policies that are shipped allow the actions that the program can
// call, and no other; the one for plans allows none that writes, and none that only what
// has committed needs.
func TestPolicies(t *testing.T) {
	var all []string
	for m := range reflect.TypeFor[*v20210820.Client]().Methods() {
		if action, ok := strings.CutSuffix(m.Name, "WithContext"); ok {
			all = append(all, "wedata:"+action)
		}
	}
	reads := slices.DeleteFunc(slices.Clone(all), func(action string) bool {
		return !strings.HasPrefix(action, "wedata:Describe") || action == "wedata:DescribeApproveList"
	})
	if len(reads) == 0 || len(reads) == len(all) {
		t.Fatalf("the actions are %v", all)
	}
	for name, want := range map[string][]string{"apply.json": all, "plan.json": reads} {
		data, err := os.ReadFile(filepath.Join("..", "..", "deploy", "cam", name))
		if err != nil {
			t.Fatal(err)
		}
		var policy struct {
			Version   string
			Statement []struct {
				Effect           string
				Action, Resource []string
			}
		}
		if err := json.Unmarshal(data, &policy); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if policy.Version != "2.0" || len(policy.Statement) != 1 || policy.Statement[0].Effect != "allow" {
			t.Fatalf("%s: %+v", name, policy)
		}
		if diff := cmp.Diff(want, policy.Statement[0].Action); diff != "" {
			t.Errorf("%s (-the program +the policy):\n%s", name, diff)
		}
	}
}
