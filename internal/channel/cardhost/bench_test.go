package cardhost

import (
	"testing"

	"hawker/internal/channel"
)

// BenchmarkDo is a sale with PIN through a network that answers at once.
func BenchmarkDo(b *testing.B) {
	w := newWorld(b, nil, atNoon)
	defer w.Close()
	b.ReportAllocs()
	for b.Loop() {
		if o := w.host.Do(b.Context(), w.sale(1)); o.Result != channel.Approved {
			b.Fatalf("%+v", o)
		}
	}
}
