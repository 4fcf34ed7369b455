package wallet

import (
	"net/http"
	"strconv"
	"time"
)

// answer is what goes back to a merchant, before its signature.
type answer struct {
	status int
	body   []byte
	header http.Header
}

// falsify changes an order as a delivery will have it told. The order itself stays right.
func (d Delivery) falsify(o Order) Order {
	switch d {
	case WrongAmount:
		o.Amount++
	case Stranger:
		o.Order += "0"
	case Normal, Late, Cut, Forged, SystemError, Silent, Lost:
	}
	return o
}

// send lets an answer go its way.
func (s *Simulator) send(w http.ResponseWriter, r *http.Request, d Delivery, a answer) {
	switch d {
	case Silent, Lost:
		select {
		case <-r.Context().Done():
		case <-s.life.Done():
		}
		panic(http.ErrAbortHandler)
	case Late:
		if !s.wait(r.Context(), s.cfg.LateAfter) {
			panic(http.ErrAbortHandler)
		}
	case Normal, Cut, WrongAmount, Stranger, Forged, SystemError:
	}
	if d == Cut && len(a.body) == 0 {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if d == Cut {
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(a.body)
}

// fresh is how far a signature's time may be from now.
const fresh = 5 * time.Minute
