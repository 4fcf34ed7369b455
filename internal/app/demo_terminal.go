package app

import (
	"errors"
	"fmt"

	"hawker/internal/cases"
	"hawker/internal/custody"
	"hawker/internal/money"
	"hawker/internal/sandbox/pos"
)

// terminalStory is what a terminal can do beside the main job, from its first
// sign-on to its end.
var terminalStory = []step{
	{"签到 Sign-on: the terminal gets its working keys", func(d *demo) error {
		return d.expect(pos.Accepted)(d.terminal.SignOn(d.ctx))
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
