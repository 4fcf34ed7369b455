package iso8583

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// frameOf is a message in a dialect's frame.
func frameOf(p *Profile, m *Message) []byte {
	f := Frame{Header: p.Version, Body: must(p.Pack(m))}
	if p.TPDU {
		f.TPDU = TPDU{Dest: "0003", Source: "0000"}
	}
	return must(p.AppendFrame(nil, f))
}

// TestTerminalsAreSound holds what host and terminal take for granted of a dialect of terminals.
func TestTerminalsAreSound(t *testing.T) {
	t.Parallel()
	if len(Terminals()) != len(profiles)-1 {
		t.Errorf("%d dialects of terminals", len(Terminals()))
	}
	for _, p := range Terminals() {
		if len(p.Version) != 2*p.Header || p.MAC.Field != 64 || len(p.SignOn) == 0 || len(p.Organisation) != 3 {
			t.Errorf("%s is incomplete", p.Name)
		}
		if p.Protection.Derived() != (p.KeyBlock == "") || p.Protection.Derived() != (p.MAC.Algorithm == "") {
			t.Errorf("%s has two minds about its keys", p.Name)
		}
		if p.Protection.Derived() && (p.Fields[SerialNumber].Name == "" || p.Fields[EncipheredTrack].Name == "" || p.Fields[35].Name != "") {
			t.Errorf("%s must have fields %d and %d, and no clear track", p.Name, SerialNumber, EncipheredTrack)
		}
		theirs := map[string]bool{}
		for ours, code := range p.Codes {
			if _, known := CodeText(ours); !known || len(code) != 2 || theirs[code] || p.OurCode(p.Code(ours)) != ours {
				t.Errorf("%s: code %s is %s", p.Name, ours, code)
			}
			theirs[code] = true
		}
		if p.Code("00") != "00" || p.OurCode("51") != "51" {
			t.Errorf("%s renames codes that it has not", p.Name)
		}
		for label := range p.Words {
			if !strings.Contains(label, ".") {
				t.Errorf("%s has words for %q", p.Name, label)
			}
		}
	}
}

func sizedKeys(tak, kcv int) KeyBlock {
	key := func(size int, fill byte) WrappedKey {
		return WrappedKey{Cipher: bytes.Repeat([]byte{fill}, size), KCV: bytes.Repeat([]byte{fill}, kcv)}
	}
	return KeyBlock{TPK: key(16, 1), TAK: key(tak, 2), TDK: key(16, 3)}
}

// TestKeyBlocksComeBack builds and parses every layout that each dialect knows.
func TestKeyBlocksComeBack(t *testing.T) {
	t.Parallel()
	for _, p := range []*Profile{UnionPayPOS, PSP} {
		for _, layout := range []Layout{LayoutDouble, LayoutTrack} {
			k := sizedKeys(p.KeyBlock.KeySizes())
			if layout == LayoutDouble {
				k.TDK = WrappedKey{}
			}
			b := must(p.BuildKeyBlock(layout, k))
			back := must(p.ParseKeyBlock(layout, b))
			if again := must(p.BuildKeyBlock(layout, back)); !bytes.Equal(b, again) || !bytes.Equal(back.TAK.Cipher, k.TAK.Cipher) {
				t.Errorf("%s, %s: %x came back as %x", p.Name, layout, b, again)
			}
		}
	}
}

func TestTaggedKeysThatAreNone(t *testing.T) {
	t.Parallel()
	good := must(PSP.BuildKeyBlock(LayoutTrack, sizedKeys(PSP.KeyBlock.KeySizes())))
	if text := string(good); len(text) != 150 || text[:34] != "01"+strings.Repeat("02", 16) || text[50:52] != "02" || text[100:102] != "03" {
		t.Errorf("tagged keys are %s", text)
	}
	changed := func(at int, c byte) []byte {
		b := bytes.Clone(good)
		b[at] = c
		return b
	}
	for name, row := range map[string]struct {
		layout Layout
		b      []byte
		want   FormatError
	}{
		"a character short":   {LayoutTrack, good[:149], FormatError{62, 0, "150 bytes", "149 bytes"}},
		"another layout":      {LayoutDouble, good, FormatError{62, 0, "100 bytes", "150 bytes"}},
		"an unknown layout":   {LayoutSingle, good, FormatError{62, 0, "key block layout 001, 003 or 004", `"001"`}},
		"a wrong tag":         {LayoutTrack, changed(51, '9'), FormatError{62, 50, "tag 02 of the TPK", "another"}},
		"no hexadecimal text": {LayoutTrack, changed(120, 'x'), FormatError{62, 102, "hexadecimal digits of the TDK", "other characters"}},
	} {
		t.Run(name, func(t *testing.T) {
			var bad *FormatError
			if _, err := PSP.ParseKeyBlock(row.layout, row.b); !errors.As(err, &bad) || *bad != row.want {
				t.Errorf("%v, want %v", err, &row.want)
			}
		})
	}
	short := sizedKeys(8, 4)
	if _, err := PSP.BuildKeyBlock(LayoutTrack, short); err == nil {
		t.Error("keys of another form are built")
	}
	if _, err := PSP.BuildKeyBlock(LayoutSingle, short); err == nil {
		t.Error("an unknown layout is built")
	}
	if _, err := DUKPT.BuildKeyBlock(LayoutNone, short); err == nil {
		t.Error("derived keys are sent")
	}
	if _, err := DUKPT.ParseKeyBlock(LayoutNone, nil); err == nil {
		t.Error("derived keys are taken")
	}
}

// TestDialectsAreToldApart writes one echo in each dialect; no other must read it.
func TestDialectsAreToldApart(t *testing.T) {
	t.Parallel()
	for _, p := range Terminals() {
		m := New("0820").Set(11, "000001").Set(41, "T0000001").Set(42, "100290058120001").Set(60, "00000001301")
		if p.Protection.Derived() {
			m.SetBytes(SerialNumber, make([]byte, p.Fields[SerialNumber].Length))
		}
		raw := frameOf(p, m)
		readings, framed, err := Terminals().Open(must(Terminals().ReadFrame(bytes.NewReader(raw))))
		if err != nil || !framed || len(readings) != 1 || readings[0].Profile != p || !readings[0].Message.Equal(m) {
			t.Errorf("%s is read in %d ways, %v", p.Name, len(readings), err)
		}
		if e := Explain(raw); e.Err != nil || e.Profile != p.Name {
			t.Errorf("%s is explained as %s, %v", p.Name, e.Profile, e.Err)
		}
	}
}

func TestDialectsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	frame := terminalSamples()[0].frame()
	for name, row := range map[string]struct {
		dialects Dialects
		raw      []byte
		framed   bool
		complain string
	}{
		"no dialect's head":          {Dialects{UnionPayPOS, PSP}, append([]byte{0, 40}, make([]byte, 40)...), false, "TPDU"},
		"a message that is cut":      {Terminals(), append([]byte{0, byte(len(frame) - 3)}, frame[2:len(frame)-1]...), true, "field 63"},
		"one dialect, an unread MTI": {Dialects{UnionPayPOS}, replace(frame, 13, "9999"), true, ""},
		"a length of another frame":  {Terminals(), append([]byte{0, 60}, frame[2:40]...), false, "expected 60 bytes"},
		"too short for a length":     {Terminals(), []byte{0}, false, "a length of 2 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			readings, framed, err := row.dialects.Open(row.raw)
			if framed != row.framed || (err == nil) != (row.complain == "") || err != nil && !strings.Contains(err.Error(), row.complain) {
				t.Errorf("%d readings, framed %v, %v", len(readings), framed, err)
			}
		})
	}
	if _, err := Terminals().ReadFrame(bytes.NewReader([]byte{0xFF, 0xFF})); err == nil {
		t.Error("a frame of 65535 bytes is read")
	}
	if _, err := Terminals().ReadFrame(bytes.NewReader([]byte{0, 40, 1})); err == nil || err.Error() != "unexpected EOF" {
		t.Error(err)
	}
}

// sample59 is field 59 of a payment by QR code.
const sample59 = "A2030" + "01002" + "04" + "02008" + "SN000001" + "03005" + "12345" + "A3004" + "1234" + "A5012" + "01007" + "+121.47"

func TestField59OpensWithOffsets(t *testing.T) {
	t.Parallel()
	e := UnionPayPOS.Explain(must(UnionPayPOS.Pack(New("0200").Set(59, sample59))))
	row := e.Rows[len(e.Rows)-1]
	if got, want := flat(row.Rows), "59.A2  (59.01 04, 59.02 SN000001, 59.03 [5 characters]), 59.A3 [4 characters], 59.A5  (59.01 [7 characters])"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	first := row.Rows[0]
	if first.Offset != row.Offset+2 || first.Rows[1].Offset != first.Offset+5+7 || row.Rows[1].Offset != first.Offset+5+30 {
		t.Errorf("offsets %d %d %d", first.Offset, first.Rows[1].Offset, row.Rows[1].Offset)
	}
	e = UnionPayPOS.Explain(must(UnionPayPOS.Pack(New("0200").Set(59, "A2999"))))
	if note := e.Rows[len(e.Rows)-1].Note; note != "not readable: field 59 at offset 5: expected 999 characters, got 0 bytes" && !strings.HasPrefix(note, "not readable: field 59 at offset 5") {
		t.Error(note)
	}
	if got := flat(UnionPayPOS.Explain(must(UnionPayPOS.Pack(New("0200").Set(59, "ZZ0014")))).Rows); !strings.Contains(got, "59.? [1 character]") {
		t.Error(got)
	}
}

// TestADialectsOwnWords explains what only one dialect says.
func TestADialectsOwnWords(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		p    *Profile
		m    *Message
		want string
	}{
		"a QR payment":               {PSP, New("0200").Set(3, "700000").Set(60, "60000001003"), "QR code / 二维码"},
		"its wallet":                 {PSP, New("0200").Set(3, "700000").Set(60, "60000001003"), "Alipay / 支付宝"},
		"a wrong MAC":                {DUKPT, New("0210").Set(39, "63"), "E: The message failed its check. / 报文校验失败。"},
		"the same in UnionPay's":     {UnionPayPOS, New("0210").Set(39, "A0"), "E: The message failed its check. / 报文校验失败。"},
		"a reader's transaction":     {DUKPT, New("0800").SetBytes(53, unhex("FFFF9876543210E00007")), "transaction 7 of this reader"},
		"keys as hexadecimal text":   {PSP, New("0810").Set(60, "00000001003").SetBytes(62, must(PSP.BuildKeyBlock("003", KeyBlock{TPK: sizedKeys(16, 8).TPK, TAK: sizedKeys(16, 8).TAK}))), "[16 bytes, KCV 0202020202020202]"},
		"a sign-on with derived key": {DUKPTAES, New("0800").Set(60, "00000001005"), "sign-on, keys derived / 签到（派生密钥）"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if _, err := row.p.Explain(must(row.p.Pack(row.m))).WriteTo(&b); err != nil || !strings.Contains(b.String(), row.want) {
				t.Errorf("%v\n%s", err, b.String())
			}
		})
	}
}

func TestTagsHaveOffsets(t *testing.T) {
	t.Parallel()
	e := UnionPayPOS.Explain(must(UnionPayPOS.Pack(New("0200").SetBytes(55, unhex("9F36020011"+"71068604"+"31323334"+"95050000000000")))))
	row := e.Rows[len(e.Rows)-1]
	var at []int
	for _, r := range row.Rows {
		at = append(at, r.Offset-row.Offset)
	}
	if !slices.Equal(at, []int{2, 7, 15}) || row.Rows[1].Rows[0].Offset-row.Offset != 9 {
		t.Errorf("tags at %v, inside at %d", at, row.Rows[1].Rows[0].Offset-row.Offset)
	}
}
