package paylink

import (
	"time"

	"hawker/internal/money"
)

// ClassD is what all static codes of an institution may take from one customer's
// account, or from its wallets with the institution, in a day: 500 CNY since
// 2018-04-01 (银发〔2017〕296号, class D). Of other currencies the rule says nothing.
var ClassD = money.New(500_00, money.CNY)

// china is where class D counts its days.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// DayOf is when the day began that class D counts at an instant: midnight in China, UTC.
func DayOf(at time.Time) time.Time {
	y, m, d := at.In(china).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, china).UTC()
}

// Allows holds amount, and what the customer has paid by static codes today,
// against the link: a dynamic code takes its own amount only, a static one what
// class D leaves. The refusals are ErrLimit, and ErrContent for an amount that is
// not the code's.
func (c Code) Allows(amount, today money.Amount) error {
	if amount.Sign() <= 0 || !amount.Currency().Known() || c.Kind == Dynamic && amount != c.Amount {
		return ErrContent.With("%s is not what the code asks for", amount)
	}
	if c.Kind == Dynamic || amount.Currency() != ClassD.Currency() {
		return nil
	}
	total, err := amount.Add(today)
	if err != nil {
		return ErrContent.Wrap(err)
	}
	if over, err := total.Cmp(ClassD); err != nil || over > 0 {
		return ErrLimit.With("%s with today's %s is more than %s", amount, today, ClassD)
	}
	return nil
}
