package cardnet

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

// line is a connection to the network inside a synctest bubble, where a minute
// costs nothing and "no answer" can be told from "not yet".
type line struct {
	*acquirer
	conn net.Conn
}

func newLine(a *acquirer) *line {
	client, served := net.Pipe()
	go a.n.ServeConn(served)
	return &line{a, client}
}

// send writes a request and waits until the network has booked it, or stands at a gate.
func (l *line) send(m *iso8583.Message) exchange {
	l.Helper()
	if _, err := l.conn.Write(l.frame(m)); err != nil {
		l.Fatalf("send: %v", err)
	}
	synctest.Wait()
	return exchange{request: m}
}

// answer waits at most d for one answer; nil when none came.
func (l *line) answer(d time.Duration) (*iso8583.Message, error) {
	l.Helper()
	_ = l.conn.SetReadDeadline(time.Now().Add(d))
	f, err := iso8583.CardNetwork.ReadFrame(l.conn)
	if err != nil {
		return nil, err
	}
	frame, _ := iso8583.CardNetwork.AppendFrame(nil, f)
	return l.read(frame), nil
}

// wantAnswer reads one answer to x within d.
func (l *line) wantAnswer(code string, x exchange, d time.Duration) exchange {
	l.Helper()
	m, err := l.answer(d)
	if err != nil {
		l.Fatalf("no answer to %s: %v", x.request.Text(11), err)
	}
	if m.Text(11) != x.request.Text(11) {
		l.Fatalf("answer to %s, want to %s", m.Text(11), x.request.Text(11))
	}
	return l.want(code, exchange{x.request, m})
}

// wantSilence reads nothing for a day.
func (l *line) wantSilence() {
	l.Helper()
	if m, err := l.answer(24 * time.Hour); err == nil {
		l.Errorf("answered %s, want silence", m.Text(39))
	}
}

func (l *line) wantEnd() {
	l.Helper()
	if _, err := l.answer(time.Second); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		l.Errorf("the connection stands, want it cut: %v", err)
	}
}

// TestBehaviours has one row a behaviour: what the acquirer sees of it, and the books.
func TestBehaviours(t *testing.T) {
	t.Parallel()
	const soon, late = time.Second, 91 * time.Second
	rows := map[string]func(t *testing.T, l *line){
		"amounts that are declined, by any card": func(t *testing.T, l *line) {
			for fen, code := range map[int64]string{9051: "51", 9054: "54", 9055: "55", 9061: "61", 9091: "91"} {
				l.wantAnswer(code, l.send(l.saleOf("test-credit", fen)), soon)
			}
			l.wantBooks("50000.00", "0.00")
		},
		"90.93 is answered under a wrong MAC": func(t *testing.T, l *line) {
			l.send(l.saleOf("test-credit", 9093))
			f, err := iso8583.CardNetwork.ReadFrame(l.conn)
			if err != nil || l.n.verified(f.Body) {
				t.Errorf("answer verifies, or %v", err)
			}
			l.wantBooks("49909.07", "90.93")
		},
		"90.94 is booked once and answered twice": func(t *testing.T, l *line) {
			x := l.send(l.saleOf("test-credit", 9094))
			l.wantAnswer("00", x, soon)
			l.wantAnswer("00", x, soon)
			l.wantSilence()
			l.wantBooks("49909.06", "90.94")
		},
		"90.95 is booked and the connection cut in the middle of the answer": func(t *testing.T, l *line) {
			l.send(l.saleOf("test-credit", 9095))
			l.wantEnd()
			l.wantBooks("49909.05", "90.95")
		},
		"90.96 is answered with a wrong amount": func(t *testing.T, l *line) {
			x := l.wantAnswer("00", l.send(l.saleOf("test-credit", 9096)), soon)
			if got := x.answer.Text(4); got != "000000009097" {
				t.Errorf("amount %s, want a fen more than was asked", got)
			}
			l.wantBooks("49909.04", "90.96")
		},
		"90.97 is booked at once and answered late": func(t *testing.T, l *line) {
			x := l.send(l.saleOf("test-credit", 9097))
			l.wantBooks("49909.03", "90.97")
			if _, err := l.answer(89 * time.Second); err == nil {
				t.Error("answered in time")
			}
			l.wantAnswer("00", x, 2*time.Second)
		},
		"90.98 is silence with nothing booked": func(t *testing.T, l *line) {
			x := l.send(l.saleOf("test-credit", 9098))
			l.wantSilence()
			l.wantBooks("50000.00", "0.00")
			l.wantAnswer("25", l.send(l.reversalOf(x)), soon)
		},
		"90.99 is silence with the sale booked": func(t *testing.T, l *line) {
			x := l.send(l.saleOf("test-credit", 9099))
			l.wantSilence()
			l.wantBooks("49909.01", "90.99")
			l.wantAnswer("00", l.send(l.reversalOf(x)), soon)
			l.wantBooks("50000.00", "0.00")
		},
		"a repeat of a silent, a late and a wrong answer is answered plainly": func(t *testing.T, l *line) {
			for _, fen := range []int64{9099, 9097, 9096, 9093} {
				m := l.saleOf("test-credit", fen)
				l.ask(m)
				x := l.wantAnswer("00", l.send(m), soon)
				if x.answer.Text(4) != m.Text(4) {
					t.Errorf("%d: repeat says %s", fen, x.answer.Text(4))
				}
			}
		},
		"voids, refunds and reversals of such amounts meet nothing": func(t *testing.T, l *line) {
			v := l.send(l.saleOf("test-credit", 9099))
			l.wantAnswer("00", l.send(l.followUp(v, "0200", "200000", 9099, nil)), soon)
			r := l.send(l.saleOf("test-credit", 9099))
			l.wantAnswer("00", l.send(l.followUp(r, "0220", "200000", 9098, nil)), soon)
			l.wantBooks("49999.99", "0.01")
		},

		"test-silent never answers a sale and answers its reversal": func(t *testing.T, l *line) {
			x := l.send(l.saleOf("test-silent", 100))
			l.wantSilence()
			l.wantAnswer("25", l.send(l.reversalOf(x)), soon)
		},
		"test-late answers late and lets itself be reversed before": func(t *testing.T, l *line) {
			x := l.send(l.saleOf("test-late", 100))
			l.wantAnswer("00", l.send(l.reversalOf(x)), soon)
			l.wantAnswer("00", x, late)
			if got := l.net(); got != "0.00" {
				t.Errorf("merchant is owed %s", got)
			}
		},
		"test-cut cuts": func(t *testing.T, l *line) {
			l.send(l.saleOf("test-cut", 100))
			l.wantEnd()
			if got := l.net(); got != "1.00" {
				t.Errorf("merchant is owed %s, want 1.00", got)
			}
		},
		"test-duplicate answers twice": func(t *testing.T, l *line) {
			x := l.send(l.saleOf("test-duplicate", 100))
			l.wantAnswer("00", x, soon)
			l.wantAnswer("00", x, soon)
		},

		"a fault set by a test strikes what the tables spare": func(t *testing.T, l *line) {
			seen := 0
			l.n.SetFault(func(i Info) Behaviour {
				if i.Kind == Refund && !i.Repeat {
					seen++
					return Behaviour{Delivery: Silent}
				}
				return Behaviour{}
			})
			x := l.wantAnswer("00", l.send(l.saleOf("test-credit", 100)), soon)
			r := l.send(l.followUp(x, "0220", "200000", 100, nil))
			l.wantSilence()
			l.wantBooks("50000.00", "0.00")
			l.wantAnswer("00", l.send(r.request), soon)
			l.n.SetFault(nil)
			l.wantAnswer("13", l.send(l.followUp(x, "0220", "200000", 100, nil)), soon)
			if seen != 1 {
				t.Errorf("the fault saw %d first refunds, want 1", seen)
			}
		},
		"an advice that met 91 is decided when it comes again": func(t *testing.T, l *line) {
			x := l.wantAnswer("00", l.send(l.saleOf("test-credit", 100)), soon)
			l.n.SetFault(func(Info) Behaviour { return Behaviour{Code: "91"} })
			r := l.wantAnswer("91", l.send(l.reversalOf(x)), soon)
			s := l.wantAnswer("91", l.send(l.saleOf("test-credit", 100)), soon)
			l.n.SetFault(nil)
			l.wantAnswer("00", l.send(r.request), soon)
			l.wantAnswer("91", l.send(s.request), soon)
			l.wantBooks("50000.00", "0.00")
		},
		"a blocked fault keeps nobody else waiting": func(t *testing.T, l *line) {
			gate := make(chan struct{})
			l.n.SetFault(func(i Info) Behaviour {
				if i.Amount.Minor() == 111 {
					<-gate
				}
				return Behaviour{}
			})
			x := l.send(l.saleOf("test-credit", 111, swiped))
			l.wantAnswer("00", l.send(l.saleOf("test-credit", 222)), soon)
			close(gate)
			l.wantAnswer("00", x, soon)
		},
		"a network that is down takes messages and books none, then or later": func(t *testing.T, l *line) {
			l.n.Down(true)
			x := l.send(l.saleOf("test-credit", 100))
			l.wantSilence()
			l.n.Down(false)
			l.wantSilence()
			l.wantBooks("50000.00", "0.00")
			l.wantAnswer("00", l.send(x.request), soon)
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLine(newAcquirer(t))
				row(t, l)
				if err := errors.Join(l.n.Check(), l.n.Close(), l.conn.Close()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAnswerDelayIsOnTheWayNotAtTheBank(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(newAcquirer(t, func(c *Config) { c.AnswerDelay = time.Minute }))
		x := l.send(l.saleOf("test-credit", 100))
		l.wantBooks("49999.00", "1.00")
		if _, err := l.answer(59 * time.Second); err == nil {
			t.Error("answered too early")
		}
		l.wantAnswer("00", x, 2*time.Second)
		_ = l.n.Close()
	})
}

// A peer that takes no answers is cut off, and Close does not wait for late ones.
func TestDeafPeerAndCloseEndTheWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deaf := newLine(newAcquirer(t))
		deaf.send(deaf.saleOf("test-credit", 100))
		time.Sleep(writeTimeout + time.Second)
		deaf.wantEnd()

		waiting := newLine(deaf.acquirer)
		waiting.send(waiting.saleOf("test-late", 100))
		start := time.Now()
		_ = deaf.n.Close()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Close took %v", waited)
		}
	})
}

func TestAnswersCarryWhatTheProtocolSays(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	x := a.want("00", a.sale("test-debit", 100, swiped, a.pin("123456")))
	want := iso8583.New("0210").Set(38, "000001").Set(39, "00").Set(44, "99622200   48029900   ")
	for _, n := range []int{3, 4, 7, 11, 32, 37, 41, 42, 49} {
		want.SetBytes(n, x.request.Bytes(n))
	}
	got := x.answer.Clone()
	got.Unset(macField)
	if !got.Equal(want) {
		t.Errorf("answer %v, want %v", got, want)
	}
	body := a.body(x.request)
	frame, _ := a.n.handle(body)
	covered, mac, _ := iso8583.CardNetwork.MACRange(frame[2:])
	if err := tdes.VerifyMAC(tdes.X919, testZAK, covered, mac); err != nil {
		t.Error(err)
	}
	if y := a.refund(x, 1); y.answer.MTI != "0230" {
		t.Errorf("a refund is answered %s", y.answer.MTI)
	}
	if y := a.reverse(x); y.answer.MTI != "0430" || y.answer.Has(38) {
		t.Errorf("a refused reversal is answered %v", y.answer)
	}
}
