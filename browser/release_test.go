package browser_test

import (
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// TestReleasesAreShown follows releases of each outcome on the timeline and on their own
// pages: done, held and approved, failed and mended.
func TestReleasesAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "WEDATASYNC_CONSOLE_URL=https://ap-guangzhou.wedata.example.com/task/{taskId}?ProjectId={projectId}")
	w.write("../wedatasync.yaml", "guards: {maxChanges: 6}\nnotify: {forge: {kind: gitlab, url: http://127.0.0.1:9/api/v4, repository: data/streams, tokenFile: token}}\n")
	w.write("../token", "glpat-1\n")
	w.sh("chmod 600 token")
	w.settled(6)
	p := w.open("/")
	p.shows("Releases", "Add the streams", "done")

	w.spec("tasks/orders.yaml", 0, 2, 2, 2, 2, 2, 2, 1)
	w.push("Move everything to the new cluster")
	p.shows("Action required", "held", "so far")
	held := w.head()
	p.visit("/release/" + held)
	p.shows("Held by maxChanges", "Asked for 7 commits", "Nothing was sent for it.")
	w.sh(p.commands()[0] + " --as grace")
	p.shows("done", "Approved by", "grace", "7 live", "resume, version 2", "orders to warehouse")
	p.picture("release", 0)

	w.sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", ProjectID: project, TaskID: taskID(1), Times: 1, Code: "InvalidParameterValue", Message: "The instance version 3 does not exist."})
	w.spec("tasks/orders.yaml", 0, 2, 3, 3, 2, 2, 2, 1)
	w.push("Release payments and clicks")
	w.eventually("the release has failed", func() bool { return strings.Contains(w.get("/api/v1/status"), `"refused":1`) })
	p.visit("/release/" + w.head())
	p.shows("failed", "1 refused", "The instance version 3 does not exist.", "Not in sync:")
	p.scheme("dark")
	p.picture("release-failed-dark", 0)
	p.scheme("light")
	w.spec("tasks/orders.yaml", 0, 2, 4, 3, 2, 2, 2, 1)
	w.push("Release payments with a version that exists")
	p.visit("/")
	p.shows("In sync", "Release payments with a version that exists", "failed", "done")
	p.picture("status-releases", 900)
	for _, link := range []string{
		"http://git.example.com/data/streams/-/commit/" + held, "http://git.example.com/data/streams/-/commit/" + held + "/pipelines",
		"http://git.example.com/data/streams/-/blob/" + held + "/tasks/orders.yaml#L4",
	} {
		if body := w.get("/release/" + held); !strings.Contains(body, `href="`+link+`"`) {
			t.Errorf("the release does not lead to %s", link)
		}
	}
	p.visit("/task/" + project + "/" + taskID(0))
	p.shows("Open in the WeData console")
	p.phone()
	p.visit("/release/" + held)
	p.picture("release-phone", 1200)
	p.visit("/")
	p.picture("status-releases-phone", 1200)
}
