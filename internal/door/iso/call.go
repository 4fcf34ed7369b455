package iso

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"hawker/internal/fault"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/terminal"
)

// call is one message on its way to an answer.
type call struct {
	message  *iso8583.Message
	peer     *x509.Certificate // of the line; nil where lines prove nothing
	f60      iso8583.Field60
	merchant merchant.Merchant
	terminal terminal.Terminal
	proven   bool             // its MAC was right
	reply    *iso8583.Message // what handlers fill in; field 39 stays empty until the end
}

// source says for the payment engine who asks.
func (c *call) source() payment.Source {
	return payment.Source{Merchant: c.merchant, Terminal: c.terminal.ID, Batch: number(c.f60.Batch), Trace: number(c.message.Text(11))}
}

// keyOwner names a terminal in the keystore.
func keyOwner(m merchant.Merchant, t terminal.ID) string { return m.MID + "/" + string(t) }

func (c *call) keyOwner() string { return keyOwner(c.merchant, c.terminal.ID) }

// open reads a message that can be answered: a request that says who asks. Its
// other values are judged after its MAC.
func (s *Server) open(body []byte) (*iso8583.Message, error) {
	m, err := s.Profile.Unpack(body)
	if err != nil {
		return nil, err
	}
	if m.MTI[0] != '0' || (m.MTI[2]-'0')%2 != 0 {
		return nil, &iso8583.FormatError{Expected: "an MTI of a request", Got: m.MTI}
	}
	for _, n := range []int{41, 42} {
		if !m.Has(n) {
			return nil, &iso8583.FormatError{Field: n, Expected: "a value", Got: "none"}
		}
		if err := s.Profile.ValidateField(m, n); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// answer turns a message into the bytes to send back; nil when none can be made.
func (s *Server) answer(ctx context.Context, frame iso8583.Frame, m *iso8583.Message, peer *x509.Certificate) []byte {
	began := time.Now()
	defer clear(frame.Body)
	defer m.Wipe(2, 35, 36, 48, 52, 55)
	c := &call{message: m, peer: peer, reply: iso8583.New(answerMTI(m.MTI))}
	name, proven, err := s.serve(ctx, c, frame.Body)
	code := c.reply.Text(39)
	if err != nil {
		code = c.codeOf(err)
	} else if code == "" {
		code = codeApproved
	}
	s.finish(c, code, err)
	packed, packErr := s.pack(ctx, c, proven)
	if packErr != nil {
		s.Log.Error("answer cannot be packed", "name", name, "answer", c.reply, "err", packErr)
		return nil
	}
	header := frame.Header.WithProcessingRequest(s.request(ctx, c, code))
	out, packErr := s.Profile.AppendFrame(nil, iso8583.Frame{TPDU: frame.TPDU.Swap(), Header: header, Body: packed})
	if packErr != nil {
		s.Log.Error("answer cannot be framed", "name", name, "err", packErr)
		return nil
	}
	took := time.Since(began)
	s.Metrics.Message(name, code, took)
	s.record(c, name, code, took, err)
	return out
}

// codeOf is codeOf, but for a message that moves money and could not be decided: nothing of
// that is written down, so the same message may come again and be taken. It is no
// refusal but unknown; the reversal that follows finds what came of it, or forbids it.
func (c *call) codeOf(err error) string {
	code := codeOf(err)
	if m := c.message; code == codeSystem && (m.MTI == "0220" || m.MTI == "0200" && m.Text(3) != inquiry) {
		return codeUnknown
	}
	return code
}

// inquiry is field 3 of the one request of its MTI that moves no money.
const inquiry = "310000"

// record writes one line a message: errors of ours loudly, refusals with their reason.
func (s *Server) record(c *call, name, code string, took time.Duration, err error) {
	attrs := []any{"name", name, "code", code, "mid", c.message.Text(42), "tid", c.message.Text(41), "trace", c.message.Text(11), "took", took}
	switch f := fault.Of(err); {
	case f == nil:
		s.Log.Info("terminal message", attrs...)
	case f.Kind == fault.Internal || f.Kind == fault.Unavailable:
		s.Log.Error("terminal message", append(attrs, "err", err)...)
	default:
		s.Log.Info("terminal message", append(attrs, "refused", err)...)
	}
}

// answerMTI is the request's MTI plus 10.
func answerMTI(mti string) string { return mti[:2] + string(mti[2]+1) + mti[3:] }

// serve proves a message and has it handled. proven says that its MAC was right, so
// that the answer gets one.
func (s *Server) serve(ctx context.Context, c *call, body []byte) (name string, proven bool, err error) {
	row, proven, err := s.prove(ctx, c, body)
	c.proven = proven
	name = "unknown"
	if row != nil {
		name = row.name
	}
	if err != nil {
		return name, proven, err
	}
	return name, proven, row.handle(s, ctx, c)
}

// prove judges a message, in this order: the line's certificate, known terminal, MAC, values, required
// fields. Beside an error it gives the row that the message belongs to, nil for none.
func (s *Server) prove(ctx context.Context, c *call, body []byte) (row *transaction, proven bool, err error) {
	m := c.message
	f60, f60err := iso8583.ParseField60(m.Text(60))
	c.f60 = f60
	row = find(m, f60)
	if c.merchant, c.terminal, err = s.known(ctx, c); err != nil {
		return row, false, err
	}
	// A message with a MAC is proven even when it fits no row, so that a refusal can be trusted.
	if covered, mac, ok := s.Profile.MACRange(body); ok || (row != nil && row.mac) {
		if !ok {
			return row, false, keys.ErrMAC.With("no field %d", s.Profile.MAC.Field)
		}
		if err := s.Keys.VerifyMAC(ctx, keys.TAK(c.keyOwner()), s.Profile.MAC.Algorithm, covered, mac); err != nil {
			return row, false, err
		}
		proven = true
	}
	if err := s.Profile.Validate(m); err != nil {
		return row, proven, formatFault(err)
	}
	if f60err != nil {
		return row, proven, formatFault(f60err)
	}
	if row == nil {
		return nil, proven, errNotSupp.With("MTI %s, processing code %q, type %s, network code %s", m.MTI, m.Text(3), f60.Type, f60.Network)
	}
	for _, n := range row.required {
		if !m.Has(n) {
			return row, proven, errFormat.Wrap(&iso8583.FormatError{Field: n, Expected: "a value", Got: "none"})
		}
	}
	if m.Has(11) && number(m.Text(11)) == 0 {
		return row, proven, errFormat.Wrap(&iso8583.FormatError{Field: 11, Expected: "000001 to 999999", Got: "000000"})
	}
	return row, proven, nil
}

// formatFault turns a complaint about bytes into a refusal; about the amount, into that of an amount.
func formatFault(err error) error {
	var f *iso8583.FormatError
	if errors.As(err, &f) && f.Field == 4 {
		return payment.ErrAmount.Wrap(err)
	}
	return errFormat.Wrap(err)
}

// finish fills in what every answer carries.
func (s *Server) finish(c *call, code string, err error) {
	r, m := c.reply, c.message
	for _, n := range []int{3, 4, 11, 25, 41, 42, 49, 60} {
		if m.Has(n) && !r.Has(n) {
			r.SetBytes(n, m.Bytes(n))
		}
	}
	r.Set(39, code).Set(32, s.Acquirer)
	if now := s.Clock(); c.merchant.ID != 0 && !r.Has(12) { // what is unknown has no local time
		now = now.In(c.merchant.Zone)
		r.Set(12, now.Format("150405")).Set(13, now.Format("0102"))
	}
	if m.MTI != "0820" && m.MTI != "0320" { // management of the line and of a batch carries no text
		s.tell(c, code, err)
	}
	s.keepClean(r)
}

// sentenceSize is what field 63 holds behind the card organisation, in bytes.
const sentenceSize = 160

// tell puts the sentence for the merchant into the answer.
func (s *Server) tell(c *call, code string, err error) {
	text := ""
	if code != codeApproved {
		text = sentence(c.terminal.Lang, code, err)
	}
	if text != "" || c.reply.Has(44) {
		c.reply.SetBytes(63, append([]byte("CUP"), iso8583.EncodeText(text, sentenceSize)...))
	}
}

// keepClean drops echoed values that would not pack, because the request held something malformed.
func (s *Server) keepClean(r *iso8583.Message) {
	for _, n := range [...]int{3, 4, 11, 25, 49, 60} {
		if s.Profile.ValidateField(r, n) != nil {
			r.Unset(n)
		}
	}
}

// pack writes the answer, with a MAC when the request proved itself.
func (s *Server) pack(ctx context.Context, c *call, proven bool) ([]byte, error) {
	if !proven {
		return s.Profile.Pack(c.reply)
	}
	return s.Profile.PackMAC(c.reply, func(covered []byte) ([]byte, error) {
		return s.Keys.MAC(ctx, keys.TAK(c.keyOwner()), s.Profile.MAC.Algorithm, covered)
	})
}

// stamp fills an answer about an attempt: the same whenever it is asked for again.
func (s *Server) stamp(c *call, a payment.Attempt) {
	if a.ID == 0 {
		return
	}
	at := a.Created.In(c.merchant.Zone)
	c.reply.Set(12, at.Format("150405")).Set(13, at.Format("0102")).Set(15, a.Day.MMDD()).Set(37, a.Ref())
	if a.AuthCode != "" && a.State == payment.Approved {
		c.reply.Set(38, fmt.Sprintf("%-6.6s", a.AuthCode))
	}
	c.reply.Set(44, fmt.Sprintf("%-11.11s%-11.11s", a.Issuer, s.Acquirer))
}

// currency reads field 49; ErrCurrency when it is not the merchant's.
func (c *call) currency() (money.Currency, error) {
	currency, ok := money.ByNumeric(c.message.Text(49))
	if !ok || currency != c.merchant.Currency {
		return "", payment.ErrCurrency.With("field 49 is %q, the merchant's is %s", c.message.Text(49), c.merchant.Currency.Numeric())
	}
	return currency, nil
}

// amount reads field 4 in the currency of field 49; ErrCurrency when that is not the merchant's.
func (c *call) amount() (money.Amount, error) {
	currency, err := c.currency()
	if err != nil {
		return money.Amount{}, err
	}
	return money.New(number64(c.message.Text(4)), currency), nil
}

// number reads validated digits; the widest field read so has six.
func number(digits string) int { return int(number64(digits)) }

// number64 reads up to twelve validated digits.
func number64(digits string) int64 {
	var n int64
	for _, d := range strings.TrimSpace(digits) {
		n = n*10 + int64(d-'0')
	}
	return n
}
