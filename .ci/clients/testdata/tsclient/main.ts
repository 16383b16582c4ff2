// Asks a daemon for what its description has, with types that are generated from it.
import createClient from "openapi-fetch";
import type {components, paths} from "./api.js";

declare const process: {argv: string[]};
const client = createClient<paths>({baseUrl: process.argv[2]});

// Every state has its word: the compiler says if one is missing.
const words: Record<components["schemas"]["DriftKind"], string> = {
  gone: "gone",
  "not-submitted": "not submitted",
  newer: "newer",
  older: "older",
  stopped: "stopped",
  started: "started",
};

const status = (await client.GET("/api/v1/status")).data!;
console.log("outcome", status.outcome === "done", "tasks", status.plan?.tasks, "in sync", status.plan?.states["in-sync"]);
for (const d of status.drift?.drifted ?? []) console.log("drifted", d.key.task_id, words[d.kind]);

const plan = (await client.GET("/api/v1/plan")).data!;
console.log("plan", plan.format_version, plan.changes.map((c) => [c.action, c.fields.map((f) => f.after)]).length);

const {data, error} = await client.GET("/api/v1/releases/{revision}", {params: {path: {revision: "none"}}});
console.log("no release", data === undefined, error?.status);

const command = await client.POST("/api/v1/commands", {
  body: {verb: "sync"},
  headers: {Authorization: "Bearer " + process.argv[3]},
});
console.log("command", command.data?.ok);

// @ts-expect-error: there is no such verb.
client.POST satisfies (path: "/api/v1/commands", init: {body: {verb: "delete"}}) => unknown;
