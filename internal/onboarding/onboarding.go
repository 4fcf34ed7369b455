// Package onboarding makes merchants of applicants: it asks for what the law wants of each
// kind and for nothing else, keeps it under the applicant's own key, finds what looks
// wrong, lets reviewers decide, two of them where it is risky and none about his own, and
// makes the merchant as approved. It refuses to know payments and pages.
package onboarding

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"hawker/internal/advice"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/institution"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// Refusals.
var (
	ErrUnknown = fault.New(fault.NotFound, "application_unknown", "没有找到这份申请，请用开始申请时保存的链接或二维码打开。", "There is no such application. Please open it with the link or QR code that you kept.")
	ErrMoved   = fault.New(fault.Conflict, "application_moved", "这份申请在您查看之后有变化，请刷新后再处理。", "The application has changed since you saw it. Please reload and decide again.")
	ErrClosed  = fault.New(fault.Conflict, "application_closed", "申请正在审核或已经结束，现在不能修改。", "The application is under review or has ended; it cannot be changed now.")
	ErrLocked  = fault.New(fault.Conflict, "field_locked", "这一项开通后不能在这里修改，请联系客服。", "This cannot be changed here once you are a merchant. Please call support.")
	ErrTwice   = fault.New(fault.Conflict, "application_twice", "这个证件已有一份申请正在审核，请等它有结果，或先撤回那一份。", "There is an application with this paper under review already. Please wait for its result, or withdraw it first.")
)

// Bank is where the small amount of an account's verification is sent.
type Bank interface {
	// Pay sends an amount once for a ref, however often it is asked; a *fault.Fault of kind
	// Declined says that the bank refused and nothing was sent, any other error that nobody knows.
	Pay(ctx context.Context, t Transfer) error
}

// Config is what an Office needs.
type Config struct {
	DB       *store.DB
	Keys     *keys.Keystore
	Subjects *subject.Ring
	Clock    clock.Clock
	Log      *slog.Logger // nil is silent
	Offer    advice.Offer
	Boarder  institution.Boarder
	Bank     Bank
	Acquirer string // the first three digits of every merchant number; "100" when ""
	// SLA is how long a decision may take, by grade; 24, 48 and 72 hours when nil.
	SLA map[Grade]time.Duration
	// Boarded is called with a new merchant, in the transaction that makes it; nil: nothing follows.
	Boarded func(ctx context.Context, tx *store.Tx, m merchant.Merchant) error
	// FourEyes is from which grade on two reviewers approve; High when "".
	FourEyes Grade
}

// Office takes applications and decides them. Any number of goroutines may use it.
type Office struct{ Config }

// New makes an Office.
func New(c Config) *Office {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Acquirer == "" {
		c.Acquirer = "100"
	}
	if c.SLA == nil {
		c.SLA = map[Grade]time.Duration{Low: 24 * time.Hour, Medium: 48 * time.Hour, High: 72 * time.Hour}
	}
	if c.FourEyes == "" {
		c.FourEyes = High
	}
	return &Office{c}
}

// zone is where the papers' days and the merchants' business days are.
var zone = time.FixedZone("UTC+8", 8*60*60)

func (o *Office) today() clock.Day { return clock.DayOf(o.Clock(), zone, 0) }

// ID is Hawker's own number of an application.
type ID int64

// Subject is whose key an application's data are sealed under.
func (id ID) Subject() subject.ID { return subject.ID(fmt.Sprintf("application/%d", id)) }

// Application is one application without what is sealed.
type Application struct {
	ID          ID
	Number      string
	Kind        advice.Kind
	State       State
	Move        int64 // names what was seen; every step and save makes it another
	Revision    int64
	Stands      int64
	Shop        string
	MCC         string
	Region      string
	Needs       advice.Needs
	Model       string
	FeePlan     string
	Offer       string
	Institution string
	Provider    string
	Applicant   string
	Device      string
	Grade       Grade
	Score       int
	SeconderOf  string // who approved first
	Submitted   time.Time
	Due         time.Time
	Created     time.Time
	Changed     time.Time
	Merchant    merchant.ID
}

// Stood reports whether a revision was approved before: there is a merchant.
func (a Application) Stood() bool { return a.Stands > 0 }

// Beginning is what an application begins with.
type Beginning struct {
	Kind      advice.Kind
	Needs     advice.Needs
	Model     string
	FeePlan   string
	Applicant string // "operator/3" who begins it for somebody; "" when nobody is signed in
	Device    string // what the browser is known by; "" nothing
}

// Start begins an application. The secret opens it on any device and is told this once.
func (o *Office) Start(ctx context.Context, b Beginning) (a Application, secret string, err error) {
	if _, err := o.Offer.Compose(b.Needs, b.Model, b.FeePlan); err != nil {
		return a, "", err
	}
	var raw [20]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the process instead
	secret = strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))
	sum, err := o.Keys.Lookup(ctx, []byte("application secret|"+secret))
	if err != nil {
		return a, "", err
	}
	now := o.Clock()
	a = Application{ID: ID(store.NewID(now)), Kind: b.Kind, State: Draft, Move: 1, Revision: 1, Needs: b.Needs, Model: b.Model, FeePlan: b.FeePlan, Offer: o.Offer.Version,
		Institution: o.Boarder.Institution, Provider: o.Boarder.Provider, Applicant: b.Applicant, Device: b.Device, Created: now, Changed: now}
	a.Number = fmt.Sprintf("%s%08d", now.In(zone).Format("060102"), int64(a.ID)%100_000_000)
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := o.Subjects.Make(ctx, tx, a.ID.Subject()); err != nil {
			return err
		}
		return insert(ctx, tx, a, sum)
	})
	if err != nil {
		return a, "", fmt.Errorf("start application: %w", err)
	}
	return a, secret, nil
}

func insert(ctx context.Context, tx *store.Tx, a Application, secret []byte) error {
	needs, err := json.Marshal(a.Needs)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO applications (application_id, number, secret, kind, state, move, revision, stands, shop, mcc, region, needs, model, fee_plan, offer,
		institution, provider, applicant, device, grade, score, seconder_of, submitted_at, due_at, created_at, changed_at, merchant_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)`,
		a.ID, a.Number, secret, string(a.Kind), string(a.State), a.Move, a.Revision, a.Stands, a.Shop, a.MCC, a.Region, string(needs), a.Model, a.FeePlan, a.Offer,
		a.Institution, a.Provider, a.Applicant, a.Device, string(a.Grade), a.Score, a.SeconderOf, store.At(a.Submitted), store.At(a.Due), store.At(a.Created), store.At(a.Changed), a.Merchant)
	return err
}

const columns = `SELECT application_id, number, kind, state, move, revision, stands, shop, mcc, region, needs, model, fee_plan, offer,
	institution, provider, applicant, device, grade, score, seconder_of, submitted_at, due_at, created_at, changed_at, merchant_id FROM applications WHERE `

func scan(scan func(...any) error) (a Application, err error) {
	var needs string
	var submitted, due, created, changed store.Time
	err = scan(&a.ID, &a.Number, &a.Kind, &a.State, &a.Move, &a.Revision, &a.Stands, &a.Shop, &a.MCC, &a.Region, &needs, &a.Model, &a.FeePlan, &a.Offer,
		&a.Institution, &a.Provider, &a.Applicant, &a.Device, &a.Grade, &a.Score, &a.SeconderOf, &submitted, &due, &created, &changed, &a.Merchant)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrUnknown
	} else if err != nil {
		return a, fmt.Errorf("read application: %w", err)
	}
	a.Submitted, a.Due, a.Created, a.Changed = submitted.Time(), due.Time(), created.Time(), changed.Time()
	if err := json.Unmarshal([]byte(needs), &a.Needs); err != nil {
		return a, fmt.Errorf("needs of application %s: %w", a.Number, err)
	}
	return a, nil
}

// Open finds an application by its secret; ErrUnknown when there is none.
func (o *Office) Open(ctx context.Context, secret string) (Application, error) {
	if len(secret) != 32 {
		return Application{}, ErrUnknown
	}
	sum, err := o.Keys.Lookup(ctx, []byte("application secret|"+secret))
	if err != nil {
		return Application{}, err
	}
	return scan(o.DB.Read().QueryRow(ctx, columns+`secret = $1`, sum).Scan)
}

// ByID finds an application; ErrUnknown when there is none.
func ByID(ctx context.Context, q store.Querier, id ID) (Application, error) {
	return scan(q.QueryRow(ctx, columns+`application_id = $1`, id).Scan)
}

// ByNumber finds an application by the number that people say.
func ByNumber(ctx context.Context, q store.Querier, number string) (Application, error) {
	return scan(q.QueryRow(ctx, columns+`number = $1`, number).Scan)
}

// ByMerchant finds the application that a merchant came from.
func ByMerchant(ctx context.Context, q store.Querier, m merchant.ID) (Application, error) {
	return scan(q.QueryRow(ctx, columns+`merchant_id = $1`, m).Scan)
}

// lock finds an application and keeps others from moving it until tx ends.
func lock(ctx context.Context, tx *store.Tx, id ID) (Application, error) {
	return scan(tx.QueryRow(ctx, columns+`application_id = $1 FOR UPDATE`, id).Scan)
}

// put writes what may change of an application that was locked, as another move.
func put(ctx context.Context, tx *store.Tx, a *Application, now time.Time) error {
	before := a.Move
	a.Move++
	a.Changed = now
	needs, err := json.Marshal(a.Needs)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE applications SET state = $1, move = $2, revision = $3, stands = $4, shop = $5, mcc = $6, region = $7, needs = $8, model = $9, fee_plan = $10,
		grade = $11, score = $12, seconder_of = $13, submitted_at = $14, due_at = $15, changed_at = $16, merchant_id = $17, device = $18, offer = $19 WHERE application_id = $20 AND move = $21`,
		string(a.State), a.Move, a.Revision, a.Stands, a.Shop, a.MCC, a.Region, string(needs), a.Model, a.FeePlan,
		string(a.Grade), a.Score, a.SeconderOf, store.At(a.Submitted), store.At(a.Due), store.At(now), a.Merchant, a.Device, a.Offer, a.ID, before)
	if err == nil && n == 0 {
		err = ErrMoved
	}
	if err != nil {
		return fmt.Errorf("write application %s: %w", a.Number, err)
	}
	return nil
}

// Stepped is one step that an application took.
type Stepped struct {
	Event   Event
	From    State
	To      State
	Who     string
	Reasons []string // codes
	Said    string   // to the applicant
	At      time.Time
}

// step moves a locked application and writes down who did it and why.
func (o *Office) step(ctx context.Context, tx *store.Tx, a *Application, e Event, s Stepped) error {
	to, err := Next(a.State, e, a.Stood())
	if err != nil {
		return err
	}
	s.From, a.State = a.State, to
	if err := put(ctx, tx, a, o.Clock()); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO application_steps (application_id, step, event, from_state, to_state, who, reasons, said, at)
		SELECT $1, COALESCE(MAX(step), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM application_steps WHERE application_id = $1`,
		a.ID, string(e), string(s.From), string(to), s.Who, strings.Join(s.Reasons, ","), s.Said, store.At(o.Clock()))
	if err != nil {
		return fmt.Errorf("write down %s of application %s: %w", e, a.Number, err)
	}
	return nil
}

// History lists the steps of an application, in their order.
func History(ctx context.Context, q store.Querier, id ID) (list []Stepped, err error) {
	rows, err := q.Query(ctx, `SELECT event, from_state, to_state, who, reasons, said, at FROM application_steps WHERE application_id = $1 ORDER BY step`, id)
	if err != nil {
		return nil, fmt.Errorf("history of application: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s Stepped
		var reasons string
		var at store.Time
		if err := rows.Scan(&s.Event, &s.From, &s.To, &s.Who, &reasons, &s.Said, &at); err != nil {
			return nil, err
		}
		if reasons != "" {
			s.Reasons = strings.Split(reasons, ",")
		}
		s.At = at.Time()
		list = append(list, s)
	}
	return list, rows.Err()
}
