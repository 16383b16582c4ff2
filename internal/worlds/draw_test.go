package worlds_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/spec"
)

const (
	project = "1486804694126882816"
	hand    = "100028625403" // who uses the console beside the daemon

	calmFor = 3 * time.Minute  // at the start nothing goes wrong
	editFor = 20 * time.Minute // for so long the specs change
	lossFor = 25 * time.Minute // for so long calls go wrong
	lifeFor = 52 * time.Minute // then everything that can be settled is
)

// lot is what a world is drawn with. Each feature is there or not by chance, so that
// many worlds have a few of them only.
type lot struct {
	seed      uint64
	behavior  wedatasim.Behavior
	faults    []wedatasim.Fault
	denied    bool    // reads are
	tags      bool    // versions are tagged
	unlisted  bool    // the list of approvals tells nothing that is recognized
	crashes   float64 // for each intent
	hands     float64 // of the console, after each edit
	platform  float64 // restarts and failures, after each edit
	operator  bool    // says what happened when asked, and retries
	hasty     bool    // says so before a request that is late can arrive
	unversion bool    // one task has no versions
	depends   bool    // it depends on another one
	runs      bool    // the daemon's own loop is used, not single passes
}

// draw returns the lot of a seed.
func draw(seed uint64) *lot {
	r := rand.New(rand.NewPCG(seed, 7))
	has := func(p float64) bool { return r.Float64() < p }
	l := &lot{seed: seed, operator: has(0.5), unversion: has(0.5), runs: seed%40 == 0}
	names := slices.Sorted(maps.Keys(wedatasim.Profiles()))
	l.behavior.Profile = wedatasim.DrawProfile(seed)
	if has(0.7) {
		l.behavior.Profile, _ = wedatasim.ProfileOf(names[r.IntN(len(names))])
	}
	if has(0.4) {
		l.behavior.ReadLag = time.Second + time.Duration(r.Int64N(int64(7*time.Second)))
	}
	if has(0.4) {
		l.behavior.Skew = time.Duration(r.Int64N(int64(8*time.Minute))) - 4*time.Minute
	}
	if has(0.25) {
		l.behavior.Approvals = wedatasim.Approvals{
			Projects: []string{"*"}, End: wedatasim.ApprovalDrawn, After: 20 * time.Second, Jitter: 8 * time.Minute,
		}
		if has(0.5) {
			l.behavior.Approvals.End = wedatasim.ApprovalPassed
		}
		l.drawList()
	}
	l.behavior.PlatformTrace = []wedatasim.Trace{wedatasim.TraceNone, wedatasim.TraceNone, wedatasim.TraceTime, wedatasim.TraceOperation}[r.IntN(4)]
	if has(0.5) {
		l.hands = 0.1 + 0.5*r.Float64()
	}
	if has(0.4) {
		l.platform = 0.1 + 0.5*r.Float64()
	}
	if has(0.4) {
		l.crashes = 0.2 * r.Float64()
	}
	l.hasty = l.operator && has(0.3)
	l.denied = has(0.05)
	l.drawFaults(r)
	l.tags = rand.New(rand.NewPCG(seed, 17)).IntN(2) == 0
	l.depends = l.unversion && has(0.3)
	return l
}

// drawList draws what the list of approvals tells: in words that are recognized or not, in
// pages from 0 or from 1, or nothing at all; and that nobody ever decides. It has chances of
// its own, so that all else about a world stays.
func (l *lot) drawList() {
	r := rand.New(rand.NewPCG(l.seed, 13))
	a := &l.behavior.Approvals
	a.FirstPage = int64(r.IntN(2))
	known := []map[wedatasim.ApprovalState]string{
		nil,
		{"waiting": "待审批", "underway": "审批中", "passed": "已通过", "rejected": "已驳回", "withdrawn": "已撤回", "failed": "审批失败"},
		{"waiting": "WAIT_APPROVE", "passed": "APPROVED", "rejected": "REJECTED", "withdrawn": "WITHDRAWN", "failed": "FAILED"},
	}
	switch n := r.IntN(8); {
	case n < 5:
		a.Codes = known[n%3]
	case n == 5:
		a.Codes = map[wedatasim.ApprovalState]string{"waiting": "0", "underway": "1", "passed": "2", "rejected": "3", "withdrawn": "4", "failed": "5"}
		l.unlisted = true
	case n == 6:
		l.faults = append(l.faults, wedatasim.Fault{Action: "DescribeApproveList", Code: "UnauthorizedOperation", Message: "no"})
		l.unlisted = true
	default:
		l.faults = append(l.faults, wedatasim.Fault{Action: "DescribeApproveList", Probability: 0.3, Answer: wedatasim.ReplyReset})
	}
	if r.IntN(8) == 0 {
		a.End = ""
	}
}

// drawFaults draws what goes wrong with calls.
func (l *lot) drawFaults(r *rand.Rand) {
	rate := 0.05 + 0.4*r.Float64()
	lost := []wedatasim.Reply{wedatasim.ReplyDrop, wedatasim.ReplyReset, wedatasim.ReplyHang, wedatasim.ReplyTruncated, wedatasim.ReplyEmpty, wedatasim.ReplyHTML}
	reply := func() wedatasim.Reply { return lost[r.IntN(len(lost))] }
	late := func() time.Duration { return time.Second + time.Duration(r.Int64N(int64(9*time.Minute))) }
	const failed = `{"Response":{"Error":{"Code":"InternalError","Message":"failed"},"RequestId":"r-1"}}`
	kinds := []wedatasim.Fault{
		{Effect: wedatasim.EffectNever, Answer: reply()},
		{Answer: reply()},
		{Effect: wedatasim.EffectLate, LateBy: late(), Answer: reply()},
		{Effect: wedatasim.EffectLate, LateBy: 5*time.Minute - time.Second + max(0, -l.behavior.Skew), Answer: reply()},
		{Code: "InternalError", Message: "failed"},
		{Answer: wedatasim.ReplyRaw, Body: failed},
		{Code: "ResourceInUse", Message: "in use"},
		{Code: "RequestLimitExceeded", Message: "too many"},
		{Code: "InvalidParameterValue", Message: "no"},
		{Fails: true},
		{Fails: true, Answer: reply()},
		{Delay: 9 * time.Second},
	}
	for _, f := range kinds {
		if r.Float64() < 0.4 {
			f.Action, f.Probability = "CommitIntegrationTask", rate*(0.2+r.Float64())
			l.faults = append(l.faults, f)
		}
	}
	reads := []wedatasim.Fault{{Answer: reply()}, {Code: "InternalError"}, {Code: "RequestLimitExceeded"}, {Delay: 9 * time.Second}}
	for _, f := range reads {
		if r.Float64() < 0.2 {
			f.Action, f.Probability = "DescribeIntegrationTask", rate*r.Float64()
			l.faults = append(l.faults, f)
		}
	}
}

// String says what is special about the world.
func (l *lot) String() string {
	b := &l.behavior
	parts := []string{fmt.Sprintf("seed %d, profile %s", l.seed, b.Profile.Name)}
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(b.ReadLag > 0, "lag %s", b.ReadLag.Round(time.Millisecond))
	add(b.Skew != 0, "server ahead by %s", b.Skew.Round(time.Second))
	add(len(b.Approvals.Projects) > 0, "approvals %s", b.Approvals.End)
	add(l.hands > 0, "hands %.2f", l.hands)
	add(l.platform > 0, "platform %.2f %s", l.platform, b.PlatformTrace)
	add(l.crashes > 0, "crashes %.2f", l.crashes)
	add(l.operator, "operator")
	add(l.hasty, "hasty")
	add(l.denied, "reads denied")
	add(l.depends, "a dependency")
	add(l.tags, "tags")
	add(l.runs, "its own loop")
	for i := range l.faults {
		f := &l.faults[i]
		if f.Action == "CommitIntegrationTask" {
			parts = append(parts, fmt.Sprintf("%.2f {%s %s %s %s fails %v}", f.Probability, f.Effect, f.Code, f.Answer, f.LateBy.Round(time.Second), f.Fails))
		}
	}
	return strings.Join(parts, ", ")
}

// wish is what the specs ask for of one task.
type wish struct {
	task    string
	offline bool
	kind    string // of commit
	version int    // 0: the task has none
	newest  int    // version so far
	content int
	rerun   int
	needs   string // the task it depends on
}

// text is the wish as a spec file.
func (w *wish) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: wedatasync/v1\ndefaults: {projectId: %q}\ncommits:\n  - {taskId: %s, commitType: %s", project, w.task, w.kind)
	if w.offline {
		b.WriteString(", taskType: offline")
	}
	if w.version > 0 {
		fmt.Fprintf(&b, ", instanceVersion: %d", w.version)
	}
	if w.kind == "restart-discard-state" {
		fmt.Fprintf(&b, ", discardState: %d", w.version)
	}
	if w.content > 0 {
		fmt.Fprintf(&b, ", extConfig: {k: v%d}", w.content)
	}
	if w.rerun > 0 {
		fmt.Fprintf(&b, ", rerun: r%d", w.rerun)
	}
	if w.needs != "" {
		fmt.Fprintf(&b, ", dependsOn: [%s]", w.needs)
	}
	b.WriteString("}\n")
	return b.String()
}

// change makes the wish another one. One that follows at once is often only to be run
// again.
func (w *wish) change(r *rand.Rand, atOnce bool) {
	start := []string{"start", "start", "start", "resume", "pause-resume"}[r.IntN(5)]
	switch n := r.IntN(10); {
	case n < 2, atOnce && n < 5:
		w.rerun++
	case n < 3 && w.kind != "submit":
		w.kind = "submit"
	case n < 4 && w.kind == "submit":
		w.kind = start
	case w.version == 0:
		w.content++
	case n < 6 && w.version > 1:
		w.version--
		w.kind = start
	case n < 7 && !w.offline:
		w.newest++
		w.version, w.kind = w.newest, "restart-discard-state"
	default:
		w.newest++
		w.version, w.kind = w.newest, start
	}
	if w.kind == "restart-discard-state" && w.rerun > 0 && w.version != w.newest {
		w.kind = start
	}
}

// wishes are what the specs ask for first.
func (l *lot) wishes(r *rand.Rand) []*wish {
	list := []*wish{
		{task: "realtime", kind: "start", version: 1, newest: 1},
		{task: "offline", offline: true, kind: []string{"submit", "start"}[r.IntN(2)], version: 1, newest: 1},
	}
	if r.IntN(2) == 0 {
		list[1].version, list[1].content = 0, 1
	}
	if l.unversion {
		list = append(list, &wish{task: "content", kind: "start", content: 1})
	}
	if l.depends {
		list[2].needs = list[0].task
	}
	return list
}

// key is the wish's task.
func (w *wish) key() spec.Key { return spec.Key{ProjectID: project, TaskID: w.task} }
