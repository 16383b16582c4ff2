package state

import "context"

// SchemaVersion is the newest schema that this version knows.
const SchemaVersion = schemaVersion

// MaxOpenWords is how many words may wait for an answer.
const MaxOpenWords = maxOpenWords

// WithFault returns options under which fault is called at each point of the way
// to the disk: "begin", "commit", "head-write", "head-sync" and "checkpoint". What
// it returns is what the disk is taken to have said.
func WithFault(opt Options, fault func(point string) error) Options {
	opt.fault = fault
	return opt
}

// Verify does what Open does before it writes.
func Verify(ctx context.Context, path string, id Identity) error {
	fl, err := locate(path)
	if err != nil {
		return err
	}
	_, err = fl.verify(ctx, id)
	return err
}

// HeadLine returns the content of a head file.
func HeadLine(lineage string, serial int64) string { return string(head{lineage, serial}.line()) }
