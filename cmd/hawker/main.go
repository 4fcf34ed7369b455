// Command hawker is the whole platform in one binary: the server, the simulated
// networks, the software terminal and the tools.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"hawker/internal/sandbox/pos"
)

type cli struct {
	Config kong.ConfigFlag `help:"Read defaults from a JSON file." placeholder:"FILE"`

	Demo         demoCommand         `cmd:"" help:"Play the main job with everything simulated, and check the books."`
	Serve        serveCommand        `cmd:"" help:"Run the server until it is told to stop."`
	Terminal     pos.CLI             `cmd:"" help:"Use the software terminal."`
	Sandbox      sandboxCommand      `cmd:"" help:"Run the simulated card network as a process of its own."`
	ISO          isoCommand          `cmd:"" name:"iso" help:"Look into ISO 8583 messages."`
	QR           qrCommand           `cmd:"" name:"qr" help:"Explain payment codes; make and draw merchants' codes."`
	Device       deviceCommand       `cmd:"" help:"Issue, renew, list and revoke the terminals' certificates."`
	APIKey       apikeyCommand       `cmd:"" name:"apikey" help:"Make, list, rotate and revoke the keys of merchants' programs."`
	Params       paramsCommand       `cmd:"" help:"Import and list what terminals fetch."`
	Payments     paymentsCommand     `cmd:"" help:"Look into payments: missing signatures."`
	Jobs         jobsCommand         `cmd:"" help:"List work that waits or gave up; make it run again."`
	Batches      batchesCommand      `cmd:"" help:"List settled batches; show one, and on which payments host and terminal differ."`
	Bills        billsCommand        `cmd:"" help:"Wallets' bills, held against our payments."`
	Wallets      walletsCommand      `cmd:"" help:"Under which numbers WeChat Pay knows the merchants of a service provider."`
	Fees         feesCommand         `cmd:"" help:"What merchants pay and agreed to; adopt fees from before the fee lock."`
	Cases        casesCommand        `cmd:"" help:"List matters that wait for a person."`
	Applications applicationsCommand `cmd:"" help:"Measure how applicants are reviewed."`
	Register     registerCommand     `cmd:"" help:"Import and list licensed institutions and their providers."`
	Keys         keysCommand         `cmd:"" help:"Key ceremonies, key blocks, rotation, destruction, and the signed transcript of it all."`
	Audit        auditCommand        `cmd:"" help:"Verify and export the trail of what people did."`
	Migrate      migrateCommand      `cmd:"" help:"Bring a database's schema forward; distribute it with Citus."`
	Backup       backupCommand       `cmd:"" help:"Copy the SQLite database while the server runs."`
	Verify       verifyCommand       `cmd:"" help:"Prove the ledger: every entry and every balance."`
	Torture      tortureCommand      `cmd:"" help:"Kill and disturb everything at random, heal, and compare all books."`
	Bench        benchCommand        `cmd:"" help:"Measure payments a second, times, memory, and hold them against PostgreSQL's own benchmark."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var c cli
	parser := kong.Parse(&c, kong.Name("hawker"), kong.UsageOnError(), kong.Configuration(kong.JSON), kong.DefaultEnvars("HAWKER"),
		kong.Description("Hawker lets an individual take cards and QR payments, safely and legally. Start with: hawker demo"),
		kong.BindTo(ctx, (*context.Context)(nil)))
	err := parser.Run()
	if err == nil {
		return
	}
	stop()
	code := 1
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "hawker:", err)
	os.Exit(code) //nolint:gocritic // stop was called
}
