package pos

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"hawker/internal/ecr"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/terminal"
	"hawker/internal/web"
)

// Reader is a card terminal beside the till. It does one thing at a time.
type Reader interface {
	// At is the terminal of a merchant's tills; "" where there is none.
	At(m merchant.ID) terminal.ID
	// Cards are cards that are presented by a tap on the screen, as in a sandbox; none where
	// people bring their own, and Charge is told "".
	Cards() []TestCard
	// Charge has the terminal take an amount, and returns when it is done. say hears what it shows meanwhile.
	Charge(ctx context.Context, m merchant.Merchant, a money.Amount, card string, say func(ecr.Said)) Charged
	// Void has the terminal take back a payment of its open batch.
	Void(ctx context.Context, m merchant.Merchant, ref string) Charged
}

// TestCard is a card of a sandbox.
type TestCard struct {
	Name string `json:"name"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

// Charged is what a terminal did.
type Charged struct {
	Sent bool     // something may have left: look for the payment
	Ref  string   // the attempt's RRN; "" when the answer did not come
	Said ecr.Said // what the terminal shows
}

// Refusals of card payments.
var (
	errNoReader   = fault.New(fault.Unavailable, "no_card_reader", "旁边没有连上刷卡终端。请用扫码或收款码。", "No card terminal is connected. Please use a code instead.")
	errReaderBusy = fault.New(fault.Unavailable, "card_reader_busy", "刷卡终端正在处理另一笔，请等一下。", "The card terminal is busy with another payment. One moment.")
	errTooLate    = fault.New(fault.Conflict, "card_under_way", "卡已经读过了，请等结果。", "The card has been read. Please wait for the result.")
	neverSent     = ecr.Said{ZH: "这笔没有发出去，没有扣款。", EN: "This was never sent. Nothing was charged."}
	takenOff      = ecr.Said{ZH: "已取消，没有扣款。", EN: "Cancelled, nothing charged."}
)

// The times of a card payment.
const (
	lostAfter = 2 * time.Minute  // an ask that nobody works on and that led to nothing
	longest   = 90 * time.Second // of a terminal's work
	linger    = 12 * time.Second // how long an answer waits for news
)

// run is an ask that this process works on.
type run struct {
	ask     ecr.Ask
	waiting bool // for a card
	said    ecr.Said
	seq     int
	news    chan struct{} // closed at each change
	done    bool
}

type runs struct {
	sync.Mutex
	live map[string]*run // by device and key
}

func runKey(a ecr.Ask) string { return a.Device + " " + a.Key }

// change lets those who wait look again. The lock is held.
func (u *run) change() {
	u.seq++
	close(u.news)
	u.news = make(chan struct{})
}

func (s *Screen) askCard(r *web.Request) (web.Response, error) {
	var w wish
	if err := read(r, &w); err != nil {
		return nil, err
	}
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	if s.Reader == nil || s.Reader.At(m.ID) == "" {
		return nil, errNoReader
	}
	if w.Key == "" || len(w.Key) > 64 {
		return nil, payment.ErrOrder.With("a key of 1 to 64 characters is needed")
	}
	a, err := ecr.ByKey(r.Context(), s.DB.Read(), m.ID, device(r), w.Key)
	if errors.Is(err, ecr.ErrNone) {
		a, err = s.begin(r, m, w)
	}
	if err != nil {
		return nil, err
	}
	return s.cardView(r, a)
}

// begin writes an ask down and has the terminal wait for a card.
func (s *Screen) begin(r *web.Request, m merchant.Merchant, w wish) (ecr.Ask, error) {
	if err := s.trained(r); err != nil {
		return ecr.Ask{}, err
	}
	b, total, err := s.bill(r.Context(), m, w)
	if err != nil {
		return ecr.Ask{}, err
	}
	seen, err := json.Marshal(shown{b, payment.MethodCard, r.Who.Name, 0})
	if err != nil {
		return ecr.Ask{}, err
	}
	a := ecr.Ask{Merchant: m.ID, Device: device(r), Key: w.Key, Terminal: s.Reader.At(m.ID), Amount: total, Shown: seen, Note: w.Note}
	former, err := s.reserve(a)
	if err != nil {
		return a, err
	}
	for _, f := range former {
		if err := s.end(r.Context(), f, "", takenOff); err != nil {
			return a, err
		}
	}
	u := &run{waiting: true, news: make(chan struct{})}
	fresh := false
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		a, fresh, err = ecr.Put(r.Context(), tx, a, s.Clock())
		return err
	}); err != nil || !fresh {
		return a, err
	}
	u.ask = a
	s.runs.Lock()
	s.runs.live[runKey(a)] = u
	s.runs.Unlock()
	if len(s.Reader.Cards()) == 0 {
		s.start(r.Context(), m, u, "")
	}
	return a, nil
}

// reserve finds out whether the terminal is free. What waits for a card that nobody
// presented gives way and is returned.
func (s *Screen) reserve(a ecr.Ask) (former []ecr.Ask, err error) {
	s.runs.Lock()
	defer s.runs.Unlock()
	for key, u := range s.runs.live {
		if u.ask.Merchant != a.Merchant || u.done {
			continue
		}
		if !u.waiting || (u.ask.Device != a.Device && s.Clock().Sub(u.ask.At) < lostAfter) {
			return nil, errReaderBusy
		}
		former = append(former, u.ask)
		u.done = true
		u.change()
		delete(s.runs.live, key)
	}
	return former, nil
}

// start lets the terminal work. The till may go away meanwhile.
func (s *Screen) start(ctx context.Context, m merchant.Merchant, u *run, card string) {
	go func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), longest)
		defer stop()
		c := s.Reader.Charge(ctx, m, u.ask.Amount, card, func(said ecr.Said) {
			s.runs.Lock()
			defer s.runs.Unlock()
			u.said = said
			u.change()
		})
		ref := c.Ref
		if c.Sent && ref == "" {
			ref, _ = s.find(ctx, u.ask)
		}
		if ref != "" || !c.Sent {
			_ = s.end(ctx, u.ask, ref, c.Said) // else, and after an error, whoever asks looks for it
		}
		s.runs.Lock()
		defer s.runs.Unlock()
		u.done = true
		u.change()
		delete(s.runs.live, runKey(u.ask))
	}()
}

func (s *Screen) end(ctx context.Context, a ecr.Ask, ref string, said ecr.Said) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return ecr.End(ctx, tx, a, ref, said) })
}

// find looks for the payment that a terminal made for an ask: it does one thing at a time, so
// the first of that amount since is it.
func (s *Screen) find(ctx context.Context, a ecr.Ask) (ref string, err error) {
	page, err := payment.List(ctx, s.DB.Read(), payment.Filter{Merchant: a.Merchant, Device: string(a.Terminal), From: a.At, To: a.At.Add(longest + lostAfter), Least: a.Amount, Most: a.Amount, Limit: payment.MaxPage})
	if err != nil || len(page.Payments) == 0 {
		return "", err
	}
	return payment.Ref(page.Payments[len(page.Payments)-1].ID), nil
}

// cardView is how a card payment stands: the payment's view, once there is one.
type cardView struct {
	view
	Prompt *ecr.Said  `json:"prompt,omitempty"`
	Cards  []TestCard `json:"cards,omitempty"` // to be presented by a tap
	Seq    int        `json:"seq"`
}

func (s *Screen) cardView(r *web.Request, a ecr.Ask) (web.Response, error) {
	s.runs.Lock()
	u := s.runs.live[runKey(a)]
	v := cardView{view: view{State: string(payment.Sent), Method: payment.MethodCard, Amount: a.Amount.Minor(), Created: a.At.UnixMilli()}}
	if u != nil {
		v.Seq = u.seq
		if u.said != (ecr.Said{}) {
			said := u.said
			v.Prompt = &said
		}
		if u.waiting {
			v.State, v.Cards = "present", s.Reader.Cards()
		}
	}
	s.runs.Unlock()
	if u != nil {
		return answer(v)
	}
	a, err := ecr.ByKey(r.Context(), s.DB.Read(), a.Merchant, a.Device, a.Key)
	if err != nil {
		return nil, err
	}
	if a.State == ecr.Asked { // nobody works on it any more
		ref, err := s.find(r.Context(), a)
		if err != nil {
			return nil, err
		}
		if ref == "" && s.Clock().Sub(a.At) < lostAfter {
			return answer(v)
		}
		if err := s.end(r.Context(), a, ref, neverSent); err != nil {
			return nil, err
		}
		if a, err = ecr.ByKey(r.Context(), s.DB.Read(), a.Merchant, a.Device, a.Key); err != nil {
			return nil, err
		}
	}
	if a.State == ecr.Nothing {
		v.State, v.Reason = "refused", a.Said.EN
		if r.Lang == web.ZH {
			v.Reason = a.Said.ZH
		}
		return answer(v)
	}
	p, err := payment.ByNumber(r.Context(), s.DB.Read(), a.Merchant, a.Ref)
	if err != nil {
		return nil, err
	}
	return s.show(r, p)
}

// ask finds the ask that a path names, and the run of it, if there is one.
func (s *Screen) ask(r *web.Request) (a ecr.Ask, m merchant.Merchant, u *run, err error) {
	if m, err = s.merchant(r); err != nil {
		return a, m, nil, err
	}
	if a, err = ecr.ByKey(r.Context(), s.DB.Read(), m.ID, device(r), r.PathValue("key")); err != nil {
		return a, m, nil, err
	}
	s.runs.Lock()
	defer s.runs.Unlock()
	return a, m, s.runs.live[runKey(a)], nil
}

// cardState answers when there is news since ?seen=, or after a while.
func (s *Screen) cardState(r *web.Request) (web.Response, error) {
	a, _, u, err := s.ask(r)
	if err != nil {
		return nil, err
	}
	if seen, err := strconv.Atoi(r.URL.Query().Get("seen")); err == nil && u != nil {
		s.runs.Lock()
		news, same := u.news, u.seq == seen && !u.done
		s.runs.Unlock()
		if same {
			wait := time.NewTimer(linger)
			defer wait.Stop()
			select {
			case <-news:
			case <-wait.C:
			case <-r.Context().Done():
			}
		}
	}
	return s.cardView(r, a)
}

func (s *Screen) present(r *web.Request) (web.Response, error) {
	var w struct {
		Card string `json:"card"`
	}
	if err := read(r, &w); err != nil {
		return nil, err
	}
	a, m, u, err := s.ask(r)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return s.cardView(r, a)
	}
	s.runs.Lock()
	waiting := u.waiting && !u.done
	u.waiting = false
	if waiting {
		u.change()
	}
	s.runs.Unlock()
	if waiting {
		s.start(r.Context(), m, u, w.Card)
	}
	return s.cardView(r, a)
}

// stopCard ends an ask while no card was presented.
func (s *Screen) stopCard(r *web.Request) (web.Response, error) {
	a, _, u, err := s.ask(r)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return s.cardView(r, a)
	}
	s.runs.Lock()
	waiting := u.waiting && !u.done
	if waiting {
		u.done, u.waiting = true, false
		delete(s.runs.live, runKey(a))
		u.change()
	}
	s.runs.Unlock()
	if !waiting {
		return nil, errTooLate
	}
	if err := s.end(r.Context(), a, "", takenOff); err != nil {
		return nil, err
	}
	return s.cardView(r, a)
}

func (s *Screen) void(r *web.Request) (web.Response, error) {
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	if s.Reader == nil || s.Reader.At(m.ID) != p.Terminal || p.Method != payment.MethodCard {
		return nil, payment.ErrState.With("it can be refunded only")
	}
	tries, err := payment.Attempts(r.Context(), s.DB.Read(), p.Merchant, p.ID)
	if err != nil {
		return nil, err
	}
	a, ok := sale(tries)
	if !ok {
		return nil, payment.ErrState
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), longest)
	defer stop()
	c := s.Reader.Void(ctx, m, a.Ref())
	if !c.Sent {
		return nil, fault.New(fault.Conflict, "void_not_sent", c.Said.ZH, c.Said.EN)
	}
	if p, err = payment.Get(r.Context(), s.DB.Read(), p.Merchant, p.ID); err != nil {
		return nil, err
	}
	return s.show(r, p)
}
