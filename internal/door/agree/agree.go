// Package agree is the face of what is agreed: the contract and its signature, fees and the
// consent to them, training, reviews, one's data; and for operators the proposals, offers,
// moderation and requests that go with them. It holds no rule of any of these.
package agree

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"strconv"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/contract"
	"hawker/internal/fault"
	"hawker/internal/feedback"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/privacy"
	"hawker/internal/store"
	"hawker/internal/training"
	"hawker/internal/web"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

func sub(f fs.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the folder is embedded
	}
	return s
}

// Prover lets whoever is signed in prove himself again.
type Prover interface {
	Account(ctx context.Context, m merchant.ID, id int64) (auth.Account, error)
	StepUp(ctx context.Context, who auth.Who, action auth.Action, object string, p auth.Proof) (auth.StepUp, error)
}

// Config is what the pages need.
type Config struct {
	DB        *store.DB
	Clock     clock.Clock
	Guard     Prover
	Fees      *feelock.Book
	Contracts *contract.Desk
	School    *training.School
	Reviews   *feedback.Board
	Served    func(ctx context.Context, m merchant.ID) ([]feedback.Service, error) // what a merchant can review
	Privacy   *privacy.Office
	// Shown are the fees that a merchant was shown when he applied, for the offer of his contract; nil for none.
	Shown func(ctx context.Context, m merchant.Merchant) ([]feelock.Rate, error)
}

type pages struct{ Config }

// Door is the door with all its pages.
func Door(c Config) web.Door {
	p := pages{c}
	return web.Door{Name: "agree", Face: web.Shell, Texts: texts(), Templates: sub(templates, "templates"), Assets: sub(static, "static"), Routes: p.routes(),
		Nav: []web.Entry{
			{Text: "agree.fees", Icon: "percentage", Path: "/app/fees", Action: auth.FeeConsent, Order: 40, Count: p.openFees},
			{Text: "agree.contract", Icon: "writing", Path: "/app/contract", Action: auth.ContractSign, Order: 122, Count: p.openContracts},
			{Text: "agree.learn", Icon: "school", Path: "/learn", Action: auth.TrainingTake, Order: 124},
			{Text: "agree.reviews", Icon: "star", Path: "/app/feedback", Action: auth.FeedbackWrite, Order: 126},
			{Text: "agree.privacy", Icon: "shield-lock", Path: "/app/privacy", Action: auth.PrivacyWrite, Order: 128},
			{Text: "agree.ops.fees", Icon: "percentage", Path: "/ops/fees", Action: auth.FeeApprove, Order: 240, Count: p.toApprove},
			{Text: "agree.ops.contracts", Icon: "writing", Path: "/ops/contracts", Action: auth.ContractWrite, Order: 242},
			{Text: "agree.ops.reviews", Icon: "star", Path: "/ops/reviews", Action: auth.FeedbackAnswer, Order: 244},
			{Text: "agree.ops.privacy", Icon: "shield-lock", Path: "/ops/privacy", Action: auth.PrivacyManage, Order: 246},
		}}
}

func (p pages) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/app/contract", Action: auth.ContractRead, Handler: p.contract},
		{Method: "GET", Pattern: "/app/contract/compare", Action: auth.ContractRead, Handler: p.compare},
		{Method: "GET", Pattern: "/app/contract/{id}/pdf", Action: auth.ContractRead, Handler: p.contractPDF},
		{Method: "POST", Pattern: "/app/contract/{id}/read", Action: auth.ContractSign, Handler: p.acknowledge},
		{Method: "POST", Pattern: "/app/contract/{id}/sign", Action: auth.ContractSign, Handler: p.sign},
		{Method: "POST", Pattern: "/app/contract/{id}/end", Action: auth.ContractSign, Handler: p.end},
		{Method: "GET", Pattern: "/app/fees", Action: auth.FeeRead, Handler: p.fees},
		{Method: "POST", Pattern: "/app/fees/{id}/agree", Action: auth.FeeConsent, Handler: p.agree},
		{Method: "POST", Pattern: "/app/fees/{id}/refuse", Action: auth.FeeConsent, Handler: p.refuse},
		{Method: "GET", Pattern: "/learn", Action: auth.TrainingRead, Handler: p.learn},
		{Method: "GET", Pattern: "/learn/lesson/{key}", Action: auth.TrainingRead, Handler: p.lesson},
		{Method: "POST", Pattern: "/learn/test", Action: auth.TrainingTake, Handler: p.begin},
		{Method: "GET", Pattern: "/learn/test/{id}", Action: auth.TrainingTake, Handler: p.test},
		{Method: "POST", Pattern: "/learn/test/{id}", Action: auth.TrainingTake, Handler: p.submit},
		{Method: "GET", Pattern: "/learn/certificate", Action: auth.TrainingRead, Handler: p.certificate},
		{Method: "GET", Pattern: "/learn/check", Action: web.Public, Handler: p.checkCertificate},
		{Method: "GET", Pattern: "/app/privacy", Action: auth.PrivacyRead, Handler: p.privacy},
		{Method: "POST", Pattern: "/app/privacy", Action: auth.PrivacyWrite, Handler: p.ask},
		{Method: "GET", Pattern: "/app/privacy/copy.json", Action: auth.PrivacyWrite, Handler: p.copyJSON},
		{Method: "GET", Pattern: "/app/privacy/copy.pdf", Action: auth.PrivacyWrite, Handler: p.copyPDF},
		{Method: "GET", Pattern: "/app/feedback", Action: auth.FeedbackWrite, Handler: p.reviews},
		{Method: "POST", Pattern: "/app/feedback", Action: auth.FeedbackWrite, Handler: p.review},
		{Method: "GET", Pattern: "/ops/fees", Action: auth.FeeRead, Handler: p.opsFees},
		{Method: "POST", Pattern: "/ops/fees", Action: auth.FeePropose, Handler: p.propose},
		{Method: "POST", Pattern: "/ops/fees/{merchant}/{id}/{step}", Action: auth.FeeRead, Handler: p.decideFee},
		{Method: "GET", Pattern: "/ops/contracts", Action: auth.ContractRead, Handler: p.opsContracts},
		{Method: "POST", Pattern: "/ops/contracts", Action: auth.ContractWrite, Handler: p.offer},
		{Method: "GET", Pattern: "/ops/contracts/{merchant}/{id}/pdf", Action: auth.ContractRead, Handler: p.opsPDF},
		{Method: "POST", Pattern: "/ops/contracts/{merchant}/{id}/end", Action: auth.ContractWrite, Handler: p.opsEnd},
		{Method: "GET", Pattern: "/ops/reviews", Action: auth.FeedbackRead, Handler: p.opsReviews},
		{Method: "POST", Pattern: "/ops/reviews", Action: auth.FeedbackAnswer, Handler: p.moderate},
		{Method: "GET", Pattern: "/ops/privacy", Action: auth.PrivacyManage, Handler: p.opsPrivacy},
		{Method: "POST", Pattern: "/ops/privacy", Action: auth.PrivacyManage, Handler: p.decidePrivacy},
	}
}

var errNoMerchant = fault.New(fault.Forbidden, "agree_no_merchant", "这个页面只给商户的人看，请用商户账户登录。", "This page belongs to a merchant. Please sign in with a merchant's account.")

// mine is the merchant of whoever asks.
func (p pages) mine(r *web.Request) (merchant.Merchant, error) {
	if r.Who.Merchant == 0 {
		return merchant.Merchant{}, errNoMerchant
	}
	return merchant.ByID(r.Context(), p.DB.Read(), r.Who.Merchant)
}

// operator refuses a merchant's people on operators' pages, whose actions they may share.
func operator(r *web.Request) error {
	if r.Who.Kind != auth.Operator {
		return auth.ErrForbidden
	}
	return nil
}

// number reads a path's number; what is none is not there.
func number(r *web.Request, name string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, web.ErrNoPage
	}
	return n, nil
}

// means are the ways in which whoever asks may prove himself again.
func (p pages) means(r *web.Request) ([]auth.Means, error) {
	a, err := p.Guard.Account(r.Context(), r.Who.Merchant, r.Who.ID)
	if err != nil {
		return nil, err
	}
	return a.StepUpMeans(), nil
}

// proofs are the refusals that stand beside the proof.
var proofs = []error{auth.ErrStepUp, auth.ErrStepUpStale, auth.ErrProof, auth.ErrPIN, auth.ErrPasskey, auth.ErrHalfway, auth.ErrUnproven, auth.ErrLocked, auth.ErrTooOften}

// refused puts an error where it belongs in a form: under a field, at the proof, or above all. An
// error that is a fault of ours is given back.
func refused(f *web.Form, fields map[string]error, err error) error {
	if err == nil {
		return nil // the form's own fields are wrong
	}
	for name, known := range fields {
		if errors.Is(err, known) {
			f.Refuse(name, err)
			return nil
		}
	}
	for _, known := range proofs {
		if errors.Is(err, known) {
			f.Refuse("proof", err)
			return nil
		}
	}
	switch fault.Of(err).Kind {
	case fault.Invalid, fault.Conflict, fault.Declined, fault.Limited:
		f.Refuse("", err)
		return nil
	}
	return err
}
