package app

import (
	"hawker/internal/door/payer"
	"hawker/internal/keys"
	"hawker/internal/receipt"
	"hawker/internal/signature"
)

// openReceipts makes what gives receipts out, and the pages of those who pay.
func (s *Server) openReceipts(ks *keys.Keystore) {
	s.receipts = receipt.Open(s.DB, ks, signature.Open(s.DB, ks, s.Config.Clock), s.base())
	var methods []string
	for _, w := range s.wallets {
		methods = append(methods, w.Name())
	}
	s.payer = payer.New(payer.Config{DB: s.DB, Engine: s.Engine, Receipts: s.receipts, Voucher: ks, Base: s.base(), Methods: methods, Clock: s.Config.Clock,
		Secure: s.Config.HTTP.Cert != ""})
}
