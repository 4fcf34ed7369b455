package torture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"
)

// frame is n bytes of one value behind their length.
func frame(value byte, n int) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(n)), bytes.Repeat([]byte{value}, n)...)
}

// line is a proxy between a client and the far end of its connection.
type line struct {
	proxy     *Proxy
	near, far net.Conn
}

// only makes every frame meet one fault.
func only(f Fault) Mood { return Mood{"only", map[Fault]int{f: 1000}} }

func newLine(t *testing.T, longest time.Duration) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p, err := NewProxy(t.Context(), "127.0.0.1:0", l.Addr().String(), 1, 1, longest)
	if err != nil {
		t.Fatal(err)
	}
	near, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = near.Close(), far.Close()
		p.Close()
	})
	return &line{p, near, far}
}

func (l *line) send(t *testing.T, frames ...[]byte) {
	t.Helper()
	for _, f := range frames {
		if _, err := l.near.Write(f); err != nil {
			t.Fatal(err)
		}
	}
}

// want reads frames from the far end.
func (l *line) want(t *testing.T, frames ...[]byte) {
	t.Helper()
	_ = l.far.SetReadDeadline(time.Now().Add(5 * time.Second))
	for i, f := range frames {
		got, err := readFrame(l.far)
		if err != nil || !bytes.Equal(got, f) {
			t.Fatalf("frame %d: %d bytes of %v, %v; want %d of %d", i, len(got), got[len(got)-1:], err, len(f), f[len(f)-1])
		}
	}
}

// silent checks that nothing more comes for a while, and that the connection stands.
func (l *line) silent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if n != 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

func TestAHealthyLinePassesFramesAndFarewells(t *testing.T) {
	t.Parallel()
	l := newLine(t, time.Second)
	l.send(t, frame(1, 30), frame(2, 2048))
	l.want(t, frame(1, 30), frame(2, 2048))
	if _, err := l.far.Write(frame(3, 5)); err != nil {
		t.Fatal(err)
	}
	if got, err := readFrame(l.near); err != nil || !bytes.Equal(got, frame(3, 5)) {
		t.Fatal(got, err)
	}
	_ = l.near.Close()
	if _, err := readFrame(l.far); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestEveryFaultDoesWhatItsNameSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault Fault
		play  func(t *testing.T, l *line)
	}{
		{Delay, func(t *testing.T, l *line) {
			began := time.Now()
			for range 8 {
				l.send(t, frame(1, 9))
			}
			for range 8 {
				l.want(t, frame(1, 9))
			}
			if took := time.Since(began); took < 5*time.Millisecond {
				t.Fatalf("eight delayed frames took %s", took)
			}
		}},
		{Drop, func(t *testing.T, l *line) {
			l.send(t, frame(1, 9))
			l.silent(t, l.far)
		}},
		{Duplicate, func(t *testing.T, l *line) {
			l.send(t, frame(1, 9))
			l.want(t, frame(1, 9), frame(1, 9))
			l.silent(t, l.far)
		}},
		{Reorder, func(t *testing.T, l *line) {
			l.send(t, frame(1, 9), frame(2, 9))
			l.want(t, frame(2, 9), frame(1, 9))
			l.send(t, frame(3, 9)) // nothing overtakes it, and it comes all the same
			l.want(t, frame(3, 9))
		}},
		{Split, func(t *testing.T, l *line) {
			l.send(t, frame(1, 200))
			_ = l.far.SetReadDeadline(time.Now().Add(5 * time.Second))
			one := make([]byte, 202)
			if n, err := l.far.Read(one); err != nil || n == len(one) {
				t.Fatalf("it came in one piece of %d, %v", n, err)
			} else if _, err := io.ReadFull(l.far, one[n:]); err != nil || !bytes.Equal(one, frame(1, 200)) {
				t.Fatal(err)
			}
		}},
		{Cut, func(t *testing.T, l *line) {
			l.send(t, frame(1, 200))
			got, err := io.ReadAll(l.far)
			if len(got) >= 202 || !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if _, err := l.near.Read(make([]byte, 1)); err == nil {
				t.Fatal("the sender was not told")
			}
		}},
		{HalfOpen, func(t *testing.T, l *line) {
			l.send(t, frame(1, 9))
			l.silent(t, l.far)
			l.proxy.SetMood(moods[0]) // it stays so, whatever the mood becomes
			l.send(t, frame(2, 9))
			l.silent(t, l.far)
			if _, err := l.far.Write(frame(3, 9)); err != nil { // the other way works
				t.Fatal(err)
			}
			if got, err := readFrame(l.near); err != nil || !bytes.Equal(got, frame(3, 9)) {
				t.Fatal(err)
			}
			_ = l.near.Close() // and the far end does not hear of it
			l.silent(t, l.far)
		}},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			l := newLine(t, 100*time.Millisecond)
			l.proxy.SetMood(only(c.fault))
			c.play(t, l)
			if n := l.proxy.Counts()[c.fault]; n == 0 {
				t.Fatal("it was not counted")
			}
		})
	}
}

func TestWhatIsHeldBackArrivesThoughItsSenderHasHungUp(t *testing.T) {
	t.Parallel()
	l := newLine(t, 300*time.Millisecond)
	l.proxy.SetMood(only(Delay))
	l.send(t, frame(1, 9))
	_ = l.near.Close()
	l.want(t, frame(1, 9))
}

func TestHealingEndsWhatIsHalfOpen(t *testing.T) {
	t.Parallel()
	l := newLine(t, time.Second)
	l.proxy.SetMood(only(HalfOpen))
	l.send(t, frame(1, 9))
	l.silent(t, l.far)
	l.proxy.Heal()
	_ = l.far.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := l.far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestATargetThatIsAwayEndsTheConnection(t *testing.T) {
	t.Parallel()
	away, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProxy(t.Context(), "127.0.0.1:0", away[0], 1, 1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = c.Read(make([]byte, 1))
		_ = c.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
}

func TestAMoodDrawsItsSharesAndASeedRepeatsThem(t *testing.T) {
	t.Parallel()
	for _, m := range moods {
		draw := func() map[Fault]int {
			r, got := rand.New(rand.NewPCG(7, 7)), map[Fault]int{}
			for range 100_000 {
				got[m.draw(r)]++
			}
			return got
		}
		first, again := draw(), draw()
		for _, f := range append([]Fault{Pass}, faults...) {
			if first[f] != again[f] {
				t.Errorf("%s: %d times %s, then %d", m.Name, first[f], f, again[f])
			}
			if want := m.Shares[f] * 100; f != Pass && (first[f] < want*9/10 || first[f] > want*11/10) {
				t.Errorf("%s: %d times %s of %d", m.Name, first[f], f, want)
			}
		}
	}
}
