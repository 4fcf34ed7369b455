package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/contract"
	"hawker/internal/door/agree"
	"hawker/internal/feedback"
	"hawker/internal/feelock"
	"hawker/internal/institution"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/privacy"
	"hawker/internal/store"
	"hawker/internal/subject"
	"hawker/internal/training"
	"hawker/internal/web"
)

// openFees opens the fee lock, through which alone payments compute a fee, and what is agreed beside fees.
func (s *Server) openFees(ks *keys.Keystore) error {
	s.Fees = feelock.Open(feelock.Config{DB: s.DB, Seal: ks, Clock: s.Config.Clock, Log: s.Config.Log, Jobs: s.Jobs,
		Channels: []feelock.Channel{messages{filepath.Join(s.Config.Data, "sandbox", "messages.jsonl"), s.Config.Clock}}})
	s.closers = append(s.closers, func() error { s.Fees.Close(); return nil })
	return s.openAgreements(ks)
}

// agreements are contracts, training, reviews and privacy.
type agreements struct {
	contracts *contract.Desk
	school    *training.School
	reviews   *feedback.Board
	privacy   *privacy.Office
}

func (s *Server) openAgreements(ks *keys.Keystore) (err error) {
	ring := subject.NewRing(ks, s.Config.Clock)
	a := &s.agreed
	if a.contracts, err = contract.Open(contract.Config{DB: s.DB, Keys: ks, Ring: ring, Fees: s.Fees, Jobs: s.Jobs, Clock: s.Config.Clock, Log: s.Config.Log, Institution: s.party, Beside: asApplicant}); err != nil {
		return err
	}
	if a.school, err = training.Open(s.DB, ks, s.Config.Clock); err != nil {
		return err
	}
	s.Jobs.Handle(jobOffer, s.runOffer)
	a.reviews = feedback.Open(s.DB, s.Config.Clock, s.relation)
	destroy, err := purges()
	if err != nil {
		return err
	}
	a.privacy = privacy.Open(privacy.Config{DB: s.DB, Ring: ring, Clock: s.Config.Clock, Sources: []privacy.Source{s.knownMerchant, s.knownApplication, s.knownAgreements},
		Purges: destroy, Beside: asApplicant, Watched: s.looksAtApplication})
	return nil
}

// party is the institution as contracts name it: the one under whose licence the merchant was boarded.
func (s *Server) party(ctx context.Context, m merchant.Merchant) (contract.Party, error) {
	b, err := onboarding.BoardingOf(ctx, s.DB.Read(), m.ID)
	if err != nil {
		return contract.Party{}, err
	}
	r, err := institution.ByNumber(ctx, s.DB.Read(), institution.Institution, b.Institution)
	if err != nil {
		return contract.Party{}, err
	}
	en := r.NameEN
	if en == "" {
		en = r.NameZH
	}
	return contract.Party{NameZH: r.NameZH, NameEN: en, Licence: r.Number}, nil
}

// shown are the fees that a merchant was shown when he applied: his contract states them.
func (s *Server) shown(ctx context.Context, m merchant.Merchant) (rates []feelock.Rate, err error) {
	b, err := onboarding.BoardingOf(ctx, s.DB.Read(), m.ID)
	if errors.Is(err, onboarding.ErrBoarded) {
		return nil, nil
	}
	for _, f := range b.Fees {
		rates = append(rates, feelock.Rate{Line: feelock.Line{Method: f.Method, CardKind: f.CardKind},
			FeePlan: merchant.FeePlan{Rate: f.Rate, Min: money.New(f.Min, m.Currency), Cap: money.New(f.Cap, m.Currency)}})
	}
	return rates, err
}

// jobOffer offers a merchant his first contract. It follows the approval in a transaction of its own,
// because the contract names what the approval has written down.
const jobOffer = "contract.offer"

// offerTries are about a day; afterwards a case opens, and an operator offers by hand.
const offerTries = 150

// offerLater has a new merchant offered his contract soon.
func (s *Server) offerLater(ctx context.Context, tx *store.Tx, m merchant.Merchant) error {
	return jobs.Add(ctx, tx, s.Config.Clock(), jobs.Job{Merchant: int64(m.ID), Kind: jobOffer, Ref: m.MID, MaxTries: offerTries})
}

// runOffer offers the newest text with the fees that the applicant was shown, unless an operator was faster.
func (s *Server) runOffer(ctx context.Context, j jobs.Job) error {
	m, err := merchant.ByID(ctx, s.DB.Read(), merchant.ID(j.Merchant))
	if err != nil {
		return err
	}
	rates, err := s.shown(ctx, m)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		list, err := contract.Of(ctx, tx, m.ID)
		if err != nil || len(list) > 0 {
			return err
		}
		_, err = s.agreed.contracts.Offer(ctx, tx, "approval", m, "merchant", rates...)
		return err
	})
}

// offerSample offers the sandbox's merchant a contract with the fees in force, so that there is one to read and sign.
func (s *Server) offerSample(ctx context.Context) error {
	m, err := merchant.ByMID(ctx, s.DB.Read(), seedMID)
	if err != nil {
		return nil // another merchant's database
	}
	list, err := contract.Of(ctx, s.DB.Read(), m.ID)
	if err != nil || len(list) > 0 {
		return err
	}
	changes, err := s.Fees.History(ctx, m.ID, m.Currency)
	if err != nil {
		return nil // its fees are refused, and said so where they are used
	}
	var rates []feelock.Rate
	for i, c := range changes {
		if i == 0 || changes[i-1].Line != c.Line {
			rates = append(rates, c.Rate)
		}
	}
	if len(rates) == 0 {
		return nil
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := s.agreed.contracts.Offer(ctx, tx, "sandbox", m, "merchant", rates...)
		return err
	})
	if errors.Is(err, contract.ErrOffered) || errors.Is(err, onboarding.ErrBoarded) {
		return nil // another node was faster, or the merchant is older than the register
	}
	return err
}

// messages is a simulated channel: what a text message would say stands in a file of the sandbox.
type messages struct {
	file string
	now  clock.Clock
}

// Name is how the channel is called in notices.
func (messages) Name() string { return "text message (simulated)" }

// Send writes a line for each language; the reference is the line's time.
func (c messages) Send(_ context.Context, m feelock.Message) (string, error) {
	reference := c.now().Format(time.RFC3339Nano)
	line, err := json.Marshal(map[string]string{"at": reference, "to": m.Merchant.MID, "about": m.Proposal.Object(), "zh": m.Text.ZH, "en": m.Text.EN})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(c.file), 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(c.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // a file of our own data directory
	if err != nil {
		return "", err
	}
	_, err = f.Write(append(line, '\n'))
	return reference, errors.Join(err, f.Close())
}

// served is who served a merchant in what is complete: the institution in every contract that
// was signed, whoever registered each of his terminals, and the provider who brought him, once he has signed.
func (s *Server) served(ctx context.Context, m merchant.ID) (list []feedback.Service, err error) {
	signed, err := contract.Of(ctx, s.DB.Read(), m)
	if err != nil {
		return nil, err
	}
	var first time.Time
	for _, c := range signed {
		if c.Signed.IsZero() {
			continue
		}
		doc, err := s.agreed.contracts.Document(ctx, c)
		if err != nil {
			return nil, err
		}
		if first.IsZero() || c.Signed.Before(first) {
			first = c.Signed
		}
		list = append(list, feedback.Service{Relation: c.Object(), Done: c.Signed, Target: feedback.Target{Kind: feedback.Institution, Number: doc.Licence, Name: doc.Institution.ZH}})
	}
	installed, err := audit.List(ctx, s.DB.Read(), audit.Filter{Merchant: int64(m), What: "terminal.register", Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, one := range installed {
		if auth.Kind(one.Who.Kind) == auth.Operator {
			list = append(list, feedback.Service{Relation: one.Object, Done: one.At, Target: feedback.Target{Kind: feedback.Technician, Number: fmt.Sprintf("operator/%d", one.Who.ID), Name: one.Who.Name}})
		}
	}
	b, err := onboarding.BoardingOf(ctx, s.DB.Read(), m)
	if errors.Is(err, onboarding.ErrBoarded) || err == nil && (b.Provider == "" || first.IsZero()) {
		return list, nil
	} else if err != nil {
		return nil, err
	}
	r, err := institution.ByNumber(ctx, s.DB.Read(), institution.Provider, b.Provider)
	if err != nil {
		return nil, err
	}
	return append(list, feedback.Service{Relation: "provider/" + r.Number, Done: first, Target: feedback.Target{Kind: feedback.Provider, Number: r.Number, Name: r.NameZH}}), nil
}

// relation is who served a merchant in one relation that is complete.
func (s *Server) relation(ctx context.Context, m merchant.ID, relation string) (feedback.Target, error) {
	list, err := s.served(ctx, m)
	if err != nil {
		return feedback.Target{}, err
	}
	for _, one := range list {
		if one.Relation == relation {
			return one.Target, nil
		}
	}
	return feedback.Target{}, feedback.ErrRelation
}

// knownMerchant is what the merchant's own row says, for the copy of his data.
func (s *Server) knownMerchant(_ context.Context, m merchant.Merchant) ([]privacy.Section, error) {
	f := func(zh, en, value string) privacy.Field {
		return privacy.Field{Name: privacy.Words{ZH: zh, EN: en}, Value: value}
	}
	return []privacy.Section{{Key: "merchant", Title: privacy.Words{ZH: "商户", EN: "Merchant"}, Fields: []privacy.Field{
		f("商户号", "Number", m.MID), f("中文名称", "Chinese name", m.NameZH), f("英文名称", "English name", m.NameEN), f("地点", "Place", m.Place), f("行业", "MCC", m.MCC)}}}, nil
}

// knownAgreements are contracts, fees and certificates, for the copy of a merchant's data.
func (s *Server) knownAgreements(ctx context.Context, m merchant.Merchant) ([]privacy.Section, error) {
	when := func(t time.Time) string { return t.In(m.Zone).Format("2006-01-02 15:04") }
	contracts := privacy.Section{Key: "contracts", Title: privacy.Words{ZH: "合同", EN: "Contracts"}}
	list, err := contract.Of(ctx, s.DB.Read(), m.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		contracts.Fields = append(contracts.Fields, privacy.Field{Name: privacy.Words{ZH: "合同", EN: "Contract"}, Value: fmt.Sprintf("%d · %s · %s · %s", c.ID, c.State, when(c.Offered), c.Code())})
	}
	fees := privacy.Section{Key: "fees", Title: privacy.Words{ZH: "费率", EN: "Fees"}}
	changes, err := s.Fees.History(ctx, m.ID, m.Currency)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		zh, en := c.Name()
		_, terms := c.Words()
		fees.Fields = append(fees.Fields, privacy.Field{Name: privacy.Words{ZH: zh, EN: en}, Value: fmt.Sprintf("%s · %s · %s %s", terms, when(c.From), c.Kind, c.By)})
	}
	learnt := privacy.Section{Key: "training", Title: privacy.Words{ZH: "培训", EN: "Training"}}
	certificates, err := s.agreed.school.Of(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range certificates {
		learnt.Fields = append(learnt.Fields, privacy.Field{Name: privacy.Words{ZH: c.Name, EN: string(c.Role)}, Value: c.Number() + " · " + when(c.Passed)})
	}
	return []privacy.Section{contracts, fees, learnt}, nil
}

// agree is the door of what is agreed.
func (s *Server) agree() web.Door {
	return agree.Door(agree.Config{DB: s.DB, Clock: s.Config.Clock, Guard: s.Guard, Fees: s.Fees, Contracts: s.agreed.contracts, School: s.agreed.school,
		Reviews: s.agreed.reviews, Served: s.served, Privacy: s.agreed.privacy, Shown: s.shown})
}

// retain runs the retention once a day, on whichever node is first; it looks each hour, so
// that a server which is often restarted does it too.
func (s *Server) retain(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			last, err := s.agreed.privacy.Runs(ctx, 1)
			if err == nil && len(last) > 0 && s.Config.Clock().Sub(last[0].Ran) < 24*time.Hour {
				continue
			}
			var r privacy.Report
			if err == nil {
				r, err = s.agreed.privacy.Run(ctx)
			}
			if err != nil {
				s.Config.Log.Error("the retention could not run", "error", err)
				continue
			}
			s.Config.Log.Info("retention", "shredded", len(r.Shredded), "purged", r.Purged, "failed", r.Failed)
		}
	}
}
