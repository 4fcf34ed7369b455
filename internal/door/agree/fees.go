package agree

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"hawker/internal/auth"
	"hawker/internal/contract"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/web"
)

type feeLine struct {
	Name     string
	Now      string
	Since    string
	Versions []feeVersion
}

type feeVersion struct {
	Version          int
	Terms, From      string
	Kind, By, Agreed string
	Document         string
	Current, ToCome  bool
}

type proposalRow struct {
	feelock.Proposal
	Merchant               merchant.Merchant
	Name, Was, Terms       string
	State                  string
	Text                   string
	Digest                 string
	From                   string
	Told                   []string
	Open                   bool // the merchant may answer
	Means                  []auth.Means
	Object                 string
	MayDecide, MayWithdraw bool
}

type feesPage struct {
	Form      *web.Form
	Broken    error
	Lines     []feeLine
	Open      []proposalRow
	Past      []proposalRow
	MayAnswer bool
}

func words(r *web.Request, zh, en string) string {
	if r.Lang == web.EN {
		return en
	}
	return zh
}

func (p pages) fees(r *web.Request) (web.Response, error) {
	page, err := p.feesPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("fees", page), nil
}

func (p pages) feesPage(r *web.Request, f *web.Form) (page feesPage, err error) {
	m, err := p.mine(r)
	if err != nil {
		return page, err
	}
	page.Form, page.MayAnswer = f, r.Who.Kind == auth.Staff && auth.Allows(r.Who, auth.FeeConsent)
	changes, err := p.Fees.History(r.Context(), m.ID, m.Currency)
	if err != nil {
		page.Broken = err // told, and the proposals still shown
	}
	now := p.Clock()
	found := map[feelock.Line]bool{}
	for _, c := range changes {
		n := len(page.Lines)
		if n == 0 || page.Lines[n-1].Name != words2(r, c.Rate) {
			page.Lines = append(page.Lines, feeLine{Name: words2(r, c.Rate)})
			n++
		}
		line := &page.Lines[n-1]
		zh, en := c.Words()
		v := feeVersion{Version: c.Version, Terms: words(r, zh, en), From: stamp(m, c.From), Kind: r.T("agree.consent." + string(c.Kind)), By: c.By, Agreed: stamp(m, c.Agreed),
			Document: hex.EncodeToString(c.Document[:4]), ToCome: c.From.After(now)}
		if !v.ToCome && !found[c.Line] {
			found[c.Line], v.Current = true, true
			line.Now, line.Since = v.Terms, v.From
		}
		line.Versions = append(line.Versions, v)
	}
	list, err := feelock.Of(r.Context(), p.DB.Read(), m.ID)
	if err != nil {
		return page, err
	}
	for _, one := range list {
		row, err := p.proposal(r, m, one)
		if err != nil {
			return page, err
		}
		if row.Open {
			if page.MayAnswer {
				if row.Means, err = p.means(r); err != nil {
					return page, err
				}
			}
			page.Open = append(page.Open, row)
		} else {
			page.Past = append(page.Past, row)
		}
	}
	return page, nil
}

func words2(r *web.Request, rate feelock.Rate) string {
	zh, en := rate.Name()
	return words(r, zh, en)
}

// proposal is one proposal as people see it; its text stands with it while it is open.
func (p pages) proposal(r *web.Request, m merchant.Merchant, one feelock.Proposal) (row proposalRow, err error) {
	zh, en := one.Rate.Words()
	row = proposalRow{Proposal: one, Merchant: m, Name: words2(r, one.Rate), Terms: words(r, zh, en), State: r.T("agree.proposal." + string(one.State)), From: stamp(m, one.From),
		Open: one.State == feelock.Announced, Object: one.Object()}
	if !one.State.Ended() {
		text, err := p.Fees.TextOf(r.Context(), m, one)
		if err != nil {
			return row, err
		}
		sum := text.Digest()
		row.Text, row.Digest = words(r, text.ZH, text.EN), hex.EncodeToString(sum[:])
	}
	told, err := feelock.Notices(r.Context(), p.DB.Read(), one.Merchant, one.ID)
	for _, t := range told {
		channel := t.Channel
		if channel == feelock.OwnPages {
			channel = r.T("agree.told.pages")
		}
		row.Told = append(row.Told, r.T("agree.told", channel, stamp(m, t.At)))
	}
	return row, err
}

func (p pages) openFees(ctx context.Context, who auth.Who) (n int, err error) {
	if who.Merchant == 0 {
		return 0, nil
	}
	list, err := feelock.Of(ctx, p.DB.Read(), who.Merchant)
	for _, one := range list {
		if one.State == feelock.Announced {
			n++
		}
	}
	return n, err
}

func (p pages) openContracts(ctx context.Context, who auth.Who) (n int, err error) {
	if who.Merchant == 0 {
		return 0, nil
	}
	list, err := contract.Of(ctx, p.DB.Read(), who.Merchant)
	for _, c := range list {
		if c.State == contract.Offered {
			n++
		}
	}
	return n, err
}

func (p pages) toApprove(ctx context.Context, who auth.Who) (int, error) {
	if who.Kind != auth.Operator {
		return 0, nil
	}
	list, err := feelock.InState(ctx, p.DB.Read(), feelock.Proposed, 100)
	return len(list), err
}

func (p pages) agree(r *web.Request) (web.Response, error) {
	return p.answer(r, func(m merchant.Merchant, id int64, f *web.Form) error {
		proof, err := p.Guard.StepUp(r.Context(), r.Who, auth.FeeConsent, feelock.Proposal{ID: id}.Object(), web.ProofOf(f))
		if err != nil {
			return err
		}
		_, err = p.Fees.Agree(r.Context(), r.Who, proof, m, id, digest(f.Value("digest")))
		return err
	})
}

func (p pages) refuse(r *web.Request) (web.Response, error) {
	return p.answer(r, func(m merchant.Merchant, id int64, f *web.Form) error {
		_, err := p.Fees.Refuse(r.Context(), r.Who, m, id, f.Value("why"))
		return err
	})
}

func (p pages) answer(r *web.Request, do func(merchant.Merchant, int64, *web.Form) error) (web.Response, error) {
	id, err := number(r, "id")
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	m, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	if err := do(m, id, f); err != nil {
		if err := refused(f, nil, err); err != nil {
			return nil, err
		}
		page, err := p.feesPage(r, f)
		if err != nil {
			return nil, err
		}
		return web.Invalid("fees", page), nil
	}
	return web.Redirect("/app/fees"), nil
}

type opsFeesPage struct {
	Form       *web.Form
	MID        string
	Found      *merchant.Merchant
	Lines      []web.Option
	Proposals  []proposalRow
	MayPropose bool
	Early      string // the first day that needs no reason, yyyy-mm-dd
}

func (p pages) opsFees(r *web.Request) (web.Response, error) {
	page, err := p.opsFeesPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("ops-fees", page), nil
}

func (p pages) opsFeesPage(r *web.Request, f *web.Form) (page opsFeesPage, err error) {
	if err := operator(r); err != nil {
		return page, err
	}
	page = opsFeesPage{Form: f, MID: strings.TrimSpace(r.FormValue("mid")), MayPropose: auth.Allows(r.Who, auth.FeePropose)}
	for _, state := range []feelock.State{feelock.Proposed, feelock.Approved, feelock.Announced} {
		list, err := feelock.InState(r.Context(), p.DB.Read(), state, 100)
		if err != nil {
			return page, err
		}
		for _, one := range list {
			m, err := merchant.ByID(r.Context(), p.DB.Read(), one.Merchant)
			if err != nil {
				return page, err
			}
			row, err := p.proposal(r, m, one)
			if err != nil {
				return page, err
			}
			me := string(r.Who.Kind) + "/" + strconv.FormatInt(r.Who.ID, 10)
			row.MayDecide = state == feelock.Proposed && auth.Allows(r.Who, auth.FeeApprove) && one.Proposer != me
			row.MayWithdraw = page.MayPropose
			page.Proposals = append(page.Proposals, row)
		}
	}
	if page.MID == "" {
		return page, nil
	}
	m, err := merchant.ByMID(r.Context(), p.DB.Read(), page.MID)
	if err != nil {
		return page, refused(f, map[string]error{"mid": merchant.ErrUnknown}, err)
	}
	page.Found = &m
	page.Early = p.Clock().In(m.Zone).Add(feelock.Notice).AddDate(0, 0, 2).Format("2006-01-02")
	changes, err := p.Fees.History(r.Context(), m.ID, m.Currency)
	if err != nil {
		return page, refused(f, nil, err)
	}
	seen := map[feelock.Line]bool{}
	for _, c := range changes {
		if !seen[c.Line] {
			seen[c.Line] = true
			zh, en := c.Words()
			value := c.Method + "/" + c.CardKind
			page.Lines = append(page.Lines, web.Option{Value: value, Text: words2(r, c.Rate) + " · " + words(r, zh, en), Chosen: f.Value("line") == value})
		}
	}
	return page, nil
}

func (p pages) propose(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	err = p.draft(r, f)
	if err == nil && f.OK() {
		return web.Redirect("/ops/fees"), nil
	}
	if err := refused(f, map[string]error{"points": feelock.ErrTerms, "from": feelock.ErrSooner, "reason": feelock.ErrReason}, err); err != nil {
		return nil, err
	}
	page, err := p.opsFeesPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("ops-fees", page), nil
}

func (p pages) draft(r *web.Request, f *web.Form) error {
	m, err := merchant.ByMID(r.Context(), p.DB.Read(), f.Need("mid"))
	if err != nil {
		return err
	}
	method, kind, _ := strings.Cut(f.Need("line"), "/")
	rate := feelock.Rate{Line: feelock.Line{Method: method, CardKind: kind}}
	percent, err := money.Parse(f.Need("points"), "CNY") // two decimals, as hundredths of a percent are
	if err != nil || percent.Minor() < 0 || percent.Minor() > 10000 {
		f.Refuse("points", feelock.ErrTerms)
	}
	rate.Rate = money.BasisPoints(percent.Minor()) //nolint:gosec // 0 to 10000
	for _, one := range []struct {
		name string
		to   *money.Amount
	}{{"min", &rate.Min}, {"cap", &rate.Cap}} {
		if f.Value(one.name) != "" {
			*one.to = f.Amount(one.name, m.Currency)
		}
	}
	from, err := day(f.Need("from"), m)
	if err != nil {
		f.Refuse("from", feelock.ErrSooner)
	}
	if !f.OK() {
		return nil
	}
	_, err = p.Fees.Propose(r.Context(), r.Who, m, feelock.Draft{Rate: rate, From: from, Otherwise: feelock.Otherwise(f.Value("otherwise")), Reason: f.Value("reason"), Early: f.Value("early")})
	return err
}

func (p pages) decideFee(r *web.Request) (web.Response, error) {
	if err := operator(r); err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
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
	switch r.PathValue("step") {
	case "approve":
		_, err = p.Fees.Approve(r.Context(), r.Who, m, id)
	case "reject":
		_, err = p.Fees.Reject(r.Context(), r.Who, m, id, f.Value("why"))
	case "withdraw":
		_, err = p.Fees.Withdraw(r.Context(), r.Who, m, id, f.Value("why"))
	default:
		err = web.ErrNoPage
	}
	if err == nil {
		return web.Redirect("/ops/fees"), nil
	}
	if err := refused(f, nil, err); err != nil {
		return nil, err
	}
	page, err := p.opsFeesPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("ops-fees", page), nil
}
