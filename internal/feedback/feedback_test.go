package feedback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

type world struct {
	*Board
	t   *testing.T
	now time.Time
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{t: t, now: noon}
		w.Board = Open(db, func() time.Time { return w.now }, func(_ context.Context, m merchant.ID, relation string) (Target, error) {
			if !strings.HasPrefix(relation, fmt.Sprintf("install/%d-", m)) {
				return Target{}, ErrRelation
			}
			return Target{Technician, "operator/4", "张师傅"}, nil
		})
		test(t, w)
	})
}

var (
	owner     = auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Owner, Name: "Wang"}
	moderator = auth.Who{Kind: auth.Operator, ID: 3, Role: auth.Support, Name: "Mo"}
)

const good = "师傅准时到，讲解清楚，装好后当场试了三笔。"

func TestAReviewIsPublicWhenSomebodyHasLookedAtIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r, err := w.Write(ctx, owner, "install/7-1", 5, good)
		if err != nil || r.State != Pending {
			t.Fatal(r, err)
		}
		if list, err := w.About(ctx, Technician, "operator/4", 10); err != nil || len(list) != 0 {
			t.Error("public before it was looked at", list, err)
		}
		if queue, err := w.Queue(ctx, 10); err != nil || len(queue) != 1 {
			t.Error(queue, err)
		}
		if _, err := w.Answer(ctx, moderator, 7, "install/7-1", "谢谢您的评价"); !errors.Is(err, ErrState) {
			t.Error("answered before it is public:", err)
		}
		technician := auth.Who{Kind: auth.Operator, ID: 4, Role: auth.Support}
		if _, err := w.Moderate(ctx, technician, 7, "install/7-1", false, "I do not like it"); !errors.Is(err, ErrOwn) {
			t.Error("moderated by whom it is about:", err)
		}
		if _, err := w.Moderate(ctx, moderator, 7, "install/7-1", true, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Answer(ctx, moderator, 7, "install/7-1", "谢谢您的评价"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Answer(ctx, moderator, 7, "install/7-1", "再次谢谢您"); !errors.Is(err, ErrAnswered) {
			t.Error("answered twice:", err)
		}
		list, err := w.About(ctx, Technician, "operator/4", 10)
		if err != nil || len(list) != 1 || list[0].Answer != "谢谢您的评价" {
			t.Error(list, err)
		}
		// Written anew, it waits again and its answer is gone.
		w.now = noon.Add(time.Hour)
		if r, err = w.Write(ctx, owner, "install/7-1", 2, good+"但后来机具坏了。"); err != nil || r.State != Pending || !r.Written.Equal(noon) {
			t.Error(r, err)
		}
		if list, err := w.About(ctx, Technician, "operator/4", 10); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		if _, err := w.Moderate(ctx, moderator, 7, "install/7-1", false, "no"); !errors.Is(err, ErrReason) {
			t.Error("rejected without a reason:", err)
		}
		if r, err := w.Moderate(ctx, moderator, 7, "install/7-1", false, "names another person"); err != nil || r.State != Rejected {
			t.Error(r, err)
		}
		w.now = noon.Add(editFor + time.Second)
		if _, err := w.Write(ctx, owner, "install/7-1", 1, good); !errors.Is(err, ErrState) {
			t.Error("written anew after fourteen days:", err)
		}
	})
}

func TestWhatIsNotAllowedIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, c := range []struct {
			name     string
			relation string
			stars    int
			body     string
			want     error
		}{
			{"no stars", "install/7-1", 0, good, ErrStars},
			{"six stars", "install/7-1", 6, good, ErrStars},
			{"hardly a word", "install/7-1", 5, "不错不错", ErrBody},
			{"a novel", "install/7-1", 5, strings.Repeat("很好", 501), ErrBody},
			{"a telephone", "install/7-1", 5, good + " 电话 138 0000 1234", ErrPrivate},
			{"a telephone with strokes", "install/7-1", 5, good + "138-0000-1234", ErrPrivate},
			{"a full-width number", "install/7-1", 5, good + "１３８００００１２３４", ErrPrivate},
			{"an address on the net", "install/7-1", 5, good + " see www.example.com", ErrPrivate},
			{"a contact", "install/7-1", 5, good + "加微信 abc12345", ErrPrivate},
			{"a relation that is not complete", "install/9-1", 5, good, ErrRelation},
		} {
			if _, err := w.Write(ctx, owner, c.relation, c.stars, c.body); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if _, err := w.Write(ctx, moderator, "install/7-1", 5, good); !errors.Is(err, auth.ErrForbidden) {
			t.Error("an operator reviews:", err)
		}
		if _, err := w.Moderate(ctx, owner, 7, "install/7-1", true, ""); !errors.Is(err, auth.ErrForbidden) {
			t.Error("a merchant moderates:", err)
		}
		for i := range perMonth {
			if _, err := w.Write(ctx, owner, fmt.Sprintf("install/7-%d", i), 4, good); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Write(ctx, owner, "install/7-99", 4, good); !errors.Is(err, ErrMany) {
			t.Error("a sixth in a month:", err)
		}
		if _, err := w.Withdraw(ctx, owner, "install/7-0"); err != nil {
			t.Error(err)
		}
		if _, err := w.Moderate(ctx, moderator, 7, "install/7-0", true, ""); !errors.Is(err, ErrState) {
			t.Error("published after it was withdrawn:", err)
		}
		if _, err := w.Moderate(ctx, moderator, 8, "install/7-1", true, ""); !errors.Is(err, ErrNone) {
			t.Error("found under another merchant:", err)
		}
	})
}

func TestAnOldReviewIsPurged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		if _, err := w.Write(t.Context(), owner, "install/7-1", 5, good); err != nil {
			t.Fatal(err)
		}
		for before, want := range map[time.Time]int64{noon: 0, noon.Add(time.Second): 1} {
			var n int64
			if err := w.db.Write(t.Context(), func(tx *store.Tx) (err error) {
				if n, err = Purge(t.Context(), tx, before); want == 1 && err == nil {
					return nil
				}
				return errors.Join(err, errUndone)
			}); n != want || (err != nil && !errors.Is(err, errUndone)) {
				t.Errorf("before %s: %d, %v", before, n, err)
			}
		}
		if list, err := w.Of(t.Context(), owner.Merchant); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
	})
}

// errUndone has a transaction leave no trace.
var errUndone = errors.New("undone")

func TestFewReviewsHaveNoAverage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for i, stars := range []int{5, 4, 4} {
			relation := fmt.Sprintf("install/7-%d", i)
			if _, err := w.Write(ctx, owner, relation, stars, good); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Moderate(ctx, moderator, 7, relation, true, ""); err != nil {
				t.Fatal(err)
			}
			count, tenths, err := w.Summary(ctx, Technician, "operator/4")
			if want := []int{0, 0, 43}[i]; err != nil || count != i+1 || tenths != want {
				t.Errorf("%d reviews: %d, %v", count, tenths, err)
			}
		}
	})
}

func TestTheModeratorIsTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		good: "",
		"这个师傅就是个骗子，别找他了，大家小心一点吧。": "rude",
		strings.Repeat("啊", 40):                   "repeats",
		"THE TERMINAL WAS BROKEN AND NOBODY CAME": "shouts",
		"很好很好很好很好很好很好":                            "extreme and short",
	} {
		if got := strings.Join(findings(text, 5), ","); got != want {
			t.Errorf("%.20q: %q, want %q", text, got, want)
		}
	}
}
