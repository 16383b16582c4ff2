// Package config is the settings of the program: what they are, which values are valid,
// how wedatasync.yaml says them, and which of them may change while a daemon runs.
//
// What may enter: values, their bounds and their names. Nothing is opened or started here.
package config
