package cardhost

import (
	"testing"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/keys"
	"hawker/internal/sandbox/cardnet"
)

// TestThePINReachesTheIssuerAndNobodyElse lets the simulated issuer judge PINs that
// were enciphered under a terminal's key.
func TestThePINReachesTheIssuerAndNobodyElse(t *testing.T) {
	t.Parallel()
	garbled, err := card.NewPINBlock([]byte("garbled!"))
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		change func(*channel.Card)
		want   channel.Outcome
		check  cardnet.PINCheck
		sent   bool
	}{
		"the right PIN is found right": {func(*channel.Card) {}, channel.Outcome{Result: channel.Approved, Code: "00"}, cardnet.RightPIN, true},
		"a wrong PIN is found wrong": {func(c *channel.Card) { c.PIN = pinBlock(t, testCard(t).PAN, "654321") },
			channel.Outcome{Result: channel.Declined, Code: "55"}, cardnet.WrongPIN, true},
		"a block that is none is 99 and stays here": {func(c *channel.Card) { c.PIN = garbled },
			channel.Outcome{Result: channel.Declined, Code: "99"}, "", false},
		"a block under a key that is gone is Unsent": {func(c *channel.Card) { c.PINKey = string(keys.TPK("nobody/T0000009")) },
			channel.Outcome{Result: channel.Unsent}, "", false},
		"a key of another purpose is Unsent": {func(c *channel.Card) { c.PINKey = string(keys.ZAK("net")) },
			channel.Outcome{Result: channel.Unsent}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil, atNoon)
			defer w.Close()
			sale := w.sale(100_00)
			sale.Card = w.card("test-debit", "123456")
			row.change(&sale.Card)
			o := w.host.Do(t.Context(), sale)
			if o.Result != row.want.Result || o.Code != row.want.Code {
				t.Errorf("%+v, want %+v", o, row.want)
			}
			journal := w.network.Journal()
			if (len(journal) == 1) != row.sent {
				t.Fatalf("%d requests left", len(journal))
			}
			if row.sent && journal[0].PIN != row.check {
				t.Errorf("the issuer found the PIN %q, want %q", journal[0].PIN, row.check)
			}
		})
	}
}
