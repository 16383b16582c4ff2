package main

import (
	"fmt"
	"strings"
)

const head = "apiVersion: wedatasync/v1\ndefaults: {projectId: \"1486804694126882816\", taskType: realtime}\ncommits:\n"

// scenes are the comments that people meet.
func scenes() []scene {
	return []scene{
		mixed("mixed", false),
		mixed("mixed-open", true),
		{name: "nothing", before: files(1, 12, nil), after: renamed()},
		{name: "first-run", after: files(1, 60, nil)},
		invalid(),
		{name: "many", before: files(1, 400, nil), after: files(2, 400, func(i int) string {
			if i%10 == 3 {
				return "restart-discard-state"
			}
			return ""
		})},
		{name: "held", after: files(1, 60, nil), config: "guards: {maxChanges: 50}\n"},
	}
}

// taskNames are what people call some of the tasks.
var taskNames = map[string]string{
	"kb947c997-4f91-4a1f-913d-06f66a5fb927": "orders to warehouse",
	"3cd6b1b3-76a0-4147-8f0e-6df206bc58c0":  "payments to ledger",
	"k1f0be2a4-93c5-4c0e-8a57-21d94f3ab6c8": "refunds to ledger",
	"k7d2c91e0-5b64-4f3a-b1c8-90ea43d7f615": "customers to lake",
	"kc05a8f37-2e19-47bd-9d42-6b81f0e3a9d4": "segments",
	"k9a4e6d12-c873-4e05-a6f9-3d70b25c81ea": "clicks to lake",
	"k52b7f8c9-0d3e-4a96-8e14-f7c60d9b2a35": "sessions to lake",
	"k3e5d0c84-7a9b-4126-bf63-c81a2d5e70f9": "carts to lake",
}

// commit is one commit of a spec: its file names what it is about.
func commit(id string, kind string, version int, more ...string) string {
	var s strings.Builder
	if name := taskNames[id]; name != "" {
		more = append([]string{"name: " + name}, more...)
	}
	fmt.Fprintf(&s, "  - taskId: %s\n    commitType: %s\n    instanceVersion: %d\n", id, kind, version)
	for _, line := range more {
		fmt.Fprintf(&s, "    %s\n", line)
	}
	return s.String()
}

func mixed(name string, open bool) scene {
	return scene{
		name: name, open: open,
		before: map[string]string{
			"billing/orders.yaml":    head + commit("kb947c997-4f91-4a1f-913d-06f66a5fb927", "pause-resume", 11, "versionDesc: orders, 2026-10"),
			"billing/payments.yaml":  head + commit("3cd6b1b3-76a0-4147-8f0e-6df206bc58c0", "pause-resume", 9),
			"billing/refunds.yaml":   head + commit("k1f0be2a4-93c5-4c0e-8a57-21d94f3ab6c8", "resume", 4, "extConfig: {parallelism: \"2\"}"),
			"crm/customers.yaml":     head + commit("k7d2c91e0-5b64-4f3a-b1c8-90ea43d7f615", "resume", 31),
			"crm/segments.yaml":      head + commit("kc05a8f37-2e19-47bd-9d42-6b81f0e3a9d4", "submit", 2),
			"web/clicks.yaml":        head + commit("k9a4e6d12-c873-4e05-a6f9-3d70b25c81ea", "pause-resume", 20, "versionDesc: clicks"),
			"web/sessions.yaml":      head + commit("k52b7f8c9-0d3e-4a96-8e14-f7c60d9b2a35", "pause-resume", 7),
			"archive/returns.yaml":   head + commit("ke8136d5b-a47f-4c20-95d8-0b9c7e41f2a6", "resume", 3),
			"warehouse/invoices.yml": head + commit("k06f9e2d7-8b51-4d3c-a290-e57d14c8b36f", "start", 5),
		},
		after: map[string]string{
			"billing/orders.yaml":    head + commit("kb947c997-4f91-4a1f-913d-06f66a5fb927", "restart-discard-state", 12, "discardState: 12", "versionDesc: orders, from the start"),
			"billing/payments.yaml":  head + commit("3cd6b1b3-76a0-4147-8f0e-6df206bc58c0", "pause-resume", 10),
			"billing/refunds.yaml":   head + commit("k1f0be2a4-93c5-4c0e-8a57-21d94f3ab6c8", "resume", 5, "extConfig: {parallelism: \"4\"}"),
			"crm/customers.yaml":     head + commit("k7d2c91e0-5b64-4f3a-b1c8-90ea43d7f615", "resume", 30),
			"crm/segments.yaml":      head + commit("kc05a8f37-2e19-47bd-9d42-6b81f0e3a9d4", "start", 2),
			"web/clicks.yaml":        head + commit("k9a4e6d12-c873-4e05-a6f9-3d70b25c81ea", "pause-resume", 20, "versionDesc: clicks of all shops"),
			"web/sessions.yaml":      head + commit("k52b7f8c9-0d3e-4a96-8e14-f7c60d9b2a35", "pause-resume", 8, "suspend: true"),
			"web/carts.yaml":         head + commit("k3e5d0c84-7a9b-4126-bf63-c81a2d5e70f9", "start", 1, "taskType: 203"),
			"warehouse/invoices.yml": head + commit("k06f9e2d7-8b51-4d3c-a290-e57d14c8b36f", "restart-discard-state", 6),
		},
	}
}

// renamed is a pull request that moves specs and changes none.
func renamed() map[string]string {
	moved := make(map[string]string)
	for name, text := range files(1, 12, nil) {
		moved["moved/"+name] = text
	}
	return moved
}

// invalid is a pull request with the mistakes that people make, and a good release.
func invalid() scene {
	after := map[string]string{
		"billing/orders.yaml":   head + "  - taskid: kb947c997-4f91-4a1f-913d-06f66a5fb927\n    commitType: resume\n    instanceVersion: 12\n",
		"billing/payments.yaml": head + commit("3cd6b1b3-76a0-4147-8f0e-6df206bc58c0", "restart", 10),
		"crm/customers.yaml":    strings.Replace(head, "commits:", "commits", 1) + commit("k7d2c91e0-5b64-4f3a-b1c8-90ea43d7f615", "resume", 31),
		"web/clicks.yaml":       head + commit("k9a4e6d12-c873-4e05-a6f9-3d70b25c81ea", "resume", 21),
		"web/carts.yaml":        head + commit("k3e5d0c84-7a9b-4126-bf63-c81a2d5e70f9", "start", 2),
		"web/shops.yaml":        head + commit("k3e5d0c84-7a9b-4126-bf63-c81a2d5e70f9", "start", 2),
	}
	before := make(map[string]string)
	for name, text := range after {
		before[name] = strings.NewReplacer("taskid", "taskId", "restart", "pause-resume", "commits\n", "commits:\n",
			": 12", ": 11", ": 10", ": 9", ": 31", ": 30", ": 21", ": 20", ": 2\n", ": 1\n").Replace(text)
	}
	delete(before, "web/shops.yaml")
	return scene{name: "invalid", before: before, after: after}
}

// files are n specs of one commit each, all at the version. kindOf says another
// commit type than the usual.
func files(version, n int, kindOf func(int) string) map[string]string {
	teams := []string{"billing", "crm", "web", "warehouse"}
	nouns := []string{"orders", "customers", "carts", "invoices", "payments", "segments", "clicks", "parcels", "refunds", "consents", "sessions", "stock"}
	kinds := []string{"pause-resume", "resume", "start", "resume", "submit"}
	specs := make(map[string]string)
	for i := range n {
		name := fmt.Sprintf("%s/%s", teams[i%len(teams)], nouns[i%len(nouns)])
		if round := i / len(nouns); round > 0 {
			name += fmt.Sprintf("-%02d", round+1)
		}
		kind, more := kinds[i%len(kinds)], []string(nil)
		if kindOf != nil && kindOf(i) != "" {
			kind, more = kindOf(i), []string{fmt.Sprintf("discardState: %d", version)}
		}
		id := fmt.Sprintf("k%08x-%04x-4%03x-9%03x-%012x", uint32(i+1)*2654435761, uint16(i*40503+7), i*1237&0xfff, i*2711&0xfff, uint64(i+3)*0x9e3779b97f4a%(1<<48))
		specs[name+".yaml"] = head + commit(id, kind, version, more...)
	}
	return specs
}
