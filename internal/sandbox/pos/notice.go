package pos

import (
	"context"
	"errors"
	"fmt"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
)

// notice tells the issuer what became of its scripts: a 0620 that is repeated
// before the next online transaction until the host has it. It holds no card data.
type notice struct {
	Of     int            `json:"of"`    // trace of the transaction whose answer brought the scripts
	Batch  int            `json:"batch"` // of that transaction
	Trace  int            `json:"trace"` // its own; 0 until it is sent
	Fields map[int]string `json:"fields"`
	ICC    hexBytes       `json:"icc"` // field 55
	evidence
}

const maxNotices = 20

// newNotice is the notice of a transaction with script results.
func newNotice(m *iso8583.Message, tx Transaction, e ending) notice {
	n := notice{Of: tx.Trace, Batch: tx.Batch, Fields: map[int]string{37: tx.RRN, 61: six(tx.Batch) + six(tx.Trace) + tx.Time.Format("0102")}}
	for _, f := range []int{3, 4, 22, 23, 25, 49} {
		if m.Has(f) {
			n.Fields[f] = m.Text(f)
		}
	}
	elements := append([]emv.Element{{Tag: emv.ScriptResult, Value: e.results}}, e.last.Elements()...)
	if all, err := emv.New(elements...); err == nil { // they come out of such lists
		n.ICC = all.Only(emv.Notice...).Bytes()
	}
	return n
}

func (n notice) valid() bool {
	for f := range n.Fields {
		if f < 2 || f > 63 {
			return false
		}
	}
	return number(n.Of) && number(n.Batch) && n.Trace >= 0 && n.Trace <= maxNumber
}

// message is the 0620 under a trace number.
func (s *state) noticeMessage(n notice, trace int) *iso8583.Message {
	m := s.request(ScriptNotice, trace, n.Batch)
	for f, value := range n.Fields {
		m.Set(f, value)
	}
	return m.Set(60, m.Text(60)+readerOfAll+chipWorks).SetBytes(55, append([]byte(nil), n.ICC...))
}

// noticed are the answers that end a notice: taken, known already, or about nothing that the host has.
var noticed = map[string]bool{"00": true, "94": true, "25": true}

// notify sends every pending notice once. What gets no answer stays pending and
// keeps nobody from paying: no money depends on it.
func (s *session) notify(ctx context.Context) error {
	for _, n := range s.state.Notices {
		trace := n.Trace
		if trace == 0 {
			trace = s.state.Trace
		}
		at := func(st *state) *notice {
			for i := range st.Notices {
				if st.Notices[i].Of == n.Of && st.Notices[i].Batch == n.Batch {
					return &st.Notices[i]
				}
			}
			return &notice{} // it has ended: what is written here is not kept
		}
		a, err := s.send(ctx, ScriptNotice, s.state.noticeMessage(n, trace), func(st *state) { at(st).Trace = trace })
		if errors.Is(err, errSilent) {
			return s.commit(func(st *state) { p := at(st); p.evidence = p.with("", s.now()) })
		}
		if err != nil {
			return err
		}
		if a.mac != macValid || !noticed[a.code()] {
			if err := s.commit(func(st *state) {
				p := at(st)
				p.evidence = p.with(a.code(), s.now())
				st.SignedOn = st.SignedOn && !judge(a).signOn
			}); err != nil {
				return err
			}
			continue
		}
		s.note(fmt.Sprintf("流水 %06d 的卡片更新结果已通知发卡行", n.Of), fmt.Sprintf("The bank knows what became of its card update with trace %06d", n.Of))
		if err := s.commit(func(st *state) { st.forget(n) }); err != nil {
			return err
		}
	}
	return nil
}

// forget drops a notice that has ended.
func (s *state) forget(n notice) {
	var kept []notice
	for _, other := range s.Notices {
		if other.Of != n.Of || other.Batch != n.Batch {
			kept = append(kept, other)
		}
	}
	s.Notices = kept
}
