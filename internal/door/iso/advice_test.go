package iso

import (
	"testing"

	"hawker/internal/store/storetest"
)

// TestAdvices plays what terminals conclude by themselves, and settles it.
func TestAdvices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for name, play := range map[string]func(d *device){
		"tips up to their share, then the void of everything": func(d *device) {
			sale := d.take(100_00)
			tip := d.more("34", sale, 15_00)
			d.must(tip)
			d.must(tip) // again: no second effect
			d.expect("61", d.more("34", sale, 5_01))
			d.expect("13", d.void(sale))
			d.must(d.void(sale).set(4, "000000011500"))
			d.totals("1", d.settle(115_00, 2, 115_00, 1), 115_00, 2, 115_00, 1)
		},
		"an adjustment leaves something": func(d *device) {
			sale := d.take(100_00)
			d.must(d.more("32", sale, 99_99))
			d.expect("13", d.more("32", sale, 1))
			d.totals("1", d.settle(100_00, 1, 99_99, 1), 100_00, 1, 99_99, 1)
			d.expect("12", d.more("34", sale, 1))
		},
		"an offline settlement under the floor": func(d *device) {
			m := d.offline(50_00)
			a := d.must(m)
			d.expect("61", d.offline(50_01))
			d.expect("30", d.pin(d.offline(1_00), "credit").set(22, "021"))
			d.must(d.more("34", done{m, a}, 10_00))
			d.totals("1", d.settle(60_00, 2, 0, 0), 60_00, 2, 0, 0)
		},
		"no 0400 follows any of them": func(d *device) {
			sale := d.take(100_00)
			tip, less, off := d.more("34", sale, 1_00), d.more("32", sale, 2_00), d.offline(3_00)
			d.must(tip)
			d.must(less)
			d.must(off)
			for _, m := range []message{tip, less, off} {
				d.expect("12", d.reversal(m, "98"))
			}
			d.expect("12", d.reversal(sale.message, "98")) // what was tipped had an answer
			d.totals("1", d.settle(104_00, 3, 2_00, 1), 104_00, 3, 2_00, 1)
		},
		"a tip of what is no sale is refused": func(d *device) {
			sale := d.take(100_00)
			void := d.void(sale)
			a := d.must(void)
			d.expect("25", d.more("34", done{void, a}, 1_00))
			d.expect("12", d.more("34", sale, 1_00))
		},
	} {
		t.Run(name, func(*testing.T) { play(w.device("zh-CN")) })
	}
}
