package onboarding

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Refusals of an account's verification.
var (
	ErrNoAccount    = fault.New(fault.Conflict, "account_incomplete", "请先把户名、账号和联行号填完整。", "Please fill in holder, account number and bank code first.")
	ErrBankRefused  = fault.New(fault.Declined, "account_refused", "银行退回了验证款，请核对户名、账号和联行号。", "The bank sent the small amount back. Please check holder, account number and bank code.")
	ErrBankSilent   = fault.New(fault.Unavailable, "account_silent", "银行暂时没有答复，请过几分钟再按一次；不会重复打款。", "The bank has not answered yet. Please press again in a few minutes; nothing is sent twice.")
	ErrAmountWrong  = fault.New(fault.Invalid, "account_amount", "金额不对，请按银行到账记录填写。", "This is not the amount. Please copy it from your bank's statement.")
	ErrCheckOver    = fault.New(fault.Conflict, "account_check_over", "这次验证已结束，请重新发起。", "This verification has ended. Please begin another one.")
	ErrCheckOften   = fault.New(fault.Declined, "account_check_often", "今天验证次数太多，请明天再试。", "Too many verifications today. Please try again tomorrow.")
	ErrNotVerified  = fault.New(fault.Conflict, "account_unverified", "收款账户还没有通过小额验证。", "The bank account is not verified by a small amount yet.")
	errCheckMissing = errors.New("no check")
)

// The bounds of a verification.
const (
	checkTries = 3
	checksADay = 3
	checkLasts = 72 * time.Hour
)

// Transfer is a small amount to an account.
type Transfer struct {
	Ref     string // the bank sends it once for a ref
	Holder  string
	Account string
	Bank    string
	Amount  money.Amount
	Memo    string
}

// AccountCheck is how far an account's verification has come.
type AccountCheck struct {
	ID      int64
	State   string // "" none, sending, sent, refused, verified, failed
	Tries   int    // left
	Expires time.Time
	amount  int64
	account []byte
}

// Verified reports whether the account was proven.
func (c AccountCheck) Verified() bool { return c.State == "verified" }

func (o *Office) accountMark(ctx context.Context, v Values) ([]byte, error) {
	m, err := o.mark(ctx, "account check", v["bank"]+"|"+v["account"]+"|"+v["account_holder"])
	return m.Sum, err
}

// AccountCheck gives the last verification of the account that an application has now.
func (o *Office) AccountCheck(ctx context.Context, q store.Querier, a Application, v Values) (AccountCheck, error) {
	sum, err := o.accountMark(ctx, v)
	if err != nil {
		return AccountCheck{}, err
	}
	c, err := o.lastCheck(ctx, q, a, sum)
	if errors.Is(err, errCheckMissing) {
		return AccountCheck{}, nil
	}
	return c, err
}

func (o *Office) lastCheck(ctx context.Context, q store.Querier, a Application, sum []byte) (c AccountCheck, err error) {
	rows, err := q.Query(ctx, `SELECT check_id, state, tries, amount_minor, expires_at FROM account_checks WHERE application_id = $1 AND account = $2 ORDER BY check_id DESC LIMIT 1`, a.ID, sum)
	if err != nil {
		return c, fmt.Errorf("account check: %w", err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return c, errors.Join(errCheckMissing, rows.Err())
	}
	var expires store.Time
	if err := rows.Scan(&c.ID, &c.State, &c.Tries, &c.amount, &expires); err != nil {
		return c, fmt.Errorf("account check: %w", err)
	}
	c.Tries, c.Expires, c.account = checkTries-c.Tries, expires.Time(), sum
	if c.State == "sent" && !c.Expires.After(o.Clock()) {
		c.State = "failed"
	}
	return c, nil
}

// SendCheck has the bank send a small amount, unknown to whoever does not see the account's
// statement. The check is written down before the bank is asked; when it is silent, the
// same one is asked again.
func (o *Office) SendCheck(ctx context.Context, id ID) (AccountCheck, error) {
	a, err := ByID(ctx, o.DB.Read(), id)
	if err != nil {
		return AccountCheck{}, err
	}
	v, err := o.Values(ctx, o.DB.Read(), a)
	if err != nil {
		return AccountCheck{}, err
	}
	if o.accountWrong(a, v) {
		return AccountCheck{}, ErrNoAccount
	}
	sum, err := o.accountMark(ctx, v)
	if err != nil {
		return AccountCheck{}, err
	}
	c, err := o.openCheck(ctx, a, sum)
	if err != nil || c.State != "sending" {
		return c, err
	}
	err = o.Bank.Pay(ctx, Transfer{Ref: fmt.Sprintf("check-%d", c.ID), Holder: v["account_holder"], Account: v["account"], Bank: v["bank"],
		Amount: money.New(c.amount, o.Offer.Currency), Memo: "HAWKER"})
	state, said := "sent", ""
	if f := fault.Of(err); f != nil && f.Kind == fault.Declined {
		state, said = "refused", f.Name
	} else if err != nil {
		o.Log.WarnContext(ctx, "the bank is silent about an account check", "application", a.Number, "err", err)
		return c, ErrBankSilent.Wrap(err)
	}
	if err := o.setCheck(ctx, a, c.ID, "sending", state, said); err != nil {
		return c, err
	}
	c.State = state
	if state == "refused" {
		return c, ErrBankRefused.With("%s", said)
	}
	return c, nil
}

// accountWrong reports whether something is wrong with the account's own fields.
func (o *Office) accountWrong(a Application, v Values) bool {
	wrong := Check(a.Kind, v, nil, o.today())
	for _, f := range []string{"account_kind", "account_holder", "account", "bank"} {
		if wrong[f] != nil {
			return true
		}
	}
	return false
}

// openCheck finds the check that is under way, or begins one.
func (o *Office) openCheck(ctx context.Context, a Application, sum []byte) (c AccountCheck, err error) {
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := lock(ctx, tx, a.ID); err != nil {
			return err
		}
		c, err = o.lastCheck(ctx, tx, a, sum)
		if err == nil && (c.State == "sending" || c.State == "sent" || c.State == "verified") {
			return nil
		}
		if err != nil && !errors.Is(err, errCheckMissing) {
			return err
		}
		var today int64
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM account_checks WHERE application_id = $1 AND created_at > $2`, a.ID, store.At(o.Clock().Add(-24*time.Hour))).Scan(&today); err != nil {
			return fmt.Errorf("count account checks: %w", err)
		}
		if today >= checksADay {
			return ErrCheckOften
		}
		fen, err := rand.Int(rand.Reader, big.NewInt(99))
		if err != nil {
			return err
		}
		now := o.Clock()
		c = AccountCheck{ID: store.NewID(now), State: "sending", Tries: checkTries, Expires: now.Add(checkLasts), amount: fen.Int64() + 1, account: sum}
		_, err = tx.Exec(ctx, `INSERT INTO account_checks (application_id, check_id, account, amount_minor, currency, state, tries, said, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, 'sending', 0, '', $6, $7)`, a.ID, c.ID, sum, c.amount, string(o.Offer.Currency), store.At(now), store.At(c.Expires))
		return err
	})
	return c, err
}

func (o *Office) setCheck(ctx context.Context, a Application, check int64, from, to, said string) error {
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE account_checks SET state = $1, said = $2 WHERE application_id = $3 AND check_id = $4 AND state = $5`, to, said, a.ID, check, from)
		return err
	})
}

// AnswerCheck compares the amount that the applicant saw on the statement. After three
// wrong ones the check has failed.
func (o *Office) AnswerCheck(ctx context.Context, id ID, seen money.Amount) (c AccountCheck, err error) {
	var refusal error
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		refusal = nil
		a, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		v, err := o.Values(ctx, tx, a)
		if err != nil {
			return err
		}
		sum, err := o.accountMark(ctx, v)
		if err != nil {
			return err
		}
		if c, err = o.lastCheck(ctx, tx, a, sum); errors.Is(err, errCheckMissing) || (err == nil && c.State != "sent" && c.State != "verified") {
			return ErrCheckOver
		} else if err != nil || c.State == "verified" {
			return err
		}
		c.State = "verified"
		if seen != money.New(c.amount, o.Offer.Currency) {
			c.Tries--
			refusal, c.State = ErrAmountWrong, "sent"
			if c.Tries <= 0 {
				refusal, c.State = ErrCheckOver, "failed"
			}
		}
		_, err = tx.Exec(ctx, `UPDATE account_checks SET state = $1, tries = $2 WHERE application_id = $3 AND check_id = $4`, c.State, checkTries-c.Tries, a.ID, c.ID)
		return err
	})
	return c, errors.Join(err, refusal)
}
