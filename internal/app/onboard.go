package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/door/apply"
	"hawker/internal/door/check"
	"hawker/internal/door/console"
	"hawker/internal/fault"
	"hawker/internal/fleet"
	"hawker/internal/institution"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/sandbox/bank"
	"hawker/internal/standing"
	"hawker/internal/store"
	"hawker/internal/subject"
	"hawker/internal/web"
)

// example is whose licence and service a sandbox boards under: both are invented.
var example = institution.Boarder{Institution: "Z0000000000001", Provider: "F000000000001"}

// boarding is what the server needs to make merchants of applicants.
type boarding struct {
	office   *onboarding.Office
	standing *standing.Book
	bank     *bank.Bank
}

// openBoarding opens the office that takes applications, and the simulated bank that
// verifies accounts. An empty register begins with the example's.
func (s *Server) openBoarding(ctx context.Context, ks *keys.Keystore) (err error) {
	c := s.Config
	by := c.Boarder
	if by == (institution.Boarder{}) {
		by = example
	}
	if err := s.fillRegister(ctx); err != nil {
		return fmt.Errorf("fill the register: %w", err)
	}
	offer, err := advice.Standard()
	if err != nil {
		return err
	}
	sandboxes := filepath.Join(c.Data, "sandbox")
	if err := os.MkdirAll(sandboxes, 0o700); err != nil { // a second node of a database has no simulated network
		return err
	}
	if s.boarding.bank, err = bank.Open(filepath.Join(sandboxes, "bank.jsonl"), c.Clock); err != nil {
		return err
	}
	s.closers = append(s.closers, s.boarding.bank.Close)
	s.boarding.office = onboarding.New(onboarding.Config{DB: s.DB, Keys: ks, Subjects: subject.NewRing(ks, c.Clock), Clock: c.Clock, Log: c.Log, Offer: offer, Boarder: by, Bank: smallAmounts{s.boarding.bank}, Boarded: s.offerLater})
	s.boarding.standing = &standing.Book{DB: s.DB, Keys: ks, Clock: c.Clock, Terms: by.Terms}
	return nil
}

// fillRegister imports the example into an empty register, and says under whom the
// sandbox's merchant was boarded.
func (s *Server) fillRegister(ctx context.Context) error {
	all, err := institution.All(ctx, s.DB.Read())
	if err != nil || len(all) > 0 {
		return err
	}
	list, err := institution.Example()
	if err != nil {
		return err
	}
	m, err := seedMerchant()
	if err != nil {
		return err
	}
	now := s.Config.Clock()
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := institution.Import(ctx, tx, list, "sandbox", now); err != nil {
			return err
		}
		return onboarding.Record(ctx, tx, onboarding.Boarding{Merchant: m.ID, Kind: advice.Micro, Institution: example.Institution, Provider: example.Provider, At: now})
	})
	if store.IsUnique(err) { // another node was faster
		return nil
	}
	return err
}

// smallAmounts sends what verifies an account through the simulated bank.
type smallAmounts struct{ *bank.Bank }

// errRefused is what the bank says of an account that it does not pay to.
var errRefused = fault.New(fault.Declined, "bank_refused", "银行退回了这笔款。", "The bank sent the amount back.")

// Pay implements onboarding.Bank.
func (b smallAmounts) Pay(_ context.Context, t onboarding.Transfer) error {
	err := b.Bank.Pay(bank.Transfer{Ref: t.Ref, Holder: t.Holder, Account: t.Account, Bank: t.Bank, Amount: t.Amount, Memo: t.Memo})
	if errors.Is(err, bank.ErrClosed) || errors.Is(err, bank.ErrHolder) {
		return errRefused.Wrap(err)
	}
	return err
}

// boardingDoors are the faces of becoming a merchant.
func (s *Server) boardingDoors() []web.Door {
	return []web.Door{
		check.New(check.Config{Book: s.boarding.standing, Clock: s.Config.Clock, Reviews: s.agreed.reviews}).Door(),
		console.New(console.Config{DB: s.DB, Office: s.boarding.office, Clock: s.Config.Clock, Terms: s.boarding.standing.Terms,
			Guard: s.Guard, Fleet: &fleet.Desk{DB: s.DB, Clock: s.Config.Clock, Devices: s.authority}, Profiles: terminalProfiles(), Label: s.label}).Door(),
		apply.New(apply.Config{Office: s.boarding.office, Clock: s.Config.Clock, Secure: s.Config.HTTP.Cert != "", Base: s.base(), Statement: s.statement, Enter: s.enter}).Door(),
	}
}

// terminalProfiles are the host profiles that a terminal may speak: all but the card network's.
func terminalProfiles() []string {
	return slices.DeleteFunc(iso8583.Names(), func(name string) bool { return name == iso8583.CardNetwork.Name })
}

// label is the address on the label of a machine.
func (s *Server) label(ctx context.Context, serial string) (string, error) {
	code, err := s.boarding.standing.Code(ctx, serial)
	return s.base() + "/check/t/" + url.PathEscape(serial) + "/" + code, err
}

// enter makes the first sign-in of a merchant's owner, or leads to the sign-in that he has.
func (s *Server) enter(ctx context.Context, m merchant.ID, owner string) (string, error) {
	secret, err := s.Guard.FirstLink(ctx, auth.NewAccount{Merchant: m, Login: fmt.Sprintf("m%d", m), Name: owner, Role: auth.Owner})
	if err != nil {
		return "", err
	}
	if secret == "" {
		return "/signin", nil
	}
	return "/hello/" + secret, nil
}

// statement is what arrived at an account of the simulated bank.
func (s *Server) statement(account string) (list []apply.Line) {
	for _, t := range s.boarding.bank.Statement(account) {
		list = append(list, apply.Line{At: t.At, Amount: t.Amount, Memo: t.Memo})
	}
	return list
}
