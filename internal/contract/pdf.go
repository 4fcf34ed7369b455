package contract

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/paper"
)

// PDF is the contract as a document in both languages, with its signatures when it is signed:
// the copy that each party keeps. Times are the merchant's.
func (d *Desk) PDF(ctx context.Context, m merchant.Merchant, c Contract) ([]byte, error) {
	doc, err := d.Document(ctx, c)
	if err != nil {
		return nil, err
	}
	signatures, err := d.Signatures(ctx, c)
	if err != nil {
		return nil, err
	}
	p, err := paper.New(doc.Title.ZH+" "+doc.Title.EN, fmt.Sprintf("合同号 Contract %d · 校验码 Code %s", c.ID, c.Code()))
	if err != nil {
		return nil, err
	}
	p.Title(doc.Title.ZH)
	p.Title(doc.Title.EN)
	p.Gap(2)
	p.Small(fmt.Sprintf("合同号 Contract %d · 文本版本 Text version %d · 提供日期 Offered %s", c.ID, doc.Version, c.Offered.In(m.Zone).Format(time.DateOnly)))
	p.Gap(2)
	for n, clause := range doc.Clauses {
		p.Heading(fmt.Sprintf("%d. %s  %s", n+1, clause.Title.ZH, clause.Title.EN))
		if clause.Must {
			p.Marked(clause.Text.ZH + "\n" + clause.Text.EN)
		} else {
			p.Text(clause.Text.ZH)
			p.Text(clause.Text.EN)
		}
		p.Gap(2)
	}
	p.Heading("附表 费率  Schedule of fees")
	rows := [][]string{{"项目 For", "费率", "Fee"}}
	for _, r := range doc.Rates {
		rows = append(rows, []string{join(r.Name), r.Terms.ZH, r.Terms.EN})
	}
	p.Table([]float64{5, 4, 5}, rows...)
	p.Heading("签署  Signatures")
	if len(signatures) == 0 {
		p.Text("尚未签署。Not signed yet.")
	}
	for _, s := range signatures {
		when := s.Signed.In(m.Zone).Format("2006-01-02 15:04:05 MST")
		if s.Party == PartyInstitution {
			p.Text(fmt.Sprintf("我们 We: %s · %s", join(doc.Institution), when))
			p.Small("系统签章 Seal of the system " + s.Seal)
			continue
		}
		if err := p.Picture(s.Drawing, 70, 28, "手写签名 Drawn signature"); err != nil {
			return nil, err
		}
		p.Text(fmt.Sprintf("您 You: %s（%s）· %s", s.Name, join(doc.Merchant), when))
		p.Small(fmt.Sprintf("账户 Account %s · 来源地址 Address %s · 第二重验证 Second proof: 是 yes", s.Actor, s.Address))
		p.Small("签名封存 Seal of the signature " + s.Seal)
		read, err := Acknowledged(ctx, d.db.Read(), c.Merchant, c.ID, s.Actor)
		if err != nil {
			return nil, err
		}
		for n, clause := range doc.Clauses {
			if at, ok := read[clause.Key]; ok {
				p.Small(fmt.Sprintf("已逐条确认 Acknowledged: %d. %s %s · %s", n+1, clause.Title.ZH, clause.Title.EN, at.In(m.Zone).Format("2006-01-02 15:04:05")))
			}
		}
		p.Gap(2)
	}
	p.Small(fmt.Sprintf("正文哈希 Hash of the text (SHA-256): %x", c.Digest))
	return p.PDF()
}

func join(w Words) string {
	if w.ZH == w.EN || w.EN == "" {
		return w.ZH
	}
	return strings.TrimSpace(w.ZH + " " + w.EN)
}
