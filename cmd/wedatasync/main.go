// Command wedatasync keeps Tencent WeData integration tasks at the versions that a
// git repository says they should be at.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // freeze windows name time zones, and the image has no zone files
)

func main() { os.Exit(run()) }

// run gives the first signal a chance to end what is under way; the second one
// ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, os.Args[1:], system())
}
