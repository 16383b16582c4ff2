// Package access says who may do what over HTTP: tokens with names and verbs, the secrets
// of webhooks, and the names of hosts that are answered.
//
// Secrets are read from their files at each use, compared in constant time, and never
// formatted. The package routes nothing and knows no handler.
package access
