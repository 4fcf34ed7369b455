package office

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/xuri/excelize/v2"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// exportAction is what takes whole lists away.
const exportAction = auth.PaymentExport

// ErrFormat is a kind of file that we do not write.
var ErrFormat = fault.New(fault.Invalid, "format_unknown", "可以导出 CSV 或 Excel。", "Exports are CSV or Excel.")

// exports are the files that are being written on this node, by whose they are and a ticket,
// so that a page can say how far they have come.
type exports struct {
	m    sync.Mutex
	now  clock.Clock
	open map[string]*progress
}

// progress is how far a file has come.
type progress struct {
	Rows int  `json:"rows"`
	Part int  `json:"percent"` // of the range's time; 0 while unknown
	Done bool `json:"done"`
	Fail bool `json:"failed"`
	at   time.Time
}

// kept is how long a finished file's progress can be asked for.
const kept = 5 * time.Minute

func newExports(now clock.Clock) *exports { return &exports{now: now, open: map[string]*progress{}} }

func ticket() string { return rand.Text() }

// update changes a file's progress, and forgets old ones.
func (x *exports) update(key string, change func(*progress)) {
	x.m.Lock()
	defer x.m.Unlock()
	now := x.now()
	for k, p := range x.open {
		if now.Sub(p.at) > kept {
			delete(x.open, k)
		}
	}
	p := x.open[key]
	if p == nil {
		p = &progress{}
		x.open[key] = p
	}
	change(p)
	p.at = now
}

func (x *exports) of(key string) progress {
	x.m.Lock()
	defer x.m.Unlock()
	if p := x.open[key]; p != nil {
		return *p
	}
	return progress{}
}

// exportKey is a ticket as one person's: nobody reads another's.
func exportKey(r *web.Request, ticket string) string {
	return strings.Join([]string{decimal(int64(r.Who.Merchant)), string(r.Who.Kind), decimal(r.Who.ID), ticket}, " ")
}

// progress tells a page how far its file has come.
func (o *Office) progress(r *web.Request) (web.Response, error) {
	return web.JSON(200, o.exports.of(exportKey(r, r.PathValue("ticket")))), nil
}

// sheet is a file that is written row by row.
type sheet interface {
	write(cells []any) error
	close() error
}

// export writes every payment of a filter, newest first, as CSV or Excel.
func (o *Office) export(r *web.Request) (web.Response, error) {
	m, err := o.merchant(r)
	if err != nil {
		return nil, err
	}
	f := readFilter(r.URL.Query(), m, o.Clock())
	if f.Error != nil {
		return nil, f.Error
	}
	name := strings.Join([]string{r.T("office.export.name"), f.From, f.To}, " ")
	if f.first == 0 {
		name = r.T("office.export.name") + " " + f.today.String()
	}
	switch r.URL.Query().Get("format") {
	case "csv":
		return web.Download(strings.ReplaceAll(name, " ", "_")+".csv", "text/csv; charset=utf-8", func(w io.Writer) error {
			return o.fill(r, f, newCSV(w))
		}), nil
	case "xlsx":
		return web.Download(strings.ReplaceAll(name, " ", "_")+".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", func(w io.Writer) error {
			s, err := newExcel(w)
			if err != nil {
				return err
			}
			return o.fill(r, f, s)
		}), nil
	}
	return nil, ErrFormat
}

// columns are an export's headings.
var columns = []string{"time", "number", "method", "lastfour.column", "currency", "amount", "refunded", "fee", "net", "state", "device", "note"}

// fill writes all rows and tells how far it has come.
func (o *Office) fill(r *web.Request, f filter, s sheet) (err error) {
	key := exportKey(r, r.URL.Query().Get("ticket"))
	o.exports.update(key, func(p *progress) { *p = progress{} })
	written := 0
	defer func() {
		o.exports.update(key, func(p *progress) { p.Rows, p.Done, p.Fail = written, err == nil, err != nil })
	}()
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = r.T("office." + c)
	}
	if err := s.write(head); err != nil {
		return err
	}
	err = o.each(r.Context(), f, func(p payment.Payment, rows int) error {
		if err := s.write(o.cells(r, p, f)); err != nil {
			return err
		}
		if written = rows; rows%100 == 0 {
			o.exports.update(key, func(x *progress) { x.Rows, x.Part = rows, f.share(p.Created, o.Clock()) })
		}
		return nil
	})
	return errors.Join(err, s.close())
}

// each hands over every payment of a filter, with how many there were.
func (o *Office) each(ctx context.Context, f filter, take func(payment.Payment, int) error) error {
	q := f.payments()
	q.Limit = payment.MaxPage
	for n := 0; ; {
		page, err := payment.List(ctx, o.DB.Read(), q)
		if err != nil {
			return err
		}
		for _, p := range page.Payments {
			n++
			if err := take(p, n); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// share is how much of the range lies between an instant and its end, in percent.
func (f filter) share(at, now time.Time) int {
	if f.first == 0 {
		return 0
	}
	first, last := f.merchant.Begins(f.first), f.merchant.Begins(f.last.Add(1))
	if last.After(now) {
		last = now
	}
	if !last.After(first) {
		return 0
	}
	return max(0, min(99, int(100*last.Sub(at)/last.Sub(first))))
}

// cells are a payment's row. Numbers are numbers in Excel; a time says no zone, because it is the merchant's.
func (o *Office) cells(r *web.Request, p payment.Payment, f filter) []any {
	x := o.row(p, f)
	return []any{web.When(x.At), x.Ref, r.Known("web.method.", x.Method), x.Last4, string(p.Amount.Currency()), x.Amount, p.Refunded, x.Fee, x.Net,
		r.Known("web.state.", x.State), x.Device, x.Note}
}

// csvSheet is a CSV with a byte order mark, by which Excel knows that it is UTF-8.
type csvSheet struct {
	w    *csv.Writer
	rows int
}

func newCSV(w io.Writer) *csvSheet {
	_, _ = io.WriteString(w, "\uFEFF") // what follows tells if it fails
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &csvSheet{w: c}
}

func (s *csvSheet) write(cells []any) error {
	line := make([]string, len(cells))
	for i, c := range cells {
		line[i] = harmless(cellText(c))
	}
	if err := s.w.Write(line); err != nil {
		return err
	}
	if s.rows++; s.rows%500 == 0 {
		s.w.Flush()
	}
	return s.w.Error()
}

func (s *csvSheet) close() error {
	s.w.Flush()
	return s.w.Error()
}

// harmless keeps a spreadsheet from running what a payer wrote as a formula. An amount is none.
func harmless(s string) string {
	if s == "" || !strings.ContainsAny(s[:1], "=+-@\t\r") {
		return s
	}
	if strings.Trim(s, "-0123456789.") == "" {
		return s
	}
	return "'" + s
}

// excelSheet is a workbook, as many sheets as it takes.
type excelSheet struct {
	to    io.Writer
	file  *excelize.File
	out   *excelize.StreamWriter
	head  []any
	row   int
	sheet int
	money int // style of amounts
}

// mostRows is how many rows a sheet of Excel may have.
const mostRows = 1_048_576

func newExcel(w io.Writer) (*excelSheet, error) {
	s := &excelSheet{to: w, file: excelize.NewFile()}
	var err error
	if s.money, err = s.file.NewStyle(&excelize.Style{NumFmt: 4}); err != nil {
		return nil, err
	}
	return s, s.next()
}

// next begins another sheet.
func (s *excelSheet) next() (err error) {
	if s.out != nil {
		if err := s.out.Flush(); err != nil {
			return err
		}
	}
	s.sheet++
	name := "Sheet" + decimal(int64(s.sheet))
	if s.sheet > 1 {
		if _, err := s.file.NewSheet(name); err != nil {
			return err
		}
	}
	if s.out, err = s.file.NewStreamWriter(name); err != nil {
		return err
	}
	s.row = 0
	return errors.Join(s.out.SetColWidth(1, 1, 20), s.out.SetColWidth(2, 2, 16), s.out.SetColWidth(3, len(columns), 12))
}

func (s *excelSheet) write(cells []any) error {
	if s.head == nil {
		s.head = cells
	}
	if s.row == mostRows {
		if err := s.next(); err != nil {
			return err
		}
		if err := s.write(s.head); err != nil {
			return err
		}
	}
	s.row++
	at, err := excelize.CoordinatesToCellName(1, s.row)
	if err != nil {
		return err
	}
	line := make([]any, len(cells))
	for i, c := range cells {
		if line[i] = c; isMoney(c) {
			line[i] = excelize.Cell{StyleID: s.money, Value: number(c)}
		}
	}
	return s.out.SetRow(at, line)
}

func (s *excelSheet) close() error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	if err := s.file.Write(s.to); err != nil {
		return err
	}
	return s.file.Close()
}
