package wallet

import "net/http"

func (s *Simulator) routeAlipay() {}
func (s *Simulator) routePage()   {}
func (s *Simulator) alipayNotice(Order) (*http.Request, error) {
	return nil, http.ErrNotSupported
}
