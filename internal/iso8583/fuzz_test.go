package iso8583

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func FuzzFrame(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.frame(), s.profile.TPDU)
	}
	f.Fuzz(func(t *testing.T, b []byte, pos bool) {
		p := profileFor(pos)
		frame, err := p.ParseFrame(b)
		read, readErr := p.ReadFrame(bytes.NewReader(b))
		if err != nil {
			formatError(t, err)
			return
		}
		if readErr != nil || !bytes.Equal(read.Body, frame.Body) {
			t.Fatalf("ReadFrame and ParseFrame differ: %v", readErr)
		}
		if again, err := p.AppendFrame(nil, frame); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("written again: %x, %v", again, err)
		}
	})
}

func FuzzMessage(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.body(), s.profile.TPDU)
	}
	f.Fuzz(func(t *testing.T, b []byte, pos bool) {
		p := profileFor(pos)
		if err := sameAgain(p, b); err != nil {
			t.Fatal(err)
		}
		p.MACRange(b)
		if m, err := p.Unpack(b); err == nil {
			_ = m.String()
		}
	})
}

func FuzzExplain(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.frame(), s.profile.TPDU)
		f.Add(s.body(), s.profile.TPDU)
	}
	f.Fuzz(func(t *testing.T, b []byte, pos bool) {
		e := profileFor(pos).Explain(b)
		if e.Err == nil && len(e.Rows) < 2 {
			t.Fatalf("%d rows and no error", len(e.Rows))
		}
		if e.Err != nil && (e.Err.Offset < 0 || e.Err.Offset > len(b)) {
			t.Fatalf("offset %d of %d bytes", e.Err.Offset, len(b))
		}
		if _, err := e.WriteTo(io.Discard); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzTLV fuzzes the inside of field 55: every part lies where its row says.
func FuzzTLV(f *testing.F) {
	f.Add(unhex(testEMV))
	f.Add(unhex("9F2688FFFFFFFFFFFFFFFF0000"))
	f.Add(unhex("7106860431323334"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, ok := readTLV(b, 0)
		if !ok {
			return
		}
		end := 0
		for _, e := range list {
			if len(bytes.Trim(b[end:e.at], "\x00")) > 0 || !bytes.Equal(b[e.from:e.from+len(e.value)], e.value) {
				t.Fatalf("%s lies at %d, its value at %d", e.tag, e.at, e.from)
			}
			end = e.from + len(e.value)
		}
		if len(bytes.Trim(b[end:], "\x00")) > 0 {
			t.Fatal("bytes are left over")
		}
		tagRows(list, nil)
	})
}

func FuzzField59(f *testing.F) {
	for _, s := range []string{sample59, "A2", "A2099", "A3019", "A2005010021", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if rows, err := rows59(b, 0, tags59); err != nil {
			var bad *FormatError
			if !errors.As(err, &bad) || bad.Offset < 0 || bad.Offset > len(b) {
				t.Fatal(err)
			}
		} else if len(b) > 0 && len(rows) == 0 {
			t.Fatal("no rows")
		}
	})
}

func FuzzTaggedKeys(f *testing.F) {
	f.Add(strings.Repeat("01"+strings.Repeat("AB", 24), 3))
	f.Add("01" + strings.Repeat("AB", 24) + "02" + strings.Repeat("CD", 24) + "03" + strings.Repeat("EF", 24))
	f.Fuzz(func(t *testing.T, s string) {
		for _, layout := range PSP.SignOn {
			k, err := PSP.ParseKeyBlock(layout, []byte(s))
			if err != nil {
				continue
			}
			if again := must(PSP.BuildKeyBlock(layout, k)); !strings.EqualFold(string(again), s) {
				t.Fatalf("%s came back", again)
			}
		}
	})
}

// FuzzDialects holds that what one dialect reads, it writes again; and that nothing makes them panic.
func FuzzDialects(f *testing.F) {
	for _, s := range terminalSamples() {
		f.Add(s.frame())
	}
	for _, p := range Terminals() {
		f.Add(frameOf(p, New("0820").Set(11, "000001").Set(41, "T0000001").Set(42, "100290058120001").Set(60, "00000001301")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		Explain(raw)
		readings, framed, err := Terminals().Open(raw)
		if len(readings) > 0 != (err == nil) || err == nil && !framed {
			t.Fatal(len(readings), framed, err)
		}
		for _, r := range readings {
			if again, err := r.Profile.AppendFrame(nil, r.Frame); err != nil || !bytes.Equal(again, raw) {
				t.Fatalf("%s: %x, %v", r.Profile.Name, again, err)
			}
		}
	})
}

func FuzzField60(f *testing.F) {
	seed(f, "00000007201", "220000070006", "2200000700062", "22000007000621001", "", "22X")
	fuzzText(f, func(s string) (builder, error) { return ParseField60(s) })
}

func FuzzField61(f *testing.F) {
	seed(f, "0000070001010000", "00000700010111070", "00000700010100001234567890123", "", "0000070001011")
	fuzzText(f, func(s string) (builder, error) { return ParseField61(s) })
}

func FuzzTotals48(f *testing.F) {
	for _, s := range terminalSamples() {
		f.Add(s.message.Text(48))
	}
	fuzzText(f, func(s string) (builder, error) { return ParseTotals48(s) })
}

func FuzzDetails48(f *testing.F) {
	for _, s := range terminalSamples() {
		f.Add(s.message.Text(48))
	}
	fuzzText(f, func(s string) (builder, error) { return ParseDetails48(s) })
}

func FuzzBalance54(f *testing.F) {
	seed(f, "0002156C000000012300", "0001156D000000012300"+"0002156C000000000000", "", "0002156X000000012300")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseBalance54(s)
		if err != nil {
			formatError(t, err)
			return
		}
		// A debit of zero is written as a credit: compare what is read, not the text.
		again, err := ParseBalance54(must(b.Build()))
		if err != nil || len(again) != len(b) {
			t.Fatalf("read again: %v, %v", again, err)
		}
		for i := range b {
			if again[i] != b[i] {
				t.Fatalf("read again: %v, want %v", again, b)
			}
		}
	})
}

// FuzzKeyBlock fuzzes the body of field 62.
func FuzzKeyBlock(f *testing.F) {
	f.Add("003", must(testKeys(false).Build(LayoutDouble)))
	f.Add("004", must(testKeys(true).Build(LayoutTrack)))
	f.Add("001", make([]byte, 24))
	f.Add("000", []byte{})
	f.Fuzz(func(t *testing.T, layout string, b []byte) {
		k, err := ParseKeyBlock(Layout(layout), b)
		if err != nil {
			formatError(t, err)
			return
		}
		if again, err := k.Build(Layout(layout)); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("built again: %x, %v", again, err)
		}
	})
}

type builder interface{ Build() (string, error) }

// fuzzText holds that a body either fails with a FormatError or builds to the same text.
func fuzzText(f *testing.F, parse func(string) (builder, error)) {
	f.Fuzz(func(t *testing.T, s string) {
		body, err := parse(s)
		if err != nil {
			formatError(t, err)
			return
		}
		if again, err := body.Build(); err != nil || again != s {
			t.Fatalf("built again: %q, %v", again, err)
		}
	})
}

func seed(f *testing.F, texts ...string) {
	for _, s := range texts {
		f.Add(s)
	}
}

func formatError(t *testing.T, err error) {
	t.Helper()
	var bad *FormatError
	if !errors.As(err, &bad) || bad.Offset < 0 || bad.Expected == "" || bad.Got == "" {
		t.Fatalf("not a FormatError: %#v", err)
	}
}

func profileFor(pos bool) *Profile {
	if pos {
		return UnionPayPOS
	}
	return CardNetwork
}
