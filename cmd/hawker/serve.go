package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"hawker/internal/app"
)

type logFlags struct {
	LogFormat string `help:"text or json." enum:"text,json" default:"text"`
	LogLevel  string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
}

func (f logFlags) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
}

type networkFlags struct {
	Network        string        `help:"Address of the card network; without it a simulated one runs within." placeholder:"ADDR"`
	NetworkTimeout time.Duration `help:"How long to wait for the network's answer." default:"20s"`
}

type serveCommand struct {
	Data     string   `help:"Directory of what must not be lost." default:"hawker-data"`
	Database string   `help:"postgres://… instead of the SQLite file in the data directory." placeholder:"URL"`
	HTTP     string   `name:"http" help:"Address for health and metrics." default:"127.0.0.1:8080"`
	ISO      string   `name:"iso" help:"Address for terminals." default:"127.0.0.1:8583"`
	ISOCert  string   `name:"iso-cert" help:"PEM certificate of the terminal port, instead of one by the terminals' own authority." placeholder:"FILE"`
	ISOKey   string   `name:"iso-key" help:"Its PEM key." placeholder:"FILE"`
	ISOHosts []string `name:"iso-host" help:"More names and addresses under which terminals know the terminal port." placeholder:"NAME"`
	ISOPlain bool     `name:"iso-plain" help:"Terminals speak without TLS and show no certificate: for a trusted line only."`
	Master   string   `help:"Master key file; master.key in the data directory unless set. Nodes on one database share its content." placeholder:"FILE"`
	Batch    int      `help:"Commands in one commit; 1 turns batching off." hidden:"" default:"0"`
	networkFlags
	logFlags
}

// Run serves until SIGINT or SIGTERM and drains.
func (c serveCommand) Run(ctx context.Context) error {
	log, err := c.logger()
	if err != nil {
		return err
	}
	s, err := app.Start(ctx, app.Config{Data: c.Data, Database: c.Database, Log: log, Batch: c.Batch, Master: c.Master, HTTP: app.Listen{Addr: c.HTTP},
		ISO: app.Listen{Addr: c.ISO, Cert: c.ISOCert, Key: c.ISOKey, Hosts: c.ISOHosts, Plain: c.ISOPlain}, Network: app.Network{Addr: c.Network, Timeout: c.NetworkTimeout}})
	if err != nil {
		return err
	}
	fmt.Printf("terminals   %s\nhealth      http://%s/readyz\nmetrics     http://%s/metrics\n\nTake a payment from another shell:\n"+
		"  hawker terminal --state %s sale --amount 46.50 --card test-credit --pin 123456\n",
		s.ISOAddr(), s.HTTPAddr(), s.HTTPAddr(), s.Config.TerminalFile())
	return s.Run(ctx)
}

type demoCommand struct {
	Verbose bool `help:"Show the server's log too."`
}

// Run plays the demo; the exit status says whether the books agree.
func (c demoCommand) Run(ctx context.Context) error {
	config := app.Config{}
	if c.Verbose {
		config.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return app.Demo(ctx, os.Stdout, config)
}

type sandboxCommand struct {
	Data string        `help:"The server's data directory, for the keys they share." default:"hawker-data"`
	Addr string        `help:"Where to listen." default:"127.0.0.1:8590"`
	Late time.Duration `help:"When late answers come." default:"30s"`
	logFlags
}

// Run serves as the card network until it is told to stop.
func (c sandboxCommand) Run(ctx context.Context) error {
	log, err := c.logger()
	if err != nil {
		return err
	}
	return app.Sandbox(ctx, app.Config{Data: c.Data, Log: log, Network: app.Network{LateAfter: c.Late}}, c.Addr)
}
