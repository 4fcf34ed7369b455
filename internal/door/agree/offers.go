package agree

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hawker/internal/auth"
	"hawker/internal/contract"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/privacy"
	"hawker/internal/store"
	"hawker/internal/web"
)

type opsContractsPage struct {
	Form  *web.Form
	MID   string
	Found *merchant.Merchant
	List  []contractRow
	Rates []rateField
	May   bool
	End   *opsEnd // the signed contract, which an operator may end; nil for none
}

// opsEnd is what the form that ends a contract takes.
type opsEnd struct {
	ID     int64
	Means  []auth.Means
	Action auth.Action
	Object string
}

// endObject names a contract where an operator's proof is about its end.
func endObject(m merchant.ID, id int64) string { return fmt.Sprintf("contract/%d/%d", m, id) }

type rateField struct{ Name, Label, Value, Cap string }

// usual are the lines that an offer states, with the institution's list price.
var usual = []struct {
	line feelock.Line
	rate string
	cap  string
}{{feelock.Line{Method: "card", CardKind: "debit"}, "0.50", "20.00"}, {feelock.Line{Method: "card", CardKind: "credit"}, "0.60", ""}, {feelock.Line{Method: "card"}, "0.60", ""},
	{feelock.Line{Method: "wechat"}, "0.38", ""}, {feelock.Line{Method: "alipay"}, "0.38", ""}, {feelock.Line{Method: "unionpay"}, "0.38", ""}}

func key(l feelock.Line) string { return l.Method + "." + l.CardKind }

func (p pages) opsContracts(r *web.Request) (web.Response, error) {
	page, err := p.opsContractsPage(r, web.EmptyForm(), r.FormValue("mid"))
	if err != nil {
		return nil, err
	}
	return web.Page("ops-contracts", page), nil
}

func (p pages) opsContractsPage(r *web.Request, f *web.Form, mid string) (page opsContractsPage, err error) {
	if err := operator(r); err != nil {
		return page, err
	}
	page = opsContractsPage{Form: f, MID: strings.TrimSpace(mid), May: auth.Allows(r.Who, auth.ContractWrite)}
	if page.MID == "" {
		return page, nil
	}
	m, err := merchant.ByMID(r.Context(), p.DB.Read(), page.MID)
	if err != nil {
		return page, refused(f, map[string]error{"mid": merchant.ErrUnknown}, err)
	}
	page.Found = &m
	list, err := contract.Of(r.Context(), p.DB.Read(), m.ID)
	if err != nil {
		return page, err
	}
	for _, c := range list {
		page.List = append(page.List, contractRow{c.ID, c.Version, r.T("agree.contract." + string(c.State)), stamp(m, c.Offered)})
		if c.State == contract.Signed && page.May {
			page.End = &opsEnd{c.ID, nil, auth.ContractWrite, endObject(m.ID, c.ID)}
			if page.End.Means, err = p.means(r); err != nil {
				return page, err
			}
		}
	}
	var shown []feelock.Rate
	if p.Shown != nil {
		if shown, err = p.Shown(r.Context(), m); err != nil {
			return page, err
		}
	}
	for _, u := range usual {
		zh, en := u.line.Name()
		field := rateField{key(u.line), words(r, zh, en), u.rate, u.cap}
		if len(shown) > 0 { // what he was shown, and nothing else
			field.Value, field.Cap = "", ""
		}
		for _, s := range shown {
			if s.Line == u.line {
				field.Value = money.New(int64(s.Rate), "CNY").Decimal()
				if s.Cap.Sign() > 0 {
					field.Cap = s.Cap.Decimal()
				}
			}
		}
		plans, err := p.Fees.Plans(r.Context(), m.ID, m.Currency, u.line)
		if err != nil {
			return page, refused(f, nil, err)
		}
		if len(plans) > 0 {
			t := plans[0].Terms()
			field.Value, field.Cap = money.New(int64(t.Rate), "CNY").Decimal(), ""
			if t.Cap.Sign() > 0 {
				field.Cap = t.Cap.Decimal()
			}
		}
		page.Rates = append(page.Rates, field)
	}
	return page, nil
}

func (p pages) offer(r *web.Request) (web.Response, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	m, err := merchant.ByMID(r.Context(), p.DB.Read(), f.Need("mid"))
	if err == nil {
		var rates []feelock.Rate
		for _, u := range usual {
			if f.Value("rate."+key(u.line)) == "" {
				continue
			}
			percent := f.Amount("rate."+key(u.line), "CNY")
			one := feelock.Rate{Line: u.line, FeePlan: merchant.FeePlan{Rate: money.BasisPoints(min(max(percent.Minor(), -1), 10001))}} //nolint:gosec // bounded; what is out of range is refused
			if f.Value("cap."+key(u.line)) != "" {
				one.Cap = f.Amount("cap."+key(u.line), m.Currency)
			}
			if one.Rate < 0 || one.Rate > 10000 {
				f.Refuse("rate."+key(u.line), feelock.ErrTerms)
			}
			rates = append(rates, one)
		}
		if f.OK() {
			err = p.DB.Write(r.Context(), func(tx *store.Tx) error {
				_, err := p.Contracts.Offer(r.Context(), tx, string(r.Who.Kind)+"/"+strconv.FormatInt(r.Who.ID, 10), m, "merchant", rates...)
				return err
			})
			if err == nil {
				return web.Redirect("/ops/contracts?mid=" + m.MID), nil
			}
		}
	}
	if err := refused(f, map[string]error{"mid": merchant.ErrUnknown}, err); err != nil {
		return nil, err
	}
	page, err := p.opsContractsPage(r, f, r.FormValue("mid"))
	if err != nil {
		return nil, err
	}
	return web.Invalid("ops-contracts", page), nil
}

// opsEnd ends a contract for the institution: thirty days from now, or at once where the ground for that is said.
func (p pages) opsEnd(r *web.Request) (web.Response, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	id, err := number(r, "id")
	if err != nil {
		return nil, err
	}
	of, err := number(r, "merchant")
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	m, err := merchant.ByID(r.Context(), p.DB.Read(), merchant.ID(of))
	if err != nil {
		return nil, err
	}
	at := p.Clock()
	if f.Value("ground") == "" {
		at = at.Add(contract.TermNotice + time.Minute) // the minute that the proof may take
	}
	object := endObject(m.ID, id)
	proof, err := p.Guard.StepUp(r.Context(), r.Who, auth.ContractWrite, object, web.ProofOf(f))
	if err == nil {
		err = proof.Use(r.Who, auth.ContractWrite, object, p.Clock())
	}
	if err == nil {
		_, err = p.Contracts.End(r.Context(), r.Who, m.ID, id, at, f.Value("why"), f.Value("ground"))
	}
	if err == nil {
		return web.Redirect("/ops/contracts?mid=" + m.MID), nil
	}
	if err := refused(f, map[string]error{"why": contract.ErrWhy, "ground": contract.ErrTerm}, err); err != nil {
		return nil, err
	}
	page, err := p.opsContractsPage(r, f, m.MID)
	if err != nil {
		return nil, err
	}
	return web.Invalid("ops-contracts", page), nil
}

// opsPDF is the institution's copy; that it was opened, and what for, the merchant sees.
func (p pages) opsPDF(r *web.Request) (web.Response, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	id, err := number(r, "id")
	if err != nil {
		return nil, err
	}
	of, err := number(r, "merchant")
	if err != nil {
		return nil, err
	}
	m, err := merchant.ByID(r.Context(), p.DB.Read(), merchant.ID(of))
	if err != nil {
		return nil, err
	}
	if err := p.DB.Write(r.Context(), func(tx *store.Tx) error {
		return p.Privacy.Note(r.Context(), tx, r.Who, privacy.Of(m.ID), "contract", r.URL.Query().Get("for"))
	}); err != nil {
		return nil, err
	}
	return p.pdf(r, m, id)
}
