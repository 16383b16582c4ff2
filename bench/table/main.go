// Table runs the benchmarks of package bench and prints one table of them in
// markdown: what is promised, what was seen, what the naive way takes in the same run,
// the one by the other, and how it grows.
//
//	go run ./bench/table                    # about eight minutes on two cores
//	go run ./bench/table -short             # small sizes, once: that it runs
//	go run ./bench/table -long              # a million specs, too
//	go run ./bench/table -o new.txt         # keep the output of go test, for benchstat
//	go run ./bench/table -from new.txt      # print the table of it again
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.BoolVar(&o.short, "short", false, "measure small sizes, once")
	flag.BoolVar(&o.long, "long", false, "measure a million specs, too")
	flag.StringVar(&o.out, "o", "", "`file` for the output of go test")
	flag.StringVar(&o.from, "from", "", "print the table of this `file`, and measure nothing")
	flag.Parse()
	if err := table(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	short, long bool
	out, from   string
}

// runs are how often each benchmark is run: as often as its median needs, and its p95
// if it has one, within ten minutes for all.
var runs = []struct{ bench, times string }{
	{"Poll", "300x"},
	{"Push", "40x"},
	{"Plan", "200x"},
	{"Restart", "7x"},
	{"ColdStart", "3x"},
	{"Commits", "1x"},
	{"State", "2000x"},
	{"Against", "20x"},
}

// table measures, and writes the table to out. What go test says meanwhile goes to log.
func table(ctx context.Context, o options, out, log io.Writer) error {
	var raw []byte
	var err error
	if o.from != "" {
		raw, err = os.ReadFile(o.from)
	} else {
		raw, err = measure(ctx, o, log)
	}
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, raw, 0o644); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, render(parse(raw)))
	return err
}

// measure runs the benchmarks and returns what go test printed.
func measure(ctx context.Context, o options, log io.Writer) ([]byte, error) {
	var raw bytes.Buffer
	for _, r := range runs {
		times := r.times
		if o.short {
			times = "1x"
		}
		args := []string{"test", "./bench", "-run", "^$", "-bench", "^Benchmark" + r.bench + "$", "-benchtime", times, "-timeout", "2h"}
		if o.short {
			args = append(args, "-short")
		}
		if o.long {
			args = append(args, "-args", "-long")
		}
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Stdout, cmd.Stderr = io.MultiWriter(&raw, log), log
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w", cmd, err)
		}
	}
	return raw.Bytes(), nil
}
