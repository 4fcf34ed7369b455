package iso

import (
	"testing"

	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// TestWhatCannotBeWrittenDownIsNoRefusal: a sale that found the database away may come
// again when it is back, from a line that doubled it, and is taken then. A terminal that
// had been told "nothing was charged" would never take it back.
func TestWhatCannotBeWrittenDownIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("zh-CN")
	sold := d.take(10_00)
	away := func(statement string) {
		t.Helper()
		if err := w.db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), statement); return err }); err != nil {
			t.Fatal(err)
		}
	}
	for name, m := range map[string]message{"a sale": d.sale(1_00), "a refund": d.refund(sold, 2_00)} {
		frame := d.frame(m)
		away("ALTER TABLE attempts RENAME TO away")
		if a := d.exchange(frame); a.code() != "98" {
			t.Errorf("%s that cannot be written down is answered %s %s", name, a.code(), a.says())
		}
		if a := d.ask(d.inquiry()); a.code() != "00" {
			t.Errorf("a balance inquiry is answered %s %s", a.code(), a.says())
		}
		away("ALTER TABLE away RENAME TO attempts")
		if a := d.exchange(frame); a.code() != "00" {
			t.Errorf("%s again is answered %s %s", name, a.code(), a.says())
		}
	}
	if e := w.effect(d.shop); e != (effect{9_00, 9_00}) {
		t.Errorf("10.00 and 1.00 less 2.00 came to %+v", e)
	}
}
