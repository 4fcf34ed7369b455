package pos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hawker/internal/iso8583"
)

// drawn is what a cardholder signed on the screen.
type drawn struct {
	Batch   int     `json:"batch"`
	Trace   int     `json:"trace"`
	Picture Picture `json:"picture"`
	Sent    bool    `json:"sent,omitempty"` // the host has it
}

// keptDrawings bounds the signatures in memory; the oldest that the host has go first.
const keptDrawings = 200

func validDrawings(list []drawn) bool {
	for _, d := range list {
		if _, _, err := d.Picture.size(); err != nil || !number(d.Batch) || !number(d.Trace) {
			return false
		}
	}
	return len(list) <= keptDrawings
}

// wantsSignature says that the cardholder signs on the screen for a transaction.
func (s *state) wantsSignature(tx Transaction) bool {
	return signable(tx) && s.Loads.parameter(iso8583.ParamSignature) == "1"
}

func signable(tx Transaction) bool {
	return tx.Kind == Sale && tx.Entry != Scan && tx.State == Approved && !tx.PINEntered && !tx.NoProof
}

// drawing is the signature of a transaction; nil for none.
func (s *state) drawing(batch, trace int) *drawn {
	for i := range s.Drawings {
		if d := &s.Drawings[i]; d.Batch == batch && d.Trace == trace {
			return d
		}
	}
	return nil
}

// Sign keeps what the cardholder of an approved sale without PIN drew, and uploads it. The
// picture stays with the sale when the host does not answer, and goes out when the host asks.
// ErrNotSignable refuses another transaction, and one that was signed already.
func (t *Terminal) Sign(ctx context.Context, trace int, picture Picture) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if _, _, err := picture.size(); err != nil {
			return Result{}, ErrNotSignable.because(err)
		}
		tx := s.state.remembered(trace)
		if tx == nil {
			return Result{}, ErrNotFound
		}
		if !signable(*tx) {
			return Result{}, ErrNotSignable
		}
		if d := s.state.drawing(tx.Batch, trace); d != nil && d.Sent {
			return Result{}, ErrNotSignable.because(errors.New("it is signed already"))
		}
		if err := s.keepDrawing(drawn{Batch: tx.Batch, Trace: trace, Picture: slices.Clone(picture)}); err != nil {
			return Result{}, err
		}
		if err := s.ensureSignedOn(ctx); err != nil {
			return Result{}, err
		}
		a, err := s.sendDrawing(ctx, tx.Batch, trace)
		if err != nil {
			return Result{}, err
		}
		r := s.state.manage(Sign, a, s.now())
		if taken[a.code()] {
			r.State, r.Title = Accepted, titles[Sign][Accepted]
		}
		return r, nil
	})
}

// taken are the answers after which the host has a signature.
var taken = map[string]bool{approvedCode: true, "94": true}

func (s *session) keepDrawing(d drawn) error {
	list := slices.DeleteFunc(slices.Clone(s.state.Drawings), func(o drawn) bool { return o.Batch == d.Batch && o.Trace == d.Trace })
	for i := 0; len(list) >= keptDrawings && i < len(list); {
		if list[i].Sent {
			list = slices.Delete(list, i, i+1)
		} else {
			i++
		}
	}
	if len(list) >= keptDrawings {
		return ErrMemory.because(fmt.Errorf("%d signatures wait for the host", len(list)))
	}
	return s.commit(func(st *state) { st.Drawings = append(list, d) })
}

// partSize is how much of a picture goes into one field 62.
const partSize = 900

// sendDrawing uploads a signature, whole where it fits, and notes that the host has it.
func (s *session) sendDrawing(ctx context.Context, batch, trace int) (*answer, error) {
	d, tx := s.state.drawing(batch, trace), s.state.row(batch, trace)
	if d == nil || tx == nil {
		return nil, ErrNotFound
	}
	parts := slices.Collect(slices.Chunk([]byte(d.Picture), partSize))
	var a *answer
	for i, part := range parts {
		kind, end, f62 := "07", "", part
		if len(parts) > 1 {
			kind, end, f62 = "08", "0", append(fmt.Appendf(nil, "%02d", i+1), part...)
			if i == len(parts)-1 {
				end = "1"
			}
		}
		m := iso8583.New(shapes[Sign].mti).Set(11, six(trace)).Set(25, "00").Set(37, tx.RRN).Set(41, s.state.Shop.TerminalID).Set(42, s.state.Shop.MerchantID)
		putAmount(m, tx.Amount)
		m.Set(60, kind+six(batch)+shapes[Sign].network+end).SetBytes(62, f62)
		var err error
		a, err = s.send(ctx, Sign, m, nil)
		if errors.Is(err, errSilent) {
			return nil, ErrNoAnswer.because(err)
		}
		if err != nil {
			return nil, err
		}
		if a.code() != approvedCode {
			break
		}
	}
	if a.mac != macValid || !taken[a.code()] {
		return a, nil // what does not prove itself ends nothing
	}
	return a, s.commit(func(st *state) {
		list := slices.Clone(st.Drawings)
		for i := range list {
			list[i].Sent = list[i].Sent || list[i].Batch == batch && list[i].Trace == trace
		}
		st.Drawings = list
	})
}

// sendMissing answers the host's question for a signature.
func (s *session) sendMissing(ctx context.Context, task iso8583.Task) error {
	if s.state.drawing(task.Batch, task.Trace) == nil {
		s.note(fmt.Sprintf("流水 %06d 还没有签名，请持卡人补签", task.Trace), fmt.Sprintf("Trace %06d has no signature: have the cardholder sign", task.Trace))
		return nil
	}
	a, err := s.sendDrawing(ctx, task.Batch, task.Trace)
	if err == nil && taken[a.code()] {
		s.note(fmt.Sprintf("已补传流水 %06d 的签名", task.Trace), fmt.Sprintf("Sent the signature of trace %06d", task.Trace))
	}
	return err
}
