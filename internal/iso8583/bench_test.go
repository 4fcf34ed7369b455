package iso8583

import (
	"slices"
	"testing"
)

// BenchmarkPack0200 packs a sale with track, PIN block and a place for the MAC.
func BenchmarkPack0200(b *testing.B) {
	s := saleSample()
	m := Message{MTI: s.message.MTI, fields: slices.Clone(s.message.fields)}
	m.Set(64, "00000000")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.profile.Pack(&m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnpack0200 reads the same sale and checks its values.
func BenchmarkUnpack0200(b *testing.B) {
	s := saleSample()
	body := s.body()
	b.ReportAllocs()
	for b.Loop() {
		m, err := s.profile.Unpack(body)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.profile.Validate(m); err != nil {
			b.Fatal(err)
		}
	}
}

func saleSample() sample {
	for _, s := range samples() {
		if s.file == "pos-sale-swipe-pin" {
			return s
		}
	}
	panic("no sale among the samples")
}
