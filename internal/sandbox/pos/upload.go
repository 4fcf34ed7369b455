package pos

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
)

// way is how a transaction is told in a batch upload; details go in this order.
type way int

const (
	byStripe  way = iota // up to eight in one message
	byChip               // with its last cryptogram
	byRefusal            // what the host approved and the chip did not
	byNotice             // under its own type
)

// always reports whether it is uploaded even when the batch balanced: what chips
// said is the acquirer's proof.
func (w way) always() bool { return w == byChip || w == byRefusal }

// way is how the transaction is uploaded.
func (tx Transaction) way() way {
	switch {
	case tx.Refused:
		return byRefusal
	case shapes[tx.Kind].mti == "0220":
		return byNotice
	case tx.ICC != "":
		return byChip
	}
	return byStripe
}

// details are what a batch's upload must tell: what counts in its totals, and what a
// chip has refused with a cryptogram.
func details(rows []Transaction) []Transaction {
	told := slices.DeleteFunc(slices.Clone(rows), func(tx Transaction) bool {
		return !tx.counts() && (!tx.Refused || tx.Chip.Kind != "AAC" || tx.ICC == "" || tx.ofHold())
	})
	slices.SortStableFunc(told, func(a, b Transaction) int { return cmp.Compare(a.way(), b.way()) })
	return told
}

// ofHold reports whether nothing would be owed for the transaction even if it stood.
func (tx Transaction) ofHold() bool { return tx.Kind == Preauth || tx.Kind == PreauthVoid }

// keepICC is what a batch upload will tell of a chip, in hexadecimal; "" without a chip.
func (e ending) keepICC() string {
	return hex.EncodeToString(e.last.Only(emv.Online...).Bytes())
}

// upload sends the details that the host has not acknowledged, and the end message.
func (s *session) upload(ctx context.Context) error {
	for s.state.Settling.Uploaded < len(s.state.Settling.Details) {
		rest := s.state.Settling.Details[s.state.Settling.Uploaded:]
		chunk := rest[:1]
		for len(chunk) < min(len(rest), iso8583.MaxDetails) && rest[0].way() == byStripe && rest[len(chunk)].way() == byStripe {
			chunk = rest[:len(chunk)+1]
		}
		k, m, err := s.detail(chunk)
		if err != nil {
			return err
		}
		if err := s.uploadOne(ctx, k, m, len(chunk)); err != nil {
			return err
		}
	}
	f48, err := iso8583.BuildUploadCount48(s.state.Settling.Uploaded)
	if err != nil {
		return err
	}
	return s.uploadOne(ctx, UploadEnd, s.numbered(UploadEnd, "207", "202").Set(48, f48), 0)
}

// detail is the message of a chunk: stripes, or one of anything else.
func (s *session) detail(chunk []Transaction) (Kind, *iso8583.Message, error) {
	switch tx := chunk[0]; tx.way() {
	case byChip:
		return s.chipDetail(UploadChip, tx, "203", "205")
	case byRefusal:
		return s.chipDetail(UploadRefusal, tx, "204", "206")
	case byNotice:
		return UploadNotice, s.noticeDetail(tx), nil
	}
	f48, err := details48(chunk)
	if err != nil {
		return Upload, nil, err
	}
	return Upload, s.numbered(Upload, "", "").Set(48, f48), nil
}

// numbered begins an upload that has a trace number of its own; its network code says whether the batch balanced.
func (s *session) numbered(k Kind, balanced, not string) *iso8583.Message {
	p := s.state.Settling
	return s.judged(s.state.request(k, cmp.Or(p.Sending, s.state.Trace), p.Batch), balanced, not)
}

func (s *session) judged(m *iso8583.Message, balanced, not string) *iso8583.Message {
	if s.state.Settling.Balanced {
		not = balanced
	}
	return m.Set(60, m.Text(60)+not)
}

// chipDetail tells a chip's transaction under the transaction's own trace number.
func (s *session) chipDetail(k Kind, tx Transaction, balanced, not string) (Kind, *iso8583.Message, error) {
	icc, err := hex.DecodeString(tx.ICC)
	if err != nil {
		return k, nil, ErrDamaged.because(err)
	}
	m := s.judged(s.state.request(k, tx.Trace, tx.Batch), balanced, not)
	putAmount(m, tx.Amount)
	return k, m.Set(22, tx.mode()).Set(23, fmt.Sprintf("%03d", s.state.copyOfCards())).SetBytes(55, icc), nil
}

// noticeDetail tells a notice once more, under its own type and trace number.
func (s *session) noticeDetail(tx Transaction) *iso8583.Message {
	m := s.state.request(tx.Kind, tx.Trace, tx.Batch)
	m.MTI = shapes[UploadNotice].mti
	putAmount(m, tx.Amount)
	m.Set(22, tx.mode())
	if tx.RRN != "" {
		m.Set(37, tx.RRN)
	}
	m.Unset(63)
	return m
}

// mode is field 22 of the transaction.
func (tx Transaction) mode() string {
	if tx.PINEntered {
		return entries[tx.Entry].mode + withPIN
	}
	return entries[tx.Entry].mode + withoutPIN
}

// details48 is field 48 of one upload. The terminal has no card number left to tell.
func details48(rows []Transaction) (string, error) {
	var details iso8583.Details48
	for _, tx := range rows {
		details = append(details, iso8583.Detail{CardType: "00", Trace: six(tx.Trace), Amount: tx.Amount.Minor()})
	}
	return details.Build()
}

// uploadOne sends one 0320 until the host acknowledges it, and counts its details.
func (s *session) uploadOne(ctx context.Context, k Kind, m *iso8583.Message, count int) error {
	keep := func(*state) {}
	if k == Upload || k == UploadEnd {
		trace := cmp.Or(s.state.Settling.Sending, s.state.Trace)
		keep = func(st *state) { st.Settling.Sending = trace }
	}
	a, err := s.send(ctx, k, m, keep)
	if err != nil {
		return err
	}
	code := a.code()
	refused := code != "" && code != approvedCode && code != uploadedBefore
	if refused {
		// Asking again would not help, and must not keep the next batch from being settled.
		s.note(fmt.Sprintf("主机没有收下结算明细（%s）", code), fmt.Sprintf("The host did not take the details (%s)", code))
	}
	return s.commit(func(st *state) {
		p := st.Settling
		p.Sending = 0
		if refused {
			p.Details = p.Details[:p.Uploaded]
		} else {
			p.Uploaded += count
		}
	})
}

// uploadedBefore is the host's answer to a detail that it has already.
const uploadedBefore = "94"
