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
	profile  *iso8583.Profile // the dialect of the message and its answer
	message  *iso8583.Message
	peer     *x509.Certificate // of the line; nil where lines prove nothing
	f60      iso8583.Field60
	merchant merchant.Merchant
	terminal terminal.Terminal
	service  service          // of the track that was read
	proven   bool             // its MAC was right
	silenced bool             // its keys are gone: the answer has no MAC
	reply    *iso8583.Message // what handlers fill in; field 39 stays empty until the end
}

// source says for the payment engine who asks.
func (c *call) source() payment.Source {
	return payment.Source{Merchant: c.merchant, Terminal: c.terminal.ID, Batch: number(c.f60.Batch), Trace: number(c.message.Text(11))}
}

// lang is the language of the sentences for this merchant: English where the
// dialect cannot write the other.
func (c *call) lang() string {
	if !c.profile.Chinese() {
		return "en"
	}
	return c.terminal.Lang
}

// keyOwner names a terminal in the keystore.
func keyOwner(m merchant.Merchant, t terminal.ID) string { return m.MID + "/" + string(t) }

func (c *call) keyOwner() string { return keyOwner(c.merchant, c.terminal.ID) }

// open reads a message that can be answered: a request that says who asks. Its
// other values are judged after its MAC. A frame may be read in several dialects;
// framed says whether its head fits one.
func (s *Server) open(raw []byte) (readings []iso8583.Reading, framed bool, err error) {
	all, framed, err := s.dialects.Open(raw)
	if err != nil {
		return nil, framed, err
	}
	for _, r := range all {
		bad := answerable(r.Profile, r.Message)
		if bad == nil {
			readings = append(readings, r)
			continue
		}
		wipe(r.Message)
		if err == nil {
			err = bad
		}
	}
	if len(readings) > 0 {
		err = nil
	}
	return readings, framed, err
}

// answerable finds fault with what is no request, or does not say who asks.
func answerable(p *iso8583.Profile, m *iso8583.Message) error {
	if m.MTI[0] != '0' || (m.MTI[2]-'0')%2 != 0 {
		return &iso8583.FormatError{Expected: "an MTI of a request", Got: m.MTI}
	}
	for _, n := range []int{41, 42} {
		if !m.Has(n) {
			return &iso8583.FormatError{Field: n, Expected: "a value", Got: "none"}
		}
		if err := p.ValidateField(m, n); err != nil {
			return err
		}
	}
	return nil
}

// choose takes the reading in the dialect that its terminal speaks. When there is
// none the first is as good as any: it will be refused.
func (s *Server) choose(ctx context.Context, readings []iso8583.Reading) iso8583.Reading {
	chosen := readings[0]
	for _, r := range readings[1:] {
		if _, t, err := s.whose(ctx, r.Message); err == nil && t.Profile == r.Profile.Name {
			r, chosen = chosen, r
		}
		wipe(r.Message)
	}
	return chosen
}

// wipe takes card data out of a message.
func wipe(m *iso8583.Message) { m.Wipe(2, 35, 36, 48, 52, 55, 59, iso8583.EncipheredTrack) }

// whose finds the merchant and the terminal that a message names.
func (s *Server) whose(ctx context.Context, m *iso8583.Message) (owner merchant.Merchant, t terminal.Terminal, err error) {
	if owner, err = s.merchants.Get(ctx, m.Text(42)); err != nil {
		return owner, t, err
	}
	t, err = s.terminals.Get(ctx, terminalKey{owner.ID, terminal.ID(m.Text(41))})
	return owner, t, err
}

// answer turns a message into the bytes to send back; nil when none can be made.
func (s *Server) answer(ctx context.Context, r iso8583.Reading, peer *x509.Certificate) []byte {
	began := time.Now()
	frame, m := r.Frame, r.Message
	defer clear(frame.Body)
	defer wipe(m)
	c := &call{profile: r.Profile, message: m, peer: peer, reply: iso8583.New(answerMTI(m.MTI))}
	name, proven, err := s.serve(ctx, c, frame.Body)
	code := c.reply.Text(39)
	if err != nil {
		code = c.codeOf(err)
	} else if code == "" {
		code = codeApproved
	}
	s.finish(c, code, err)
	packed, packErr := s.pack(ctx, c, proven && !c.silenced)
	if packErr != nil {
		s.Log.Error("answer cannot be packed", "name", name, "answer", c.reply, "err", packErr)
		return nil
	}
	header := frame.Header.WithProcessingRequest(s.request(ctx, c, code))
	out, packErr := c.profile.AppendFrame(nil, iso8583.Frame{TPDU: frame.TPDU.Swap(), Header: header, Body: packed})
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
	if m := c.message; code == codeSystem && (m.MTI == "0220" || m.MTI == "0100" || m.MTI == "0200" && m.Text(3) != inquiry && m.Text(3) != query) {
		return codeUnknown
	}
	return code
}

// Field 3 of the requests of their MTI that move no money.
const (
	inquiry = "310000"
	query   = "730000"
)

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
	row = find(s.rows[c.profile], m, f60)
	if c.merchant, c.terminal, err = s.known(ctx, c); err != nil {
		return row, false, err
	}
	if c.terminal.Profile != c.profile.Name {
		return row, false, errDialect.With("it speaks %s, not %s", c.terminal.Profile, c.profile.Name)
	}
	if c.terminal.Renew { // which its sign-on ends, perhaps since the row was remembered
		if c.terminal, err = terminal.ByID(ctx, s.DB.Read(), c.merchant.ID, c.terminal.ID); err != nil {
			return row, false, err
		}
	}
	if c.terminal.State == terminal.Tampered { // before its MAC, for which there is no key any more
		return row, false, terminal.ErrTampered
	}
	// A message with a MAC is proven even when it fits no row, so that a refusal can be trusted.
	if covered, mac, ok := c.profile.MACRange(body); ok || (row != nil && row.mac) {
		if !ok {
			return row, false, keys.ErrMAC.With("no field %d", c.profile.MAC.Field)
		}
		if err := c.protection().verify(ctx, s, c, covered, mac); err != nil {
			return row, false, err
		}
		proven, c.proven = true, true
		if c.terminal.Renew && m.MTI != "0820" { // what it signed with was destroyed elsewhere; only this process remembers it
			return row, true, terminal.ErrRenew
		}
	}
	if err := c.profile.Validate(m); err != nil {
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
	r.Set(39, c.profile.Code(code)).Set(32, s.Acquirer)
	if now := s.Clock(); c.merchant.ID != 0 && !r.Has(12) { // what is unknown has no local time
		now = now.In(c.merchant.Zone)
		r.Set(12, now.Format("150405")).Set(13, now.Format("0102"))
	}
	s.tell(c, code, err)
	c.keepClean()
}

// sentenceSize is what field 63 holds behind the card organisation, in bytes.
const sentenceSize = 160

// tell puts the sentence for the merchant into the answer.
func (s *Server) tell(c *call, code string, err error) {
	text := ""
	if code != codeApproved {
		text = sentence(c.lang(), code, err)
	}
	if text != "" || c.reply.Has(44) {
		c.reply.SetBytes(63, append([]byte(c.profile.Organisation), iso8583.EncodeText(text, sentenceSize)...))
	}
}

// keepClean drops echoed values that would not pack, because the request held something malformed.
func (c *call) keepClean() {
	for _, n := range [...]int{3, 4, 11, 25, 49, 60} {
		if c.profile.ValidateField(c.reply, n) != nil {
			c.reply.Unset(n)
		}
	}
}

// pack writes the answer, with a MAC when the request proved itself.
func (s *Server) pack(ctx context.Context, c *call, proven bool) ([]byte, error) {
	if !proven {
		return c.profile.Pack(c.reply)
	}
	return c.profile.PackMAC(c.reply, func(covered []byte) ([]byte, error) { return c.protection().mac(ctx, s, c, covered) })
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
	c.tellChip(a.ICC)
}

// tellChip puts what the bank tells the chip into the answer.
func (c *call) tellChip(icc string) {
	if icc != "" && len(icc) <= maxICC {
		c.reply.SetBytes(55, []byte(icc))
	}
}

// maxICC is what field 55 holds, in bytes.
const maxICC = 255

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
