package qr

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hawker/internal/card"
)

func TestACustomerCodeHides(t *testing.T) {
	t.Parallel()
	const clear = "138273645546372819"
	code, err := Known.Recognise(clear)
	if err != nil {
		t.Fatal(err)
	}
	cpm, err := Known.Recognise(unionPayCPM)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ code, other CustomerCode }
	type shower struct{ Code CustomerCode }
	var out bytes.Buffer
	for _, shape := range []any{
		code, &code, cpm, holder{code, cpm}, &holder{code, cpm}, shower{cpm}, &shower{code}, []any{code, cpm},
		map[string]CustomerCode{"x": code}, fmt.Errorf("pay with %v: %w", code, ErrUnknown),
	} {
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %T %p %30v %c %U") {
			fmt.Fprintf(&out, verb+"\n", shape)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("pay", "x", shape)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("pay", "x", shape)
		_ = json.NewEncoder(&out).Encode(shape)
		_ = xml.NewEncoder(&out).Encode(shape)
		_ = gob.NewEncoder(&out).Encode(shape)
	}
	for _, leak := range []string{clear, clear[4:12], fmt.Sprintf("%x", clear[4:12]), unionPayCPM[8:20], fmt.Sprintf("%x", unionPayCPM[8:20])} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(leak)) {
			t.Errorf("%s can be read", leak)
		}
	}
	for _, err := range []error{
		second(json.Marshal(code)), second(xml.Marshal(code)), gob.NewEncoder(&out).Encode(code),
	} {
		if !errors.Is(err, card.ErrSecret) {
			t.Error("it serialises:", err)
		}
	}
	if code.String() != "wechat 13**************19" || cpm.String() != "unionpay [code]" || (CustomerCode{}).String() != "" {
		t.Error(code, cpm)
	}
	same, _ := Known.Recognise(clear)
	if !code.Equal(same) || code.Equal(cpm) || code.Equal(CustomerCode{}) || (CustomerCode{}).Reveal() != "" {
		t.Error("codes compare wrongly")
	}
}

func second[T any](_ T, err error) error { return err }
