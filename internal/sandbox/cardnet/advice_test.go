package cardnet

import "testing"

// offline is a sale that the acquirer says is concluded.
func (a *acquirer) offline(cardName string, fen int64, changes ...change) exchange {
	return a.ask(a.saleOf(cardName, fen, append([]change{mti("0220")}, changes...)...))
}

// changed is a tip or an adjustment of x.
func (a *acquirer) changed(x exchange, processing string, fen int64) exchange {
	return a.ask(a.followUp(x, "0220", processing, fen, nil))
}

const (
	tips    = "020000"
	adjusts = "220000"
)

func TestAdvices(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(a *acquirer){
		"a tip is booked, and the void takes it too": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("00", a.changed(x, tips, 15_00))
			a.wantBooks("49885.00", "115.00")
			a.want("13", a.ask(a.followUp(x, "0200", "200000", 100_00, nil)))
			a.want("00", a.ask(a.followUp(x, "0200", "200000", 115_00, nil)))
			a.wantBooks("50000.00", "0.00")
			a.want("12", a.changed(x, tips, 1))
		},
		"an adjustment leaves something, and bounds refunds": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("13", a.changed(x, adjusts, 100_00))
			a.want("00", a.changed(x, adjusts, 40_00))
			a.want("13", a.ask(a.followUp(x, "0220", "200000", 60_01, nil)))
			a.want("00", a.ask(a.followUp(x, "0220", "200000", 60_00, nil)))
			a.wantBooks("50000.00", "0.00")
			a.want("12", a.changed(x, adjusts, 1))
		},
		"what was tipped has no reversal": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			tip := a.want("00", a.changed(x, tips, 1_00))
			a.want("12", a.ask(a.reversalOf(x)))
			a.want("12", a.ask(a.reversalOf(tip, set(3, "000000"))))
			a.wantBooks("49899.00", "101.00")
		},
		"a tip over the funds is declined": func(a *acquirer) {
			x := a.want("00", a.ask(a.saleOf("test-low-funds", 1_00, a.pin("123456"))))
			a.want("51", a.changed(x, tips, 1_000_00))
		},
		"an offline sale needs no PIN, but funds": func(a *acquirer) {
			x := a.want("00", a.offline("test-debit", 20_00))
			a.want("00", a.changed(x, tips, 2_00))
			a.want("00", a.ask(a.followUp(x, "0200", "200000", 22_00, nil)))
			a.want("51", a.offline("test-low-funds", 1_000_00))
			a.want("54", a.offline("test-expired", 1_00))
		},
		"a tip of nothing that stands": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			void := a.want("00", a.ask(a.followUp(x, "0200", "200000", 100_00, nil)))
			a.want("25", a.changed(void, tips, 1_00))
			a.want("12", a.changed(x, tips, 1_00))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAcquirer(t)
			test(a)
			if err := a.n.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
