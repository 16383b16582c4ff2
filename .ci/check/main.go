// Command check looks at what the compiler and the linters do not.
//
//	go run ./.ci/check house   # the size of packages, types, functions and files
//
// It is in the module of the program, in a folder that "./..." leaves out.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] != "house" {
		fmt.Fprintln(os.Stderr, "usage: go run ./.ci/check house")
		os.Exit(64)
	}
	packages, err := measure(os.DirFS("."))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	printTable(os.Stdout, packages)
	breaches := judge(packages, allowed)
	for _, b := range breaches {
		fmt.Println(b)
	}
	if len(breaches) > 0 {
		os.Exit(1)
	}
}
