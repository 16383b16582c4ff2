// Package servetest has daemons, plans and pages for the tests of serve and of its rooms.
//
// A [Daemon] is what a server looks at, with a state of its own; [Troubled] and [Poisoned] are
// the worst that it can be. Only tests import this package.
package servetest
