package app

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/keys/pkcs11"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/sandbox/pos"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// TestNoCardSecretIsLeftBehind plays every kind of transaction, good and broken, and
// then looks for card numbers, tracks, PIN blocks and keys in every byte that stays:
// database, write-ahead log, logs, metrics, the terminal's memory, the network's file.
func TestNoCardSecretIsLeftBehind(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			target := ""
			if database == "postgres" {
				target = storetest.PostgresURL(t)
			}
			log := &syncBuffer{}
			s, stop := start(t, Config{Data: t.TempDir(), Database: target, ISO: Listen{Plain: true}, Network: Network{Timeout: 300 * time.Millisecond, LateAfter: 400 * time.Millisecond},
				Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			aDay(t, s)
			_, figures := get(t, s, "/metrics")
			places := map[string][]byte{"metrics": []byte(figures)}
			if database == "postgres" {
				places["tables"] = dump(t, s.DB)
			}
			files(t, s.Config.Data, places) // while the write-ahead log is there
			stop()
			places["log"] = []byte(log.String())
			files(t, s.Config.Data, places)
			for name, secret := range secrets(t, s.Config) {
				for place, content := range places {
					if bytes.Contains(content, secret) {
						t.Errorf("%s is in %s", name, place)
					}
				}
			}
			stored := places["tables"]
			if stored == nil {
				stored = append(places["hawker.db"], places["hawker.db-wal"]...)
			}
			if !bytes.Contains(stored, []byte("tok_")) || !bytes.Contains(places["log"], []byte("name=sale")) {
				t.Errorf("the search looked at too little: %d places", len(places))
			}
		})
	}
}

// canaryCodes are customers' payment codes; whoever has one can charge its customer.
var canaryCodes = map[string]string{"wechat": "134827364519283746", "alipay": "286473829105647382", "unionpay": "6219283746564738291"}

// aDay plays what a day brings.
func aDay(t *testing.T, s *Server) {
	t.Helper()
	device, err := pos.Open(s.Config.TerminalFile(), pos.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	ctx := t.Context()
	play := func(r pos.Result, err error) pos.Result {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	play(device.SignOn(ctx))
	sale := func(name, pin string, minor int64, entry pos.Entry) pos.Result {
		t.Helper()
		p, err := present(name, pin)
		if err != nil {
			t.Fatal(err)
		}
		p.Entry = entry
		return play(device.Sale(ctx, money.New(minor, money.CNY), p))
	}
	first := sale("test-credit", "123456", 4650, pos.Swipe)
	second := sale("test-debit", "123456", 1200, pos.Chip)
	sale("test-debit-2", "123456", 1300, pos.Manual)
	sale("test-debit", "000000", 1400, pos.Swipe)
	sale("test-low-funds", "123456", 2000, pos.Contactless)
	sale("test-lost", "123456", 1, pos.Swipe)
	for method, text := range canaryCodes {
		code, err := card.NewCode(text)
		if err != nil {
			t.Fatal(err)
		}
		if r := play(device.Scan(ctx, money.New(1500, money.CNY), code)); r.State != pos.Approved {
			t.Errorf("a code of %s: %s %s", method, r.State, r.Code)
		}
		if code, err = card.NewCode(text); err != nil {
			t.Fatal(err)
		}
		if r := play(device.Scan(ctx, money.New(1600, money.CNY), code)); r.State != pos.Declined { // it pays once
			t.Errorf("a used code of %s: %s", method, r.State)
		}
	}
	sale("test-debit", "123456", 9099, pos.Swipe)
	play(device.ResolvePending(ctx))
	play(device.Void(ctx, second.Trace))
	p, err := present("test-credit", "")
	if err != nil {
		t.Fatal(err)
	}
	play(device.Refund(ctx, pos.Original{Trace: first.Trace}, money.New(650, money.CNY), p))
	if p, err = present("test-debit", "123456"); err != nil {
		t.Fatal(err)
	}
	play(device.Balance(ctx, p))
	play(device.SettleBatch(ctx))
	garble(t, s.ISOAddr())
}

// garble sends frames that hold a card number in the wrong places.
func garble(t *testing.T, addr string) {
	t.Helper()
	c, ok := cards.ByName("test-credit")
	if !ok {
		t.Fatal("no test card")
	}
	pan := []byte(c.PAN.Reveal())
	for _, body := range [][]byte{
		append([]byte{0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0, 0, 0x02, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, pan...),
		append([]byte{0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0, 0, 0x02, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x99}, pan...),
		append([]byte{0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0, 0}, pan...),
		pan,
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write(append([]byte{byte(len(body) >> 8), byte(len(body))}, body...))
		_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		_, _ = conn.Read(make([]byte, 1024))
		_ = conn.Close()
	}
}

// files reads what a data directory holds, but for the secrets' own homes.
func files(t *testing.T, dir string, places map[string][]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "master.key" || e.Name() == "network.json" || e.Name() == "wallets.json" {
			return err
		}
		b, err := os.ReadFile(path)
		if e.Name() == "terminal.json" { // the device's memory holds its own keys, and no card data
			b = withoutKeys(t, b)
		}
		places[e.Name()] = append(places[e.Name()], b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func withoutKeys(t *testing.T, b []byte) []byte {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "secure")
	out, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// dump reads every row of every table as text.
func dump(t *testing.T, db *store.DB) []byte {
	t.Helper()
	var out bytes.Buffer
	lines := func(query string, each func(string)) {
		rows, err := db.Read().Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var s sql.NullString
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			each(s.String)
		}
	}
	var tables []string
	lines(`SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`, func(s string) { tables = append(tables, s) })
	for _, table := range tables {
		lines(`SELECT x::text FROM "`+table+`" x`, func(s string) { out.WriteString(s + "\n") })
	}
	if out.Len() < 1000 {
		t.Fatalf("the dump of %d tables has %d bytes", len(tables), out.Len())
	}
	return out.Bytes()
}

// secrets are the byte strings that must not be found.
func secrets(t *testing.T, c Config) map[string][]byte {
	t.Helper()
	list := map[string][]byte{}
	for _, one := range cards.All() {
		pan := one.PAN.Reveal()
		list["number of "+one.Name] = []byte(pan)
		even := pan
		if len(even)%2 == 1 {
			even += "0"
		}
		packed, err := hex.DecodeString(even)
		if err != nil {
			t.Fatal(err)
		}
		list["packed number of "+one.Name] = packed[:len(pan)/2]
		list["hexadecimal number of "+one.Name] = []byte(hex.EncodeToString([]byte(pan)))
		list["track 2 of "+one.Name] = []byte(strings.ReplaceAll(string(one.Track2().Reveal()), "=", "D"))
		pin, err := card.NewPIN(one.PIN)
		if err != nil {
			t.Fatal(err)
		}
		block, err := card.EncodePIN(card.ISO0, pin, one.PAN)
		if err != nil {
			t.Fatal(err)
		}
		list["clear PIN block of "+one.Name] = block
	}
	k, err := readSimKeys(filepath.Join(c.Data, "sandbox", "network.json"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"ZPK": k.ZPK, "ZAK": k.ZAK}
	if c.HSM == (pkcs11.Config{}) { // otherwise nobody can read it
		master, err := os.ReadFile(c.masterKey())
		if err != nil {
			t.Fatal(err)
		}
		texts["master key"] = strings.TrimSpace(string(master))
	}
	for method, code := range canaryCodes {
		list["code of "+method], list["code of "+method+" in hexadecimal"] = []byte(code), []byte(hex.EncodeToString([]byte(code)))
	}
	a, err := simAccounts(c.walletFile())
	if err != nil {
		t.Fatal(err)
	}
	list["API key of WeChat Pay"] = a.WeChat.APIv3Key.Reveal()
	for name, key := range map[string]card.Secret{"WeChat": a.WeChat.MerchantKey, "Alipay": a.Alipay.MerchantKey} {
		list["private key for "+name] = bytes.Split(key.Reveal(), []byte("\n"))[3]
	}
	for name, text := range texts {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		list[name], list[name+" in hexadecimal"] = raw, []byte(text)
	}
	return list
}
