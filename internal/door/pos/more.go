package pos

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"hawker/internal/cash"
	"hawker/internal/fault"
	"hawker/internal/handover"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/receipt"
	"hawker/internal/shop"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/web"
)

var errTendered = fault.New(fault.Invalid, "cash_short", "收到的现金少于应收。", "The cash received is less than what is to be paid.")

func (s *Screen) take(r *web.Request) (web.Response, error) {
	var w struct {
		Code string `json:"code"`
	}
	if err := read(r, &w); err != nil {
		return nil, err
	}
	if r.Who.Merchant == 0 {
		return nil, errMerchant
	}
	var id int64
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		now := s.Clock()
		if id, err = handover.Take(r.Context(), tx, r.Who.Merchant, w.Code, device(r), s.deviceName(r), now); err != nil {
			return err
		}
		return handover.Tell(r.Context(), tx, r.Who.Merchant, payment.Ref(id), device(r), s.deviceName(r), now)
	}); err != nil {
		return nil, err
	}
	p, err := payment.Get(r.Context(), s.DB.Read(), r.Who.Merchant, id)
	if err != nil {
		return nil, err
	}
	return s.show(r, p)
}

// sign binds the picture of a signature to its payment.
func (s *Screen) sign(r *web.Request) (web.Response, error) {
	if s.Signatures == nil {
		return nil, errAbsent
	}
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	picture, err := io.ReadAll(http.MaxBytesReader(r.Writer, r.Body, signature.MaxPicture))
	if err != nil {
		return nil, signature.ErrPicture.Wrap(err)
	}
	tries, err := payment.Attempts(r.Context(), s.DB.Read(), p.Merchant, p.ID)
	if err != nil {
		return nil, err
	}
	a, ok := sale(tries)
	if !ok || p.Method != payment.MethodCard || p.State != payment.Approved {
		return nil, payment.ErrState.With("only a card payment that was approved is signed for")
	}
	if err := s.Signatures.Put(r.Context(), facts(p, a), picture); err != nil {
		return nil, err
	}
	return s.show(r, p)
}

func (s *Screen) receipt(r *web.Request) (web.Response, error) {
	if s.Receipts == nil {
		return nil, errAbsent
	}
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	link, err := s.Receipts.Link(r.Context(), p.Merchant, p.ID)
	if err != nil {
		return nil, err
	}
	drawn, err := draw(link)
	if err != nil {
		return nil, err
	}
	return answer(map[string]any{"link": link, "symbol": drawn})
}

// slip is a file of printer commands.
func (s *Screen) slip(r *web.Request) (web.Response, error) {
	if s.Receipts == nil {
		return nil, errAbsent
	}
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	paper, err := s.Receipts.Of(r.Context(), p.Merchant, p.ID)
	if err != nil {
		return nil, err
	}
	l := receipt.EN
	if r.Lang == web.ZH {
		l = receipt.ZH
	}
	b := paper.ESCPOS(l, receipt.ForPayer, receipt.Narrow, false)
	return web.Download(payment.Ref(p.ID)+".bin", "application/octet-stream", func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}), nil
}

// item is one of the catalogue as the screen knows it.
type item struct {
	ID       string `json:"id"`
	ZH       string `json:"zh"`
	EN       string `json:"en"`
	Price    int64  `json:"price"`
	Barcode  string `json:"barcode"`
	Category string `json:"category"`
	State    string `json:"state"`
	Place    int    `json:"place"`
	Photo    string `json:"photo,omitempty"`
}

func viewOf(i shop.Item) item {
	return item{strconv.FormatInt(i.ID, 10), i.NameZH, i.NameEN, i.Price.Minor(), i.Barcode, i.Category, string(i.State), i.Place, i.Photo}
}

func (s *Screen) items(r *web.Request) (web.Response, error) {
	list, err := shop.List(r.Context(), s.DB.Read(), r.Who.Merchant)
	if err != nil {
		return nil, err
	}
	items := make([]item, 0, len(list))
	for _, i := range list {
		items = append(items, viewOf(i))
	}
	return answer(map[string]any{"items": items})
}

// readItem takes an item that a screen sent.
func (s *Screen) readItem(r *web.Request) (shop.Item, error) {
	var w item
	if err := read(r, &w); err != nil {
		return shop.Item{}, err
	}
	m, err := s.merchant(r)
	return shop.Item{Merchant: m.ID, NameZH: w.ZH, NameEN: w.EN, Price: money.New(w.Price, m.Currency), Barcode: w.Barcode, Category: w.Category, Place: w.Place, State: shop.State(w.State)}, err
}

func (s *Screen) addItem(r *web.Request) (web.Response, error) {
	i, err := s.readItem(r)
	if err != nil {
		return nil, err
	}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		i, err = shop.Add(r.Context(), tx, i, s.Clock())
		return err
	}); err != nil {
		return nil, err
	}
	return answer(viewOf(i))
}

func itemID(r *web.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, shop.ErrUnknown
	}
	return id, nil
}

func (s *Screen) changeItem(r *web.Request) (web.Response, error) {
	i, err := s.readItem(r)
	if err != nil {
		return nil, err
	}
	if i.ID, err = itemID(r); err != nil {
		return nil, err
	}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return shop.Change(r.Context(), tx, i, s.Clock()) }); err != nil {
		return nil, err
	}
	if i, err = shop.ByID(r.Context(), s.DB.Read(), i.Merchant, i.ID); err != nil {
		return nil, err
	}
	return answer(viewOf(i))
}

func (s *Screen) putPhoto(r *web.Request) (web.Response, error) {
	id, err := itemID(r)
	if err != nil {
		return nil, err
	}
	upload, err := io.ReadAll(http.MaxBytesReader(r.Writer, r.Body, shop.MaxPhoto+1))
	if err != nil {
		return nil, shop.ErrPhotoBig.Wrap(err)
	}
	picture, err := shop.Photo(upload)
	if err != nil {
		return nil, err
	}
	var digest string
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		digest, err = shop.PutPhoto(r.Context(), tx, r.Who.Merchant, id, picture, s.Clock())
		return err
	}); err != nil {
		return nil, err
	}
	return answer(map[string]string{"photo": digest})
}

func (s *Screen) photo(r *web.Request) (web.Response, error) {
	id, err := itemID(r)
	if err != nil {
		return nil, err
	}
	picture, err := shop.PhotoOf(r.Context(), s.DB.Read(), r.Who.Merchant, id, r.PathValue("digest"))
	if err != nil {
		return nil, err
	}
	r.Writer.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	r.Writer.Header().Set("Content-Disposition", "attachment")
	return web.Bytes("image/jpeg", picture), nil
}

// shiftView is a shift with what the till took in it so far.
type shiftView struct {
	By         string      `json:"by"`
	Opened     int64       `json:"opened"`
	Float      int64       `json:"float"`
	Expected   int64       `json:"expected"`
	Counted    int64       `json:"counted"`
	Difference int64       `json:"difference"`
	Totals     []totalView `json:"totals"`
}

type totalView struct {
	Method   string `json:"method"`
	Count    int    `json:"count"`
	Taken    int64  `json:"taken"`
	Refunded int64  `json:"refunded"`
}

func totalViews(totals []cash.Total) []totalView {
	list := []totalView{}
	for _, t := range totals {
		list = append(list, totalView{t.Method, t.Count, t.Taken.Minor(), t.Refunded.Minor()})
	}
	return list
}

func (s *Screen) shiftView(ctx context.Context, m merchant.Merchant, shift cash.Shift) (shiftView, error) {
	totals, err := s.totals(ctx, m, shift)
	if err != nil {
		return shiftView{}, err
	}
	expected, err := shift.Expect(totals)
	return shiftView{By: shift.OpenedBy, Opened: shift.Opened.UnixMilli(), Float: shift.Float.Minor(), Expected: expected.Minor(), Totals: totalViews(totals)}, err
}

// totals are what a till took since its shift began, by method.
func (s *Screen) totals(ctx context.Context, m merchant.Merchant, shift cash.Shift) ([]cash.Total, error) {
	devices := []string{shift.Device}
	if s.Reader != nil { // the terminal beside the till took its cards
		devices = append(devices, string(s.Reader.At(m.ID)))
	}
	sums, err := payment.TakenBy(ctx, s.DB.Read(), m.ID, shift.Opened, s.Clock().Add(time.Microsecond), devices...)
	if err != nil {
		return nil, err
	}
	var list []cash.Total
	for _, x := range sums {
		list = append(list, cash.Total{Method: x.Method, Count: x.Count, Taken: x.Taken, Refunded: x.Refunded})
	}
	return list, nil
}

func (s *Screen) shift(r *web.Request) (web.Response, error) {
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	shift, err := cash.Current(r.Context(), s.DB.Read(), m.ID, device(r))
	if err != nil {
		return nil, err
	}
	v, err := s.shiftView(r.Context(), m, shift)
	if err != nil {
		return nil, err
	}
	return answer(v)
}

func (s *Screen) openShift(r *web.Request) (web.Response, error) {
	var w struct {
		Float int64 `json:"float"`
	}
	if err := read(r, &w); err != nil {
		return nil, err
	}
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, err := cash.Open(r.Context(), tx, cash.Shift{Merchant: m.ID, Device: device(r), OpenedBy: r.Who.Name, Float: money.New(w.Float, m.Currency)}, s.Clock())
		return err
	}); err != nil {
		return nil, err
	}
	return s.shift(r)
}

func (s *Screen) closeShift(r *web.Request) (web.Response, error) {
	var w struct {
		Counted int64 `json:"counted"`
	}
	if err := read(r, &w); err != nil {
		return nil, err
	}
	ctx := r.Context()
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	shift, err := cash.Current(ctx, s.DB.Read(), m.ID, device(r))
	if err != nil {
		return nil, err
	}
	totals, err := s.totals(ctx, m, shift)
	if err != nil {
		return nil, err
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		shift, err = cash.Close(ctx, tx, shift, totals, money.New(w.Counted, m.Currency), r.Who.Name, s.Clock())
		return err
	}); err != nil {
		return nil, err
	}
	off, err := shift.Difference()
	if err != nil {
		return nil, err
	}
	return answer(shiftView{By: shift.OpenedBy, Opened: shift.Opened.UnixMilli(), Float: shift.Float.Minor(), Expected: shift.Expected.Minor(), Counted: shift.Counted.Minor(),
		Difference: off.Minor(), Totals: totalViews(shift.Totals)})
}
