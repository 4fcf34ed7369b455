package pos

import (
	"testing"
	"time"

	"hawker/internal/iso8583"
)

func TestTheHostsClockHasNoYear(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 31, 23, 59, 58, 0, beijing)
	for name, row := range map[string]struct{ f12, f13, want string }{
		"same second":            {"235958", "1231", "2026-12-31 23:59:58"},
		"the host is next year":  {"000001", "0101", "2027-01-01 00:00:01"},
		"months ago, same year":  {"120000", "0801", "2026-08-01 12:00:00"},
		"no date":                {"120000", "", "2026-12-31 23:59:58"},
		"an impossible date":     {"120000", "1399", "2026-12-31 23:59:58"},
		"an impossible time":     {"250000", "1231", "2026-12-31 23:59:58"},
		"29 February, elsewhere": {"120000", "0229", "2027-03-01 12:00:00"},
	} {
		a := &answer{Message: iso8583.New("0210").Set(12, row.f12).Set(13, row.f13)}
		if got := a.time(now).Format("2006-01-02 15:04:05"); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

// Every code of the protocol page's own table is known here, and one that means
// that nothing was charged is never in doubt.
func TestTheHostsOwnCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]effect{
		"00": approve, "03": refuse, "12": refuse, "13": refuse, "25": refuse, "30": refuse, "40": refuse, "58": refuse,
		"61": refuse, "64": refuse, "77": refuse, "91": refuse, "94": refuse, "96": refuse, "97": refuse, "98": doubt,
		"99": refuse, "A0": refuse, "A1": refuse,
	} {
		if m, known := meanings[code]; !known || m.effect != want {
			t.Errorf("%s: %+v, known %t", code, m, known)
		}
	}
	for code, m := range meanings {
		if want := code == "77" || code == "79" || code == "99" || code == "A0"; m.signOn != want {
			t.Errorf("%s: signs on again %t", code, m.signOn)
		}
	}
}

func TestOnlyAnAuthenticApprovalIsApproved(t *testing.T) {
	t.Parallel()
	codes := []string{"", "ZZ"}
	for code := range meanings {
		codes = append(codes, code)
	}
	for _, code := range codes {
		for _, mac := range []macState{macAbsent, macWrong, macValid} {
			a := &answer{Message: iso8583.New("0210"), mac: mac}
			if code != "" {
				a.Set(39, code)
			}
			v := judge(a)
			if v.state == Approved && (mac != macValid || meaningOf(code).effect != approve) {
				t.Errorf("%q with MAC %d is approved", code, mac)
			}
			if v.state == Declined && mac != macValid && v.reason == "" {
				t.Errorf("%q with MAC %d is declined without proof and not reversed", code, mac)
			}
			if v.state == Unknown && v.reason == "" {
				t.Errorf("%q with MAC %d is unknown and not reversed", code, mac)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	m := iso8583.New("0210").Set(3, "000000").Set(4, "000000004650").Set(11, "000002").Set(12, "120000").Set(13, "1122").
		Set(37, "123456789012").Set(38, "654321").Set(39, "00").Set(41, testTerminal).Set(42, testMerchant).
		Set(44, "01020000   48021000   ").SetBytes(63, iso8583.EncodeText("CUP交易成功", 163)).Set(64, "00000000")
	b, err := iso8583.UnionPayPOS.Pack(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	h := newHost(f)
	d := h.device().withDefaults()
	s := &state{Device: d, Secure: secure{TMK: testTMK, TAK: testTMK[:8]}, Batch: 1}
	request := iso8583.New("0200").Set(11, "000002")
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := s.read(iso8583.UnionPayPOS, iso8583.Frame{Body: b})
		if err != nil {
			return
		}
		_ = a.answers(request)
		if v := judge(a); v.state == Approved && a.mac != macValid {
			t.Error("approved without proof")
		}
		var tx Transaction
		a.fill(&tx, time.Unix(0, 0))
		tx.Kind, tx.State = Sale, Approved
		_ = Slip(s.report(tx), Customer, English)
		_, _, _ = hostTotals(a.Text(48))
		keys := s.Secure
		_ = keys.take(iso8583.UnionPayPOS, s.Layout, a.Bytes(62))
	})
}
