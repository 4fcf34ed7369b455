package receipt

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"hawker/internal/merchant"
)

type stamp struct{}

func (stamp) Vouch(_ context.Context, use string, data []byte) ([]byte, error) {
	h := hmac.New(sha256.New, []byte(use))
	_, _ = h.Write(data)
	return h.Sum(nil), nil
}

func TestALinkNamesItsPaymentAndNoOther(t *testing.T) {
	t.Parallel()
	d := Open(nil, stamp{}, nil, "https://pay.example/")
	link, err := d.Link(t.Context(), 7, 457000000000000)
	if err != nil {
		t.Fatal(err)
	}
	token, ok := strings.CutPrefix(link, "https://pay.example/r/")
	if !ok {
		t.Fatal(link)
	}
	m, id, err := d.read(t.Context(), token)
	if err != nil || m != 7 || id != 457000000000000 {
		t.Errorf("merchant %d, payment %d, %v", m, id, err)
	}
	for i := range len(token) {
		other := []byte(token)
		other[i] = map[bool]byte{true: 'B', false: 'A'}[token[i] == 'A']
		if m, id, err := d.read(t.Context(), string(other)); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s, changed at %d, names %d of %d: %v", other, i, id, m, err)
		}
	}
	for _, bad := range []string{"", "A", token + "A", token[1:], token + "\n", strings.Repeat("A", 1<<16), "../" + token} {
		if _, _, err := d.read(t.Context(), bad); !errors.Is(err, ErrUnknown) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	d := Open(nil, stamp{}, nil, "")
	for _, id := range []int64{1, 457000000000000} {
		link, err := d.Link(context.Background(), merchant.ID(id), id)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.TrimPrefix(link, Path))
	}
	f.Fuzz(func(t *testing.T, token string) {
		m, id, err := d.read(t.Context(), token)
		if err != nil {
			return
		}
		if link, err := d.Link(t.Context(), m, id); err != nil || link != Path+token {
			t.Errorf("%q is read as %d of %d, whose link is %q, %v", token, id, m, link, err)
		}
	})
}
