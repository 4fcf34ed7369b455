package iso8583

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMessageBehavesLikeAMap sets, reads and removes fields in any order.
func TestMessageBehavesLikeAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, want := New("0200"), map[int]string{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			n := rapid.IntRange(2, 128).Draw(t, "field")
			switch rapid.IntRange(0, 3).Draw(t, "deed") {
			case 0:
				m.Unset(n)
				delete(want, n)
			case 1:
				m.Wipe(n)
				delete(want, n)
			default:
				want[n] = rapid.StringN(0, 5, 5).Draw(t, "value")
				m.Set(n, want[n])
			}
		}
		if got := m.Fields(); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("fields %v, want %v", got, want)
		}
		for n := 2; n <= 128; n++ {
			value, there := want[n]
			if m.Has(n) != there || m.Text(n) != value || (m.Bytes(n) != nil) != there {
				t.Fatalf("field %d is %q, there %v; want %q, %v", n, m.Bytes(n), m.Has(n), value, there)
			}
		}
	})
}

func TestMessagesAreEqualByTheirFields(t *testing.T) {
	t.Parallel()
	base := func() *Message { return New("0200").Set(3, "000000").Set(4, "1") }
	for _, c := range []struct {
		name  string
		other *Message
		want  bool
	}{
		{"the same, set in another order", New("0200").Set(4, "1").Set(3, "000000"), true},
		{"another MTI", New("0210").Set(3, "000000").Set(4, "1"), false},
		{"another value", base().Set(4, "2"), false},
		{"a field more", base().Set(5, ""), false},
		{"a field less", New("0200").Set(3, "000000"), false},
		{"another field", New("0200").Set(3, "000000").Set(5, "1"), false},
		{"a field set and removed again", func() *Message { m := base().Set(5, "1"); m.Unset(5); return m }(), true},
	} {
		if base().Equal(c.other) != c.want || c.other.Equal(base()) != c.want {
			t.Errorf("%s: equal is %v", c.name, !c.want)
		}
	}
}

func TestCloneHasFieldsOfItsOwn(t *testing.T) {
	t.Parallel()
	m := New("0200").Set(3, "000000").Set(35, testTrack).Set(41, "10000001")
	c := m.Clone()
	c.MTI = "0210"
	c.Set(2, testPAN).Set(3, "310000").Set(64, "00000000").Unset(41)
	if !m.Equal(New("0200").Set(3, "000000").Set(35, testTrack).Set(41, "10000001")) {
		t.Errorf("the original became %v", m)
	}
	m.Wipe(35)
	if got := c.Bytes(35); !bytes.Equal(got, make([]byte, len(testTrack))) {
		t.Errorf("a track that was wiped is still %d bytes in the clone", len(got))
	}
}

func TestSetPanicsOutsideTheStandard(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 1, 129} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("field %d was taken", n)
				}
			}()
			New("0200").Set(n, "")
		}()
	}
}

// TestCodecAllocatesLittle bounds what every message of every terminal costs. It
// counts, so nothing may run beside it.
func TestCodecAllocatesLittle(t *testing.T) {
	m := fullSale()
	body := must(UnionPayPOS.Pack(m))
	if n := testing.AllocsPerRun(100, func() { must(UnionPayPOS.Pack(m)) }); n > 2 {
		t.Errorf("%v allocations to pack", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = UnionPayPOS.Validate(must(UnionPayPOS.Unpack(body))) }); n > 8 {
		t.Errorf("%v allocations to unpack and validate", n)
	}
}
