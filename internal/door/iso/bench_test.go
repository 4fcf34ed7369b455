package iso

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/payment"
	"hawker/internal/store/storetest"
)

// BenchmarkProve is what a sale with a chip costs before its handler runs: frame,
// fields, merchant and terminal (remembered), MAC, values and its row.
func BenchmarkProve(b *testing.B) {
	d := newWorld(b, storetest.SQLite(b), func(c *Config) { c.Remember = time.Hour }).device("en")
	s, raw := d.w.server, d.frame(d.chip(1))
	b.ReportAllocs()
	for b.Loop() {
		raw, err := s.dialects.ReadFrame(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		readings, _, err := s.open(raw)
		if err != nil {
			b.Fatal(err)
		}
		r := s.choose(b.Context(), readings)
		c := &call{profile: r.Profile, message: r.Message, reply: iso8583.New(answerMTI(r.Message.MTI))}
		if row, proven, err := s.prove(b.Context(), c, r.Frame.Body); err != nil || !proven || row.name != "sale" {
			b.Fatal(row, proven, err)
		}
	}
}

// BenchmarkReply is what its approved answer costs behind the handler: fields, MAC and frame.
func BenchmarkReply(b *testing.B) {
	d := newWorld(b, storetest.SQLite(b), func(c *Config) { c.Remember = time.Hour }).device("en")
	s := d.w.server
	readings, _, err := s.open(d.frame(d.chip(1)))
	if err != nil {
		b.Fatal(err)
	}
	p, frame, m := readings[0].Profile, readings[0].Frame, readings[0].Message
	proof := &call{profile: p, message: m, reply: iso8583.New(answerMTI(m.MTI))}
	if _, _, err := s.prove(b.Context(), proof, frame.Body); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c := &call{profile: p, message: m, merchant: proof.merchant, terminal: proof.terminal, reply: iso8583.New(answerMTI(m.MTI))}
		s.stamp(c, payment.Attempt{ID: 1, State: payment.Approved, Created: noon, AuthCode: "123456", Issuer: "48021000"})
		s.finish(c, codeApproved, nil)
		packed, err := s.pack(b.Context(), c, true)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.AppendFrame(nil, iso8583.Frame{TPDU: frame.TPDU.Swap(), Header: frame.Header, Body: packed}); err != nil {
			b.Fatal(err)
		}
	}
}

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
