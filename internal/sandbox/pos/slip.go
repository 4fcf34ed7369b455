package pos

import (
	"fmt"
	"strings"

	"hawker/internal/money"
)

// Copy says for whom a slip is.
type Copy string

// The copies of a slip.
const (
	Merchant Copy = "merchant"
	Customer Copy = "customer"
)

// paper is the width of a small POS printer in columns.
const paper = 32

// Slip is the paper of a result: lines of at most 32 columns, Chinese
// characters counting two. A transaction that was not approved says so at its
// head. "" when nothing is printed, as for an echo.
func Slip(r Result, c Copy, l Language) string {
	p := printer{language: l}
	switch r.Kind {
	case Sale, Void, Refund, Preauth, PreauthVoid, Completion, CompletionNotice, CompletionVoid, OfflineSale, Tip, Adjustment, CashSale, CashRefund, CodeShown, CodeVoid:
		if r.Kind == CodeVoid && r.State == Approved && r.Voucher == "" {
			return "" // no money has moved
		}
		p.transaction(r, c)
	case Settlement:
		if r.Settlement == nil {
			return ""
		}
		p.settlement(r)
	default:
		return ""
	}
	return p.out.String()
}

type printer struct {
	out      strings.Builder
	language Language
}

func (p *printer) line(s string) { p.out.WriteString(s + "\n") }

func (p *printer) transaction(r Result, c Copy) {
	p.center(Words{"POS 签购单", "POS SALES SLIP"})
	if c == Customer {
		p.center(Words{"持卡人存根", "CUSTOMER COPY"})
	} else {
		p.center(Words{"商户存根", "MERCHANT COPY"})
	}
	p.banner(r)
	p.rule()
	p.shop(r.Shop)
	p.rule()
	if r.MaskedPAN != "" {
		p.pair(Words{"卡号", "Card"}, r.MaskedPAN+" "+entries[r.Entry].letter)
	}
	p.pair(Words{"付款方式", "Paid by"}, walletNames[r.Wallet].In(p.language))
	p.pair(Words{"卡类", "Card kind"}, kindWords[r.CardKind].In(p.language))
	p.pair(Words{"发卡行", "Issuer"}, r.Issuer)
	p.pair(Words{"交易类型", "Type"}, kindNames[r.Kind].In(p.language))
	p.pair(Words{"批次号", "Batch"}, six(r.Batch))
	p.pair(Words{"凭证号", "Trace"}, six(r.Trace))
	p.original(r)
	p.pair(Words{"参考号", "Ref. no."}, r.RRN)
	p.pair(Words{"授权码", "Auth. code"}, r.AuthCode)
	p.chip(r.Chip)
	p.pair(Words{"付款凭证码", "Voucher"}, r.Voucher)
	p.pair(Words{"日期时间", "Date/time"}, r.Time.In(beijing).Format("2006-01-02 15:04:05"))
	p.pair(Words{"金额", "Amount"}, "RMB "+signed(r.Transaction).Decimal())
	if r.Left != (money.Amount{}) {
		p.pair(purseLeft, "RMB "+r.Left.Decimal())
	}
	p.rule()
	p.foot(r, c)
}

var purseLeft = Words{"卡内余额", "Left in purse"}

// banner keeps a slip from being taken for a proof of payment that it is not.
func (p *printer) banner(r Result) {
	switch r.State {
	case Approved:
	case Unknown:
		if r.Kind == CashSale { // the purse has paid
			p.center(Words{"*** 脱机交易，待上送 ***", "*** OFFLINE, HOST NOT TOLD YET ***"})
			break
		}
		p.center(Words{"*** 结果待确认 ***", "*** RESULT NOT KNOWN ***"})
	case Reversed:
		p.center(Words{"*** 已撤回 ***", "*** REVERSED ***"})
	default:
		p.center(Words{"*** 交易没有成功 ***", "*** NOT APPROVED ***"})
		p.center(Words{meaningOf(r.Code).text.ZH + " " + r.Code, meaningOf(r.Code).text.EN + " " + r.Code})
	}
	if r.Reprint {
		p.center(Words{"*** 重打印 ***", "*** DUPLICATE ***"})
	}
}

func (p *printer) original(r Result) {
	if r.Original > 0 {
		p.pair(Words{"原凭证号", "Orig. trace"}, six(r.Original))
	}
	if r.OriginalRRN != r.RRN {
		p.pair(Words{"原参考号", "Orig. ref."}, r.OriginalRRN)
	}
}

// chip prints what the chip said, as card organisations want it.
func (p *printer) chip(f ChipFacts) {
	if f == (ChipFacts{}) {
		return
	}
	p.pair(Words{"应用标签", "App"}, f.Label)
	p.pair(Words{"AID", "AID"}, f.AID)
	p.pair(Words{"ATC", "ATC"}, f.Counter)
	p.pair(Words{"TVR", "TVR"}, f.Results)
	p.pair(Words{f.Kind, f.Kind}, f.Cryptogram)
}

// contactlessFree reports whether the payment needed neither PIN nor signature.
func (tx Transaction) contactlessFree() bool {
	return (tx.Kind == Sale || tx.Kind == Preauth) && tx.Entry == Contactless && !tx.PINEntered && tx.Amount.Minor() <= contactlessFree[tx.Amount.Currency()]
}

// foot wants a signature on the merchant's copy when no PIN proved the holder.
func (p *printer) foot(r Result, c Copy) {
	if r.State != Approved && (r.Kind != CashSale || r.State != Unknown) {
		p.text(Words{"这不是付款凭证", "This is no proof of payment"})
		return
	}
	if r.Kind == Preauth {
		p.text(Words{"预授权不是付款，完成时才扣款", "A pre-authorization is no payment: it is charged when completed"})
	}
	if (r.takes() || r.Kind == Preauth) && r.PINEntered {
		p.text(Words{"已凭密码交易，无需签名", "PIN verified, no signature needed"})
	}
	free := r.contactlessFree() || r.NoProof || r.Entry == Scan
	if free && r.Entry != Scan {
		p.text(Words{"免密免签交易", "No PIN or signature needed"})
	}
	if c == Merchant && !r.PINEntered && !free {
		p.signature(r.Signature)
	}
	if c == Merchant && r.Entry != Scan {
		p.text(Words{"本人确认以上交易，同意将其记入本卡账户", "I confirm this transaction and agree that it is posted to my card account"})
	} else {
		p.text(Words{"请妥善保管此凭证", "Please keep this slip"})
	}
	for _, line := range r.Foot {
		p.text(Words{line, line})
	}
}

// signature is what was drawn on the screen, or room to sign.
func (p *printer) signature(drawn Picture) {
	p.text(Words{"持卡人签名", "Cardholder signature"})
	lines := drawn.art(paper)
	if len(lines) == 0 {
		lines = []string{"", ""}
	}
	for _, line := range lines {
		p.line(line)
	}
	p.line(strings.Repeat("_", paper))
}

func (p *printer) settlement(r Result) {
	p.center(Words{"POS 结算单", "POS SETTLEMENT"})
	if r.Reprint {
		p.center(Words{"*** 重打印 ***", "*** DUPLICATE ***"})
	}
	p.rule()
	p.shop(r.Shop)
	p.pair(Words{"批次号", "Batch"}, six(r.Batch))
	p.pair(Words{"日期时间", "Date/time"}, r.Time.In(beijing).Format("2006-01-02 15:04:05"))
	p.rule()
	s := r.Settlement
	p.totals(Words{"终端", "Terminal"}, s.Own)
	if s.Balanced {
		p.center(Words{"*** 账平 ***", "*** BALANCED ***"})
		return
	}
	p.totals(Words{"主机", "Host"}, s.Host)
	p.center(Words{"*** 账不平 ***", "*** NOT BALANCED ***"})
}

func (p *printer) totals(who Words, t Totals) {
	p.columns(who.In(p.language), Words{"笔数", "Count"}.In(p.language), Words{"金额", "Amount"}.In(p.language))
	p.columns(Words{"消费", "Sales"}.In(p.language), fmt.Sprint(t.DebitCount), t.DebitAmount.Decimal())
	p.columns(Words{"撤销和退货", "Voids/refunds"}.In(p.language), fmt.Sprint(t.CreditCount), t.CreditAmount.Decimal())
	p.rule()
}

func (p *printer) shop(s Shop) {
	p.pair(Words{"商户名称", "Merchant"}, s.Name.In(p.language))
	p.pair(Words{"商户编号", "Merchant no."}, s.MerchantID)
	p.pair(Words{"终端编号", "Terminal no."}, s.TerminalID)
	p.pair(Words{"操作员", "Operator"}, s.Operator)
}

// signed is the amount from the merchant's side: what goes back has a minus.
func signed(tx Transaction) money.Amount {
	if tx.takes() || tx.Kind == Preauth {
		return tx.Amount
	}
	return tx.Amount.Neg()
}

func (p *printer) rule() { p.line(strings.Repeat("-", paper)) }

func (p *printer) center(w Words) {
	for _, line := range wrap(w.In(p.language), paper) {
		p.line(strings.Repeat(" ", (paper-columns(line))/2) + line)
	}
}

func (p *printer) text(w Words) {
	for _, line := range wrap(w.In(p.language), paper) {
		p.line(line)
	}
}

// pair is a label on the left and a value on the right, on the same line when
// they fit. Nothing is printed for an empty value.
func (p *printer) pair(label Words, value string) {
	if value == "" {
		return
	}
	left := label.In(p.language)
	if columns(left)+1+columns(value) <= paper {
		p.line(left + p.gap(left, value, paper) + value)
		return
	}
	p.line(left)
	for _, line := range wrap(value, paper) {
		p.line(p.gap("", line, paper) + line)
	}
}

// columns is a row of name, count and amount.
func (p *printer) columns(name, count, amount string) {
	const countEnds = 18
	head := name + p.gap(name, count, countEnds) + count
	p.line(head + p.gap(head, amount, paper) + amount)
}

// gap is the space between left and right so that right ends at a column; one space at least.
func (p *printer) gap(left, right string, end int) string {
	return strings.Repeat(" ", max(1, end-columns(left)-columns(right)))
}
