package qr

import (
	"fmt"

	"hawker/internal/fault"
)

// What a scanned or typed code is refused for. No cause repeats a customer's code.
var (
	// ErrUnknown: no scheme has such codes.
	ErrUnknown = fault.New(fault.Invalid, "code_unknown", "认不出这个付款码，请客人打开微信支付、支付宝、云闪付或数字人民币的付款码。",
		"This is no payment code that we know. Please ask for one of WeChat Pay, Alipay, UnionPay or e-CNY.")
	// ErrAmbiguous: several schemes have such codes.
	ErrAmbiguous = fault.New(fault.Invalid, "code_ambiguous", "这个付款码可能属于几种钱包，没有收款，请换一种钱包。",
		"This code may belong to several wallets. Nothing was charged; please use another wallet.")
	// ErrLength: it begins like a scheme's code, but has another length.
	ErrLength = fault.New(fault.Invalid, "code_length", "付款码不完整，请重新扫一次。", "The payment code is not complete. Please scan it again.")
	// ErrMerchantCode: the merchant's own kind of code was scanned where a customer's was wanted.
	ErrMerchantCode = fault.New(fault.Invalid, "code_of_merchant", "这是收款码，不是付款码，请客人打开付款码。",
		"This is a code to be paid with, not to pay with. Please ask for the customer's payment code.")
	// ErrEMVCo: an EMVCo code is not as its specification says; the cause is a *FormatError.
	ErrEMVCo = fault.New(fault.Invalid, "emvco_code_malformed", "二维码内容不符合 EMVCo 规范。", "The code is not as EMVCo's specification says.")
	// ErrCRC: the content of an EMVCo code is not what its check value was made of; the cause is a *FormatError.
	ErrCRC = fault.New(fault.Invalid, "emvco_code_crc", "二维码校验值不对，内容可能被改动或没有扫全。", "The code's check value is wrong: it was changed or not fully scanned.")
	// ErrTooLong: the text does not fit into a symbol.
	ErrTooLong = fault.New(fault.Invalid, "code_too_long", "内容太长，画不成二维码。", "The text is too long for a QR code.")
)

// FormatError is a precise complaint about an EMVCo code. It holds no card data.
type FormatError struct {
	Field    string // "54", "62.03", "61.5A"; "" when it is about the whole
	Offset   int    // from 0: characters of a merchant-presented code, bytes of a customer-presented one once base64 is undone; -1 when it has no place, as in a code that is to be built
	Expected string
	Got      string
}

// Error is one line for the log and the integrator.
func (e *FormatError) Error() string {
	where := "code"
	if e.Field != "" {
		where = "field " + e.Field
	}
	if e.Offset >= 0 {
		where += fmt.Sprintf(" at offset %d", e.Offset)
	}
	return fmt.Sprintf("qr: %s: expected %s, got %s", where, e.Expected, e.Got)
}
