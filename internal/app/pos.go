package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hawker/internal/auth"
	"hawker/internal/card"
	"hawker/internal/door/pos"
	"hawker/internal/ecr"
	"hawker/internal/keys"
	"hawker/internal/live"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	software "hawker/internal/sandbox/pos"
	"hawker/internal/shop"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// openTill makes the screen where money is taken at a counter. In the sandbox the software
// terminal stands beside it.
func (s *Server) openTill(ks *keys.Keystore) {
	s.hub = live.New(s.DB, s.Config.Log)
	signatures := signature.Open(s.DB, ks, s.Config.Clock)
	c := pos.Config{DB: s.DB, Payments: s.Engine, Hub: s.hub, Receipts: s.receipts, Signatures: signatures, Clock: s.Config.Clock, Site: s.site(), Guard: s.Guard, Trained: s.trained}
	if s.Sandbox != nil {
		c.Reader = beside{file: s.Config.TerminalFile(), host: s.isoAt.Addr().String(), plain: s.Config.ISO.Plain}
	}
	s.till = pos.New(c)
}

// trained refuses a merchant's people who have no certificate of their training. The merchant
// that a sandbox makes by itself is exempt: no money of its payments is real, and it is there to be tried at once.
func (s *Server) trained(ctx context.Context, w auth.Who) error {
	if s.Sandbox != nil && w.Merchant == seedMerchantID {
		return nil
	}
	return s.agreed.school.May(ctx, w)
}

// beside is the sandbox's software terminal as a till uses it. It is switched on for each
// payment, so that `hawker terminal` can use it in between.
type beside struct {
	file  string
	host  string
	plain bool
}

// At is the seeded terminal of the seeded merchant.
func (b beside) At(m merchant.ID) terminal.ID {
	if m != seedMerchantID {
		return ""
	}
	return seedTerminals[0].id
}

// seedMerchantID is the merchant whose terminals the sandbox provisions.
const seedMerchantID merchant.ID = 1

// offered are the test cards on the screen, with what each shows in Chinese.
var offered = []struct{ name, zh, en string }{
	{"test-credit", "信用卡：付款成功", "Credit card: pays"},
	{"test-debit", "借记卡：输密码", "Debit card with PIN"},
	{"test-low-funds", "余额不足的卡", "Card without money"},
	{"test-chip", "芯片卡", "Chip card"},
	{"test-expired", "过期的卡", "Expired card"},
	{"test-silent", "银行不回复的卡", "Bank never answers"},
}

// Cards are the test cards that a tap presents.
func (b beside) Cards() (list []pos.TestCard) {
	for _, o := range offered {
		list = append(list, pos.TestCard{Name: o.name, ZH: o.zh, EN: o.en})
	}
	return list
}

// Charge presents a card and has the terminal take the amount.
func (b beside) Charge(ctx context.Context, _ merchant.Merchant, a money.Amount, name string, say func(ecr.Said)) pos.Charged {
	found, ok := cards.ByName(name)
	if !ok {
		return pos.Charged{Said: said(software.ErrCard)}
	}
	p := software.Presented{Card: found, Entry: software.Swipe}
	if found.Chip.AID != "" && found.Chip.Only {
		p.Entry = software.Chip
	}
	if found.Kind == cards.Debit {
		say(ecr.Said{ZH: "请客人输入密码", EN: "The customer enters the PIN"})
		pin, err := card.NewPIN(found.PIN)
		if err != nil {
			return pos.Charged{Said: said(err)}
		}
		p.PIN = pin
	}
	say(ecr.Said{ZH: "正在联系银行", EN: "Asking the bank"})
	return b.with(func(t *software.Terminal) (software.Result, error) { return t.Sale(ctx, a, p) })
}

// Void takes back the sale of a reference, if the terminal's batch has it.
func (b beside) Void(ctx context.Context, _ merchant.Merchant, ref string) pos.Charged {
	return b.with(func(t *software.Terminal) (software.Result, error) {
		st, err := t.Status()
		if err != nil {
			return software.Result{}, err
		}
		for _, x := range st.Transactions {
			if x.RRN == ref && x.Kind == software.Sale {
				return t.Void(ctx, x.Trace)
			}
		}
		return software.Result{}, software.ErrNotFound
	})
}

// tillPatience is how long the till's terminal waits for an answer of the host.
const tillPatience = 20 * time.Second

// with switches the terminal on for one operation, and signs it on when it must be. What is
// pending is taken back once the operation has its end, and before the next one.
func (b beside) with(do func(*software.Terminal) (software.Result, error)) pos.Charged {
	t, err := software.Open(b.file, software.Options{Host: b.host, Plain: b.plain, Timeout: tillPatience})
	if err != nil {
		return pos.Charged{Said: said(err)}
	}
	defer func() { _ = t.Close() }()
	r, err := do(t)
	if err != nil {
		return pos.Charged{Said: said(err)}
	}
	return pos.Charged{Sent: true, Ref: r.RRN, Said: ecr.Said{ZH: r.Title.ZH, EN: r.Title.EN}}
}

// said is a problem of the terminal in both languages.
func said(err error) ecr.Said {
	var p *software.Problem
	if errors.As(err, &p) {
		return ecr.Said{ZH: p.ZH, EN: p.EN}
	}
	return ecr.Said{ZH: "刷卡终端出错了，没有扣款。", EN: "The card terminal failed. Nothing was charged."}
}

// seedMenu is what the seeded noodle shop sells.
func seedMenu(ctx context.Context, tx *store.Tx, m merchant.Merchant, now time.Time) error {
	for i, row := range []struct {
		zh, en, category, barcode string
		minor                     int64
	}{
		{"牛肉面", "Beef noodles", "面", "", 2800}, {"葱油拌面", "Scallion oil noodles", "面", "", 1600}, {"大排面", "Pork chop noodles", "面", "", 2400}, {"素浇面", "Vegetable noodles", "面", "", 1800},
		{"卤蛋", "Braised egg", "小吃", "", 300}, {"酱萝卜", "Pickled radish", "小吃", "", 500}, {"小笼 6 只", "Six soup dumplings", "小吃", "", 1800},
		{"豆浆", "Soy milk", "饮料", "", 400}, {"汽水", "Soda", "饮料", "6901234567892", 500},
	} {
		if _, err := shop.Add(ctx, tx, shop.Item{Merchant: m.ID, NameZH: row.zh, NameEN: row.en, Category: row.category, Barcode: row.barcode, Price: money.New(row.minor, m.Currency), Place: i}, now); err != nil {
			return fmt.Errorf("menu: %w", err)
		}
	}
	return nil
}
