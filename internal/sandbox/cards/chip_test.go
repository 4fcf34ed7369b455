package cards

import (
	"errors"
	"testing"

	"hawker/internal/emv"
)

// told is what a terminal tells a chip: 46.50 CNY, unpredictable number 1 to 4.
func told(t *testing.T, more ...emv.Element) emv.TLV {
	t.Helper()
	tlv, err := emv.New(append([]emv.Element{
		{Tag: emv.Amount, Value: []byte{0, 0, 0, 0, 0x46, 0x50}}, {Tag: emv.CurrencyCode, Value: []byte{1, 0x56}},
		{Tag: emv.CountryCode, Value: []byte{1, 0x56}}, {Tag: emv.TransactionDate, Value: []byte{0x26, 0x11, 0x22}},
		{Tag: emv.TransactionType, Value: []byte{0}}, {Tag: emv.Unpredictable, Value: []byte{1, 2, 3, 4}},
	}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return tlv
}

// first begins a transaction of a card and gives its request as an issuer sees it.
func first(t *testing.T, name string, m Memory) (*Play, emv.TLV) {
	t.Helper()
	c, _ := ByName(name)
	p, err := c.Insert(m, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.First(p.FirstList().Collect(told(t)))
	if err != nil || a.Info != ARQC {
		t.Fatalf("%+v, %v", a, err)
	}
	request, err := emv.New(append(append(told(t, emv.Element{Tag: emv.AmountOther, Value: make([]byte, 6)}, emv.Element{Tag: emv.VerificationResult, Value: make([]byte, 5)}).Elements(),
		p.Own().Elements()...), emv.Element{Tag: emv.IssuerData, Value: a.IssuerData}, emv.Element{Tag: emv.Cryptogram, Value: a.Cryptogram})...)
	if err != nil {
		t.Fatal(err)
	}
	return p, request
}

// answer is the issuer's tag 91 to a request.
func answer(t *testing.T, name string, request emv.TLV, code string) []byte {
	t.Helper()
	c, _ := ByName(name)
	ac, _, err := c.MasterKeys(1)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := c.Chip.Version.Verify(ac, request)
	if err != nil || !ok {
		t.Fatalf("the issuer does not know its card: %t, %v", ok, err)
	}
	auth, err := c.Chip.Version.Answer(ac, request, code, code == "00")
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func TestAChipBelievesItsIssuerOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		card string
		code string
		wish byte
		do   func(auth []byte) []byte
		want byte
	}{
		"approved, version 10":                            {"test-chip", "00", TC, nil, TC},
		"approved, version 18":                            {"test-chip-debit", "00", TC, nil, TC},
		"declined by the issuer, version 10":              {"test-chip", "51", TC, nil, AAC},
		"declined by the issuer, version 18":              {"test-chip-debit", "51", TC, nil, AAC},
		"the terminal wishes no approval":                 {"test-chip", "00", AAC, nil, AAC},
		"a changed answer":                                {"test-chip", "00", TC, func(b []byte) []byte { b[3] ^= 4; return b }, AAC},
		"a refusal turned into a yes":                     {"test-chip", "51", TC, func(b []byte) []byte { return append(b[:8], "00"...) }, AAC},
		"no answer, and the chip's bank wants a proof":    {"test-chip", "00", TC, func(b []byte) []byte { clear(b); return b }, AAC},
		"no answer, and the chip's bank does not want it": {"test-credit", "00", TC, func(b []byte) []byte { clear(b); return b }, TC},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, request := first(t, c.card, Memory{Counter: 7})
			defer p.Remove()
			auth := answer(t, c.card, request, c.code)
			if c.do != nil {
				auth = c.do(auth)
			}
			data := p.SecondList().Collect(told(t, emv.Element{Tag: emv.AuthorizationCode, Value: []byte(c.code)}, emv.Element{Tag: emv.IssuerAuth, Value: auth}))
			a, err := p.Second(data, c.wish)
			if err != nil || a.Info != c.want {
				t.Fatalf("info %02X, %v; want %02X", a.Info, err, c.want)
			}
			if _, err := p.Second(data, c.wish); !errors.Is(err, ErrRefused) {
				t.Errorf("a third cryptogram: %v", err)
			}
			if p.Memory().Counter != 8 {
				t.Errorf("counter %d", p.Memory().Counter)
			}
		})
	}
}

func TestAChipObeysItsIssuersScriptsOnly(t *testing.T) {
	t.Parallel()
	c, _ := ByName("test-chip")
	_, sm, err := c.MasterKeys(1)
	if err != nil {
		t.Fatal(err)
	}
	p, request := first(t, "test-chip", Memory{})
	arqc, _ := request.Get(emv.Cryptogram)
	protect := func(c emv.Command, of []byte) []byte {
		b, err := c.Protect(sm, of)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	forged := protect(BlockCommand(), arqc)
	forged[len(forged)-1] ^= 1
	for name, b := range map[string][]byte{
		"forged": forged, "of another transaction": protect(BlockCommand(), make([]byte, 8)), "unknown": protect(emv.Command{}, arqc), "no command": {1, 2, 3},
	} {
		if err := p.Command(b); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m := p.Memory(); m != (Memory{Counter: 1}) {
		t.Fatalf("they changed it: %+v", m)
	}
	for _, b := range [][]byte{protect(LimitCommand(5), arqc), protect(BlockCommand(), arqc)} {
		if err := p.Command(b); err != nil {
			t.Error(err)
		}
	}
	if m := p.Memory(); m != (Memory{Counter: 1, Blocked: true, Offline: 5}) {
		t.Fatalf("%+v", m)
	}
	if _, err := c.Insert(p.Memory(), 1); !errors.Is(err, ErrBlocked) {
		t.Errorf("a blocked chip: %v", err)
	}
}

func TestChipsThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	broken, _ := ByName("test-chip-broken")
	chip, _ := ByName("test-chip")
	for name, err := range map[string]error{
		"broken": insert(broken, Memory{}), "no chip": insert(Card{}, Memory{}),
	} {
		if !errors.Is(err, ErrMute) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := insert(chip, Memory{Counter: maxCounter}); !errors.Is(err, ErrSpent) {
		t.Error(err)
	}
	p, err := chip.Insert(Memory{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Second(make([]byte, p.SecondList().Size()), TC); !errors.Is(err, ErrRefused) {
		t.Errorf("a second cryptogram before the first: %v", err)
	}
	if err := p.Command(nil); !errors.Is(err, ErrRefused) {
		t.Errorf("a script before the first: %v", err)
	}
}

func insert(c Card, m Memory) error {
	_, err := c.Insert(m, 1)
	return err
}

func TestServiceCodesSayWhatTheChipMust(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"test-credit": "101", "test-debit": "120", "test-chip": "201", "test-chip-debit": "220"} {
		c, _ := ByName(name)
		_, _, rest, err := c.Track2().Split()
		if err != nil || rest[:3] != want {
			t.Errorf("%s: service code %q, %v; want %s", name, rest, err, want)
		}
	}
}
