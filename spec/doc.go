// Package spec reads commit specs: YAML files that say at which version each
// integration task should be.
package spec
