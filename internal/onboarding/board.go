package onboarding

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hawker/internal/advice"
	"hawker/internal/fault"
	"hawker/internal/institution"
	"hawker/internal/merchant"
	"hawker/internal/papers"
	"hawker/internal/risk"
	"hawker/internal/store"
)

// Refusals of making a merchant.
var (
	ErrSeries  = fault.New(fault.Internal, "mid_exhausted", "该地区和类别的商户号已用完，请联系管理员。", "The merchant numbers of this region and category are used up. Please call the administrator.")
	ErrBoarded = fault.New(fault.NotFound, "merchant_unboarded", "没有这个商户的开通记录。", "There is no record of how this merchant was boarded.")
)

// firstMerchant is the number of the first merchant that is boarded: above those that sandbox and benchmarks make.
const firstMerchant = 1_000_001

// count takes the next number of a series, which begins at first.
func count(ctx context.Context, tx *store.Tx, series string, first int64) (n int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO number_series (series, last_number) VALUES ($1, $2)
		ON CONFLICT (series) DO UPDATE SET last_number = number_series.last_number + 1 RETURNING last_number`, series, first).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("next number of %s: %w", series, err)
	}
	return n, nil
}

// mid makes a merchant number by the published structure: acquirer (3), area (4), category (4), serial (4).
func (o *Office) mid(ctx context.Context, tx *store.Tx, region, mcc string) (string, error) {
	d, err := papers.DivisionOf(region)
	if err != nil {
		return "", err
	}
	prefix := o.Acquirer + d.Area + mcc
	for {
		n, err := count(ctx, tx, "mid/"+prefix, 1)
		if err != nil {
			return "", err
		}
		if n > 9999 {
			return "", ErrSeries.With("%s", prefix)
		}
		mid := fmt.Sprintf("%s%04d", prefix, n)
		switch _, err := merchant.ByMID(ctx, tx, mid); {
		case errors.Is(err, merchant.ErrUnknown):
			return mid, nil
		case err != nil:
			return "", err
		} // a merchant that did not come through an application has it
	}
}

// board makes what an approval means: merchant, store, limits of its kind, order, and under
// whose licence and on what terms it was boarded. Fees begin with the contract.
func (o *Office) board(ctx context.Context, tx *store.Tx, a *Application, v Values) error {
	now := o.Clock()
	plan, err := o.Offer.FeePlan(a.FeePlan, a.Kind)
	if err != nil {
		return err
	}
	model, err := o.Offer.Model(a.Model)
	if err != nil {
		return err
	}
	d, err := papers.DivisionOf(v["region"])
	if err != nil {
		return err
	}
	n, err := count(ctx, tx, "merchant", firstMerchant)
	if err != nil {
		return err
	}
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	mid, err := o.mid(ctx, tx, v["region"], v["mcc"])
	if err != nil {
		return err
	}
	m := merchant.Merchant{ID: merchant.ID(n), MID: mid, NameZH: v["shop"], NameEN: initials(v["shop"], mid), Place: d.EN, MCC: v["mcc"],
		Currency: o.Offer.Currency, Zone: shanghai, Cutoff: 24 * time.Hour, State: merchant.Active}
	if err := merchant.Add(ctx, tx, m, now); err != nil {
		return err
	}
	if err := merchant.AddStore(ctx, tx, merchant.Store{Merchant: m.ID, ID: 1, Name: v["shop"], Region: v["region"]}, now); err != nil {
		return err
	}
	for _, l := range o.Offer.Limits[a.Kind] {
		if err := risk.SetLimit(ctx, tx, n, l.Risk(m.Currency)); err != nil {
			return err
		}
	}
	a.Merchant = m.ID
	ordered := Order{Merchant: a.Merchant, ID: store.NewID(now), Store: 1, Model: model.Code, Price: model.Price, Deposit: model.Deposit, At: now}
	if err := ordered.Place(ctx, tx, o.Offer.Currency); err != nil {
		return err
	}
	if err := Record(ctx, tx, Boarding{Merchant: m.ID, Application: a.ID, Kind: a.Kind, Institution: a.Institution, Provider: a.Provider,
		FeePlan: a.FeePlan, Offer: o.Offer.Version, Fees: plan.Fees, At: now}); err != nil {
		return err
	}
	if o.Boarded != nil {
		if err := o.Boarded(ctx, tx, m); err != nil {
			return err
		}
	}
	// The law wants a merchant's identity kept; how long after the relation has ended, the privacy rules say.
	return o.Subjects.PlaceHold(ctx, tx, a.ID.Subject(), "relation", time.Time{})
}

// alter applies an approved change to the merchant.
func (o *Office) alter(ctx context.Context, tx *store.Tx, a Application, v Values) error {
	m, err := merchant.ByID(ctx, tx, a.Merchant)
	if err != nil {
		return err
	}
	d, err := papers.DivisionOf(v["region"])
	if err != nil {
		return err
	}
	m.NameZH, m.NameEN, m.Place, m.MCC = v["shop"], initials(v["shop"], m.MID), d.EN, v["mcc"]
	if err := merchant.Change(ctx, tx, m); err != nil {
		return err
	}
	return merchant.MoveStore(ctx, tx, merchant.Store{Merchant: m.ID, ID: 1, Name: v["shop"], Region: v["region"]})
}

// Boarding is under whose licence and by whose service a merchant was boarded, and on what terms.
type Boarding struct {
	Merchant    merchant.ID
	Application ID // 0: not through an application
	Kind        advice.Kind
	Institution string // licence number
	Provider    string // filing number; "" none
	FeePlan     string
	Offer       string
	Fees        []advice.Fee // as they were shown: they begin with the contract that agrees to them
	At          time.Time
}

// Record writes a boarding down, in the transaction that makes the merchant.
func Record(ctx context.Context, tx *store.Tx, b Boarding) error {
	fees, err := json.Marshal(b.Fees)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO boardings (merchant_id, application_id, kind, institution, provider, fee_plan, offer, fees, boarded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		b.Merchant, b.Application, string(b.Kind), b.Institution, b.Provider, b.FeePlan, b.Offer, string(fees), store.At(b.At))
	if err != nil {
		return fmt.Errorf("record how merchant %d was boarded: %w", b.Merchant, err)
	}
	return nil
}

const boardings = `SELECT merchant_id, application_id, kind, institution, provider, fee_plan, offer, fees, boarded_at FROM boardings WHERE `

func scanBoarding(scan func(...any) error) (b Boarding, err error) {
	var at store.Time
	var fees string
	if err = scan(&b.Merchant, &b.Application, &b.Kind, &b.Institution, &b.Provider, &b.FeePlan, &b.Offer, &fees, &at); err != nil {
		return b, err
	}
	b.At = at.Time()
	return b, json.Unmarshal([]byte(fees), &b.Fees)
}

// BoardingOf tells how a merchant was boarded; ErrBoarded when nobody wrote it down.
func BoardingOf(ctx context.Context, q store.Querier, m merchant.ID) (Boarding, error) {
	b, err := scanBoarding(q.QueryRow(ctx, boardings+`merchant_id = $1`, m).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return b, ErrBoarded.With("merchant %d", m)
	} else if err != nil {
		return b, fmt.Errorf("boarding of merchant %d: %w", m, err)
	}
	return b, nil
}

// Affected are the merchants that were boarded under an institution or by a provider: whom
// the end of its licence or filing concerns; at most limit of them, and how many there are.
func Affected(ctx context.Context, q store.Querier, k institution.Kind, number string, limit int) (list []Boarding, all int, err error) {
	column := "institution"
	if k == institution.Provider {
		column = "provider"
	}
	if err := q.QueryRow(ctx, `SELECT COUNT(*) FROM boardings WHERE `+column+` = $1`, number).Scan(&all); err != nil {
		return nil, 0, fmt.Errorf("count whom %s concerns: %w", number, err)
	}
	rows, err := q.Query(ctx, boardings+column+` = $1 ORDER BY merchant_id LIMIT $2`, number, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("whom %s concerns: %w", number, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		b, err := scanBoarding(rows.Scan)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, b)
	}
	return list, all, rows.Err()
}

// Settlement is the account to which a merchant's takings go: the verified one of what stands.
type Settlement struct {
	Kind, Holder, Account, Bank string
}

// SettlementOf opens a merchant's account for a payout; who asks and what for is written down.
func (o *Office) SettlementOf(ctx context.Context, m merchant.ID, who, purpose string) (s Settlement, err error) {
	a, err := ByMerchant(ctx, o.DB.Read(), m)
	if err != nil {
		return s, err
	}
	v, err := o.valuesAt(ctx, o.DB.Read(), a, a.Stands)
	if err != nil {
		return s, err
	}
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO application_views (application_id, view_id, who, what, purpose, seen_at) VALUES ($1, $2, $3, 'account', $4, $5)`,
			a.ID, store.NewID(o.Clock()), who, purpose, store.At(o.Clock()))
		return err
	})
	if err != nil {
		return s, fmt.Errorf("write down a look at an account: %w", err)
	}
	return Settlement{v["account_kind"], v["account_holder"], v["account"], v["bank"]}, nil
}
