// Package wedatasim is WeData's endpoint, simulated: for tests, and for trying
// things out without an account.
//
// It is stricter than a service needs to be, so that what passes here has no
// excuse there: it checks the TC3-HMAC-SHA256 signature with its own
// implementation, the headers, the names and types of all parameters, and counts
// requests by its own clock. It keeps tasks with their versions and a ledger ([Server.Ledger]) of
// every request, by which a test can judge: what was asked, when, how often, and
// what it did.
//
// # Faults
//
// A [Fault] makes chosen requests go wrong, in the ways a network and a service
// can: before or after the commit took effect, or with an effect that comes late.
// [Server.Inject] orders it, and so does POST /_sim/faults:
//
//	curl -d '{"task_id":"t1","answer":"drop","times":1}' http://127.0.0.1:9741/_sim/faults
//
// A [Behavior] says how the service is where its documents leave it open: what reads
// tell ([Profile]), how old that is, which commits wait for an approval, whose clock is
// off. [Server.Act] does what people do in the console, and the platform by itself.
//
// GET /_sim/ lists what else the control plane can do. It answers this machine
// only and wants no signature.
//
// # What may enter
//
// What WeData does and says, as its document and the SDK describe it. Nothing of
// wedatasync is imported: the two must not share a mistake.
package wedatasim
