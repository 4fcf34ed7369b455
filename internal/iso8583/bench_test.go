package iso8583

import "testing"

// fullSale is a terminal's largest request: track 2, PIN block, EMV data and MAC.
func fullSale() *Message {
	return terminal("0200", "22", "000").Set(2, testPAN).Set(3, "000000").Set(4, "000000012300").Set(11, "000102").
		Set(14, "3012").Set(22, "051").Set(23, "001").Set(25, "00").Set(26, "12").Set(35, testTrack).Set(49, "156").
		SetBytes(52, unhex("F1E2D3C4B5A69788")).Set(53, "2600000000000000").SetBytes(55, unhex(testEMV)).Set(64, "00000000")
}

// BenchmarkPack0200 packs it with our codec, and with the library as it was driven before.
func BenchmarkPack0200(b *testing.B) {
	m, l := fullSale(), libraryOf(UnionPayPOS, false)
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := UnionPayPOS.Pack(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := UnionPayPOS.Validate(m); err != nil {
				b.Fatal(err)
			}
			if _, err := l.pack(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkUnpack0200 reads the same request and checks its values.
func BenchmarkUnpack0200(b *testing.B) {
	body, l := must(UnionPayPOS.Pack(fullSale())), libraryOf(UnionPayPOS, false)
	read := func(b *testing.B, unpack func([]byte) (*Message, error)) {
		b.ReportAllocs()
		for b.Loop() {
			m, err := unpack(body)
			if err != nil {
				b.Fatal(err)
			}
			if err := UnionPayPOS.Validate(m); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("own", func(b *testing.B) { read(b, UnionPayPOS.Unpack) })
	b.Run("library", func(b *testing.B) { read(b, l.unpack) })
}
