package recording_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/recording"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const project, task = "1486804694126882816", "kb947c997-orders"

// account is an endpoint with one task, which was committed, and a client of it.
func account(t *testing.T, opts wedatasim.Options, taskType spec.TaskType, faults ...wedatasim.Fault) (*wedatasim.Server, recording.Ask) {
	t.Helper()
	sim := wedatasim.New(opts)
	t.Cleanup(func() { _ = sim.Close() })
	credentials, err := wedata.FindCredentials(t.Context(), wedata.CredentialSources{Getenv: wedatasim.DefaultAccount().Getenv})
	if err != nil {
		t.Fatal(err)
	}
	client, err := wedata.New(wedata.Config{Endpoint: "http://127.0.0.1", Region: "ap-guangzhou", Dial: sim.Dial, Credentials: credentials})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	key := spec.Key{ProjectID: project, TaskID: task}
	want := &spec.Commit{Key: key, CommitType: spec.Start, TaskType: taskType, InstanceVersion: 3, VersionDesc: "Acme's third", ExtConfig: []spec.Param{{Name: "password", Value: "hunter2"}}}
	if out, _ := client.Commit(t.Context(), want, nil); out.Class != state.ClassApplied {
		t.Fatalf("%+v", out)
	}
	sim.Edit(project, task, func(task *wedatasim.Task) { task.Name, task.Locker = "Acme's orders", "100028625403" })
	for _, f := range faults {
		sim.Inject(f)
	}
	return sim, func(ctx context.Context, action string, params map[string]any) (json.RawMessage, error) {
		time.Sleep(time.Second)
		return client.Raw(ctx, action, params, nil)
	}
}

func record(t *testing.T, ask recording.Ask) (*recording.Recording, string) {
	t.Helper()
	made, err := recording.Make(t.Context(), ask, project, task)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := made.Write(&file); err != nil {
		t.Fatal(err)
	}
	r, err := recording.Read(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return r, file.String()
}

// skeleton lists what a value is, by path: null, -1, or its type.
func skeleton(v any, path string, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			skeleton(value, path+"."+name, into)
		}
	case []any:
		into[path] = "list"
		for _, value := range v {
			skeleton(value, path+"[]", into)
		}
	case nil:
		into[path] = "null"
	case json.Number:
		into[path] = "number"
		if strings.HasPrefix(v.String(), "-") {
			into[path] = v.String()
		}
	default:
		into[path] = fmt.Sprintf("%T", v)
	}
}

func skeletons(r *recording.Recording) map[string]string {
	all := map[string]string{}
	for _, e := range r.Exchanges {
		skeleton(e.Response, e.Name, all)
	}
	return all
}

// TestReplay: what is recorded of an account, whatever its reads tell, is recorded again of
// an endpoint that replays it.
func TestReplay(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(wedatasim.Profiles())) {
		for _, taskType := range []spec.TaskType{spec.Realtime, spec.Offline} {
			t.Run(fmt.Sprint(name, " ", taskType), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					profile, _ := wedatasim.ProfileOf(name)
					behavior := wedatasim.Behavior{Profile: profile, Approvals: wedatasim.Approvals{FirstPage: 1}}
					_, ask := account(t, wedatasim.Options{Behavior: behavior}, taskType)
					first, _ := record(t, ask)
					if first.FirstPage() != 1 {
						t.Error("the first page is not told")
					}
					opts := wedatasim.Options{Reshape: first.Reshape, Behavior: wedatasim.Behavior{Approvals: wedatasim.Approvals{FirstPage: first.FirstPage()}}}
					_, ask = account(t, opts, taskType)
					again, _ := record(t, ask)
					if diff := cmp.Diff(skeletons(first), skeletons(again)); diff != "" {
						t.Errorf("(-recorded +replayed):\n%s", diff)
					}
				})
			})
		}
	}
}

// TestReplay_Foreign: fields that the simulator does not have, has in another type, or has
// where the account has none, are told as they were recorded.
func TestReplay_Foreign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := recording.Read([]byte(`{"format":"wedatasync-recording/1","exchanges":[{"name":"task","action":"DescribeIntegrationTask","response":{
			"TaskInfo":{"TaskId":"x","TaskType":201,"Status":"3","SwitchResource":0,"ReaderDelay":-1,"LastOperateInfo":{"OperateId":null}}}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, ask := account(t, wedatasim.Options{Reshape: r.Reshape}, spec.Realtime)
		raw, err := ask(t.Context(), "DescribeIntegrationTask", map[string]any{"ProjectId": project, "TaskId": task})
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ TaskInfo json.RawMessage }
		_ = json.Unmarshal(raw, &got)
		want := `{"LastOperateInfo":{"OperateId":null},"ReaderDelay":-1,"Status":"3","SwitchResource":0,"TaskId":"` + task + `","TaskType":201}`
		if string(got.TaskInfo) != want {
			t.Errorf("%s\nwant %s", got.TaskInfo, want)
		}
	})
}

// TestMask: nothing that tells whose task it is stays; what is the same stays the same.
func TestMask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behavior := wedatasim.Behavior{Approvals: wedatasim.Approvals{Projects: []string{"2"}}}
		_, ask := account(t, wedatasim.Options{Behavior: behavior}, spec.Realtime, wedatasim.Fault{Action: "DescribeApproveList", Code: "UnauthorizedOperation", Message: "acme may not"})
		r, text := record(t, ask)
		for _, secret := range []string{project, task, "Acme", "acme", "hunter2", "password", "100028625403", wedatasim.DefaultAccount().UIN, "AKID"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in\n%s", secret, text)
			}
		}
		for _, kept := range []string{`"Status": 3`, `"InstanceVersion": 3`, `"Code": "UnauthorizedOperation"`, `"TaskEvent": "console"`, `"ErrorMsg": null`, `"ProductionState"`, `"IsLocker": 1`} {
			if !strings.Contains(text, kept) {
				t.Errorf("no %s in\n%s", kept, text)
			}
		}
		info := r.Exchanges[0].Response["TaskInfo"].(map[string]any)
		if r.Exchanges[0].Request["TaskId"] != info["TaskId"] || info["TaskId"] == info["TaskName"] {
			t.Errorf("the task is %v where it is asked for, and %v in the answer", r.Exchanges[0].Request, info)
		}
		if codes := r.Refused(); codes["DescribeApproveList"] != "UnauthorizedOperation" || len(codes) != 1 {
			t.Errorf("refused: %v", codes)
		}
	})
}

// TestRead: another file is no recording.
func TestRead(t *testing.T) {
	for _, text := range []string{"", "x", "{}", `{"format":"wedatasync-recording/2"}`, `[]`} {
		if _, err := recording.Read([]byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
