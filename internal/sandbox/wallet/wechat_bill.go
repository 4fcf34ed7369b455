package wallet

import (
	"crypto/sha1" //nolint:gosec // the hash that WeChat gives with a bill
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hawker/internal/money"
)

// line is one movement of a day: a payment, a reversal of one, or a refund.
type line struct {
	at time.Time
	o  Order
	r  *Return // nil for a payment and a reversal
	un bool    // a reversal
}

// day collects a brand's movements of one Chinese day, in time; sub "" is everybody.
func (s *Simulator) day(b Brand, sub, day string) []line {
	var all []line
	on := func(t time.Time) bool { return !t.IsZero() && t.In(china).Format(time.DateOnly) == day }
	for _, o := range s.Orders() {
		if o.Brand != b || sub != "" && o.Sub != sub {
			continue
		}
		if on(o.PaidAt) {
			all = append(all, line{at: o.PaidAt, o: o})
		}
		if o.Status == Undone && !o.PaidAt.IsZero() && on(o.EndedAt) {
			all = append(all, line{at: o.EndedAt, o: o, un: true})
		}
		for i := range o.Returns {
			if r := &o.Returns[i]; on(r.At) {
				all = append(all, line{at: r.At, o: o, r: r})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y line) int { return x.at.Compare(y.at) })
	return all
}

// fee is what the wallet keeps of an amount in fen; half a fen goes up.
func (s *Simulator) fee(minor int64) int64 {
	part, _, err := fen(minor).Split(money.BasisPoints(s.cfg.FeeBP), money.HalfUp) //nolint:gosec // at most 10000
	if err != nil {
		return 0
	}
	return part.Minor()
}

// ready reports whether a day's bill exists: from ten o'clock of the next day, for three months.
func (s *Simulator) ready(day string) bool {
	d, err := time.ParseInLocation(time.DateOnly, day, china)
	now := s.cfg.Clock()
	return err == nil && (s.cfg.BillsNow || !now.Before(d.Add(34*time.Hour))) && now.Before(d.AddDate(0, 3, 1))
}

// linkLife is how long a link to a bill is good.
const linkLife = 30 * time.Second

func (s *Simulator) weChatBill(c weChatCall) (any, refusal) {
	q := c.URL.Query()
	day, sub := q.Get("bill_date"), q.Get("sub_mchid")
	if kind := q.Get("bill_type"); kind != "" && kind != "ALL" {
		return nil, badRequest
	}
	if !s.ready(day) {
		return nil, noBill
	}
	text := s.weChatBillText(day, sub)
	if text == "" {
		return nil, noBill
	}
	until := strconv.FormatInt(s.cfg.Clock().Add(linkLife).Unix(), 10)
	return map[string]string{
		"hash_type": "SHA1", "hash_value": fmt.Sprintf("%x", sha1.Sum([]byte(text))), //nolint:gosec // see above
		"download_url": "http://" + c.Host + "/v3/billdownload/file?token=" + day + "." + sub + "." + until,
	}, ""
}

// weChatBillFile gives the bill itself. Its answer is not signed; the request is.
func (s *Simulator) weChatBillFile(c weChatCall) (any, refusal) {
	token := strings.Split(c.URL.Query().Get("token"), ".")
	if len(token) != 3 {
		return nil, badRequest
	}
	until, err := strconv.ParseInt(token[2], 10, 64)
	if err != nil || s.cfg.Clock().Unix() > until || !s.ready(token[0]) {
		return nil, noBill
	}
	return rawBody(s.weChatBillText(token[0], token[1])), ""
}

const weChatColumns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
	"微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"

const weChatSums = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"

// weChatBillText writes a bill of kind ALL: 27 columns with a backtick before each
// value, amounts in yuan, two lines of sums. "" when nothing happened.
func (s *Simulator) weChatBillText(day, sub string) string {
	all := s.day(WeChat, sub, day)
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	row := func(values ...string) {
		for i, v := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('`')
			b.WriteString(strings.NewReplacer(",", " ", "`", " ", "\n", " ", "\r", " ").Replace(v))
		}
		b.WriteString("\r\n")
	}
	b.WriteString("\ufeff" + weChatColumns + "\r\n")
	var paid, back, fees int64
	for _, l := range all {
		kind, device := "NATIVE", l.o.Terminal
		if l.o.Coded {
			kind = "MICROPAY"
		}
		values := []string{l.at.In(china).Format(time.DateTime), s.cfg.Accounts.WeChat.AppID, l.o.Merchant, l.o.Sub, device, l.o.Number, l.o.Order,
			"o" + hashOf(l.o.key()), kind}
		rate := yuan(s.cfg.FeeBP) + "%"
		switch {
		case l.r != nil:
			back, fees = back+l.r.Amount, fees-s.fee(l.r.Amount)
			values = append(values, "REFUND", "OTHERS", "CNY", "0.00", "0.00", l.r.Number, l.r.Refund, yuan(l.r.Amount), "0.00", "ORIGINAL", "SUCCESS",
				l.o.Subject, l.o.Attach, yuan5(-s.fee(l.r.Amount)), rate, "0.00", yuan(l.r.Amount), "")
		case l.un:
			back, fees = back+l.o.Amount, fees-s.fee(l.o.Amount)
			values = append(values, "REVOKED", "OTHERS", "CNY", "0.00", "0.00", l.o.Number, l.o.Order, yuan(l.o.Amount), "0.00", "ORIGINAL", "SUCCESS",
				l.o.Subject, l.o.Attach, yuan5(-s.fee(l.o.Amount)), rate, "0.00", yuan(l.o.Amount), "")
		default:
			paid, fees = paid+l.o.Amount, fees+s.fee(l.o.Amount)
			values = append(values, "SUCCESS", "OTHERS", "CNY", yuan(l.o.Amount), "0.00", "0", "0", "0.00", "0.00", "", "",
				l.o.Subject, l.o.Attach, yuan5(s.fee(l.o.Amount)), rate, yuan(l.o.Amount), "0.00", "")
		}
		row(values...)
	}
	b.WriteString(weChatSums + "\r\n")
	row(strconv.Itoa(len(all)), yuan(paid), yuan(back), "0.00", yuan5(fees), yuan(paid), yuan(back))
	return b.String()
}

// yuan writes fen with two decimals, and yuan5 with the five that fees have.
func yuan(minor int64) string  { return fen(minor).Decimal() }
func yuan5(minor int64) string { return fen(minor).Decimal() + "000" }
