package wallet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
)

// The refusals of the customer's side.
var (
	ErrNoOrder = errors.New("wallet: nothing of that kind")
	ErrOver    = errors.New("wallet: the order cannot be paid any more")
)

// Draw gives a fresh code of the customer's wallet, as its screen would show it.
func Draw(b Brand) string {
	head := "13"
	if b == Alipay {
		head = "28"
	}
	n, _ := rand.Int(rand.Reader, big.NewInt(1e16)) // never fails
	return fmt.Sprintf("%s%016d", head, n)
}

// Scan lets the customer scan a merchant's code and see what is to be paid.
func (s *Simulator) Scan(link string) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.books.byLink[link]
	if o == nil {
		return Order{}, ErrNoOrder
	}
	if _, no := s.order(o.key()); no != "" || o.Status != Open && o.Status != Asking {
		return *o, ErrOver
	}
	if o.Status == Open {
		if err := s.record(s.event(o, Scanned)); err != nil {
			return *o, err
		}
	}
	return *o, nil
}

// Confirm lets the customer type the password: the bank then pays, or refuses as the amount says.
func (s *Simulator) Confirm(b Brand, merchant, order string) (Order, error) {
	return s.act(key{b, merchant, order}, "")
}

// Cancel lets the customer put the phone away.
func (s *Simulator) Cancel(b Brand, merchant, order string) (Order, error) {
	return s.act(key{b, merchant, order}, Cancelled)
}

func (s *Simulator) act(k key, why Reason) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, no := s.order(k)
	switch {
	case no != "":
		return Order{}, ErrNoOrder
	case o.Status != Asking:
		return *o, ErrOver
	}
	if why == "" {
		why = o.Reason
	}
	if why != "" {
		now, _ := s.refuse(o, why)
		return now, nil
	}
	now, no := s.settle(o)
	if no != "" {
		return now, errors.New(string(no))
	}
	return now, nil
}

// customer sets the customer to work who is asked for a password. The caller holds mu.
func (s *Simulator) customer(o *Order) {
	k, types, takes := o.key(), o.Types, o.Takes
	if types != Types && types != Cancels {
		return
	}
	s.busy.Go(func() {
		if !s.wait(s.life, takes) {
			return
		}
		var why Reason
		if types == Cancels {
			why = Cancelled
		}
		_, _ = s.act(k, why) // somebody on the page, or the merchant, may have been faster
	})
}

// resume sets an order of the state file to work again.
func (s *Simulator) resume(o *Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case o.Status == Asking && o.Coded:
		s.customer(o)
	case o.Status == Settled && !o.Noticed:
		s.notify(o)
	}
}
