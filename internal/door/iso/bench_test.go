package iso

import (
	"sync/atomic"
	"testing"

	"hawker/internal/store/storetest"
)

// BenchmarkSale is a sale with PIN from one terminal, over loopback, with a bank that answers at once.
func BenchmarkSale(b *testing.B) {
	d := newWorld(b, storetest.SQLite(b)).device("en")
	b.ReportAllocs()
	for b.Loop() {
		d.take(1)
	}
}

// BenchmarkSales is the same from 64 terminals of 64 shops at once.
func BenchmarkSales(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	devices := make([]*device, 64)
	for i := range devices {
		devices[i] = w.device("en")
	}
	var next atomic.Int32
	b.SetParallelism(len(devices) / 2)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		d := devices[int(next.Add(1)-1)%len(devices)]
		for p.Next() {
			d.take(1)
		}
	})
}
