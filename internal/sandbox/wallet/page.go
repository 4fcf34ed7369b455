package wallet

func (s *Simulator) routePage() {}
