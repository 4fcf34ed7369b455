package iso

import (
	"net"
	"slices"
	"sync"
	"testing"

	"hawker/internal/iso8583"
	"hawker/internal/store/storetest"
)

// TestASaleCutAnywhereIsNone ends the connection after every byte of a good sale.
func TestASaleCutAnywhereIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("zh-CN")
	sale := d.frame(d.sale(1_00))
	for at := range sale {
		if raw := d.lonely(sale[:at]); raw != nil {
			t.Errorf("cut after %d bytes it is answered %s", at, d.read(raw).code())
		}
	}
	d.stillServed(t, sale)
}

// TestASaleWithAnyBitFlippedIsAtMostItself flips every bit of a good sale. Beyond the
// MAC's cover, in TPDU and header, it may stay the sale that it is.
func TestASaleWithAnyBitFlippedIsAtMostItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), func(c *Config) { c.MaxConns = 1 << 20 })
	d := w.device("zh-CN")
	sale := d.frame(d.sale(1_00))
	bits := make(chan int)
	var flippers sync.WaitGroup
	for range 8 {
		flippers.Go(func() {
			for bit := range bits {
				d.flipped(t, sale, bit)
			}
		})
	}
	for bit := range 8 * len(sale) {
		bits <- bit
	}
	close(bits)
	flippers.Wait()
	d.stillServed(t, sale)
}

func (d *device) flipped(t *testing.T, sale []byte, bit int) {
	bad := slices.Clone(sale)
	bad[bit/8] ^= 0x80 >> (bit % 8)
	raw := d.lonely(bad)
	if raw == nil {
		return
	}
	f, m := unproven(t, raw) // the answer to a stranger has another MAC or none
	switch inBody := bit/8 >= bodyAt; {
	case inBody && m.Text(39) == "00":
		t.Errorf("approved with bit %d of byte %d flipped: %v", bit%8, bit/8, m)
	case !inBody && (m.Text(39) != "00" || f.Header.ProcessingRequest() != iso8583.NothingToDo):
		t.Errorf("with bit %d of byte %d flipped, outside the message, the answer is %s with header %s", bit%8, bit/8, m.Text(39), f.Header)
	}
}

// lonely sends bytes on a connection of their own and ends it; nil when there is no answer.
func (d *device) lonely(bytes []byte) []byte {
	c := d.w.dial().(*net.TCPConn)
	defer func() { _ = c.Close() }()
	if _, err := c.Write(bytes); err != nil {
		return nil
	}
	_ = c.CloseWrite()
	raw, err := readRaw(c)
	if err != nil {
		return nil
	}
	return raw
}

// stillServed lets the sale be made as it was meant: that is all there is.
func (d *device) stillServed(t *testing.T, sale []byte) {
	t.Helper()
	if a := d.exchange(sale); a.code() != "00" {
		t.Errorf("the good sale is answered %s %s", a.code(), a.says())
	}
	if e := d.w.effect(d.shop); e != (effect{1_00, 1_00}) {
		t.Errorf("one sale of 1.00 came to %+v", e)
	}
}
