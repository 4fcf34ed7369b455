package signin

import (
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/web"
)

// trail is the page of what people did.
type trail struct {
	Rows    []act
	Kinds   []web.Option
	Older   string // address of the next page; "" for none
	Export  string
	Whole   bool
	Foreign string // the merchant whose trail it is, for auditors
}

// act is one record in words.
type act struct {
	audit.Record
	Said   string
	Role   string
	Change []change
}

// change is one field of a record: what it was and what it is.
type change struct{ Name, Before, After string }

// kinds are the families of acts to choose from.
var kinds = []string{"sign_in", "proof.", "self.", "staff.", "operator.", "device.", "settings.", "payment.", "fee.", "contract."}

// whose is the trail that somebody looks at: his house's, or for an operator any merchant's.
func whose(r *web.Request) int64 {
	if r.Who.Kind == auth.Operator {
		if m, err := strconv.ParseInt(r.URL.Query().Get("merchant"), 10, 64); err == nil && m > 0 {
			return m
		}
	}
	return int64(r.Who.Merchant)
}

func (p *Pages) audit(r *web.Request) (web.Response, error) {
	q, const50 := r.URL.Query(), 50
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	f := audit.Filter{Merchant: whose(r), What: q.Get("what"), Object: q.Get("object"), Before: before, Limit: const50 + 1}
	list, err := audit.List(r.Context(), p.DB.Read(), f)
	if err != nil {
		return nil, err
	}
	zone, err := p.zone(r)
	if err != nil {
		return nil, err
	}
	page := trail{Export: "/audit/export?" + r.URL.RawQuery}
	if f.Merchant != int64(r.Who.Merchant) {
		page.Foreign = strconv.FormatInt(f.Merchant, 10)
	}
	if len(list) > const50 {
		list = list[:const50]
		q.Set("before", strconv.FormatInt(list[const50-1].Seq, 10))
		page.Older = "/audit?" + q.Encode()
	}
	for _, rec := range list {
		rec.At = rec.At.In(zone)
		page.Rows = append(page.Rows, act{rec, said(r, "account.act."+rec.What, rec.What), said(r, "account.role."+rec.Who.Role, rec.Who.Role), changes(rec)})
	}
	page.Kinds = []web.Option{{Value: "", Text: r.T("account.audit.all"), Chosen: f.What == ""}}
	for _, k := range kinds {
		page.Kinds = append(page.Kinds, web.Option{Value: k, Text: r.T("account.kind." + strings.TrimSuffix(k, ".")), Chosen: f.What == k})
	}
	return web.Page("audit", page), nil
}

// said is a text if the catalogue has it, else the bare name: other rooms' acts come without words of ours.
func said(r *web.Request, key, bare string) string {
	if _, ok := accountTexts[key]; ok {
		return r.T(key)
	}
	return bare
}

// changes lists the fields of before and after.
func changes(r audit.Record) (list []change) {
	before, after := map[string]any{}, map[string]any{}
	_ = json.Unmarshal(r.Before, &before) // what is no object has no fields to show
	_ = json.Unmarshal(r.After, &after)
	names := map[string]bool{}
	for n := range before {
		names[n] = true
	}
	for n := range after {
		names[n] = true
	}
	for n := range names {
		b, a := shown(before[n]), shown(after[n])
		if len(before) > 0 && len(after) > 0 && a == b {
			continue
		}
		list = append(list, change{n, b, a})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// exportAudit streams the trail of a house, verified on the way.
func (p *Pages) exportAudit(r *web.Request) (web.Response, error) {
	m, format := whose(r), r.URL.Query().Get("format")
	name, kind := "audit.csv", "text/csv; charset=utf-8"
	if format == "json" {
		name, kind = "audit.jsonl", "application/jsonl"
	}
	return web.Download(name, kind, func(out io.Writer) error {
		w, err := audit.Lines(out), error(nil)
		if format != "json" {
			if w, err = audit.CSV(out); err != nil {
				return err
			}
		}
		_, err = audit.VerifyOne(r.Context(), p.DB.Read(), m, w.Write)
		return errors.Join(err, w.Flush())
	}), nil
}
