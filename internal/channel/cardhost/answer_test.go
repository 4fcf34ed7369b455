package cardhost

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/channel"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/cardnet"
)

// TestAnAnswerThatChangesWhatWasAskedIsNone alters an approval on its way, under a right MAC.
func TestAnAnswerThatChangesWhatWasAskedIsNone(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		alter func(*iso8583.Message)
		want  channel.Result
	}{
		"nothing":                          {func(*iso8583.Message) {}, channel.Approved},
		"other time":                       {set(7, "0101000001"), channel.Silent},
		"other trace":                      {set(11, "999999"), channel.Silent},
		"other processing code":            {set(3, "200000"), channel.Silent},
		"other amount":                     {set(4, "000000010001"), channel.Silent},
		"no amount":                        {unset(4), channel.Silent},
		"other currency":                   {set(49, "840"), channel.Silent},
		"other acquirer":                   {set(32, "48029901"), channel.Silent},
		"other reference":                  {set(37, "ANOTHERORDER"), channel.Silent},
		"other terminal":                   {set(41, "T0000002"), channel.Silent},
		"other merchant":                   {set(42, "898310058120002"), channel.Silent},
		"no response code":                 {unset(39), channel.Silent},
		"a request's MTI":                  {mti("0200"), channel.Silent},
		"the answer's MTI to a refund":     {mti("0230"), channel.Silent},
		"no authorization code":            {unset(38), channel.Approved},
		"an issuer that nobody knows":      {unset(44), channel.Approved},
		"a field that the page leaves out": {set(25, "00"), channel.Approved},
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, time.Now)
		defer w.Close()
		for name, row := range rows {
			w.meet(cardnet.Behaviour{}, func(m *iso8583.Message) {
				if m.Has(37) { // no echo
					row.alter(m)
				}
			})
			if o := w.host.Do(t.Context(), w.sale(100_00)); o.Result != row.want {
				t.Errorf("%s: %+v", name, o)
			}
		}
	})
}

func set(n int, value string) func(*iso8583.Message) {
	return func(m *iso8583.Message) { m.Set(n, value) }
}
func unset(n int) func(*iso8583.Message)    { return func(m *iso8583.Message) { m.Unset(n) } }
func mti(mti string) func(*iso8583.Message) { return func(m *iso8583.Message) { m.MTI = mti } }

// sale is a request of test-credit's; each has numbers of its own.
func (w *world) sale(fen int64) channel.Request {
	w.orders++
	return channel.Request{
		Kind: channel.Sale, Attempt: int64(w.orders), Ref: ref(w.orders), STAN: w.orders%999999 + 1, At: w.now(),
		Merchant: w.Merchant(), Terminal: "T0000001", Amount: money.New(fen, money.CNY), Card: w.Card(),
	}
}

// FuzzAnswer gives a line whatever a network might send, with a right MAC and without.
func FuzzAnswer(f *testing.F) {
	w := newWorld(f, func(context.Context, channel.Request, channel.Outcome) {}, atNoon)
	f.Cleanup(w.Close)
	request, err := w.host.build(f.Context(), w.sale(100_00))
	if err != nil {
		f.Fatal(err)
	}
	answer := iso8583.New("0210").Set(38, "000001").Set(39, "00")
	for _, n := range echoed {
		answer.SetBytes(n, request.Bytes(n))
	}
	f.Add(authentic(f, request)[2:], true)
	f.Add(authentic(f, answer)[2:], true)
	f.Add(authentic(f, answer)[2:], false)
	f.Add([]byte{0x02, 0x10}, true)
	f.Fuzz(func(t *testing.T, body []byte, sign bool) {
		l := newLine(w.host, nil)
		if err := l.await(newWait(request, channel.Request{})); err != nil {
			t.Fatal(err)
		}
		if covered, mac, ok := iso8583.CardNetwork.MACRange(body); ok && sign {
			right, err := w.keys.MAC(t.Context(), w.host.MACKey, "x9.19", covered)
			if err != nil {
				t.Fatal(err)
			}
			copy(mac, right)
		}
		m, err := l.open(body)
		if err != nil {
			return
		}
		l.deliver(m)
		if len(l.waiting) == 0 && !echoOf(request).fits(m) {
			t.Errorf("believed %v", m)
		}
	})
}
