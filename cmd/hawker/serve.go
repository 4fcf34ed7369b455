package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/app"
	"hawker/internal/keys/pkcs11"
	"hawker/internal/money"
	"hawker/internal/payment"
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
	Data       string   `help:"Directory of what must not be lost." default:"hawker-data"`
	Database   string   `help:"postgres://… instead of the SQLite file in the data directory." placeholder:"URL"`
	HTTP       string   `name:"http" help:"Address of pages, API, health and metrics." default:"127.0.0.1:8080"`
	Behind     int      `name:"http-behind" help:"How many proxies of yours stand before the pages and tell the client's address by X-Forwarded-For." default:"0"`
	ISO        string   `name:"iso" help:"Address for terminals." default:"127.0.0.1:8583"`
	ISOCert    string   `name:"iso-cert" help:"PEM certificate of the terminal port, instead of one by the terminals' own authority." placeholder:"FILE"`
	ISOKey     string   `name:"iso-key" help:"Its PEM key." placeholder:"FILE"`
	ISOHosts   []string `name:"iso-host" help:"More names and addresses under which terminals know the terminal port." placeholder:"NAME"`
	ISOPlain   bool     `name:"iso-plain" help:"Terminals speak without TLS and show no certificate: for a trusted line only."`
	ISOProfile string   `name:"iso-profile" help:"The one host profile that terminals speak; each its own unless set." placeholder:"NAME"`
	Master     string   `help:"Master key file; master.key in the data directory unless set. Nodes on one database share its content." placeholder:"FILE"`
	Batch      int      `help:"Commands in one commit; 1 turns batching off." hidden:"" default:"0"`
	holdFlags
	saleFlags
	hsmFlags
	networkFlags
	walletFlags
	logFlags
}

// walletFlags name the accounts at the wallets. A wallet without an app id is simulated within.
type walletFlags struct {
	BaseURL           string `name:"base-url" help:"https address under which people's browsers and wallets reach the HTTP port; needed for real wallets. Passkeys belong to its name." placeholder:"URL"`
	Wallets           string `help:"Address of the simulated wallets and their customer's page." default:"127.0.0.1:8591"`
	WeChatURL         string `name:"wechat-url" help:"WeChat Pay's API, instead of its own address." placeholder:"URL"`
	WeChatApp         string `name:"wechat-app" help:"WeChat app id; without it WeChat Pay is simulated." placeholder:"ID"`
	WeChatMerchant    string `name:"wechat-merchant" help:"Merchant number at WeChat Pay." placeholder:"MCHID"`
	WeChatProvider    bool   `name:"wechat-provider" help:"The merchant number is a service provider's; merchants have numbers of their own, see hawker wallets."`
	WeChatSerial      string `name:"wechat-serial" help:"Serial number of the API certificate." placeholder:"HEX"`
	WeChatKey         string `name:"wechat-key" help:"PEM file with the certificate's private key." placeholder:"FILE"`
	WeChatAPIv3Key    string `name:"wechat-apiv3-key" help:"File with the API v3 key, 32 characters." placeholder:"FILE"`
	WeChatPublicKey   string `name:"wechat-public-key" help:"PEM file with WeChat Pay's public key." placeholder:"FILE"`
	WeChatPublicKeyID string `name:"wechat-public-key-id" help:"Its id, PUB_KEY_ID_…." placeholder:"ID"`
	AlipayURL         string `name:"alipay-url" help:"Alipay's gateway, instead of its own address." placeholder:"URL"`
	AlipayApp         string `name:"alipay-app" help:"Alipay app id; without it Alipay is simulated." placeholder:"ID"`
	AlipaySeller      string `name:"alipay-seller" help:"The merchant's number at Alipay, 2088…." placeholder:"ID"`
	AlipayKey         string `name:"alipay-key" help:"PEM file with the app's private key." placeholder:"FILE"`
	AlipayPublicKey   string `name:"alipay-public-key" help:"PEM file with Alipay's public key." placeholder:"FILE"`
}

func (f walletFlags) config() app.Wallets {
	return app.Wallets{SimAddr: f.Wallets,
		WeChat: app.WeChat{BaseURL: f.WeChatURL, AppID: f.WeChatApp, MchID: f.WeChatMerchant, Provider: f.WeChatProvider, Serial: f.WeChatSerial, KeyFile: f.WeChatKey,
			APIv3KeyFile: f.WeChatAPIv3Key, PublicKeyFile: f.WeChatPublicKey, PublicKeyID: f.WeChatPublicKeyID},
		Alipay: app.Alipay{Gateway: f.AlipayURL, AppID: f.AlipayApp, SellerID: f.AlipaySeller, KeyFile: f.AlipayKey, PublicKeyFile: f.AlipayPublicKey}}
}

// holdFlags are what may be done with a pre-authorization.
type holdFlags struct {
	CompletionShare int           `help:"The most that a completion may take, in percent of its pre-authorization." default:"115"`
	HoldLasts       time.Duration `help:"How long a pre-authorization stands before it is given back." default:"720h"`
}

func (f holdFlags) terms() payment.HoldTerms {
	return payment.HoldTerms{Share: money.BasisPoints(max(-1, min(f.CompletionShare, 10000)) * 100), Last: f.HoldLasts}
}

// saleFlags are what terminals may conclude without asking first.
type saleFlags struct {
	TipShare   int    `help:"What tips may add to a sale, in percent of it; 0 for none." default:"20"`
	FloorLimit string `help:"The most that an offline sale may take, e.g. 100.00; 0 for none." default:"0"`
}

func (f saleFlags) sales() (payment.SaleTerms, error) {
	floor, err := money.Parse(f.FloorLimit, money.CNY)
	if err != nil {
		return payment.SaleTerms{}, fmt.Errorf("--floor-limit: %w", err)
	}
	t := payment.SaleTerms{Tip: money.BasisPoints(min(f.TipShare, 10000) * 100), Floor: floor} //nolint:gosec // bounded
	if f.TipShare <= 0 {
		t.Tip = -1
	}
	return t, nil
}

// hsmFlags name the token of a hardware security module that holds the master key.
type hsmFlags struct {
	Library string `name:"pkcs11-library" help:"A hardware security module's PKCS#11 library: its token holds the master key, not a file." placeholder:"FILE"`
	Token   string `name:"pkcs11-token" help:"The token's label." placeholder:"LABEL"`
	PINFile string `name:"pkcs11-pin-file" help:"File with the token's user PIN, mode 0600." placeholder:"FILE"`
}

func (f hsmFlags) config() pkcs11.Config {
	return pkcs11.Config{Library: f.Library, Token: f.Token, PINFile: f.PINFile}
}

// Run serves until SIGINT or SIGTERM and drains.
func (c serveCommand) Run(ctx context.Context) error {
	log, err := c.logger()
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		// What is alive is small, tens of megabytes, and garbage is made fast: at the usual 100 % a
		// fifth of the processor's time under load was collection.
		debug.SetGCPercent(400)
	}
	sales, err := c.sales()
	if err != nil {
		return err
	}
	s, err := app.Start(ctx, app.Config{Data: c.Data, Database: c.Database, Log: log, Batch: c.Batch, Master: c.Master, HSM: c.hsmFlags.config(), Hold: c.terms(), Sale: sales, Wallets: c.walletFlags.config(), Base: c.BaseURL, HTTP: app.Listen{Addr: c.HTTP, Behind: c.Behind},
		ISO: app.Listen{Addr: c.ISO, Cert: c.ISOCert, Key: c.ISOKey, Profile: c.ISOProfile, Hosts: c.ISOHosts, Plain: c.ISOPlain}, Network: app.Network{Addr: c.Network, Timeout: c.NetworkTimeout}})
	if err != nil {
		return err
	}
	if s.FirstKey != (apikey.Secret{}) {
		fmt.Printf("API key     %s\n            shown this once: the sandbox's own. Try it: docs/integrate.md, or http://%s/v1/docs\n", s.FirstKey.Reveal(), s.HTTPAddr())
	}
	hellos, err := s.Hellos(ctx)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	for _, h := range hellos {
		fmt.Printf("sign in as %s, once:\n  %s\n", h.Name, h.URL)
	}
	fmt.Printf("terminals   %s\nhealth      http://%s/readyz\nmetrics     http://%s/metrics\n\nTake a payment from another shell:\n"+
		"  hawker terminal --state %s sale --amount 46.50 --card test-credit --pin 123456\n",
		s.ISOAddr(), s.HTTPAddr(), s.HTTPAddr(), s.Config.TerminalFile())
	if phone := s.WalletURL(); phone != "" {
		fmt.Printf("\nBe the customer with a simulated wallet (password 123456):\n  %s/phone\n", phone)
	}
	return s.Run(ctx)
}

type demoCommand struct {
	Profile string `help:"Host profile of the terminal: unionpay-pos, psp, dukpt or dukpt-aes." placeholder:"NAME"`
	Story   string `help:"What is played: main, the main job; terminal, what else a terminal can do; wallets, the main job's part with wallets." enum:"main,terminal,wallets" default:"main"`
	Verbose bool   `help:"Show the server's log too."`
}

// Run plays the demo; the exit status says whether the books agree.
func (c demoCommand) Run(ctx context.Context) error {
	config := app.Config{ISO: app.Listen{Profile: c.Profile}}
	if c.Verbose {
		config.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return app.Demo(ctx, os.Stdout, config, c.Story)
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
