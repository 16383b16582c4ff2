//go:build race

package reconcile

// raceDetector says that the tests run under the race detector.
const raceDetector = true
