// Package contract is what institution and merchant agree in writing: templates by clause
// and version, a contract offered from one, each highlighted clause acknowledged, the
// signature over its hash, and its end. It refuses to know what a fee is in force for
// payments: that, the signed rates, it hands to the fee lock in the transaction of the signature.
package contract

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// Refusals.
var (
	ErrNone      = fault.New(fault.NotFound, "contract_none", "没有这份合同。", "There is no such contract.")
	ErrTemplate  = fault.New(fault.NotFound, "contract_template", "没有这个版本的合同文本。", "There is no such version of the contract's text.")
	ErrState     = fault.New(fault.Conflict, "contract_state", "这份合同现在不能这样处理，可能刚有人处理过，请刷新。", "The contract is not in a state for that. Somebody may have been faster: please reload.")
	ErrOffered   = fault.New(fault.Conflict, "contract_offered", "已有一份合同等待签署，请先撤回。", "A contract waits to be signed already. Withdraw it first.")
	ErrClause    = fault.New(fault.Invalid, "contract_clause", "没有这一条，或者这一条不需要确认。", "There is no such clause, or it needs no acknowledgement.")
	ErrUnread    = fault.New(fault.Conflict, "contract_unread", "还有重点条款没有逐条确认，请确认后再签署。", "Some highlighted clauses are not acknowledged yet. Please go through each before you sign.")
	ErrOtherText = fault.New(fault.Conflict, "contract_other_text", "您看到的合同与待签的不一致，请刷新后再签。", "What you saw is not the contract to be signed. Please load the page again.")
	ErrName      = fault.New(fault.Invalid, "contract_name", "输入的姓名与您的账户姓名不一致。", "The name you typed is not the name of your account.")
	ErrDrawing   = fault.New(fault.Invalid, "contract_drawing", "请在框内写下完整的签名。", "Please draw your whole signature in the box.")
	ErrRates     = fault.New(fault.Invalid, "contract_rates", "合同至少要有一项费率；已经生效的费率只能通过费率变更方案修改。", "A contract states at least one fee, and a fee that is in force changes by a proposal only.")
	ErrWhy       = fault.New(fault.Invalid, "contract_why", "请写明理由（5 到 500 字）。", "Please say why (5 to 500 characters).")
	ErrTerm      = fault.New(fault.Invalid, "contract_term", "终止须提前三十天通知商户；立即停止须写明理由和依据。", "Ending takes thirty days' notice to the merchant; stopping at once needs the reason and its ground.")
	ErrBroken    = fault.New(fault.Internal, "contract_broken", "合同与签名不符，请立即联系客服。", "The contract does not fit its signature. Please call support at once.")
)

// State is where a contract stands.
type State string

// The states.
const (
	Offered   State = "offered"
	Signed    State = "signed"
	Ending    State = "ending" // an end is set
	Ended     State = "ended"
	Replaced  State = "replaced"  // by a later one that was signed
	Withdrawn State = "withdrawn" // before anybody signed
)

// Event is what happens to a contract.
type Event string

// The events.
const (
	Sign     Event = "sign"
	Withdraw Event = "withdraw"
	Replace  Event = "replace"
	Notice   Event = "notice" // its end is set
	Finish   Event = "finish" // its end has come
	Keep     Event = "keep"   // both go on after all
)

// moves holds every lawful step of a contract. What is absent is refused.
var moves = map[State]map[Event]State{
	Offered: {Sign: Signed, Withdraw: Withdrawn},
	Signed:  {Replace: Replaced, Notice: Ending},
	Ending:  {Finish: Ended, Keep: Signed, Replace: Replaced},
}

// Party is the institution as a contract names it.
type Party struct {
	NameZH, NameEN string
	Licence        string
}

// Rate is a fee as the document states it.
type Rate struct {
	Method   string `json:"method"`
	CardKind string `json:"card_kind"`
	Points   int64  `json:"basis_points"`
	Min      int64  `json:"min_minor"`
	Cap      int64  `json:"cap_minor"`
	Name     Words  `json:"name"`
	Terms    Words  `json:"terms"`
}

// Document is the whole text of one contract, as it is hashed and signed.
type Document struct {
	Number      int64    `json:"number"`
	Template    string   `json:"template"`
	Version     int      `json:"version"`
	Title       Words    `json:"title"`
	Institution Words    `json:"institution"`
	Licence     string   `json:"licence"`
	MID         string   `json:"mid"`
	Merchant    Words    `json:"merchant"`
	Place       string   `json:"place"`
	MCC         string   `json:"mcc"`
	Currency    string   `json:"currency"`
	Clauses     []Clause `json:"clauses"`
	Rates       []Rate   `json:"rates"`
	Offered     string   `json:"offered"` // RFC 3339, UTC
}

// Contract is one contract and where it stands.
type Contract struct {
	Merchant  merchant.ID
	ID        int64
	Template  string
	Version   int
	State     State
	Digest    [sha256.Size]byte
	OfferedBy string
	Offered   time.Time
	Signed    time.Time
	Ends      time.Time
	EndedBy   string
	Remark    string

	sealed []byte
}

// Object names the contract where a proof is about it.
func (c Contract) Object() string { return fmt.Sprintf("contract/%d", c.ID) }

// Code is what people compare by eye: the beginning of the hash.
func (c Contract) Code() string {
	s := strings.ToUpper(hex.EncodeToString(c.Digest[:8]))
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// Config is what a Desk needs.
type Config struct {
	DB          *store.DB
	Keys        *keys.Keystore
	Ring        *subject.Ring
	Fees        *feelock.Book
	Jobs        *jobs.Runner // nil where no contract ends
	Clock       clock.Clock
	Log         *slog.Logger
	Institution func(ctx context.Context, m merchant.Merchant) (Party, error)
	// Beside are the other subjects that a merchant's person or business has, such as his application: what
	// holds him holds them. nil: none.
	Beside func(ctx context.Context, q store.Querier, m merchant.ID) ([]subject.ID, error)
}

// Desk offers, signs and ends contracts.
type Desk struct {
	db          *store.DB
	keys        *keys.Keystore
	ring        *subject.Ring
	fees        *feelock.Book
	now         clock.Clock
	log         *slog.Logger
	institution func(ctx context.Context, m merchant.Merchant) (Party, error)
	beside      func(ctx context.Context, q store.Querier, m merchant.ID) ([]subject.ID, error)
	templates   []Template
}

// Open makes a Desk with the templates that come with Hawker.
func Open(c Config) (*Desk, error) {
	list, err := Templates()
	if err != nil {
		return nil, err
	}
	d := &Desk{c.DB, c.Keys, c.Ring, c.Fees, c.Clock, c.Log, c.Institution, c.Beside, list}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if c.Jobs != nil {
		c.Jobs.Handle(jobEnd, d.runEnd)
	}
	return d, nil
}

// Templates are the texts that contracts are offered from.
func (d *Desk) Templates() []Template { return d.templates }

// who is the subject whose key seals a merchant's contracts.
func who(m merchant.ID) subject.ID { return subject.ID("merchant/" + strconv.FormatInt(int64(m), 10)) }

func place(field string, id int64) subject.Place {
	return subject.Place{Table: "contracts", Field: field, Row: strconv.FormatInt(id, 10)}
}

// Offer writes a contract from the newest version of a template, with the rates that will hold
// when it is signed. A rate of a line that is in force already must be the one in force.
func (d *Desk) Offer(ctx context.Context, tx *store.Tx, by string, m merchant.Merchant, template string, rates ...feelock.Rate) (Contract, error) {
	t, ok := Latest(d.templates, template)
	if !ok {
		return Contract{}, ErrTemplate.With("%s", template)
	}
	party, err := d.institution(ctx, m)
	if err != nil {
		return Contract{}, err
	}
	var open int64
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM contracts WHERE merchant_id = $1 AND state = 'offered'`, m.ID).Scan(&open); err != nil {
		return Contract{}, fmt.Errorf("open contracts: %w", err)
	}
	if open > 0 {
		return Contract{}, ErrOffered
	}
	now := d.now()
	c := Contract{Merchant: m.ID, ID: store.NewID(now), Template: t.Name, Version: t.Version, State: Offered, OfferedBy: by, Offered: store.At(now).Time()}
	doc, err := d.document(ctx, c, t, party, m, rates)
	if err != nil {
		return Contract{}, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return Contract{}, err
	}
	c.Digest = sha256.Sum256(text)
	key, err := d.ring.Make(ctx, tx, who(m.ID))
	if err != nil {
		return Contract{}, err
	}
	if c.sealed, err = key.Seal(place("document", c.ID), text); err != nil {
		return Contract{}, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO contracts (merchant_id, contract_id, template, version, state, sealed, digest, offered_by, offered_at, signed_at, ends_at, ended_by, remark)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '', '')`, m.ID, c.ID, c.Template, c.Version, string(c.State), c.sealed, hex.EncodeToString(c.Digest[:]), by, store.At(now)); err != nil {
		return Contract{}, fmt.Errorf("offer contract: %w", err)
	}
	return c, nil
}

// document fills a template.
func (d *Desk) document(ctx context.Context, c Contract, t Template, party Party, m merchant.Merchant, rates []feelock.Rate) (Document, error) {
	doc := Document{Number: c.ID, Template: t.Name, Version: t.Version, Title: t.Title, Institution: Words{party.NameZH, party.NameEN}, Licence: party.Licence, MID: m.MID,
		Merchant: Words{m.NameZH, m.NameEN}, Place: m.Place, MCC: m.MCC, Currency: string(m.Currency), Offered: c.Offered.Format(time.RFC3339)}
	fill := func(text string, lang func(Words) string) string {
		return strings.NewReplacer("{institution}", lang(doc.Institution), "{licence}", doc.Licence, "{merchant}", lang(doc.Merchant), "{mid}", doc.MID).Replace(text)
	}
	for _, clause := range t.Clauses {
		clause.Text = Words{fill(clause.Text.ZH, func(w Words) string { return w.ZH }), fill(clause.Text.EN, func(w Words) string { return w.EN })}
		doc.Clauses = append(doc.Clauses, clause)
	}
	seen := map[feelock.Line]bool{}
	for _, r := range rates {
		plans, err := d.fees.Plans(ctx, m.ID, m.Currency, r.Line)
		if err != nil {
			return doc, err
		}
		if len(plans) > 0 {
			if p := plans[0].Terms(); p.Rate != r.Rate || p.Min.Minor() != r.Min.Minor() || p.Cap.Minor() != r.Cap.Minor() {
				return doc, ErrRates.With("%s %q is in force with other terms", r.Method, r.CardKind)
			}
		}
		if seen[r.Line] {
			return doc, ErrRates.With("%s %q twice", r.Method, r.CardKind)
		}
		seen[r.Line] = true
		zh, en := r.Name()
		termsZH, termsEN := r.Words()
		doc.Rates = append(doc.Rates, Rate{r.Method, r.CardKind, int64(r.Rate), r.Min.Minor(), r.Cap.Minor(), Words{zh, en}, Words{termsZH, termsEN}})
	}
	if len(doc.Rates) == 0 {
		return doc, ErrRates
	}
	return doc, nil
}

const selectContracts = `SELECT merchant_id, contract_id, template, version, state, sealed, digest, offered_by, offered_at, signed_at, ends_at, ended_by, remark FROM contracts `

func scanContract(scan func(...any) error) (c Contract, err error) {
	var digest string
	var offered, signed, ends store.Time
	if err = scan(&c.Merchant, &c.ID, &c.Template, &c.Version, &c.State, &c.sealed, &digest, &c.OfferedBy, &offered, &signed, &ends, &c.EndedBy, &c.Remark); err != nil {
		return c, err
	}
	c.Offered, c.Signed, c.Ends = offered.Time(), signed.Time(), ends.Time()
	sum, err := hex.DecodeString(digest)
	if err != nil || len(sum) != len(c.Digest) {
		return c, ErrBroken.With("contract %d: digest %q", c.ID, digest)
	}
	copy(c.Digest[:], sum)
	return c, nil
}

// ByID finds a merchant's contract; ErrNone when there is none.
func ByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Contract, error) {
	return one(ctx, q, m, id, "")
}

func one(ctx context.Context, q store.Querier, m merchant.ID, id int64, lock string) (Contract, error) {
	c, err := scanContract(q.QueryRow(ctx, selectContracts+`WHERE merchant_id = $1 AND contract_id = $2`+lock, m, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrNone.With("merchant %d, contract %d", m, id)
	}
	if err != nil {
		return c, fmt.Errorf("contract %d: %w", id, err)
	}
	return c, nil
}

// Of lists a merchant's contracts, newest first.
func Of(ctx context.Context, q store.Querier, m merchant.ID) ([]Contract, error) {
	rows, err := q.Query(ctx, selectContracts+`WHERE merchant_id = $1 ORDER BY contract_id DESC`, m)
	if err != nil {
		return nil, fmt.Errorf("contracts of merchant %d: %w", m, err)
	}
	defer func() { _ = rows.Close() }()
	var list []Contract
	for rows.Next() {
		c, err := scanContract(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("contracts of merchant %d: %w", m, err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// Document opens a contract's text; ErrBroken when it is not the one that was hashed.
func (d *Desk) Document(ctx context.Context, c Contract) (doc Document, err error) {
	key, err := d.ring.Key(ctx, d.db.Read(), who(c.Merchant))
	if err != nil {
		return doc, err
	}
	text, err := key.Open(place("document", c.ID), c.sealed)
	if err != nil {
		return doc, ErrBroken.Wrap(err)
	}
	if sha256.Sum256(text) != c.Digest {
		return doc, ErrBroken.With("contract %d: another hash", c.ID)
	}
	return doc, json.Unmarshal(text, &doc)
}

// move takes a contract along the table by comparison.
func (d *Desk) move(ctx context.Context, tx *store.Tx, c *Contract, e Event) error {
	to, ok := moves[c.State][e]
	if !ok {
		return ErrState.With("%s of contract %d in %s", e, c.ID, c.State)
	}
	n, err := tx.Exec(ctx, `UPDATE contracts SET state = $1, signed_at = $2, ends_at = $3, ended_by = $4, remark = $5 WHERE merchant_id = $6 AND contract_id = $7 AND state = $8`,
		string(to), store.At(c.Signed), store.At(c.Ends), c.EndedBy, c.Remark, c.Merchant, c.ID, string(c.State))
	if err != nil {
		return fmt.Errorf("%s contract %d: %w", e, c.ID, err)
	}
	if n == 0 {
		return ErrState.With("contract %d is not %s any more", c.ID, c.State)
	}
	c.State = to
	return nil
}

// WithdrawOffer takes an offer back that nobody has signed.
func (d *Desk) WithdrawOffer(ctx context.Context, tx *store.Tx, by string, m merchant.ID, id int64) error {
	c, err := one(ctx, tx, m, id, ` FOR UPDATE`)
	if err != nil {
		return err
	}
	c.EndedBy = by
	return d.move(ctx, tx, &c, Withdraw)
}
