package wallet

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

func (s *Simulator) alipayBill(c alipayCall) (map[string]any, refusal) {
	if c.in.BillType != "trade" {
		return nil, badRequest
	}
	if !s.ready(c.in.BillDate) || len(s.day(Alipay, "", c.in.BillDate)) == 0 {
		return nil, noBill
	}
	until := strconv.FormatInt(s.cfg.Clock().Add(linkLife).Unix(), 10)
	token := hashOf(key{Alipay, c.in.BillDate, until + s.keys.serial})
	return map[string]any{"bill_download_url": "http://" + c.Host + "/downloadbill?day=" + c.in.BillDate + "&until=" + until + "&token=" + token}, ""
}

// alipayBillFile gives a bill to whoever has the link, while it is good.
func (s *Simulator) alipayBillFile(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	day, until := q.Get("day"), q.Get("until")
	end, err := strconv.ParseInt(until, 10, 64)
	if err != nil || s.cfg.Clock().Unix() > end || q.Get("token") != hashOf(key{Alipay, day, until + s.keys.serial}) {
		http.Error(w, "the link has expired", http.StatusForbidden)
		return
	}
	file, err := s.alipayBillZip(day)
	if err != nil {
		http.Error(w, "no bill", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(file)
}

const (
	alipayColumns = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）," +
		"支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
	alipaySums = "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)

// alipayBillZip packs the two files of a day, GBK, names included.
func (s *Simulator) alipayBillZip(day string) ([]byte, error) {
	rows, sums := s.alipayBillText(day)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	gbk := encoding.ReplaceUnsupported(simplifiedchinese.GBK.NewEncoder())
	stem := s.cfg.Accounts.Alipay.SellerID + "0156_" + strings.ReplaceAll(day, "-", "") + "_业务明细"
	for _, f := range []struct{ name, text string }{{stem + ".csv", rows}, {stem + "(汇总).csv", sums}} {
		name, err := gbk.String(f.name)
		if err != nil {
			return nil, err
		}
		text, err := gbk.String(f.text)
		if err != nil {
			return nil, err
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, NonUTF8: true, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

// alipayBillText writes rows and sums: 25 columns, a tab after each number so that
// spreadsheets leave it alone, comments behind #, fees negative where the wallet takes them.
func (s *Simulator) alipayBillText(day string) (rows, sums string) {
	var b strings.Builder
	d, _ := time.Parse(time.DateOnly, day) // ready has read it
	span := d.Format("2006年01月02日") + " 00:00:00"
	fmt.Fprintf(&b, "#支付宝业务明细查询\r\n#账号：[%s0156]\r\n#起始日期：[%s]   终止日期：[%s]\r\n#-----业务明细列表-----\r\n%s\r\n",
		s.cfg.Accounts.Alipay.SellerID, span, d.AddDate(0, 0, 1).Format("2006年01月02日")+" 00:00:00", alipayColumns)
	var sales, backs int
	var order, fees int64
	for _, l := range s.day(Alipay, "", day) {
		kind, amount, fee, request := "交易", l.o.Amount, -s.fee(l.o.Amount), ""
		switch {
		case l.r != nil:
			kind, amount, fee, request = "退款", -l.r.Amount, s.fee(l.r.Amount), l.r.Refund
		case l.un:
			kind, amount, fee, request = "退款", -l.o.Amount, s.fee(l.o.Amount), l.o.Order
		}
		if kind == "交易" {
			sales++
		} else {
			backs++
		}
		order, fees = order+amount, fees+fee
		subject := strings.NewReplacer(",", " ", "\n", " ", "\r", " ").Replace(l.o.Subject)
		values := []string{l.o.Number + "\t", l.o.Order + "\t", kind, subject, l.o.Time.In(china).Format(time.DateTime), l.at.In(china).Format(time.DateTime),
			"", "", "", l.o.Terminal, "*李(138****0000)", yuan(amount), yuan(amount), "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00", "0.00",
			request + "\t", yuan(fee), "0.00", ""}
		b.WriteString(strings.Join(values, ",") + "\r\n")
	}
	fmt.Fprintf(&b, "#-----业务明细列表结束-----\r\n#导出时间：[%s]\r\n", s.cfg.Clock().In(china).Format(time.DateTime))
	net := yuan(order + fees)
	sums = "#支付宝业务汇总查询\r\n" + alipaySums + "\r\n" + strings.Join([]string{"合计", "", strconv.Itoa(sales), strconv.Itoa(backs), yuan(order), yuan(order),
		"0.00", "0.00", "0.00", yuan(fees), "0.00", net}, ",") + "\r\n#汇总结束\r\n"
	return b.String(), sums
}
