package payment

import (
	"errors"
	"testing"
	"time"

	"hawker/internal/nodes"
	"hawker/internal/store"
)

// noon is any second.
var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func TestNodesOfOneAcquirerNeverDrawOneTraceNumberInASecond(t *testing.T) {
	t.Parallel()
	by := make([]int, 1_000_000) // STAN → which node drew it, from 1
	for place := range nodes.Place(nodes.Places) {
		s := newSTANs()
		s.sit(place)
		for range perPlace {
			n, err := s.draw(noon)
			if err != nil || n < 1 || n > 999999 {
				t.Fatalf("place %d: %d, %v", place, n, err)
			}
			if by[n] != 0 {
				t.Fatalf("%06d was drawn by places %d and %d", n, by[n]-1, place)
			}
			by[n] = int(place) + 1
		}
	}
}

func TestATraceNumberIsRefusedBeforeItComesTwiceInASecond(t *testing.T) {
	t.Parallel()
	s := newSTANs()
	use := func(at time.Time, want int) {
		t.Helper()
		for i := range want {
			if _, err := s.draw(at); err != nil {
				t.Fatalf("number %d: %v", i, err)
			}
		}
	}
	use(noon, perPlace-1)
	use(noon.Add(-time.Second), 1) // somebody looked at the clock a little earlier
	for _, at := range []time.Time{noon, noon.Add(time.Second - 1), noon.Add(-time.Second)} {
		if _, err := s.draw(at); !errors.Is(err, store.ErrBusy) {
			t.Errorf("one too many at %s: %v", at, err)
		}
	}
	use(noon.Add(time.Second), perPlace)
	use(noon.Add(-time.Hour), 1) // the clock was put back: that does not keep payments waiting
}

func TestANodeThatMovesDrawsFromItsNewPlace(t *testing.T) {
	t.Parallel()
	s := newSTANs()
	for _, place := range []nodes.Place{0, 31, 7} {
		s.sit(place)
		n, err := s.draw(noon)
		if from := int(place) * perPlace; err != nil || n <= from || n > from+perPlace {
			t.Errorf("place %d drew %d, %v", place, n, err)
		}
	}
}
