package app

import (
	"hawker/internal/feelock"
	"hawker/internal/keys"
)

// openFees opens the fee lock: payments compute no fee but through it.
func (s *Server) openFees(ks *keys.Keystore) {
	s.Fees = feelock.Open(feelock.Config{DB: s.DB, Seal: ks, Clock: s.Config.Clock, Log: s.Config.Log, Jobs: s.Jobs})
	s.closers = append(s.closers, func() error { s.Fees.Close(); return nil })
}
