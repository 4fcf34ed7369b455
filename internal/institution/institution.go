// Package institution is the register of payment institutions and of the providers who
// work under them: what the authority's lists say, since when, until when, and what that
// allows. It keeps every state that an entry ever had, and refuses to know merchants.
package institution

import (
	"slices"

	"hawker/internal/clock"
	"hawker/internal/fault"
)

// Refusals.
var (
	ErrUnknown   = fault.New(fault.NotFound, "register_unknown", "登记册里没有这家机构。", "The register does not know this institution or provider.")
	ErrState     = fault.New(fault.Declined, "register_state", "这家机构的许可或备案目前无效，不能发展新商户。", "The licence or filing is not valid at present. No new merchant can be boarded.")
	ErrExpired   = fault.New(fault.Declined, "register_expired", "许可证或备案已过期，不能发展新商户。", "The licence or filing has expired. No new merchant can be boarded.")
	ErrExpiring  = fault.New(fault.Declined, "register_expiring", "许可证或备案即将到期，续展之前暂停发展新商户。", "The licence or filing ends soon. Boarding of new merchants stops until it is renewed.")
	ErrBusiness  = fault.New(fault.Declined, "register_business", "许可的业务类型不包括收单。", "The licence does not cover the acquiring of payments.")
	ErrRegion    = fault.New(fault.Declined, "register_region", "许可或备案的地区不包括该地。", "The licence or filing does not cover this region.")
	ErrPrincipal = fault.New(fault.Declined, "register_principal", "服务商所属的收单机构不符。", "The provider is not filed under this institution.")
)

// Kind is which list an entry stands on.
type Kind string

// The kinds.
const (
	Institution Kind = "institution" // holds a payment business licence (支付业务许可证)
	Provider    Kind = "provider"    // filed as an outsourced acquiring service (收单外包服务机构)
)

// State is what the authority says of an entry.
type State string

// The states. An institution is Valid, a provider Filed; nothing else may board merchants.
const (
	Valid     State = "valid"
	Filed     State = "filed"
	Suspended State = "suspended"
	Revoked   State = "revoked"   // taken away by the authority
	Cancelled State = "cancelled" // given back, or merged into another
	Absent    State = "absent"    // a later, complete list does not have it any more
)

// Business is a type of payment business or service.
type Business string

// The businesses of institutions (regulation on non-bank payment institutions, in force
// since 2024-05-01) and the services of providers.
const (
	Stored1     Business = "stored_value_1"
	Stored2     Business = "stored_value_2"
	Processing1 Business = "payment_processing_1" // which contains the acquiring of bank cards
	Processing2 Business = "payment_processing_2"

	Referral    Business = "merchant_referral"  // 特约商户推荐
	Acceptance  Business = "acceptance_sign"    // 受理标识张贴
	Placement   Business = "terminal_placement" // 受理终端布放和维护
	Aggregation Business = "aggregation"        // 聚合支付技术服务
)

// businesses holds every business, whose it is, and what people call it.
var businesses = map[Business]struct {
	of     Kind
	zh, en string
}{
	Stored1:     {Institution, "储值账户运营Ⅰ类", "operation of stored-value accounts, class I"},
	Stored2:     {Institution, "储值账户运营Ⅱ类", "operation of stored-value accounts, class II"},
	Processing1: {Institution, "支付交易处理Ⅰ类（含银行卡收单）", "processing of payments, class I (with card acquiring)"},
	Processing2: {Institution, "支付交易处理Ⅱ类", "processing of payments, class II"},
	Referral:    {Provider, "特约商户推荐", "referral of merchants"},
	Acceptance:  {Provider, "受理标识张贴", "placing of acceptance signs"},
	Placement:   {Provider, "受理终端布放和维护", "placing and care of terminals"},
	Aggregation: {Provider, "聚合支付技术服务", "aggregation of payment methods"},
}

// Name is what people call a business.
func (b Business) Name() (zh, en string) { return businesses[b].zh, businesses[b].en }

// Everywhere is the region of a licence for the whole country.
const Everywhere = "000000"

// Contact is how anybody reaches an institution or provider.
type Contact struct {
	Phone     string `json:"phone,omitempty"`
	Complaint string `json:"complaint,omitempty"` // telephone for complaints
	Web       string `json:"web,omitempty"`
	Address   string `json:"address,omitempty"`
}

// Entry is one institution or provider as a list describes it.
type Entry struct {
	Kind      Kind       `json:"-"`
	Number    string     `json:"number"` // licence number, or record-filing number
	NameZH    string     `json:"name_zh"`
	NameEN    string     `json:"name_en,omitempty"`
	State     State      `json:"state"`
	Business  []Business `json:"business"`
	Regions   []string   `json:"regions"`           // six-digit divisions, GB/T 2260; 000000 is everywhere
	Issued    Date       `json:"issued"`            // or filed
	Expires   Date       `json:"expires,omitempty"` // the last day; none for a filing without a term
	Authority string     `json:"authority"`         // who licensed, or keeps the filing
	WorksFor  string     `json:"works_for,omitempty"`
	Contact   Contact    `json:"contact"`
	Note      string     `json:"note,omitempty"` // such as why it was revoked
}

// Record is a state of an entry with where it comes from.
type Record struct {
	Entry
	Version int
	Source  string
	AsOf    clock.Day // the day of which the list speaks
}

// covers reports whether a region, or one above it, is among the entry's.
func (e Entry) covers(region string) bool {
	if len(region) != 6 {
		return false
	}
	return slices.Contains(e.Regions, Everywhere) || slices.Contains(e.Regions, region) ||
		slices.Contains(e.Regions, region[:4]+"00") || slices.Contains(e.Regions, region[:2]+"0000")
}

// Left is how many days the entry still holds on a day, the last one being 0; far is true
// when no end is stated.
func (e Entry) Left(on clock.Day) (days int, far bool) {
	if e.Expires == 0 {
		return 0, true
	}
	return int(clock.Day(e.Expires).Sub(on)), false
}

// Terms are how early an end is told and from when on it stops boarding, in days before it.
type Terms struct {
	Warn int // 180 when 0
	Stop int // 30 when 0
}

func (t Terms) complete() Terms {
	if t.Warn == 0 {
		t.Warn = 180
	}
	if t.Stop == 0 {
		t.Stop = 30
	}
	return t
}

// MayBoard returns nil when an entry allows a new merchant in a region on a day, or why not.
func (e Entry) MayBoard(t Terms, region string, on clock.Day) error {
	t = t.complete()
	left, far := e.Left(on)
	needed := Processing1
	if e.Kind == Provider {
		needed = Referral
	}
	switch {
	case e.State != Valid && e.State != Filed:
		return ErrState.With("%s %s is %s", e.Kind, e.Number, e.State)
	case !far && left < 0:
		return ErrExpired.With("%s %s ended on %s", e.Kind, e.Number, clock.Day(e.Expires))
	case !far && left < t.Stop:
		return ErrExpiring.With("%s %s ends on %s", e.Kind, e.Number, clock.Day(e.Expires))
	case !slices.Contains(e.Business, needed):
		return ErrBusiness.With("%s %s has no %s", e.Kind, e.Number, needed)
	case !e.covers(region):
		return ErrRegion.With("%s %s does not cover %s", e.Kind, e.Number, region)
	}
	return nil
}

// Warning is an entry whose time or state needs somebody.
type Warning struct {
	Record
	Days  int  // left; negative when it has ended
	Stops bool // new merchants are not boarded any more
}

// Warnings are the entries of records that end within t.Warn days or may not board at
// all, the most urgent first. What ended otherwise than by time is among them while others work for it.
func Warnings(records []Record, t Terms, on clock.Day) (list []Warning) {
	t = t.complete()
	for _, r := range records {
		left, far := r.Left(on)
		bad := r.State != Valid && r.State != Filed
		if bad || (!far && left < t.Warn) {
			list = append(list, Warning{r, left, bad || left < t.Stop})
		}
	}
	slices.SortStableFunc(list, func(a, b Warning) int { return a.Days - b.Days })
	return list
}
