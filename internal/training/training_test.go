package training

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

type world struct {
	*School
	t   *testing.T
	now time.Time
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{t: t, now: noon}
		var err error
		if w.School, err = Open(db, feelocktest.Sealer("test"), func() time.Time { return w.now }); err != nil {
			t.Fatal(err)
		}
		test(t, w)
	})
}

var cashier = auth.Who{Kind: auth.Staff, ID: 9, Merchant: 7, Role: auth.Cashier, Name: "小李"}

// answers are all right but for the questions that wrong picks.
func answers(list []Asked, wrong func(i int, q Asked) bool) (out []int) {
	for i, q := range list {
		place := slices.Index(q.Order, q.Right)
		if wrong(i, q) {
			place = (place + 1) % len(q.Order)
		}
		out = append(out, place)
	}
	return out
}

func none(int, Asked) bool { return false }

func (w *world) take(wrong func(i int, q Asked) bool) Result {
	w.t.Helper()
	a, list, err := w.Begin(w.t.Context(), cashier)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.Submit(w.t.Context(), cashier, a.ID, answers(list, wrong))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestTheCourseIsWholeAndEveryRoleLearnsAboutCashingOut(t *testing.T) {
	t.Parallel()
	c, err := Lessons()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range auth.Roles(auth.Staff) {
		if !Required(r) || !slices.ContainsFunc(c.For(r), func(l Lesson) bool { return l.Key == "cashout" }) {
			t.Errorf("%s does not learn it", r)
		}
	}
	for _, r := range auth.Roles(auth.Operator) {
		if Required(r) {
			t.Errorf("%s must learn the merchant's lessons", r)
		}
	}
	if n := len(c.For(auth.Cashier)); n != len(c.Lessons) {
		t.Errorf("a cashier learns %d of %d lessons", n, len(c.Lessons))
	}
	broken := c
	broken.Lessons = append([]Lesson(nil), c.Lessons...)
	broken.Lessons[0].Questions = broken.Lessons[0].Questions[:1]
	if broken.check() == nil {
		t.Error("a lesson with one question is whole")
	}
}

func TestATestAsksEachLessonAndIsTheSameWhenAskedAgain(t *testing.T) {
	t.Parallel()
	c, err := Lessons()
	if err != nil {
		t.Fatal(err)
	}
	first := c.paper(auth.Cashier, 4711)
	per := map[string]int{}
	for i, q := range first {
		per[q.Lesson]++
		if again := c.paper(auth.Cashier, 4711)[i]; again.Text != q.Text || !slices.Equal(again.Order, q.Order) {
			t.Error("asked again, it is another test")
		}
		if sorted := slices.Sorted(slices.Values(q.Order)); !slices.Equal(sorted, []int{0, 1, 2}) {
			t.Error("an option is missing", q.Order)
		}
	}
	for _, l := range c.Lessons {
		if per[l.Key] != perLesson {
			t.Errorf("%d questions of %s", per[l.Key], l.Key)
		}
	}
	differ := false
	for i, q := range c.paper(auth.Cashier, 4712) {
		differ = differ || q.Text != first[i].Text || !slices.Equal(q.Order, first[i].Order)
	}
	if !differ {
		t.Error("every test is the same")
	}
}

func TestWhoPassesMayAndForAYear(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if err := w.May(ctx, cashier); !errors.Is(err, ErrUntrained) {
			t.Fatal("before he learnt:", err)
		}
		r := w.take(none)
		if !r.Passed || r.Score != r.Asked || r.Certificate == nil || len(r.Wrong) != 0 {
			t.Fatalf("%+v", r)
		}
		if err := w.May(ctx, cashier); err != nil {
			t.Error(err)
		}
		other := cashier
		other.ID = 10
		if err := w.May(ctx, other); !errors.Is(err, ErrUntrained) {
			t.Error("a colleague's certificate:", err)
		}
		for _, who := range []auth.Who{{Kind: auth.Operator, ID: 9, Role: auth.Admin}, {Kind: auth.Key, ID: 9, Merchant: 7}, {Kind: auth.Device, ID: 9, Merchant: 7, Role: auth.Till}} {
			if err := w.May(ctx, who); err != nil {
				t.Errorf("%s: %v", who.Kind, err)
			}
		}
		got, err := w.ByNumber(ctx, " "+r.Certificate.Number()+" ")
		if err != nil || got.Name != "小李" || !got.Holds(w.now) || got.Renew(w.now) {
			t.Errorf("%+v, %v", got, err)
		}
		one, err1 := w.PDF(merchant.Merchant{NameZH: "面馆", NameEN: "Noodles", Zone: time.UTC}, got)
		two, err2 := w.PDF(merchant.Merchant{NameZH: "面馆", NameEN: "Noodles", Zone: time.UTC}, got)
		if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
			t.Error(err1, err2)
		}
		w.now = noon.AddDate(1, 0, -29)
		if !got.Renew(w.now) || w.May(ctx, cashier) != nil {
			t.Error("its last thirty days")
		}
		w.now = noon.AddDate(1, 0, 0)
		if err := w.May(ctx, cashier); !errors.Is(err, ErrExpired) {
			t.Error("after a year:", err)
		}
		w.take(none)
		if err := w.May(ctx, cashier); err != nil {
			t.Error("renewed:", err)
		}
	})
}

func TestTheMarkAndTheFatalQuestions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		wrongs := func(n int) func(int, Asked) bool {
			left := n
			return func(_ int, q Asked) bool {
				if q.Fatal || left == 0 {
					return false
				}
				left--
				return true
			}
		}
		if r := w.take(wrongs(2)); !r.Passed || r.Score != 10 || r.Asked != 12 || len(r.Wrong) != 2 {
			t.Errorf("83 %%: %+v", r.Attempt)
		}
		if r := w.take(wrongs(3)); r.Passed || r.Certificate != nil {
			t.Errorf("75 %%: %+v", r.Attempt)
		}
		// One wrong answer about cashing out fails, whatever the score. Each test draws at least one that is fatal.
		done := false
		if r := w.take(func(_ int, q Asked) bool { one := q.Fatal && !done; done = done || one; return one }); r.Passed || r.Score != 11 {
			t.Errorf("a fatal one: %+v", r.Attempt)
		}
		w.take(wrongs(12))
		if _, _, err := w.Begin(t.Context(), cashier); !errors.Is(err, ErrTries) {
			t.Error("a fourth test in a day:", err)
		}
		w.now = w.now.Add(24*time.Hour + time.Second)
		if r := w.take(none); !r.Passed {
			t.Error("the next day")
		}
	})
}

func TestATestIsHandedInOnceAndInTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		a, list, err := w.Begin(ctx, cashier)
		if err != nil {
			t.Fatal(err)
		}
		right := answers(list, none)
		for name, bad := range map[string][]int{"too few": right[1:], "too many": append(slices.Clone(right), 0), "none": nil, "no such option": append(slices.Clone(right[1:]), 3), "negative": append(slices.Clone(right[1:]), -1)} {
			if _, err := w.Submit(ctx, cashier, a.ID, bad); !errors.Is(err, ErrAnswers) {
				t.Errorf("%s: %v", name, err)
			}
		}
		thief := cashier
		thief.ID = 10
		if _, err := w.Submit(ctx, thief, a.ID, right); !errors.Is(err, ErrNone) {
			t.Error("another's test:", err)
		}
		foreign := cashier
		foreign.Merchant = 8
		if _, _, err := w.Paper(ctx, foreign, a.ID); !errors.Is(err, ErrNone) {
			t.Error("another merchant's test:", err)
		}
		if _, _, err := w.Begin(ctx, auth.Who{Kind: auth.Operator, ID: 1, Role: auth.Admin}); !errors.Is(err, auth.ErrForbidden) {
			t.Error("an operator learns:", err)
		}
		w.now = noon.Add(testLasts*time.Minute + time.Second)
		if _, err := w.Submit(ctx, cashier, a.ID, right); !errors.Is(err, ErrOver) {
			t.Error("after an hour:", err)
		}
		w.now = noon
		if _, err := w.Submit(ctx, cashier, a.ID, right); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Submit(ctx, cashier, a.ID, right); !errors.Is(err, ErrOver) {
			t.Error("twice:", err)
		}
	})
}

func TestAForgedCertificateIsNone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r := w.take(none)
		if err := w.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE training_certificates SET expires_at = expires_at + 1`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.May(ctx, cashier); !errors.Is(err, ErrUntrained) {
			t.Error("prolonged in the table:", err)
		}
		if _, err := w.ByNumber(ctx, r.Certificate.Number()); !errors.Is(err, ErrNumber) {
			t.Error(err)
		}
		if err := w.db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE training_certificates SET expires_at = expires_at - 1, staff_id = 10`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		other := cashier
		other.ID = 10
		if err := w.May(ctx, other); !errors.Is(err, ErrUntrained) {
			t.Error("given to another:", err)
		}
		for _, bad := range []string{"", "HT", "HT-7-", "HT-7-X-Y", "XX-7-1", "HT--1-1", "HT-7-ZZZZZZZZZZZZZZZZZZZZZZ", "HT-7-0"} {
			if _, err := w.ByNumber(ctx, bad); !errors.Is(err, ErrNumber) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestATestIsForgottenBeforeItsCertificate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.take(none).Certificate
		purge := func(do func(ctx context.Context, tx *store.Tx, before time.Time) (int64, error), before time.Time) (n int64) {
			if err := w.db.Write(t.Context(), func(tx *store.Tx) (err error) { n, err = do(t.Context(), tx, before); return err }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := purge(PurgeAttempts, noon); n != 0 {
			t.Error("purged before its term:", n)
		}
		if n := purge(PurgeAttempts, noon.Add(time.Hour)); n != 1 {
			t.Error("purged:", n)
		}
		if _, err := w.ByNumber(t.Context(), c.Number()); err != nil {
			t.Error("the certificate went with its test:", err)
		}
		if n := purge(PurgeCertificates, noon.Add(time.Hour)); n != 1 {
			t.Error("certificates purged:", n)
		}
		if _, err := w.ByNumber(t.Context(), c.Number()); !errors.Is(err, ErrNumber) {
			t.Error("the certificate outlives its term:", err)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	f.Add("HT-7-1Z")
	f.Fuzz(func(t *testing.T, text string) {
		m, a, err := ParseNumber(text)
		if err == nil && (m <= 0 || a <= 0) {
			t.Fatal(m, a)
		}
		if err == nil {
			if m2, a2, err := ParseNumber((Certificate{Merchant: m, Attempt: a}).Number()); err != nil || m2 != m || a2 != a {
				t.Fatal(text, m2, a2, err)
			}
		}
	})
}
