package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/channel/alipay"
	"hawker/internal/channel/wechat"
	"hawker/internal/door/notify"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/sandbox/wallet"
)

// Wallets are the wallets that Hawker takes payments through. One that is not
// configured is simulated within this process.
type Wallets struct {
	WeChat WeChat
	Alipay Alipay

	SimAddr string        // where the simulated wallets listen; "" is loopback and a free port
	Types   time.Duration // how long their customers take to type the password; 8 s when 0
	Pace    channel.Pace  // of every wallet; what is zero is the wallet's own

	billsNow bool // simulated bills of a day that is not over: for the demo
}

// WeChat is an account at WeChat Pay. Files hold what is secret or long.
type WeChat struct {
	BaseURL       string // "" is WeChat Pay's own
	AppID         string // "" simulates WeChat Pay
	MchID         string
	Provider      bool   // MchID is a service provider: merchants are named by their own numbers, merchant.SetWalletNumber
	Serial        string // of the API certificate
	KeyFile       string // its private key, PEM
	APIv3KeyFile  string // 32 characters
	PublicKeyFile string // WeChat's public key, PEM
	PublicKeyID   string // PUB_KEY_ID_…
}

// Alipay is an account at Alipay's open platform.
type Alipay struct {
	Gateway       string // "" is Alipay's own
	AppID         string // "" simulates Alipay
	SellerID      string // 2088…
	KeyFile       string // the app's private key, PEM
	PublicKeyFile string // Alipay's public key, PEM
}

// simulated reports whether any wallet is.
func (w Wallets) simulated() bool { return w.WeChat.AppID == "" || w.Alipay.AppID == "" }

// base is the address under which customers and wallets reach this server.
func (s *Server) base() string {
	if s.Config.Base != "" {
		return s.Config.Base
	}
	scheme := "http://"
	if s.Config.HTTP.Cert != "" {
		scheme = "https://"
	}
	return scheme + s.HTTPAddr()
}

// openWallets opens the ways to the wallets, and the simulated wallets where there is no other.
func (s *Server) openWallets(ctx context.Context) error {
	c := s.Config
	if c.Wallets.simulated() {
		if err := s.simulateWallets(ctx); err != nil {
			return fmt.Errorf("simulated wallets: %w", err)
		}
	}
	s.Jobs.Handle(jobBill, s.runBill)
	return s.connectWallets()
}

// connectWallets makes the ways to the wallets; they connect when they must.
func (s *Server) connectWallets() error {
	we, err := s.weChat()
	if err != nil {
		return err
	}
	ali, err := s.aliPay()
	if err != nil {
		return err
	}
	s.wallets = []channel.Wallet{we, ali}
	return nil
}

func (s *Server) weChat() (channel.Wallet, error) {
	a, c := s.Config.Wallets.WeChat, s.Config
	to := wechat.Config{Name: payment.MethodWeChat, BaseURL: a.BaseURL, AppID: a.AppID, MchID: a.MchID, Serial: a.Serial, PublicKeyID: a.PublicKeyID,
		NotifyURL: s.base() + notify.Path + payment.MethodWeChat, Pace: c.Wallets.Pace, Clock: c.Clock, Log: c.Log}
	if a.Provider {
		to.Numbers = s.numbersAt(payment.MethodWeChat)
	}
	if a.AppID == "" {
		sim := s.accounts.WeChat
		public, err := s.accounts.WeChatPublicKey()
		if err != nil {
			return nil, err
		}
		to.BaseURL, to.AppID, to.MchID, to.Serial, to.PrivateKey, to.APIv3Key = s.WalletURL(), sim.AppID, sim.MchID, sim.Serial, sim.MerchantKey, sim.APIv3Key
		to.PublicKeyID, to.PublicKeys = sim.PublicKeyID, map[string]string{sim.PublicKeyID: public}
		return wechat.New(to)
	}
	var public string
	var err error
	if to.PrivateKey, err = secretOf(a.KeyFile); err == nil {
		if to.APIv3Key, err = secretOf(a.APIv3KeyFile); err == nil {
			public, err = textOf(a.PublicKeyFile)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	to.PublicKeys = map[string]string{a.PublicKeyID: public}
	return wechat.New(to)
}

// numbersAt finds merchants' numbers at a wallet by when the sale began that a request is about.
func (s *Server) numbersAt(method string) wechat.Numbers {
	return func(ctx context.Context, m int64, sale string) (string, error) {
		id, err := payment.ParseRef(sale)
		if err != nil {
			return "", err
		}
		return merchant.NumberFor(ctx, s.DB.Read(), merchant.ID(m), method, id)
	}
}

func (s *Server) aliPay() (channel.Wallet, error) {
	a, c := s.Config.Wallets.Alipay, s.Config
	to := alipay.Config{Name: payment.MethodAlipay, Gateway: a.Gateway, AppID: a.AppID, SellerID: a.SellerID,
		NotifyURL: s.base() + notify.Path + payment.MethodAlipay, Pace: c.Wallets.Pace, Clock: c.Clock, Log: c.Log}
	var err error
	if a.AppID == "" {
		sim := s.accounts.Alipay
		to.Gateway, to.AppID, to.SellerID, to.PrivateKey = s.WalletURL()+"/gateway.do", sim.AppID, sim.SellerID, sim.MerchantKey
		if to.PublicKey, err = s.accounts.AlipayPublicKey(); err != nil {
			return nil, err
		}
		return alipay.New(to)
	}
	if to.PrivateKey, err = secretOf(a.KeyFile); err == nil {
		to.PublicKey, err = textOf(a.PublicKeyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("alipay: %w", err)
	}
	return alipay.New(to)
}

// secretOf reads a secret file; its content is in no error.
func secretOf(file string) (card.Secret, error) {
	b, err := os.ReadFile(file) //nolint:gosec // a file that the operator names
	if err != nil {
		return card.Secret{}, err
	}
	return card.NewSecret(bytes.TrimSpace(b)), nil
}

func textOf(file string) (string, error) {
	b, err := os.ReadFile(file) //nolint:gosec // a file that the operator names
	return string(b), err
}

// simulateWallets starts both wallets; what they booked survives in their state file.
func (s *Server) simulateWallets(ctx context.Context) (err error) {
	if s.accounts, err = simAccounts(s.Config.walletFile()); err != nil {
		return err
	}
	client, err := s.noticeClient()
	if err != nil {
		return err
	}
	log := s.Config.Log.With("part", "simulated wallets")
	if s.Wallets, err = wallet.New(wallet.Config{Accounts: s.accounts, Clock: s.Config.Clock, Log: log, Types: s.Config.Wallets.Types, BillsNow: s.Config.Wallets.billsNow, Client: client,
		StateFile: filepath.Join(s.Config.Data, "sandbox", "wallets.jsonl")}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Wallets.Close)
	addr := s.Config.Wallets.SimAddr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	at, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	s.walletURL = "http://" + at.Addr().String()
	server := &http.Server{Handler: s.Wallets, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() { _ = server.Serve(at) }()
	s.closers = append(s.closers, server.Close)
	return nil
}

// noticeClient is what the simulated wallets send their notices with: it trusts our own certificate.
func (s *Server) noticeClient() (*http.Client, error) {
	if s.Config.HTTP.Cert == "" {
		return nil, nil //nolint:nilnil // the simulator's own
	}
	pem, err := os.ReadFile(s.Config.HTTP.Cert)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}, nil
}

// WalletURL is where the simulated wallets are; "" when both are real.
func (s *Server) WalletURL() string { return s.walletURL }

// simWallets are the simulated wallets' accounts in their file.
type simWallets struct {
	Note   string `json:"note"`
	WeChat struct {
		AppID, MchID, Serial, MerchantKey, APIv3Key, PlatformKey, PublicKeyID string
		Subs                                                                  []string
	}
	Alipay struct{ AppID, SellerID, MerchantKey, PlatformKey string }
}

// simAccounts reads the simulated wallets' accounts, or draws them.
func simAccounts(file string) (*wallet.Accounts, error) {
	var f simWallets
	b, err := os.ReadFile(file) //nolint:gosec // a file of our own data directory
	if err == nil {
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return f.accounts(), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	a, err := wallet.NewAccounts()
	if err != nil {
		return nil, err
	}
	f = simWallets{Note: "accounts at the simulated wallets: they guard nothing"}
	reveal := func(s card.Secret) string { return string(s.Reveal()) }
	f.WeChat.AppID, f.WeChat.MchID, f.WeChat.Serial, f.WeChat.PublicKeyID, f.WeChat.Subs = a.WeChat.AppID, a.WeChat.MchID, a.WeChat.Serial, a.WeChat.PublicKeyID, a.WeChat.Subs
	f.WeChat.MerchantKey, f.WeChat.APIv3Key, f.WeChat.PlatformKey = reveal(a.WeChat.MerchantKey), reveal(a.WeChat.APIv3Key), reveal(a.WeChat.PlatformKey)
	f.Alipay.AppID, f.Alipay.SellerID = a.Alipay.AppID, a.Alipay.SellerID
	f.Alipay.MerchantKey, f.Alipay.PlatformKey = reveal(a.Alipay.MerchantKey), reveal(a.Alipay.PlatformKey)
	if b, err = json.MarshalIndent(f, "", "  "); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	return a, os.WriteFile(file, append(b, '\n'), 0o600)
}

func (f simWallets) accounts() *wallet.Accounts {
	a := &wallet.Accounts{}
	hide := func(s string) card.Secret { return card.NewSecret([]byte(s)) }
	a.WeChat.AppID, a.WeChat.MchID, a.WeChat.Serial, a.WeChat.PublicKeyID, a.WeChat.Subs = f.WeChat.AppID, f.WeChat.MchID, f.WeChat.Serial, f.WeChat.PublicKeyID, f.WeChat.Subs
	a.WeChat.MerchantKey, a.WeChat.APIv3Key, a.WeChat.PlatformKey = hide(f.WeChat.MerchantKey), hide(f.WeChat.APIv3Key), hide(f.WeChat.PlatformKey)
	a.Alipay.AppID, a.Alipay.SellerID = f.Alipay.AppID, f.Alipay.SellerID
	a.Alipay.MerchantKey, a.Alipay.PlatformKey = hide(f.Alipay.MerchantKey), hide(f.Alipay.PlatformKey)
	return a
}

func (c Config) walletFile() string { return filepath.Join(c.Data, "sandbox", "wallets.json") }
