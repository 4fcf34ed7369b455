package pos

import (
	"fmt"
	"strings"
	"time"

	"hawker/internal/iso8583"
)

// answer is a message that parses, and what the terminal knows of its origin.
type answer struct {
	*iso8583.Message
	mac    macState
	signOn bool // the header asks to sign on again
}

// macState is what F64 says of an answer.
type macState int

const (
	macAbsent macState = iota
	macWrong
	macValid
)

// read takes a frame apart. A value that the profile forbids makes it no message.
func (s *state) read(p *iso8583.Profile, f iso8583.Frame) (*answer, error) {
	m, err := p.Unpack(f.Body)
	if err != nil {
		return nil, err
	}
	if err := p.Validate(m); err != nil {
		return nil, err
	}
	a := &answer{Message: m, signOn: f.Header.ProcessingRequest() == iso8583.SignOnAgain}
	if covered, mac, ok := p.MACRange(f.Body); ok {
		a.mac = macWrong
		if s.Secure.verify(p, covered, mac) {
			a.mac = macValid
		}
	}
	if m.Has(39) {
		m.Set(39, p.OurCode(m.Text(39)))
	}
	return a, nil
}

// echoed must come back as they were sent.
var echoed = []int{3, 4, 11, 41, 42}

// answers says why a is not the answer to m; nil when it is.
func (a *answer) answers(m *iso8583.Message) error {
	if want := m.MTI[:2] + string(m.MTI[2]+1) + m.MTI[3:]; a.MTI != want {
		return fmt.Errorf("its MTI is not %s", want)
	}
	for _, n := range echoed {
		if m.Has(n) && a.Text(n) != m.Text(n) {
			return fmt.Errorf("its field %d is not ours", n)
		}
	}
	return nil
}

// code is F39; "" when absent.
func (a *answer) code() string { return a.Text(39) }

// fill writes into a transaction what an authentic answer tells.
func (a *answer) fill(tx *Transaction, now time.Time) {
	tx.Code, tx.RRN, tx.AuthCode = a.code(), a.Text(37), a.Text(38)
	tx.Issuer = strings.TrimSpace(a.Text(44)[:min(11, len(a.Text(44)))])
	tx.HostText = a.sentence()
	tx.Time = a.time(now)
}

// sentence is what the host says to the merchant: F63 after the card organisation.
func (a *answer) sentence() string {
	b := a.Bytes(63)
	return strings.TrimSpace(iso8583.DecodeText(b[min(3, len(b)):]))
}

// time is F13 and F12 in the year that brings them nearest to now; now when
// they are absent or no time.
func (a *answer) time(now time.Time) time.Time {
	host, err := time.ParseInLocation("20060102150405", "2000"+a.Text(13)+a.Text(12), beijing)
	if err != nil {
		return now
	}
	best := now
	for i, year := range []int{now.Year(), now.Year() - 1, now.Year() + 1} {
		t := time.Date(year, host.Month(), host.Day(), host.Hour(), host.Minute(), host.Second(), 0, beijing)
		if i == 0 || t.Sub(now).Abs() < best.Sub(now).Abs() {
			best = t
		}
	}
	return best
}
