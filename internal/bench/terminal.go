package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"hawker/internal/app"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// terminal is one device of the load: it has one sale under way at a time and sends
// the next as soon as the answer is there.
type terminal struct {
	app.Device
	noted
	conn  net.Conn
	in    *bufio.Reader
	sales []*sale // one for each of its cards, used in turn
	trace int
}

func (t *terminal) hangUp() { _ = t.conn.Close() } // nothing is expected of it any more

// dial connects and signs on.
func dial(ctx context.Context, address string, d app.Device, mine []cards.Card) (*terminal, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	t := &terminal{Device: d, conn: conn, in: bufio.NewReaderSize(conn, profile.MaxFrame+2), trace: 1,
		noted: noted{name: "terminal " + d.MID + "/" + d.TID, merchant: d.Merchant, declined: map[string]int{}}}
	err = t.signOn(mine)
	for try := 1; errors.Is(err, errNotNow) && try < tries; try++ {
		err = t.signOn(mine)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("terminal %s/%s signs on: %w", d.MID, d.TID, err), conn.Close())
	}
	return t, nil
}

// tries is how often a terminal asks to be signed on while the host says 96, not now.
const tries = 10

var errNotNow = errors.New("response code 96")

// signOn fetches working keys and prepares a sale of each card.
func (t *terminal) signOn(mine []cards.Card) error {
	frame, err := pack(iso8583.New("0800").Set(11, six(t.trace)).Set(41, t.TID).Set(42, t.MID).
		Set(60, "00000001"+string(iso8583.LayoutTrack)).Set(63, "001"), tdes.Key{})
	if err != nil {
		return err
	}
	t.trace++
	if _, err := t.conn.Write(frame); err != nil {
		return err
	}
	answer, err := profile.ReadFrame(t.in)
	if err != nil {
		return err
	}
	m, err := profile.Unpack(answer.Body)
	if err != nil {
		return err
	}
	switch code := m.Text(39); code {
	case approved:
	case "96":
		return errNotNow
	default:
		return fmt.Errorf("response code %s", code)
	}
	k, err := unwrap(t.TMK, m)
	if err != nil {
		return err
	}
	for _, c := range mine {
		s, err := newSale(t.Device, k, c)
		if err != nil {
			return err
		}
		t.sales = append(t.sales, s)
	}
	return nil
}

// unwrap takes the working keys out of the answer to a sign-on.
func unwrap(tmk tdes.Key, m *iso8583.Message) (k working, err error) {
	f60, err := iso8583.ParseField60(m.Text(60))
	if err != nil {
		return k, err
	}
	k.batch = f60.Batch
	block, err := iso8583.ParseKeyBlock(iso8583.LayoutTrack, m.Bytes(62))
	if err != nil {
		return k, err
	}
	for _, w := range []struct {
		key  *tdes.Key
		from iso8583.WrappedKey
	}{{&k.tpk, block.TPK}, {&k.tak, block.TAK}, {&k.tdk, block.TDK}} {
		raw, err := tmk.Decrypt(w.from.Cipher)
		if err != nil {
			return k, err
		}
		if *w.key, err = tdes.NewKey(raw); err != nil {
			return k, err
		}
		if !bytes.Equal(w.key.KCV(), w.from.KCV) {
			return k, errors.New("a working key's check value is wrong")
		}
	}
	return k, nil
}

const (
	approved  = "00"
	lastTrace = 999999
)

// work sells until the load stops.
func (t *terminal) work(l *load) error {
	for l.now() != stopping {
		if t.trace > lastTrace {
			return errors.New("the batch has no trace numbers left: run for a shorter time, or with more terminals")
		}
		s, amount := t.sales[t.trace%len(t.sales)], amountOf(t.trace)
		if err := s.fill(amount, t.trace); err != nil {
			return err
		}
		t.trace++
		began := time.Now()
		if _, err := t.conn.Write(s.frame); err != nil {
			return err
		}
		code, err := receive(t.in, s)
		if err != nil {
			return err
		}
		refusal := string(code[:])
		if refusal == approved {
			refusal = ""
		}
		l.note(&t.noted, refusal, amount, time.Since(began))
	}
	return nil
}
