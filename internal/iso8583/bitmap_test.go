package iso8583

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestBitmapIsASetOfNumbers compares bitmaps with plain lists, on the wire and off it.
func TestBitmapIsASetOfNumbers(t *testing.T) {
	t.Parallel()
	numbers := rapid.SliceOfDistinct(rapid.IntRange(2, 128), rapid.ID)
	rapid.Check(t, func(t *rapid.T) {
		in, out := numbers.Draw(t, "in"), numbers.Draw(t, "out")
		var s, o bitmap
		for _, n := range in {
			s.add(n)
		}
		for _, n := range out {
			o.add(n)
		}
		slices.Sort(in)
		for n := 2; n <= 128; n++ {
			if s.has(n) != slices.Contains(in, n) {
				t.Fatalf("has(%d) is %v", n, s.has(n))
			}
		}
		if got := list(s); !slices.Equal(got, in) || s.count() != len(in) {
			t.Fatalf("lists %v, counts %d, want %v", got, s.count(), in)
		}
		want := slices.DeleteFunc(slices.Clone(in), func(n int) bool { return slices.Contains(out, n) })
		if got := list(s.without(o)); !slices.Equal(got, want) {
			t.Fatalf("without %v leaves %v, want %v", out, got, want)
		}
		wire := make([]byte, mtiSize+2*bitmapSize)
		s.put(wire)
		if got := readBitmap(wire); got != s || announces(wire) != (len(in) > 0 && in[len(in)-1] > 64) {
			t.Fatalf("written as %x, read as %v", wire, list(got))
		}
	})
}

func list(s bitmap) []int {
	all := []int{}
	for n := s.after(0); n > 0; n = s.after(n) {
		all = append(all, n)
	}
	return all
}

func TestSecondBitmapCountsOnlyWhenAnnounced(t *testing.T) {
	t.Parallel()
	b := unhex("0200 0000000000000001 8000000000000001")
	if got := list(readBitmap(b)); !slices.Equal(got, []int{64}) || headSize(b) != 10 {
		t.Errorf("reads %v, head of %d bytes", got, headSize(b))
	}
	b[mtiSize] = 0x80
	if got := list(readBitmap(b)); !slices.Equal(got, []int{64, 65, 128}) || headSize(b) != 18 {
		t.Errorf("announced: reads %v, head of %d bytes", got, headSize(b))
	}
}
