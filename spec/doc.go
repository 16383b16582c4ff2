// Package spec reads commit specs, the YAML files that say which version each
// integration task should be at, and keeps what they say together. It knows files
// as names and bytes only: no disk, no network, no clock, no state.
//
// # The format
//
// A file is YAML with one document or several. Each document says
//
//	apiVersion: wedatasync/v1
//	defaults:            # projectId, taskType, commitType; optional
//	  projectId: "1486804694126882816"
//	commits:             # one for each task
//	  - taskId: kb947c997-4f91-4a1f-913d-06f66a5fb927
//	    commitType: start
//	    instanceVersion: 3
//
// A commit has a taskId, and, itself or by default, a projectId and a commitType
// (a name of [CommitType] or its number); these two ids are its identity. It may
// have a taskType, instanceVersion, versionDesc, eventDesc and extConfig (a list of
// {name, value}, or a mapping), which mean what they mean to the API, and are not
// sent when absent. Five keys speak to wedatasync: name is what people call the task, dependsOn lists tasks to commit
// before, rerun is a token whose change asks for the same commit again, suspend leaves
// the task alone, and wait follows it after the commit until it is healthy. A commit that discards a job's state has to repeat its
// instanceVersion as discardState. docs/specs.md is the guide for writers, and
// [Schema] the schema for their editors.
//
// # What is refused
//
// Specs are read strictly, for a value that is guessed restarts a job. Ids are the
// text that is written, other numbers plain decimals; null, unknown and repeated
// keys, anchors, aliases, merge keys, tags and directives are errors; so is all
// that is past the bounds ([MaxFileSize], [MaxID], [MaxText], 16 levels, 200 keys),
// text that is not clean UTF-8, and an id with a character that cannot be seen.
//
// # What a fault costs
//
// A [Problem] says file, line and column, and what to do. One inside a commit stops
// that commit; one outside stops its file, and no other file. [File.Unread] then
// says that the file may name any task, and nothing is taken for removed because of
// it. What several files make wrong together, a task named twice or a dependency
// that leads nowhere or in a circle, a [Set] finds; it stops the commits concerned.
//
// # What a change costs
//
// A set takes a file in and out at the cost of the file. A file is parsed as a whole:
// one of 10,000 commits in 0.14 s.
package spec
