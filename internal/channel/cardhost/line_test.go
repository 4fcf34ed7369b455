package cardhost

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/channel"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cardnet"
)

func ref(n int) string { return fmt.Sprintf("%012d", n) }

func TestADeadLineIsFoundOutAndMadeAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, time.Now)
		defer w.Close()
		w.network.Down(true)
		w.want(channel.Silent, w.sale(100))
		time.Sleep(dialTimeout) // the echo is not answered either
		synctest.Wait()
		w.network.Down(false)
		w.want(channel.Approved, w.sale(100))
		if w.dials != 2 {
			t.Errorf("dialled %d times, want 2", w.dials)
		}
	})
}

func TestASilentBankBehindALivingNetworkKeepsTheLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, time.Now)
		defer w.Close()
		w.meet(cardnet.Behaviour{Delivery: cardnet.Lost}, nil)
		for range 3 {
			w.want(channel.Silent, w.sale(100))
			time.Sleep(dialTimeout)
		}
		w.meet(cardnet.Behaviour{}, nil)
		w.want(channel.Approved, w.sale(100))
		if echoes := w.network.Counts().Requests["0800"]; w.dials != 1 || echoes != 3 {
			t.Errorf("dialled %d times with %d echoes, want 1 and 3", w.dials, echoes)
		}
	})
}

// want sends r and holds it to a result.
func (w *world) want(want channel.Result, r channel.Request) channel.Outcome {
	w.t.Helper()
	o := w.host.Do(w.t.Context(), r)
	if o.Result != want {
		w.t.Errorf("%s %s ended as %+v, want result %d", r.Kind, r.Ref, o, want)
	}
	return o
}

func TestWhatHasNoOutcomeSaysWhyInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, time.Now)
		defer w.Close()
		w.meet(cardnet.Behaviour{Delivery: cardnet.Silent}, nil)
		silent := w.sale(100)
		w.want(channel.Silent, silent)
		w.Refuse(true)
		synctest.Wait()
		unsent := w.sale(100)
		w.want(channel.Unsent, unsent)
		for _, line := range []string{
			`msg="request not answered" kind=sale ref=` + silent.Ref + ` code="" why="no answer within 20s"`,
			`msg="request not sent" kind=sale ref=` + unsent.Ref + ` why="connection refused"`,
		} {
			if !strings.Contains(w.log.String(), line) {
				t.Errorf("the log lacks %s:\n%s", line, w.log.String())
			}
		}
	})
}

func TestANetworkThatDoesNotPickUpKeepsACrowdNoLongerThanOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, time.Now)
		defer w.Close()
		dials := 0
		w.host.Dial = func(ctx context.Context) (net.Conn, error) {
			dials++
			<-ctx.Done()
			return nil, ctx.Err()
		}
		var crowd sync.WaitGroup
		began := time.Now()
		for range 64 {
			r := w.sale(100)
			crowd.Go(func() { w.want(channel.Unsent, r) })
		}
		crowd.Wait()
		if took := time.Since(began); took > dialTimeout || dials != 1 {
			t.Errorf("took %s and %d dials", took, dials)
		}
	})
}

func TestAPeerThatStopsReadingIsCutOff(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		reads int64 // bytes, before it stops
		want  channel.Result
	}{
		"of whose request nothing left, it is Unsent": {0, channel.Unsent},
		"of whose request a part left, it is Silent":  {20, channel.Silent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil, time.Now)
				defer w.Close()
				dial := w.host.Dial
				w.host.Dial = func(context.Context) (net.Conn, error) {
					host, network := net.Pipe()
					t.Cleanup(func() { _ = network.Close() })
					go func() { _, _ = io.CopyN(io.Discard, network, row.reads) }()
					w.host.Dial = dial
					return host, nil
				}
				w.want(row.want, w.sale(100))
				w.want(channel.Approved, w.sale(100))
			})
		})
	}
}

func TestClosingEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		prepare func(*world)
		want    channel.Result
	}{
		"a request that waits is Silent": {func(w *world) { w.meet(cardnet.Behaviour{Delivery: cardnet.Lost}, nil) }, channel.Silent},
		"a request that dials is Unsent": {func(w *world) {
			w.host.Dial = func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		}, channel.Unsent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil, time.Now)
				row.prepare(w)
				sale, ended := w.sale(100), make(chan channel.Outcome)
				go func() { ended <- w.host.Do(t.Context(), sale) }()
				synctest.Wait()
				w.Close()
				if o := <-ended; o.Result != row.want {
					t.Errorf("%+v", o)
				}
				w.want(channel.Unsent, w.sale(100))
			})
		})
	}
}

// TestWhatIsRememberedForLateAnswersIsBounded gives up more requests than a line may remember.
func TestWhatIsRememberedForLateAnswersIsBounded(t *testing.T) {
	t.Parallel()
	now := noon
	l := newLine(&Host{Config: Config{Clock: func() time.Time { return now }}}, nil)
	request := func(n int) *wait {
		return &wait{id: fmt.Sprintf("1122040000%06d", n), answer: make(chan *iso8583.Message, 1)}
	}
	for n := range maxWaiting + 1 {
		w := request(n)
		if err := l.await(w); err != nil {
			t.Fatalf("request %d, after as many silent ones, is refused: %v", n, err)
		}
		l.giveUp(w)
	}
	if len(l.waiting) != maxLate || len(l.silent) != maxLate {
		t.Errorf("%d and %d are remembered, want %d", len(l.waiting), len(l.silent), maxLate)
	}
	if newest, oldest := request(maxWaiting).id, request(maxWaiting+1-maxLate).id; l.waiting[newest] == nil || l.waiting[oldest] == nil {
		t.Error("the newest are not the ones remembered")
	}

	now = now.Add(keepLate + time.Second)
	w := request(maxWaiting + 1)
	if err := l.await(w); err != nil {
		t.Fatal(err)
	}
	l.giveUp(w)
	if len(l.waiting) != 1 || len(l.silent) != 1 {
		t.Errorf("%d and %d are remembered after %s", len(l.waiting), len(l.silent), keepLate)
	}
}

func TestALineFullOfWaitersTakesNoMore(t *testing.T) {
	t.Parallel()
	l := newLine(&Host{Config: Config{Clock: atNoon}}, nil)
	for n := range maxWaiting {
		if err := l.await(&wait{id: fmt.Sprintf("1122040000%06d", n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.await(&wait{id: "1122040001000001"}); err == nil {
		t.Error("one more than maxWaiting was taken")
	}
}

func TestTwoRequestsOfOneNumberAreNotOnTheirWayAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, time.Now)
		defer w.Close()
		w.meet(cardnet.Behaviour{Delivery: cardnet.Late}, nil)
		sale, ended := w.sale(100), make(chan channel.Outcome)
		go func() { ended <- w.host.Do(t.Context(), sale) }()
		synctest.Wait()
		w.want(channel.Unsent, sale)
		<-ended
	})
}

func TestALateAnswerSurvivesTheRepeatOfItsRefund(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil, time.Now)
		defer w.Close()
		sale := w.sale(100)
		w.want(channel.Approved, sale)
		refund := about(sale, channel.Refund)
		w.meet(cardnet.Behaviour{Delivery: cardnet.Late}, nil)
		w.want(channel.Silent, refund)
		w.meet(cardnet.Behaviour{Delivery: cardnet.Lost}, nil)
		w.want(channel.Approved, refund) // the answer to the first ends the second
	})
}
