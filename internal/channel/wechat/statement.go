package wechat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/money"
)

// kinds are the rows of a bill by 交易状态.
var kinds = map[string]channel.Kind{"SUCCESS": channel.Sale, "REFUND": channel.Refund, "REVOKED": channel.Reversal}

// columns that a row is made from; others are passed over. Source: a bill of kind ALL.
const (
	colTime, colMerchant, colSub, colDevice   = "交易时间", "商户号", "特约商户号", "设备号"
	colNumber, colOrder, colState             = "微信订单号", "商户订单号", "交易状态"
	colReturn, colRefund, colFee, colCurrency = "微信退款单号", "商户退款单号", "手续费", "货币种类"
	colPaid, colBack                          = "订单金额", "申请退款金额"
	sumCount, sumPaid, sumBack, sumFee        = "总交易单数", "订单总金额", "申请退款总金额", "手续费总金额"
)

// parseBill reads a trade bill of kind ALL and holds its rows to its sums.
func parseBill(name string, day clock.Day, text []byte) (channel.Bill, error) {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n"), "\n"), "\n")
	if len(lines) < 3 {
		return channel.Bill{}, channel.ErrBill.With("%d lines", len(lines))
	}
	head, sums, last := strings.Split(lines[0], ","), strings.Split(lines[len(lines)-2], ","), lines[len(lines)-1]
	var rows []channel.BillRow
	var fees int64
	for i, line := range lines[1 : len(lines)-2] {
		row, fee, err := parseRow(head, line)
		if err != nil {
			return channel.Bill{}, channel.ErrBill.With("line %d: %w", i+2, err)
		}
		rows, fees = append(rows, row), fees+fee
	}
	b, err := channel.NewBill(name, day, money.CNY, rows)
	if err != nil {
		return channel.Bill{}, err
	}
	return b, agrees(b, fees, sums, last)
}

// parseRow also gives the fee in thousandths of a fen, in which WeChat adds it up.
func parseRow(head []string, line string) (r channel.BillRow, thousandths int64, err error) {
	v, err := fields(head, line)
	if err != nil {
		return r, 0, err
	}
	kind, known := kinds[v[colState]]
	if !known || v[colCurrency] != "CNY" {
		return r, 0, fmt.Errorf("state %.20q in %.5q", v[colState], v[colCurrency])
	}
	at, err := time.ParseInLocation(time.DateTime, v[colTime], china)
	if err != nil {
		return r, 0, errors.New("its time cannot be read")
	}
	r = channel.BillRow{At: at.UTC(), Kind: kind, Merchant: v[colMerchant], Sub: empty(v[colSub]), Terminal: v[colDevice], Order: v[colOrder],
		Number: v[colNumber], State: v[colState]}
	amount := v[colPaid]
	if kind != channel.Sale {
		r.Refund, r.Return, amount = v[colRefund], v[colReturn], v[colBack]
	}
	if r.Amount, err = money.Parse(amount, money.CNY); err != nil {
		return r, 0, fmt.Errorf("amount: %w", err)
	}
	if thousandths, err = parseFee(v[colFee]); err != nil {
		return r, 0, err
	}
	half := int64(500)
	if thousandths < 0 {
		half = -half
	}
	r.Fee = money.New((thousandths+half)/1000, money.CNY)
	return r, thousandths, nil
}

// fields cuts a row, in which a backtick stands before every value; a value may hold a comma.
func fields(head []string, line string) (map[string]string, error) {
	rest, ok := strings.CutPrefix(line, "`")
	values := strings.Split(rest, ",`")
	if !ok || len(values) != len(head) {
		return nil, fmt.Errorf("%d values under %d columns", len(values), len(head))
	}
	v := map[string]string{}
	for i, name := range head {
		v[name] = strings.TrimSpace(values[i])
	}
	return v, nil
}

// empty is what stands where a merchant has no sub-merchant: nothing or 0.
func empty(s string) string {
	if s == "0" {
		return ""
	}
	return s
}

// parseFee reads yuan with at most five decimals into thousandths of a fen.
func parseFee(s string) (int64, error) {
	whole, frac, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if whole == "" || len(whole) > 10 || len(frac) > 5 || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, errors.New("its fee cannot be read")
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 5-len(frac)), 10, 64)
	if strings.HasPrefix(s, "-") {
		n = -n
	}
	return n, err
}

func agrees(b channel.Bill, fees int64, head []string, line string) error {
	v, err := fields(head, line)
	if err != nil {
		return channel.ErrBill.With("sums: %w", err)
	}
	count, err := strconv.Atoi(v[sumCount])
	paid, err2 := money.Parse(v[sumPaid], money.CNY)
	back, err3 := money.Parse(v[sumBack], money.CNY)
	fee, err4 := parseFee(v[sumFee])
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return channel.ErrBill.With("sums: %w", err)
	}
	if fee != fees {
		return channel.ErrBill.With("it sums up fees of %d thousandths of a fen; they are %d", fee, fees)
	}
	return b.Agrees(count, paid, back, b.Fees)
}
