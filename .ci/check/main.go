// Command check looks at what the compiler and the linters do not.
//
//	go run ./.ci/check house   # the size of packages, types, functions and files
//	go run ./.ci/check words   # the words that users read
//
// It is in the module of the program, in a folder that "./..." leaves out.
package main

import (
	"fmt"
	"os"
)

func main() {
	check := map[string]func() (breaches []string, err error){"house": house, "words": wording}
	if len(os.Args) != 2 || check[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go run ./.ci/check house|words")
		os.Exit(64)
	}
	breaches, err := check[os.Args[1]]()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, b := range breaches {
		fmt.Println(b)
	}
	if len(breaches) > 0 {
		os.Exit(1)
	}
}

// house holds the sizes of all packages to their rules.
func house() ([]string, error) {
	packages, err := measure(os.DirFS("."))
	if err != nil {
		return nil, err
	}
	printTable(os.Stdout, packages)
	return judge(packages), nil
}

// wording holds what users read to the words that they know.
func wording() (breaches []string, err error) {
	found, err := findWords(os.DirFS("."))
	for _, s := range found {
		breaches = append(breaches, s.String())
	}
	return breaches, err
}
