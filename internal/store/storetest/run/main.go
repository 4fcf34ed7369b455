// Command run starts one throw-away PostgreSQL, runs a command with its address
// in HAWKER_TEST_PG, and stops it: the packages of one test run share a server.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"hawker/internal/store/storetest/postgres"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	if len(args) == 0 {
		return 2, errors.New("usage: run COMMAND [ARGUMENT…]")
	}
	server, err := postgres.Start(context.Background(), "", false)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec // running the given command is the purpose
	cmd.Env = append(os.Environ(), "HAWKER_TEST_PG="+server.URL)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
