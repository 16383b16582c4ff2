// Package worlds has no code but tests: the engine, the client and the simulated
// service live together in drawn worlds, and the service's ledger is the judge.
//
// A seed is a world: what reads tell and how late, approvals, people and the platform
// beside the daemon, faults on every call, deaths of the daemon, clocks that are off. To
// see one go by:
//
//	go test ./internal/worlds -run 'TestWorlds$' -seed 27 -v
package worlds
