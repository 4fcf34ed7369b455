package pos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// Whatever is done, whatever is lost and whenever the power fails: the file
// re-opens to what the terminal knew, an approval shown is in the host's books
// once, and after the line has healed both sides count the same.
func TestAnyRunOfEventsKeepsBothBooksEqual(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		runs := 0
		dir := t.TempDir()
		rapid.Check(struct{ rapid.TB }{t}, func(r *rapid.T) { // in a bubble there is no deadline to ask for
			runs++
			h := newHost(t)
			h.path = filepath.Join(dir, "terminal.json")
			pos := h.open(quick)
			defer func() { // the next run has another terminal
				_ = pos.Close()
				_ = os.Remove(h.path)
			}()
			var shown []Result
			for range rapid.IntRange(1, 12).Draw(r, "length") {
				h.set(drawFaults(r))
				if result, err := step(r, t.Context(), pos, shown); err == nil {
					shown = append(shown, result)
				} else if known := (*Problem)(nil); !errors.As(err, &known) {
					r.Fatalf("an error without words: %v", err)
				}
				before, _ := pos.Status()
				if rapid.IntRange(0, 3).Draw(r, "power fails") == 0 {
					pos.unlock()
				} else if err := pos.Close(); err != nil {
					r.Fatal(err)
				}
				pos = h.open(quick)
				after, _ := pos.Status()
				if diff := cmp.Diff(before, after, cmp.AllowUnexported(money.Amount{})); diff != "" {
					r.Fatalf("the terminal re-opened to something else:\n%s", diff)
				}
			}
			h.set(nil)
			heal(r, t.Context(), h, pos, shown)
		})
		if runs < 10 {
			t.Errorf("%d runs", runs)
		}
	})
}

func quick(o *Options) { o.Tries = 2 }

// drawFaults chooses what goes wrong with the next requests; three in five are left alone.
func drawFaults(r *rapid.T) func(*iso8583.Message) fault {
	all := []fault{
		{lost: true}, {silent: true}, {cut: true}, {code: "51"}, {code: "98"}, {code: "96"}, {code: "77"},
		{bytes: spoilLast}, {noMAC: true},
	}
	chosen := rapid.SliceOfN(rapid.IntRange(0, 5*len(all)/2), 0, 8).Draw(r, "faults")
	return func(m *iso8583.Message) fault {
		if len(chosen) == 0 {
			return fault{}
		}
		i := chosen[0]
		chosen = chosen[1:]
		if i >= len(all) || !m.Has(64) && (all[i].bytes != nil || all[i].noMAC) {
			return fault{}
		}
		return all[i]
	}
}

func step(r *rapid.T, ctx context.Context, pos *Terminal, shown []Result) (Result, error) {
	p := swiped(rapid.SampledFrom([]string{"test-credit", "test-debit"}).Draw(r, "card"))
	p.Entry = rapid.SampledFrom([]Entry{Swipe, Chip, Manual, Contactless}).Draw(r, "entry")
	amount := money.New(rapid.Int64Range(1, 100_00).Draw(r, "amount"), currency)
	trace := 0
	if len(shown) > 0 {
		trace = shown[rapid.IntRange(0, len(shown)-1).Draw(r, "which")].Trace
	}
	switch rapid.IntRange(0, 9).Draw(r, "operation") {
	default:
		return pos.Sale(ctx, amount, p)
	case 5:
		return pos.Void(ctx, trace)
	case 6:
		return pos.Refund(ctx, Original{RRN: "123456789012", Trace: trace}, amount, p)
	case 7:
		return pos.ResolvePending(ctx)
	case 8:
		return pos.SettleBatch(ctx)
	case 9:
		return pos.SignOn(ctx)
	}
}

// heal ends everything on a good line, and compares the books.
func heal(r *rapid.T, ctx context.Context, h *host, pos *Terminal, shown []Result) {
	settle := func() Result {
		for range 6 { // what is pending, a settlement under way, a sign-on between them
			if _, err := pos.ResolvePending(ctx); err != nil {
				r.Fatal(err)
			}
			if result, err := pos.SettleBatch(ctx); err == nil && result.State == Accepted && result.Batch == h.batch-1 {
				return result
			}
		}
		r.Fatal("the terminal does not settle on a good line")
		return Result{}
	}
	if status, _ := pos.Status(); status.Batch == h.batch || status.Settling != 0 {
		if report := settle().Settlement; !report.Balanced {
			r.Fatalf("the books differ: %+v", report)
		}
	}
	status, _ := pos.Status()
	if len(status.Pending) > 0 || status.Settling != 0 {
		r.Fatalf("still pending: %+v", status)
	}
	for _, result := range shown {
		if result.State != Approved || result.Trace == 0 {
			continue
		}
		if e := h.sales[six(result.Batch)+six(result.Trace)]; e == nil || e.undone || e.amount != result.Amount.Minor() {
			r.Fatalf("%s of trace %d was shown as approved, the host has %+v", result.Kind, result.Trace, e)
		}
	}
}
