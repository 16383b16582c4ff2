// Package pace keeps requests under a rate that a server counts.
//
// A [Limiter] spaces requests evenly, so that the server never counts more than the rate
// in any second of its own, whether it counts fixed or sliding ones, and as near to the
// rate as that allows. A request reserves its place in the line, makes its intent durable
// with the turn in hand, and then waits for its moment. The limiter learns from how
// requests went: how far two of them can drift together, and how many the server rejects.
//
// What may enter is time and arithmetic. It knows neither tasks nor the wire: a [Gate] is
// all that a request sees of it.
package pace
