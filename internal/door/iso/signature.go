package iso

import (
	"context"
	"time"

	"hawker/internal/download"
	"hawker/internal/iso8583"
	"hawker/internal/payment"
	"hawker/internal/signature"
	"hawker/internal/terminal"
)

// sign answers 0820/07/800, a whole picture in field 62, and 08, a segment: its number in two
// digits and a part of the picture, 60.4 being 1 in the last one. The sale is named by
// fields 37, 11 and 60.2, and field 4 must be what was paid.
func (s *Server) sign(ctx context.Context, c *call) error {
	facts, err := s.signed(ctx, c)
	if err != nil {
		return err
	}
	data := c.message.Bytes(62)
	if c.f60.Type == "07" {
		return s.Signatures.Put(ctx, facts, data)
	}
	if len(data) < 3 || !digit(data[0]) || !digit(data[1]) || c.f60.Capability == "" {
		return errFormat.Wrap(&iso8583.FormatError{Field: 62, Expected: "two digits and a part of the picture, 60.4 in field 60", Got: "otherwise"})
	}
	return s.Signatures.PutPart(ctx, facts, int(data[0]-'0')*10+int(data[1]-'0'), c.f60.Capability == "1", data[2:])
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// signed finds what is signed for: an approved sale of this terminal.
func (s *Server) signed(ctx context.Context, c *call) (f signature.Facts, err error) {
	p, a, err := payment.SaleByRef(ctx, s.DB.Read(), c.merchant.ID, c.message.Text(37))
	if err != nil {
		return f, err
	}
	if a.Terminal != c.terminal.ID || a.Batch != number(c.f60.Batch) || a.Trace != number(c.message.Text(11)) {
		return f, payment.ErrNotFound.With("%s is no sale of batch %s, trace %s", a.Ref(), c.f60.Batch, c.message.Text(11))
	}
	if p.Amount.Minor() != number64(c.message.Text(4)) {
		return f, payment.ErrAmountDiffer.With("signed for %s, paid %s", c.message.Text(4), p.Amount)
	}
	return signature.Facts{Merchant: p.Merchant, Payment: p.ID, Terminal: a.Terminal, Batch: a.Batch, Trace: a.Trace, Amount: p.Amount}, nil
}

// signatureDays is how far back a missing signature is asked for: a terminal keeps its last ten batches.
const signatureDays = 7 * 24 * time.Hour

// unsigned are tasks for the signatures that a terminal owes.
func (s *Server) unsigned(ctx context.Context, c *call) (list []iso8583.Task, err error) {
	policy, err := download.PolicyOf(ctx, s.DB.Read(), c.fetcher())
	if err != nil || !policy.Signature {
		return nil, err
	}
	sales, err := payment.WithoutPIN(ctx, s.DB.Read(), c.merchant.ID, terminal.ID(c.message.Text(41)), s.Clock().Add(-signatureDays))
	for _, a := range sales {
		if !policy.Wants(a.Amount, a.BIN, a.Entry) {
			continue
		}
		if there, err := signature.Has(ctx, s.DB.Read(), a.Merchant, a.ID); err != nil {
			return nil, err
		} else if !there {
			list = append(list, iso8583.Task{Network: "800", Batch: a.Batch, Trace: a.Trace})
		}
	}
	return list, err
}
