package alipay

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/money"
)

// columns that a row is made from; others are passed over. Source: a bill of type trade.
const (
	colNumber, colOrder, colKind, colDone = "支付宝交易号", "商户订单号", "业务类型", "完成时间"
	colTerminal, colAmount, colRefund     = "终端号", "订单金额（元）", "退款批次号/请求号"
	colFee                                = "服务费（元）"
	sumSales, sumRefunds, sumTotal        = "交易订单总笔数", "退款订单总笔数", "合计"
)

// kinds are the rows by 业务类型. A cancelled payment is a 退款 like any other.
var kinds = map[string]channel.Kind{"交易": channel.Sale, "退款": channel.Refund}

// parseBill reads a zip of two GBK files, rows and sums, and holds the rows to the sums.
func parseBill(name, merchant string, day clock.Day, file []byte) (channel.Bill, error) {
	detail, sums, err := unzip(file)
	if err != nil {
		return channel.Bill{}, channel.ErrBill.Wrap(err)
	}
	lines, err := table(detail, colNumber)
	if err != nil {
		return channel.Bill{}, channel.ErrBill.Wrap(err)
	}
	var rows []channel.BillRow
	for i, v := range lines {
		row, err := parseRow(v, merchant)
		if err != nil {
			return channel.Bill{}, channel.ErrBill.With("row %d: %w", i+1, err)
		}
		rows = append(rows, row)
	}
	b, err := channel.NewBill(name, day, money.CNY, rows)
	if err != nil {
		return channel.Bill{}, err
	}
	return b, agrees(b, sums)
}

// longestFile is how many bytes one file may unpack to.
const longestFile = 256 << 20

// unzip finds the two files by what is in them: their names are written in GBK too.
func unzip(file []byte) (detail, sums string, err error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return "", "", err
	}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			return "", "", err
		}
		raw, err := io.ReadAll(io.LimitReader(in, longestFile+1))
		if err = errors.Join(err, in.Close()); err != nil {
			return "", "", err
		}
		if len(raw) > longestFile {
			return "", "", errors.New("a file is too long")
		}
		text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(raw)
		if err != nil {
			return "", "", err
		}
		if strings.Contains(string(text), sumSales) {
			sums = string(text)
		} else if strings.Contains(string(text), colNumber) {
			detail = string(text)
		}
	}
	if detail == "" || sums == "" {
		return "", "", errors.New("rows or sums are missing")
	}
	return detail, sums, nil
}

// table reads CSV without quotes: comments behind #, then the columns, the one named
// first among them, then rows.
func table(text, named string) ([]map[string]string, error) {
	var head []string
	var rows []map[string]string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		values := strings.Split(line, ",")
		if head == nil {
			if !strings.Contains(line, named) {
				return nil, fmt.Errorf("no column %s", named)
			}
			head = values
			continue
		}
		if len(values) != len(head) {
			return nil, fmt.Errorf("%d values under %d columns", len(values), len(head))
		}
		row := map[string]string{}
		for i, name := range head {
			row[strings.TrimSpace(name)] = strings.TrimSpace(values[i])
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// parseRow turns Alipay's signs round: what it takes it writes as negative.
func parseRow(v map[string]string, merchant string) (channel.BillRow, error) {
	kind, known := kinds[v[colKind]]
	if !known {
		return channel.BillRow{}, fmt.Errorf("type %.20q", v[colKind])
	}
	at, err := time.ParseInLocation(time.DateTime, v[colDone], china)
	if err != nil {
		return channel.BillRow{}, errors.New("its time cannot be read")
	}
	amount, err := money.Parse(v[colAmount], money.CNY)
	fee, err2 := money.Parse(v[colFee], money.CNY)
	if err := errors.Join(err, err2); err != nil {
		return channel.BillRow{}, err
	}
	r := channel.BillRow{At: at.UTC(), Kind: kind, Merchant: merchant, Terminal: v[colTerminal], Order: v[colOrder], Number: v[colNumber],
		Amount: amount, Fee: fee.Neg(), State: v[colKind]}
	if kind == channel.Refund {
		r.Refund, r.Amount = v[colRefund], amount.Neg()
	}
	if r.Amount.Sign() < 0 {
		return r, errors.New("its amount has the wrong sign")
	}
	return r, nil
}

func agrees(b channel.Bill, text string) error {
	lines, err := table(text, sumSales)
	if err != nil {
		return channel.ErrBill.With("sums: %w", err)
	}
	for _, v := range lines {
		if v["门店编号"] != sumTotal {
			continue
		}
		sales, err := strconv.Atoi(v[sumSales])
		refunds, err2 := strconv.Atoi(v[sumRefunds])
		net, err3 := money.Parse(v[colAmount], money.CNY)
		fees, err4 := money.Parse(v[colFee], money.CNY)
		if err := errors.Join(err, err2, err3, err4); err != nil {
			return channel.ErrBill.With("sums: %w", err)
		}
		if have, err := b.Sales.Sub(b.Refunds); err != nil || have != net {
			return channel.ErrBill.With("it sums up %s; they are %s", net, have)
		}
		return b.Agrees(sales+refunds, b.Sales, b.Refunds, fees.Neg())
	}
	return channel.ErrBill.With("no line of sums")
}
