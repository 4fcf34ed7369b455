package app

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/download"
	"hawker/internal/money"
	"hawker/internal/sandbox/pos"
	"hawker/internal/store"
)

// frail is a connection that ends after so many writes of its terminal.
type frail struct {
	net.Conn
	left *atomic.Int64
}

func (f frail) Write(b []byte) (int, error) {
	if f.left.Add(-1) < 0 {
		_ = f.Close()
		return 0, errors.New("the line is cut")
	}
	return f.Conn.Write(b)
}

func importExample(t *testing.T, s *Server, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/params-example.json")
	if err != nil {
		t.Fatal(err)
	}
	lists, err := download.Read(strings.NewReader(change(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Write(t.Context(), func(tx *store.Tx) error {
		for k, rows := range lists {
			if _, _, err := download.Put(t.Context(), tx, download.Institution, k, rows, time.Now); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAnInterruptedDownloadGoesOnAndIsUsed(t *testing.T) {
	t.Parallel()
	s, stop := start(t, Config{})
	defer stop()
	importExample(t, s, func(text string) string {
		// The beginnings of test-low-funds and test-credit.
		return strings.NewReplacer(`"6214859999"`, `"621700"`, `"625965"`, `"625900"`).Replace(text)
	})
	left := &atomic.Int64{}
	left.Store(1 << 30)
	device, err := pos.Open(s.Config.TerminalFile(), pos.Options{Timeout: 5 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return frail{c, left}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()

	interrupted, fetched := 0, map[string]int{}
	for n := int64(5); ; n++ { // each time the line holds a little longer, from the handshake on
		left.Store(n)
		r, err := device.SignOn(t.Context())
		if err == nil && r.State != pos.Accepted {
			t.Fatalf("sign-on is %s %s", r.State, r.Code)
		}
		cut := err != nil
		for _, note := range r.Notes {
			if name, ok := strings.CutPrefix(note.EN, "Fetched "); ok {
				fetched[name]++
			}
			cut = cut || strings.Contains(note.EN, "goes on next time")
		}
		if !cut {
			break
		}
		if interrupted++; interrupted > 60 {
			t.Fatal("the download never ends")
		}
	}
	if interrupted < 3 {
		t.Errorf("only %d interruptions", interrupted)
	}
	for _, name := range []string{"parameters", "CA public keys", "AIDs", "contactless parameters", "blacklist", "BIN table B"} {
		if fetched[name] == 0 {
			t.Errorf("%s was never fetched whole: %v", name, fetched)
		}
	}
	left.Store(1 << 30)

	sale := func(card string, minor int64) (pos.Result, error) {
		p, err := present(card, "")
		if err != nil {
			t.Fatal(err)
		}
		return device.Sale(t.Context(), money.New(minor, money.CNY), p)
	}
	if _, err := sale("test-credit", 5_000_001); !errors.Is(err, pos.ErrOverLimit) {
		t.Errorf("over the downloaded limit: %v", err)
	}
	if _, err := sale("test-low-funds", 100); !errors.Is(err, pos.ErrListed) {
		t.Errorf("a card of the blacklist: %v", err)
	}
	r, err := sale("test-credit", 100)
	if err != nil || r.State != pos.Approved || r.CardKind != pos.Credit || !r.NoProof {
		t.Fatalf("a small sale with a card of table B: %+v, %v", r, err)
	}
	slip := pos.Slip(r, pos.Merchant, pos.Chinese)
	for _, want := range []string{"谢谢惠顾，欢迎再来", "客服 400-000-0000", "贷记卡", "免密免签交易"} {
		if !strings.Contains(slip, want) {
			t.Errorf("the slip lacks %q:\n%s", want, slip)
		}
	}
	if strings.Contains(slip, "持卡人签名") {
		t.Error("a signature is asked for where none is needed")
	}
	if r, err := device.Fetch(t.Context()); err != nil || r.State != pos.Accepted || len(r.Notes) != 0 {
		t.Errorf("it fetches what it has: %+v, %v", r.Notes, err)
	}
}
