# The front door. The work is done by go and by the parts of .ci/run, which says what is
# missing on this machine; "make ci" is all of it, as before a change lands.

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

build: ## dist/wedatasync, static
	.ci/run build

test: ## what every change is tested with
	go test ./...

lint: ## vet, fix, golangci-lint with staticcheck and gofumpt
	.ci/run lint

portable: ## the program and its tests compile for macOS and Windows
	.ci/run portable

house: ## the size of packages, types, functions and files
	go run ./.ci/check house

race: ## the tests with the race detector
	.ci/run race

fuzz: ## a few seconds for each fuzz target; FUZZTIME=10m for longer
	.ci/run fuzz

browser: ## the status page in Chromium
	.ci/run browser

clients: ## well-known programs of users, against the program and its files
	.ci/run clients

bench: ## a round of each benchmark; "go run ./bench/table" makes the table of docs/performance.md
	.ci/run bench

ci: ## everything that has to hold before a change lands
	.ci/run

.PHONY: help build test lint portable house race fuzz browser clients bench ci
