// Package clients holds no code, only tests: they run the well-known programs that
// users have around the program (readers of YAML, linters, runners of CI, editors)
// against the real program and its files.
//
//	.ci/run clients
//
// installs those programs in dist/clients, and runs the tests.
package clients
