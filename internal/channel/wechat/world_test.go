package wechat

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/channel/channeltest"
	"hawker/internal/money"
	"hawker/internal/sandbox/wallet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// accounts are drawn once: keys take a while.
var accounts = sync.OnceValue(func() *wallet.Accounts {
	a, err := wallet.NewAccounts()
	if err != nil {
		panic(err)
	}
	return a
})

// world is a Channel and the simulated WeChat Pay.
type world struct {
	t         *testing.T
	channel   *Channel
	sub       string
	sim       *wallet.Simulator
	merchant  channel.Merchant
	transport *http.Transport
	server    *http.Server
	log       bytes.Buffer
	codes     []string

	mu     sync.Mutex
	faults map[wallet.Op]wallet.Behaviour
}

// config is what a merchant of the simulated WeChat Pay has.
func config(t *testing.T) Config {
	t.Helper()
	a := accounts()
	public, err := a.WeChatPublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Name: "wechat", BaseURL: "http://" + channeltest.WalletPlace, AppID: a.WeChat.AppID, MchID: a.WeChat.MchID, Serial: a.WeChat.Serial,
		PrivateKey: a.WeChat.MerchantKey, APIv3Key: a.WeChat.APIv3Key, PublicKeys: map[string]string{a.WeChat.PublicKeyID: public},
		PublicKeyID: a.WeChat.PublicKeyID, NotifyURL: "http://" + channeltest.DoorPlace + "/notify", Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// numbers has one number for everybody; without one there is no service provider.
func numbers(sub string) Numbers {
	if sub == "" {
		return nil
	}
	return func(context.Context, int64, string) (string, error) { return sub, nil }
}

func newWorld(t *testing.T, o channeltest.WalletOptions, sub string) *world {
	t.Helper()
	w := &world{t: t, transport: o.Net.Transport(), merchant: channel.Merchant{ID: 1, MID: "898310058120001", Name: "小李水果"}, sub: sub,
		faults: map[wallet.Op]wallet.Behaviour{}}
	var err error
	if w.sim, err = wallet.New(wallet.Config{Accounts: accounts(), Client: &http.Client{Transport: w.transport, Timeout: 5 * time.Second}}); err != nil {
		t.Fatal(err)
	}
	w.sim.SetFault(w.fault)
	place, err := o.Net.Listen(channeltest.WalletPlace)
	if err != nil {
		t.Fatal(err)
	}
	w.server = &http.Server{Handler: w.sim, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = w.server.Serve(place) }()
	c := config(t)
	c.Transport, c.Pace, c.Waiting, c.Numbers = w.transport, o.Pace, o.Waiting, numbers(sub)
	c.Log = slog.New(slog.NewTextHandler(&w.log, nil))
	if w.channel, err = New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) Wallet() channel.Wallet     { return w.channel }
func (w *world) Merchant() channel.Merchant { return w.merchant }

func (w *world) Code() card.Code {
	text := wallet.Draw(wallet.WeChat)
	code, err := card.NewCode(text)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.codes = append(w.codes, text)
	return code
}

// ops are the simulator's words for the suite's kinds.
var ops = map[channel.Kind][]wallet.Op{
	channel.Sale: {wallet.Pay}, channel.Present: {wallet.Present}, channel.Query: {wallet.Query, wallet.RefundQuery},
	channel.Close: {wallet.Close}, channel.Reversal: {wallet.Reverse}, channel.Refund: {wallet.Refund},
}

// faults are its words for the suite's faults.
var faults = map[channeltest.Fault]wallet.Behaviour{
	channeltest.None:           {},
	channeltest.Refused:        {Reason: wallet.NoFunds},
	channeltest.Lost:           {Delivery: wallet.Lost},
	channeltest.Mute:           {Delivery: wallet.Silent},
	channeltest.Late:           {Delivery: wallet.Late},
	channeltest.Cut:            {Delivery: wallet.Cut},
	channeltest.WrongAmount:    {Delivery: wallet.WrongAmount},
	channeltest.Forged:         {Delivery: wallet.Forged},
	channeltest.Stranger:       {Delivery: wallet.Stranger},
	channeltest.Busy:           {Delivery: wallet.SystemError},
	channeltest.Types:          {Customer: wallet.Types},
	channeltest.Cancels:        {Customer: wallet.Cancels},
	channeltest.Dreams:         {Customer: wallet.Dreams},
	channeltest.NoticeTwice:    {Notice: wallet.NoticeTwice},
	channeltest.NoticeForged:   {Notice: wallet.NoticeForged},
	channeltest.NoticeAmount:   {Notice: wallet.NoticeAmount},
	channeltest.NoticeMerchant: {Notice: wallet.NoticeMerchant},
	channeltest.NoticeOrder:    {Notice: wallet.NoticeOrder},
}

func (w *world) Meet(f channeltest.Fault, kinds ...channel.Kind) {
	if len(kinds) == 0 {
		kinds = []channel.Kind{channel.Sale, channel.Present, channel.Close, channel.Reversal, channel.Refund}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range kinds {
		for _, op := range ops[k] {
			w.faults[op] = faults[f]
		}
	}
}

func (w *world) fault(i wallet.Info) wallet.Behaviour {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults[i.Op]
}

func (w *world) Scan(link string) error {
	_, err := w.sim.Scan(link)
	return err
}

func (w *world) Confirm(number string) error {
	_, err := w.sim.Confirm(wallet.WeChat, accounts().WeChat.MchID, number)
	return err
}

func (w *world) Cancel(number string) error {
	_, err := w.sim.Cancel(wallet.WeChat, accounts().WeChat.MchID, number)
	return err
}

func (w *world) Net() (money.Amount, error) {
	books := w.sim.Books()
	switch {
	case len(books) == 0:
		return money.Zero(money.CNY), w.sim.Check()
	case len(books) > 1 || books[0].Sub != w.sub:
		return money.Amount{}, errors.New("booked for another merchant")
	}
	return books[0].Net, w.sim.Check()
}

func (w *world) Close() {
	w.transport.CloseIdleConnections()
	if err := errors.Join(w.sim.Close(), w.server.Close()); err != nil {
		w.t.Error(err)
	}
	w.transport.CloseIdleConnections()
	for _, code := range w.codes {
		if bytes.Contains(w.log.Bytes(), []byte(code)) {
			w.t.Error("the log shows a customer's code")
		}
	}
}

func TestKeepsTheWalletsPromises(t *testing.T) {
	t.Parallel()
	accounts()
	channeltest.RunWallet(t, func(t *testing.T, o channeltest.WalletOptions) channeltest.WalletWorld { return newWorld(t, o, "") })
}

func TestKeepsThemForTheSubMerchantsOfAServiceProvider(t *testing.T) {
	t.Parallel()
	channeltest.RunWallet(t, func(t *testing.T, o channeltest.WalletOptions) channeltest.WalletWorld {
		return newWorld(t, o, accounts().WeChat.Subs[0])
	})
}
