package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hawker/internal/cases"
	"hawker/internal/custody"
	"hawker/internal/download"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/pos"
	"hawker/internal/sandbox/wallet"
	"hawker/internal/store"
)

// terminalStory is what a terminal can do beside the main job, from its first
// sign-on to its end.
var terminalStory = []step{
	{"签到 Sign-on: the terminal gets its working keys", func(d *demo) error {
		return d.expect(pos.Accepted)(d.terminal.SignOn(d.ctx))
	}},
	{"下载参数 The institution publishes parameters, keys and lists; the terminal is told, or asks, and fetches them", func(d *demo) error {
		if err := d.publish(storyLists); err != nil {
			return err
		}
		ask := d.terminal.Echo
		if status, err := d.terminal.Status(); err != nil {
			return err
		} else if p, ok := iso8583.ByName(status.Profile); ok && p.Header < 6 {
			ask = d.terminal.Fetch // its header has no digit to tell it
		}
		r, err := ask(d.ctx)
		if err := d.expect(pos.Accepted)(r, err); err != nil {
			return err
		}
		for _, name := range []string{"parameters", "CA public keys", "AIDs", "contactless parameters", "blacklist", "BIN table B"} {
			if !slices.ContainsFunc(r.Notes, func(n pos.Words) bool { return n.EN == "Fetched "+name }) {
				return fmt.Errorf("the terminal did not fetch %s", name)
			}
		}
		return nil
	}},
	{"黑名单 A card whose beginning is on the blacklist: the terminal refuses it, and nothing is sent", func(d *demo) error {
		_, err := d.sale("5.00", "test-low-funds", "123456")
		if !errors.Is(err, pos.ErrListed) {
			return fmt.Errorf("it is not refused: %w", err)
		}
		d.say("   %s  %s\n", pos.ErrListed.ZH, pos.ErrListed.EN)
		return nil
	}},
	{"预授权 500.00 is held on a card", func(d *demo) error {
		p, err := present("test-credit", "123456")
		if err != nil {
			return err
		}
		d.first, err = d.terminal.Preauth(d.ctx, yuan(500_00), p)
		return d.expectSlips(d.first, err)
	}},
	{"预授权完成 480.00 of it is taken, the rest is free again", func(d *demo) error {
		p, err := present("test-credit", "123456")
		if err != nil {
			return err
		}
		return d.expect(pos.Approved)(d.terminal.Complete(d.ctx, pos.Original{Trace: d.first.Trace}, yuan(480_00), p))
	}},
	{"插卡 Sale of 100.00 by chip: card and bank prove themselves to each other", func(d *demo) (err error) {
		d.second, err = d.saleBy(pos.Chip, "100.00", "test-chip", "123456")
		return d.expectSlips(d.second, err)
	}},
	{"挥卡 Sale of 20.00, contactless: neither PIN nor signature", func(d *demo) error {
		return d.expectSlips(d.saleBy(pos.Contactless, "20.00", "test-chip", ""))
	}},
	{"电子现金 6.00 out of the purse in a chip, which approves it by itself; 94.01 is more than is left, and is refused", func(d *demo) error {
		p, err := present("test-purse", "")
		if err != nil {
			return err
		}
		p.Entry = pos.Contactless
		if err := d.expectSlips(d.terminal.CashSale(d.ctx, yuan(6_00), p)); err != nil {
			return err
		}
		if _, err := d.terminal.CashSale(d.ctx, yuan(94_01), p); !errors.Is(err, pos.ErrPurse) {
			return fmt.Errorf("it is not refused: %w", err)
		}
		d.say("   %s  %s\n", pos.ErrPurse.ZH, pos.ErrPurse.EN)
		return nil
	}},
	{"收款码 The terminal shows a code of WeChat Pay over 8.00; the customer scans it, and the terminal asks what became of it", func(d *demo) error {
		code, err := d.terminal.Show(d.ctx, yuan(8_00), pos.WeChat)
		if err := d.expect(pos.Waiting)(code, err); err != nil {
			return err
		}
		d.say("   the symbol shows %s\n", code.Link)
		o, err := d.server.Wallets.Scan(code.Link)
		if err != nil {
			return err
		}
		if _, err := d.server.Wallets.Confirm(wallet.WeChat, o.Merchant, o.Order); err != nil {
			return err
		}
		return d.expectSlips(d.terminal.Ask(d.ctx, code.Trace, 3))
	}},
	{"电子签名 Sale of 60.00 by stripe without a PIN: the cardholder signs on the screen, and the host keeps it", func(d *demo) error {
		r, err := d.sale("60.00", "test-credit", "")
		if err := d.expect(pos.Approved)(r, err); err != nil {
			return err
		}
		if err := d.unsigned(1); err != nil {
			return err
		}
		if err := d.expect(pos.Accepted)(d.terminal.Sign(d.ctx, r.Trace, pos.Draw("Wang Fang", 128, 48))); err != nil {
			return err
		}
		if err := d.unsigned(0); err != nil {
			return err
		}
		if r, err = d.terminal.Reprint(r.Trace); err != nil {
			return err
		}
		d.slips(r)
		return nil
	}},
	{"小费 A tip of 15.00 for the sale of 100.00", func(d *demo) error {
		return d.expectSlips(d.terminal.Tip(d.ctx, d.second.Trace, yuan(15_00)))
	}},
	{"小费过多 Another of 10.00 would be more than a fifth of the sale: refused", func(d *demo) error {
		return d.expect(pos.Declined)(d.terminal.Tip(d.ctx, d.second.Trace, yuan(10_00)))
	}},
	{"结算调整 The sale and its tip are lowered to 110.00", func(d *demo) error {
		return d.expect(pos.Approved)(d.terminal.Adjust(d.ctx, d.second.Trace, yuan(110_00)))
	}},
	{"离线收款 An offline sale of 5.00 is over the floor limit, which is nothing: refused", func(d *demo) error {
		p, err := present("test-credit", "")
		if err != nil {
			return err
		}
		return d.expect(pos.Declined)(d.terminal.OfflineSale(d.ctx, yuan(5_00), p))
	}},
	{"结算 Batch settlement, with an upload of what the chips said", func(d *demo) error {
		r, err := d.terminal.SettleBatch(d.ctx)
		if err := d.expect(pos.Accepted)(r, err); err != nil {
			return err
		}
		if r.Settlement == nil || !r.Settlement.Balanced {
			return errors.New("terminal and host totals differ")
		}
		d.slips(r)
		return nil
	}},
	{"拆机 The terminal is opened: it says so and erases its keys, and the host destroys them too", func(d *demo) error {
		if err := d.expect(pos.Accepted)(d.terminal.Tamper(d.ctx, "case switch")); err != nil {
			return err
		}
		if _, err := d.sale("1.00", "test-credit", "123456"); !errors.Is(err, pos.ErrTampered) {
			return fmt.Errorf("it still sells: %w", err)
		}
		d.say("   %s  %s\n", pos.ErrTampered.ZH, pos.ErrTampered.EN)
		open, err := cases.List(d.ctx, d.server.DB.Read())
		if err != nil {
			return err
		}
		if len(open) != 1 || open[0].Kind != custody.TamperedCase {
			return fmt.Errorf("open cases: %v", open)
		}
		d.cases = 1
		d.say("   case for a person: %s %s, %s\n", open[0].Kind, open[0].Ref, open[0].Detail)
		return nil
	}},
}

// storyLists is what the story's institution has its terminals fetch. Both beginnings
// are of test cards.
const storyLists = `{
	"parameters": {"timeout_seconds": 45, "tip": true, "signature": true, "receipt_lines": ["谢谢惠顾，欢迎再来", "客服 400-000-0000"]},
	"ca_public_keys": [{"rid": "A000000999", "index": "01", "expiry": "20301231", "exponent": "03",
		"modulus": "` + storyModulus + `", "sha1": "FB7ADA2C9204BDBAE9AB22776D956F99FDC398CE"}],
	"aids": [{"aid": "A0000003330101", "objects": {"DF01": "00", "9F08": "0030", "9F1B": "00000000", "DF18": "01"}}],
	"contactless": [{"aid": "A0000003330101", "objects": {"DF19": "000000000000", "DF20": "000005000000", "DF21": "000000100000"}}],
	"blacklist": [{"prefix": "621700"}],
	"bins": [{"prefix": "622848", "length": 19, "kind": "debit"}]
}`

// storyModulus is of no network's key.
const storyModulus = "C182B70EEE7F1A5039BEF07EC2347F066ED08F5DC7512447E3404300026B6E545594A065685D64C4980BB8D4544A8721A99A01AD219EB59CF6A15EF6F15A1D83" +
	"0BB7CE09D6BBC004E7175C643C7DECB0B580EC37BC9712DD2E6AAEB94BAE8D2F9FA29C5A284C9EF7521829CF1079B080E9D74A1C10FCAB6A4243D33656DEBE0B"

// publish stores lists as an institution's operator does.
func (d *demo) publish(file string) error {
	lists, err := download.Read(strings.NewReader(file))
	if err != nil {
		return err
	}
	return d.server.DB.Write(d.ctx, func(tx *store.Tx) error {
		for kind, rows := range lists {
			if _, _, err := download.Put(d.ctx, tx, download.Institution, kind, rows, d.server.Config.Clock); err != nil {
				return err
			}
		}
		return nil
	})
}

// unsigned wants the host to miss so many signatures.
func (d *demo) unsigned(want int) error {
	list, err := Unsigned(d.ctx, d.server.DB.Read(), time.Time{})
	if err != nil {
		return err
	}
	if len(list) != want {
		return fmt.Errorf("the host misses %d signatures, not %d", len(list), want)
	}
	d.say("   %s\n", map[bool]string{true: "主机还缺一个签名  The host misses a signature", false: "主机已收到签名  The host has the signature"}[want > 0])
	return nil
}

func yuan(fen int64) money.Amount { return money.New(fen, money.CNY) }

// expectSlips wants an approval and prints its slip in both languages.
func (d *demo) expectSlips(r pos.Result, err error) error {
	if err := d.expect(pos.Approved)(r, err); err != nil {
		return err
	}
	d.slips(r)
	return nil
}

// slips prints a slip in both languages.
func (d *demo) slips(r pos.Result) {
	d.slipIn(r, pos.Chinese)
	d.slipIn(r, pos.English)
}
