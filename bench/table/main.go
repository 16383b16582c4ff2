// Table runs the benchmarks of package bench and prints one table of them in
// markdown: what is promised, what was seen, what the naive way takes in the same run,
// the one by the other, and how it grows.
//
//	go run ./bench/table                    # within ten minutes on two cores
//	go run ./bench/table -short             # small sizes, once: that it runs
//	go run ./bench/table -long              # a million specs, too
//	go run ./bench/table -o new.txt         # keep the output of go test, for benchstat
//	go run ./bench/table -from new.txt      # print the table of it again
package main

import (
	"bytes"
	"context"
	"errors"
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

// benchmark is one of package bench, and how often it is run.
type benchmark struct{ name, times string }

// often runs each benchmark as often as its median needs, within ten minutes for all.
func often() []benchmark {
	return []benchmark{
		{"Poll", "200x"},
		{"Refs", "100x"},
		{"Push", "12x"},
		{"Pushes", "1x"},
		{"Busy", "1x"},
		{"Packs", "10x"},
		{"Path", "1x"},
		{"Plan", "100x"},
		{"Restart", "3x"},
		{"ColdStart", "2x"},
		{"Commands", "5x"},
		{"History", "10x"},
		{"Commits", "1x"},
		{"State", "1000x"},
		{"Against", "20x"},
		{"Action", "3x"},
		{"Peers", "1x"},
		{"Yardstick", "20000x"},
	}
}

// table measures, and writes the table to out. What go test says meanwhile goes to log.
func table(ctx context.Context, o options, out, log io.Writer) error {
	if o.from != "" {
		raw, err := os.ReadFile(o.from)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, render(parse(raw)))
		return err
	}
	raw, failed := measure(ctx, o, log)
	if o.out != "" {
		failed = errors.Join(failed, os.WriteFile(o.out, raw, 0o644))
	}
	_, err := io.WriteString(out, render(parse(raw)))
	return errors.Join(failed, err)
}

// measure runs the benchmarks and returns what go test printed. One that fails does
// not keep the others from being run.
func measure(ctx context.Context, o options, log io.Writer) ([]byte, error) {
	var raw bytes.Buffer
	var errs []error
	runs := often()
	if o.short {
		runs = []benchmark{{".*", "1x"}}
	}
	for _, r := range runs {
		args := []string{"test", "./bench", "-run", "^$", "-bench", "^Benchmark" + r.name + "$", "-benchtime", r.times, "-timeout", "2h"}
		switch {
		case o.short:
			args = append(args, "-short")
		case o.long:
			args = append(args, "-args", "-long")
		}
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Stdout, cmd.Stderr = io.MultiWriter(&raw, log), log
		if err := cmd.Run(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", cmd, err))
		}
	}
	return raw.Bytes(), errors.Join(errs...)
}
