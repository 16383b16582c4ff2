// Package files holds the files that are no Go to what those who read them say of
// them: Kubernetes and kustomize, Docker's builder, OpenAPI. It is a module of its own,
// so that the program does not depend on any of it.
package files
