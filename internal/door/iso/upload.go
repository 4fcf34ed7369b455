package iso

import (
	"context"
	"fmt"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/payment"
)

// upload answers 0320/201: details of a settled batch.
func (s *Server) upload(ctx context.Context, c *call) error {
	list, err := iso8583.ParseDetails48(c.message.Text(48))
	if err != nil {
		return formatFault(err)
	}
	details := make([]payment.Detail, len(list))
	for i, d := range list {
		details[i] = payment.Detail{Kind: payment.DetailMagnetic, Trace: number(d.Trace), Amount: money.New(d.Amount, c.merchant.Currency)}
	}
	return s.Engine.Upload(ctx, c.source(), details)
}

// The kinds of a chip's cryptogram: the first two bits of tag 9F27.
const (
	kindOfCryptogram = 0xC0
	aac              = 0x00
)

// uploadChip answers 0320/203 and 205: a chip's transaction with its last cryptogram.
func (s *Server) uploadChip(ctx context.Context, c *call) error {
	return s.uploadICC(ctx, c, payment.DetailChip)
}

// uploadRefused answers 0320/204 and 206: a chip that did not accept what the host had approved.
func (s *Server) uploadRefused(ctx context.Context, c *call) error {
	return s.uploadICC(ctx, c, payment.DetailRefused)
}

// uploadICC takes a chip's detail whose data speak of it.
func (s *Server) uploadICC(ctx context.Context, c *call, kind payment.DetailKind) error {
	t, err := c.icc(emv.Online)
	if err != nil {
		return err
	}
	cryptogram, _ := t.Get(emv.Cryptogram)
	info, _ := t.Get(emv.CryptogramInfo)
	if len(cryptogram) != 8 || len(info) != 1 || (info[0]&kindOfCryptogram == aac) != (kind == payment.DetailRefused) {
		return badICC("the chip's last cryptogram", "none, or one of another kind")
	}
	if amount, ok := t.Get(emv.Amount); ok && fmt.Sprintf("%X", amount) != c.message.Text(4) {
		return errChipDiffers.With("tag %s is not the message's", emv.Amount)
	}
	return s.uploadOne(ctx, c, payment.Detail{Kind: kind, ICC: string(t.Bytes())})
}

// notices are the types (60.1) of what a terminal concludes by itself and tells.
var notices = map[string]bool{"24": true, "25": true, "27": true, "30": true, "32": true, "34": true}

// uploadNotice answers 0320/000: a notice of the batch once more, under its own type.
func (s *Server) uploadNotice(ctx context.Context, c *call) error {
	if !notices[c.f60.Type] {
		return errNotSupp.With("an upload of type %s", c.f60.Type)
	}
	return s.uploadOne(ctx, c, payment.Detail{Kind: payment.DetailNotice})
}

// uploadOne takes a detail whose trace and amount are the message's.
func (s *Server) uploadOne(ctx context.Context, c *call, d payment.Detail) (err error) {
	if d.Amount, err = c.amount(); err != nil {
		return err
	}
	d.Trace = number(c.message.Text(11))
	return s.Engine.Upload(ctx, c.source(), []payment.Detail{d})
}

// endUpload answers 0320/207 and 202.
func (s *Server) endUpload(ctx context.Context, c *call) error {
	count, err := iso8583.ParseUploadCount48(c.message.Text(48))
	if err != nil {
		return formatFault(err)
	}
	breaks, err := s.Engine.EndUpload(ctx, c.source(), count)
	if len(breaks) > 0 {
		s.Log.Warn("batch differs", "mid", c.merchant.MID, "tid", c.terminal.ID, "batch", c.f60.Batch, "breaks", len(breaks))
	}
	return err
}
