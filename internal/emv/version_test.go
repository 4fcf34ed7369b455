package emv

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Published vectors (pyemv, README and tests): the common session key, a
// cryptogram with EMV padding, ARPC method 2, and the MAC of a script command.
func TestSessionKeyVectors(t *testing.T) {
	t.Parallel()
	master, err := MasterKey(unhex(t, issuerKey), "99012345678901234", 45)
	if err != nil || fmt.Sprintf("%X", master) != "67F8292358083E5EA7AB7FDA58D53B6B" {
		t.Fatalf("%X, %v", master, err)
	}
	key, err := SessionKey(master, unhex(t, "1234567890123456"))
	if err != nil || fmt.Sprintf("%X", key) != "29B33180E567CE38EA4CBC9D753B0E61" {
		t.Fatalf("%X, %v", key, err)
	}
	arqc, err := ARQC(key, pad80(unhex(t, "0123456789ABCDEF0123456789ABCDEF")))
	if err != nil || fmt.Sprintf("%X", arqc) != "FA624250B008B59A" {
		t.Fatalf("%X, %v", arqc, err)
	}
	arpc, err := ARPC2(key, arqc, make([]byte, 4))
	if err != nil || fmt.Sprintf("%X", arpc) != "CB56FA40" {
		t.Fatalf("%X, %v", arpc, err)
	}
}

func TestScriptMACVector(t *testing.T) {
	t.Parallel()
	master, err := MasterKey(unhex(t, issuerKey), "1234567890123456", 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Command{Header: [4]byte{0x84, 0x24, 0, 0}}.Protect(master, unhex(t, "ABCDEF1234567890"))
	if err != nil || fmt.Sprintf("%X", b) != "8424000008CF323F09A0F6AB9E" {
		t.Fatalf("%X, %v", b, err)
	}
	c, genuine, err := OpenCommand(b, master, unhex(t, "ABCDEF1234567890"))
	if err != nil || !genuine || c.String() != "84240000" {
		t.Fatalf("%s %t %v", c, genuine, err)
	}
	if _, genuine, err := OpenCommand(b, master, unhex(t, "ABCDEF1234567891")); genuine || err != nil {
		t.Fatal("a command of another transaction is genuine", err)
	}
}

// request is field 55 of a version, with the cryptogram that belongs to it.
func request(t testing.TB, v Version) TLV {
	t.Helper()
	tlv := parse(t, field55[:len(field55)-14]+fmt.Sprintf("0601%02X03A06010", byte(v)))
	arqc, err := v.Cryptogram(unhex(t, cardKey), tlv)
	if err != nil {
		t.Fatal(err)
	}
	tlv, err = New(append(tlv.Elements(), Element{Tag: Cryptogram, Value: arqc})...)
	if err != nil {
		t.Fatal(err)
	}
	return tlv
}

func yes(code string) bool { return code == "00" }

func TestCardAndIssuerKnowEachOther(t *testing.T) {
	t.Parallel()
	key := unhex(t, cardKey)
	for _, v := range []Version{CVN10, CVN18} {
		r := request(t, v)
		if got, err := VersionOf(r); got != v || err != nil {
			t.Fatalf("version %d, %v", got, err)
		}
		if ok, err := v.Verify(key, r); !ok || err != nil {
			t.Errorf("%d: the card's cryptogram does not verify: %v", v, err)
		}
		if ok, err := v.Verify(unhex(t, issuerKey), r); ok || err != nil {
			t.Errorf("%d: it verifies under another key: %v", v, err)
		}
		for _, approves := range []bool{true, false} {
			code := map[bool]string{true: "00", false: "51"}[approves]
			auth, err := v.Answer(key, r, code, approves)
			if err != nil {
				t.Fatal(err)
			}
			if genuine, says, err := v.Answered(key, r, auth, yes); !genuine || says != approves || err != nil {
				t.Errorf("%d: genuine %t, approves %t, %v; want %t", v, genuine, says, err, approves)
			}
			for i := range auth {
				auth[i] ^= 1
				if genuine, _, _ := v.Answered(key, r, auth, yes); genuine {
					t.Errorf("%d: byte %d can be changed", v, i)
				}
				auth[i] ^= 1
			}
			if genuine, _, _ := v.Answered(key, r, auth[1:], yes); genuine {
				t.Errorf("%d: it can be cut short", v)
			}
		}
	}
}

func TestTheFirstVersionIsThePublishedOne(t *testing.T) {
	t.Parallel()
	arqc, err := CVN10.Cryptogram(unhex(t, cardKey), parse(t, field55))
	if err != nil || fmt.Sprintf("%X", arqc) != "29CCA15AE665FA2E" {
		t.Fatalf("%X, %v", arqc, err)
	}
}

func TestVersionsRefuse(t *testing.T) {
	t.Parallel()
	key := unhex(t, cardKey)
	for name, err := range map[string]error{
		"another version":           second(CVN18.Data(parse(t, field55))),
		"an unknown version":        second(CVN10.Data(parse(t, "9F10070601FF03A06010"))),
		"issuer data cut short":     second(CVN10.Data(parse(t, "9F1003060A03"))),
		"a length that lies":        second(CVN10.Data(parse(t, "9F10070F010A03A06010"))),
		"no counter":                second(CVN10.Answer(key, TLV{}, "00", true)),
		"a short key":               second(CVN18.Answer(key[:8], request(t, CVN18), "00", true)),
		"a short diversifier":       second(SessionKey(key, key[:4])),
		"a short status":            second(ARPC2(key, key[:8], key[:3])),
		"a command that is too big": second(Command{Data: make([]byte, 248)}.Protect(key, key[:8])),
		"version zero":              second(Version(0).Answer(key, request(t, CVN10), "00", true)),
	} {
		if !errors.Is(err, ErrCryptogram) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{"nothing": nil, "a length that lies": make([]byte, 13)} {
		if _, _, err := OpenCommand(b, key, key[:8]); !errors.Is(err, ErrTLV) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDOL(t *testing.T) {
	t.Parallel()
	list, err := ParseDOL(unhex(t, "9F0206 9A03 9F3704 8A02"))
	if err != nil || list.Size() != 15 {
		t.Fatalf("%v, %v", list, err)
	}
	got := list.Collect(parse(t, "9F0202 4000 9A04 01191105 9F3706 52BF45851122"))
	if fmt.Sprintf("%X", got) != "000000004000"+"191105"+"52BF4585"+"0000" {
		t.Fatalf("%X", got)
	}
	back, err := list.Split(got)
	if v, ok := back.Get(Unpredictable); err != nil || !ok || fmt.Sprintf("%X", v) != "52BF4585" {
		t.Fatalf("%s, %v", back, err)
	}
	if _, err := list.Split(got[1:]); !errors.Is(err, ErrTLV) {
		t.Error("data of another length:", err)
	}
	for _, bad := range []string{"9F", "9F02", "9A03 9F37"} {
		if _, err := ParseDOL(unhex(t, bad)); !errors.Is(err, ErrTLV) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestWhatACardHearsIsWhatItAskedFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var list DOL
		var elements []Element
		for _, tag := range []Tag{Amount, Unpredictable, TransactionDate, VerificationResult} {
			value := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(r, "value")
			elements = append(elements, Element{Tag: tag, Value: value})
			list = append(list, Wanted{tag, rapid.IntRange(0, 12).Draw(r, "size")})
		}
		tlv, err := New(elements...)
		if err != nil {
			r.Fatal(err)
		}
		data := list.Collect(tlv)
		heard, err := list.Split(data)
		if err != nil || fmt.Sprint(list.Collect(heard)) != fmt.Sprint(data) {
			r.Fatalf("%X becomes %X, %v", data, list.Collect(heard), err)
		}
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	s, err := Script(ScriptAfter, []byte{0, 0, 0, 1}, []byte{1}, []byte{2})
	if err != nil {
		t.Fatal(err)
	}
	tlv, err := New(Element{Tag: IssuerAuth, Value: make([]byte, 10)}, s)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(tlv.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if list := Scripts(back, ScriptAfter); len(list) != 1 || len(list[0].Commands) != 2 || list[0].ID[3] != 1 {
		t.Errorf("%+v", list)
	}
	if list := Scripts(back, ScriptBefore); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	for _, err := range []error{
		third(Script(ScriptCommand, make([]byte, 4), []byte{1})), third(Script(ScriptAfter, nil, []byte{1})), third(Script(ScriptAfter, make([]byte, 4))),
	} {
		if !errors.Is(err, ErrTLV) {
			t.Error(err)
		}
	}
}

func third(_ Element, err error) error { return err }

func FuzzParseDOL(f *testing.F) {
	f.Add(unhex(f, "9F0206 9A03 9F3704 8A02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ParseDOL(b)
		if err != nil {
			return
		}
		if data := list.Collect(TLV{}); len(data) != list.Size() {
			t.Fatal(len(data), list.Size())
		}
	})
}

func FuzzOpenCommand(f *testing.F) {
	f.Add(unhex(f, "8424000008CF323F09A0F6AB9E"))
	key := make([]byte, 16)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, genuine, err := OpenCommand(b, key, key[:8]); err == nil && genuine && len(c.Data) != len(b)-13 {
			t.Fatal(len(c.Data))
		}
	})
}
