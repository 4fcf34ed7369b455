package iso

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/sandbox/cardnet"
	"hawker/internal/store/storetest"
)

// TestShutdownLetsTheAnswerInHandGoOut stops the door while a bank thinks.
func TestShutdownLetsTheAnswerInHandGoOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		d, idle := w.device("zh-CN"), w.dial()
		thinking := make(chan struct{})
		w.network.SetFault(func(cardnet.Info) cardnet.Behaviour { <-thinking; return cardnet.Behaviour{} })
		answered, down := make(chan answer, 1), make(chan struct{})
		sale := d.sale(1_00)
		go func() { answered <- d.ask(sale) }()
		synctest.Wait()
		go func() { w.server.Shutdown(t.Context()); close(down) }()
		synctest.Wait()

		closedAtOnce(t, idle)
		closedAtOnce(t, w.dial())
		select {
		case <-down:
			t.Error("it went down with an answer in hand")
		default:
		}
		close(thinking)
		if a := <-answered; a.code() != "00" {
			t.Errorf("answered %s %s", a.code(), a.says())
		}
		<-down
		if e := w.effect(d.shop); e != (effect{1_00, 1_00}) {
			t.Errorf("one sale of 1.00 came to %+v", e)
		}
	})
}

// TestShutdownAnswersWhatItHasRead stops the door while a message waits for its turn.
func TestShutdownAnswersWhatItHasRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t, func(c *Config) { c.MaxInFlight = 1 })
		d := w.device("zh-CN")
		thinking := make(chan struct{})
		w.network.SetFault(func(cardnet.Info) cardnet.Behaviour { <-thinking; return cardnet.Behaviour{} })
		for range 2 {
			d.send(d.frame(d.sale(1_00)))
		}
		synctest.Wait()
		began, down := time.Now(), make(chan time.Time)
		go func() { w.server.Shutdown(t.Context()); down <- time.Now() }()
		synctest.Wait()
		close(thinking)
		for range 2 {
			raw, err := readRaw(d.conn)
			if err != nil {
				t.Fatal(err)
			}
			if a := d.read(raw); a.code() != "00" {
				t.Errorf("answered %s %s", a.code(), a.says())
			}
		}
		if took := (<-down).Sub(began); took > 0 {
			t.Errorf("it went on reading for %s", took)
		}
	})
}

// TestShutdownThatMayNotWaitStillStoresTheOutcome ends the patience before the bank answers.
func TestShutdownThatMayNotWaitStillStoresTheOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		d := w.device("zh-CN")
		thinking := make(chan struct{})
		w.network.SetFault(func(cardnet.Info) cardnet.Behaviour { <-thinking; return cardnet.Behaviour{} })
		d.send(d.frame(d.sale(1_00)))
		synctest.Wait()
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		down := make(chan struct{})
		go func() { w.server.Shutdown(impatient); close(down) }()
		synctest.Wait()
		closedAtOnce(t, d.conn)
		close(thinking)
		<-down
		if e := w.effect(d.shop); e != (effect{1_00, 1_00}) {
			t.Errorf("one sale of 1.00 came to %+v", e)
		}
	})
}

// TestALackOfFileDescriptorsPasses fails to accept, twice, and then for good.
func TestALackOfFileDescriptorsPasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, storetest.SQLite(t), nil)
		lack := &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		broken := errors.New("broken")
		l := &failing{errors: []error{lack, lack, broken}}
		if err := w.server.Serve(l); !errors.Is(err, broken) || len(l.errors) > 0 {
			t.Errorf("serving ended with %v before %v", err, l.errors)
		}
		l.errors = []error{lack, net.ErrClosed}
		if err := w.server.Serve(l); err != nil {
			t.Errorf("a closed listener is an error: %v", err)
		}
	})
}

// failing is a listener that gives nothing but errors.
type failing struct{ errors []error }

func (l *failing) Accept() (net.Conn, error) {
	err := l.errors[0]
	l.errors = l.errors[1:]
	return nil, err
}

func (l *failing) Close() error   { return nil }
func (l *failing) Addr() net.Addr { return &net.UnixAddr{} }
