package iso8583

import (
	"strings"
	"testing"
)

func TestTextIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		limit    int
		want     string
	}{
		{"all of it fits", "余额不足", 8, "余额不足"},
		{"half a character is left out", "余额不足", 7, "余额不"},
		{"ASCII and Chinese", "A余额", 4, "A余"},
		{"four-byte characters", "余😀", 5, "余"},
		{"four-byte characters that fit", "余😀", 6, "余😀"},
		{"no room", "余额", 0, ""},
		{"control characters become spaces", "a\nb\u0085c", 10, "a b c"},
		{"broken UTF-8 becomes a replacement", "a\xffb", 10, "a\ufffdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := EncodeText(c.in, c.limit)
			if got := DecodeText(b); got != c.want || len(b) > c.limit {
				t.Errorf("%d bytes, %q, want %q", len(b), got, c.want)
			}
			if i := badGB18030(b); i >= 0 {
				t.Errorf("byte %d is refused", i)
			}
		})
	}
}

func TestGB18030IsCheckedByItsShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     int
	}{
		{"nothing", "", -1},
		{"ASCII", "CUP", -1},
		{"two bytes", "\xd3\xe0", -1},
		{"four bytes", "\x94\x39\xda\x33", -1},
		{"a lead byte at the end", "A\xd3", 1},
		{"a second byte that is none", "A\xd3\x7f", 1},
		{"four bytes cut short", "A\x94\x39\xda", 1},
		{"a control character", "AB\x1b", 2},
		{"the byte that leads nothing", "\x80", 0},
		{"the last byte", "\xff\xff", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := badGB18030([]byte(c.in)); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
	every := strings.Repeat("中文", 40)
	if badGB18030(EncodeText(every, 160)) >= 0 {
		t.Error("a long text is refused")
	}
}
