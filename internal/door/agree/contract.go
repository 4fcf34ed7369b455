package agree

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"hawker/internal/auth"
	"hawker/internal/contract"
	"hawker/internal/merchant"
	"hawker/internal/web"
)

// clause is one clause as a page shows it.
type clause struct {
	Number  int
	Key     string
	Title   string
	Text    string
	Must    bool
	Read    string // when it was acknowledged; "" when not yet
	MayTick bool
}

type contractPage struct {
	Form     *web.Form
	Contract contract.Contract
	Shown    bool
	Clauses  []clause
	Rates    []rateRow
	Left     int // clauses to acknowledge
	Code     string
	Digest   string
	State    string
	MaySign  bool
	MayEnd   bool
	Means    []auth.Means
	Object   string
	Name     string
	Signed   []signatureRow
	Others   []contractRow
	Ends     string
	Learns   bool // signed, and not trained yet: what comes next
}

type rateRow struct{ Name, Terms string }
type signatureRow struct{ Party, Name, When string }
type contractRow struct {
	ID      int64
	Version int
	State   string
	When    string
}

func say(r *web.Request, w contract.Words) string {
	if r.Lang == web.EN {
		return w.EN
	}
	return w.ZH
}

func (p pages) contract(r *web.Request) (web.Response, error) {
	page, err := p.contractPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	return web.Page("contract", page), nil
}

func stamp(m merchant.Merchant, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(m.Zone).Format("2006-01-02 15:04")
}

func (p pages) contractPage(r *web.Request, f *web.Form) (page contractPage, err error) {
	m, err := p.mine(r)
	if err != nil {
		return page, err
	}
	list, err := contract.Of(r.Context(), p.DB.Read(), m.ID)
	if err != nil {
		return page, err
	}
	page.Form, page.Name = f, r.Who.Name
	chosen := 0
	if want := r.URL.Query().Get("id"); want != "" {
		if chosen = slices.IndexFunc(list, func(c contract.Contract) bool { return strconv.FormatInt(c.ID, 10) == want }); chosen < 0 {
			return page, contract.ErrNone
		}
	}
	for _, c := range list {
		page.Others = append(page.Others, contractRow{c.ID, c.Version, r.T("agree.contract." + string(c.State)), stamp(m, c.Offered)})
	}
	if len(list) == 0 {
		return page, nil
	}
	c := list[chosen]
	page.Contract, page.Shown, page.Code, page.Digest, page.Object = c, true, c.Code(), hex.EncodeToString(c.Digest[:]), c.Object()
	page.State, page.Ends = r.T("agree.contract."+string(c.State)), stamp(m, c.Ends)
	may := r.Who.Kind == auth.Staff && auth.Allows(r.Who, auth.ContractSign)
	page.MaySign, page.MayEnd = may && c.State == contract.Offered, may && c.State == contract.Signed
	page.Learns = page.MayEnd && p.School.May(r.Context(), r.Who) != nil
	doc, err := p.Contracts.Document(r.Context(), c)
	if err != nil {
		return page, err
	}
	signatures, err := p.Contracts.Signatures(r.Context(), c)
	if err != nil {
		return page, err
	}
	by := fmt.Sprintf("%s/%d", r.Who.Kind, r.Who.ID)
	for _, s := range signatures {
		page.Signed = append(page.Signed, signatureRow{r.T("agree.party." + s.Party), s.Name, stamp(m, s.Signed)})
		if s.Party == contract.PartyMerchant {
			by = s.Actor
		}
	}
	read, err := contract.Acknowledged(r.Context(), p.DB.Read(), m.ID, c.ID, by)
	if err != nil {
		return page, err
	}
	for n, one := range doc.Clauses {
		at, done := read[one.Key]
		row := clause{Number: n + 1, Key: one.Key, Title: say(r, one.Title), Text: say(r, one.Text), Must: one.Must, MayTick: page.MaySign && one.Must && !done}
		if done {
			row.Read = stamp(m, at)
		} else if one.Must {
			page.Left++
		}
		page.Clauses = append(page.Clauses, row)
	}
	for _, one := range doc.Rates {
		page.Rates = append(page.Rates, rateRow{say(r, one.Name), say(r, one.Terms)})
	}
	if page.MaySign || page.MayEnd {
		page.Means, err = p.means(r)
	}
	return page, err
}

func (p pages) acknowledge(r *web.Request) (web.Response, error) {
	id, err := number(r, "id")
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	if err := p.Contracts.Acknowledge(r.Context(), r.Who, r.Who.Merchant, id, f.Value("clause")); err != nil {
		return nil, err
	}
	next := "sign"
	if page, err := p.contractPage(r, web.EmptyForm()); err == nil {
		for _, c := range page.Clauses {
			if c.MayTick {
				next = "clause-" + c.Key
				break
			}
		}
	}
	return web.Redirect("/app/contract#" + next), nil
}

// drawn reads what the canvas sent; what is none is nil, and refused as a signature.
func drawn(f *web.Form) []byte {
	text, ok := strings.CutPrefix(f.Value("drawing"), "data:image/png;base64,")
	if !ok {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

func digest(text string) (sum [sha256.Size]byte) {
	b, err := hex.DecodeString(text)
	if err == nil && len(b) == len(sum) {
		copy(sum[:], b)
	}
	return sum
}

func (p pages) sign(r *web.Request) (web.Response, error) {
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
	s := contract.Signing{Seen: digest(f.Value("digest")), Name: f.Need("name"), Drawing: drawn(f)}
	if f.OK() {
		// What can be judged without the proof is judged first: a one-time code is not spent on a forgotten clause.
		if err = p.Contracts.Ready(r.Context(), r.Who, m, id, s); err == nil {
			var proof auth.StepUp
			if proof, err = p.Guard.StepUp(r.Context(), r.Who, auth.ContractSign, contract.Contract{ID: id}.Object(), web.ProofOf(f)); err == nil {
				if _, err = p.Contracts.Sign(r.Context(), r.Who, proof, m, id, s); err == nil {
					return web.Redirect("/app/contract?signed=1"), nil
				}
			}
		}
		if err := refused(f, map[string]error{"name": contract.ErrName, "drawing": contract.ErrDrawing}, err); err != nil {
			return nil, err
		}
	}
	page, err := p.contractPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("contract", page), nil
}

func (p pages) end(r *web.Request) (web.Response, error) {
	id, err := number(r, "id")
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	proof, err := p.Guard.StepUp(r.Context(), r.Who, auth.ContractSign, contract.Contract{ID: id}.Object(), web.ProofOf(f))
	if err == nil {
		err = proof.Use(r.Who, auth.ContractSign, contract.Contract{ID: id}.Object(), p.Clock())
	}
	if err == nil {
		_, err = p.Contracts.End(r.Context(), r.Who, r.Who.Merchant, id, p.Clock(), f.Value("why"), "")
	}
	if err == nil {
		return web.Redirect("/app/contract"), nil
	}
	if err := refused(f, nil, err); err != nil {
		return nil, err
	}
	page, err := p.contractPage(r, f)
	if err != nil {
		return nil, err
	}
	return web.Invalid("contract", page), nil
}

func (p pages) contractPDF(r *web.Request) (web.Response, error) {
	id, err := number(r, "id")
	if err != nil {
		return nil, err
	}
	m, err := p.mine(r)
	if err != nil {
		return nil, err
	}
	return p.pdf(r, m, id)
}

func (p pages) pdf(r *web.Request, m merchant.Merchant, id int64) (web.Response, error) {
	c, err := contract.ByID(r.Context(), p.DB.Read(), m.ID, id)
	if err != nil {
		return nil, err
	}
	b, err := p.Contracts.PDF(r.Context(), m, c)
	if err != nil {
		return nil, err
	}
	return file(fmt.Sprintf("contract-%s-%d.pdf", m.MID, c.ID), "application/pdf", b), nil
}

func file(name, kind string, b []byte) web.Response {
	return web.Download(name, kind, func(w io.Writer) error { _, err := bytes.NewReader(b).WriteTo(w); return err })
}

type comparePage struct {
	From, To    int
	Differences []difference
	Versions    []contract.Template
}

type difference struct {
	Change, Title string
	Kind          contract.Change
	Pieces        []contract.Piece
}

func (p pages) compare(r *web.Request) (web.Response, error) {
	list := p.Contracts.Templates()
	latest, _ := contract.Latest(list, "merchant")
	pick := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
			return n
		}
		return otherwise
	}
	page := comparePage{From: pick("from", latest.Version-1), To: pick("to", latest.Version), Versions: list}
	old, ok1 := contract.Version(list, "merchant", page.From)
	fresh, ok2 := contract.Version(list, "merchant", page.To)
	if !ok1 || !ok2 {
		return nil, contract.ErrTemplate
	}
	for _, d := range contract.Compare(old, fresh) {
		one := difference{Change: r.T("agree.change." + string(d.Change)), Title: say(r, d.Title), Kind: d.Change, Pieces: d.ZH}
		if r.Lang == web.EN {
			one.Pieces = d.EN
		}
		page.Differences = append(page.Differences, one)
	}
	return web.Page("compare", page), nil
}
