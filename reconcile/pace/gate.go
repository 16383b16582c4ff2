package pace

import "context"

// Gate lets a request begin. Who sends the request calls it when the connection is
// there and nothing of the request was written; writes the request at once when it
// returns nil, and nothing of it after an error; and returns no sooner than the gate.
// ctx is that of the request, and ends if the connection is closed meanwhile.
type Gate func(ctx context.Context) error
