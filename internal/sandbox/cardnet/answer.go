package cardnet

import (
	"fmt"

	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// macField is F128.
const macField = 128

// echoed are the request's fields that an answer repeats, as far as it has them.
var echoed = []int{3, 4, 7, 11, 32, 37, 41, 42, 49}

// isRequest reports whether an MTI of four digits asks for an answer: an even
// third digit, and not a fourth for another origin.
func isRequest(mti string) bool { return (mti[2]-'0')%2 == 0 && mti[3] == '0' }

// refusal is the answer that has nothing but the echo and a code.
func refusal(m *iso8583.Message, code string) *iso8583.Message {
	a := iso8583.New(m.MTI[:2] + string(m.MTI[2]+1) + m.MTI[3:])
	for _, f := range echoed {
		if m.Has(f) {
			a.SetBytes(f, m.Bytes(f))
		}
	}
	return a.Set(39, code)
}

// signOn answers sign-on (001) and echo (301); another code is not supported.
func signOn(m *iso8583.Message, r *request) *iso8583.Message {
	code := "40"
	if r.network == "001" || r.network == "301" {
		code = approved
	}
	return refusal(m, code).SetBytes(33, m.Bytes(33)).SetBytes(70, m.Bytes(70))
}

// answer is what a decided request gets.
func (n *Network) answer(m *iso8583.Message, r *request, e Entry, b Behaviour) *iso8583.Message {
	a := refusal(m, e.Code).Set(44, fmt.Sprintf("%-11s%-11s", issuerOf(r), m.Text(32)))
	if e.Auth != "" {
		a.Set(38, e.Auth)
	}
	if e.Kind == Sale && e.Scan != "" && e.Code == approved {
		a.Set(59, iso8583.Build59(iso8583.QRVoucher, e.voucher()))
	}
	if e.Kind == Balance && e.Code == approved {
		if text, err := n.balance(e).Build(); err == nil {
			a.Set(54, text)
		}
	}
	if err := n.authenticate(a, r, e, b); err != nil {
		n.cfg.Log.Warn("the chip gets no answer", "rrn", e.RRN, "err", err)
	}
	if b.Delivery == WrongAmount && a.Has(4) {
		a.Set(4, fmt.Sprintf("%012d", (r.Amount.Minor()+1)%1_000_000_000_000))
	}
	return a
}

// issuerOf is an institution number made up from the card's BIN; "" for a card nobody issued.
func issuerOf(r *request) string {
	if r.Card == "" {
		return ""
	}
	return "99" + r.pan.BIN()
}

// balance is what the card had left at the inquiry, on account type 10 debit, 30 credit.
func (n *Network) balance(e Entry) iso8583.Balance54 {
	account := "30"
	if n.books.accounts[e.Card].card.Kind == cards.Debit { // the accounts never change after New
		account = "10"
	}
	return iso8583.Balance54{{Account: account, Type: "02", Currency: e.Available.Currency().Numeric(), Amount: e.Available.Minor()}}
}

// pack makes the answer's frame under the ZAK. An answer that cannot be packed,
// because the request's echo is no text, is not sent.
func (n *Network) pack(a *iso8583.Message, how Delivery) ([]byte, Delivery) {
	p := iso8583.CardNetwork
	body, err := p.PackMAC(a, func(covered []byte) ([]byte, error) {
		return tdes.MAC(p.MAC.Algorithm, n.cfg.ZAK, covered)
	})
	if err != nil {
		n.cfg.Log.Warn("no answer", "mti", a.MTI, "err", err)
		return nil, Lost
	}
	if how == WrongMAC {
		body[len(body)-1] ^= 1
	}
	frame, err := p.AppendFrame(nil, iso8583.Frame{Body: body})
	if err != nil {
		n.cfg.Log.Warn("no answer", "mti", a.MTI, "err", err)
		return nil, Lost
	}
	return frame, how
}

// verified reports whether a message carries the MAC of its own bytes.
func (n *Network) verified(body []byte) bool {
	p := iso8583.CardNetwork
	covered, mac, ok := p.MACRange(body)
	return ok && tdes.VerifyMAC(p.MAC.Algorithm, n.cfg.ZAK, covered, mac) == nil
}
