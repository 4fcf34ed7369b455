package iso

import (
	"bytes"
	"errors"
	"testing"

	"hawker/internal/iso8583"
	"hawker/internal/payment"
)

func TestEverySentenceFitsItsField(t *testing.T) {
	t.Parallel()
	for f, code := range codes {
		for _, lang := range []string{"zh-CN", "en"} {
			for _, err := range []error{nil, f, f.Wrap(&iso8583.FormatError{Field: 22})} {
				text := sentence(lang, code, err)
				if whole := iso8583.EncodeText(text, 1000); text == "" || len(whole) > sentenceSize || !bytes.Equal(whole, iso8583.EncodeText(text, sentenceSize)) {
					t.Errorf("%s in %s is cut: %q", f.Name, lang, text)
				}
			}
		}
	}
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ "
	for _, a := range []byte(letters) {
		for _, b := range []byte(letters) {
			for _, lang := range []string{"zh-CN", "en"} {
				if text := sentence(lang, string([]byte{a, b}), nil); len(iso8583.EncodeText(text, 1000)) > sentenceSize {
					t.Errorf("%c%c in %s is cut: %q", a, b, lang, text)
				}
			}
		}
	}
}

func TestSentencesSpeakOfOneThing(t *testing.T) {
	t.Parallel()
	format := &iso8583.FormatError{Field: 22}
	for name, row := range map[string]struct {
		lang, code string
		err        error
		want       string
	}{
		"a fault says its own":                   {"en", "25", payment.ErrNotFound, "The original transaction was not found."},
		"a bank's code says its own and an act":  {"en", "51", nil, "There is not enough money on the card. Please use another card."},
		"a malformed field is named":             {"en", "30", errFormat.Wrap(format), "Field 22 is malformed."},
		"and in Chinese":                         {"zh-CN", "30", errFormat.Wrap(format), "第22域格式错误。"},
		"an amount that is malformed is named":   {"en", "13", payment.ErrAmount.Wrap(&iso8583.FormatError{Field: 4}), "Field 4 is malformed."},
		"our own malformed answer is not theirs": {"en", "96", format, "The system cannot decide now; nothing was charged. Please try again later."},
		"what nobody named is the code's":        {"en", "96", errors.New("disk full"), "The system cannot decide now; nothing was charged. Please try again later."},
		"an unknown code is shown":               {"en", "Z9", nil, "The payment did not go through (code Z9). Please use another card or another way to pay."},
		"an unknown language is Chinese":         {"", "25", payment.ErrNotFound, "找不到原交易。"},
	} {
		if got := sentence(row.lang, row.code, row.err); got != row.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAnAttemptAnswersAsItStands(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		attempt payment.Attempt
		code    string
		refused error
	}{
		"approved with the bank's code": {payment.Attempt{State: payment.Approved, Code: "11"}, "11", nil},
		"declined with the bank's code": {payment.Attempt{State: payment.Declined, Code: "51"}, "51", nil},
		"declined by a rule of ours":    {payment.Attempt{State: payment.Declined, Reason: payment.ErrRefundOver.Name}, "13", payment.ErrRefundOver},
		"never reached the bank":        {payment.Attempt{State: payment.Declined, Reason: payment.ErrUnreachable.Name}, "91", payment.ErrUnreachable},
		"declined by a rule unknown":    {payment.Attempt{State: payment.Declined, Reason: "of_old"}, "96", nil},
		"sent":                          {payment.Attempt{State: payment.Sent}, "98", nil},
		"unknown":                       {payment.Attempt{State: payment.Unknown}, "98", nil},
		"being reversed":                {payment.Attempt{State: payment.Reversing, Code: "00"}, "98", nil},
		"reversed":                      {payment.Attempt{State: payment.Reversed, Code: "00"}, "12", nil},
	} {
		code, refused := codeOfAttempt(row.attempt), refusalOf(row.attempt)
		if refused != nil {
			code = codeOf(refused)
		}
		if code != row.code || !errors.Is(refused, row.refused) {
			t.Errorf("%s: %s, %v", name, code, refused)
		}
	}
}
