package iso

import (
	"errors"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/terminal"
)

// Response codes that the door itself decides about.
const (
	codeApproved    = "00"
	codeInvalidCard = "14"
	codeFormat      = "30"
	codeNotSupp     = "40"
	codeReversed    = "12"
	codeSystem      = "96"
	codeUnknown     = "98"
	codeMAC         = "A0"
)

// Refusals that are born at the door.
var (
	errFormat      = fault.New(fault.Invalid, "format", "报文格式错误。", "The message is malformed.")
	errNotSupp     = fault.New(fault.Invalid, "not_supported", "不支持这种交易。", "This kind of transaction is not supported.")
	errInvalidCard = fault.New(fault.Invalid, "card_invalid", "卡号无效，请换一张卡。", "The card number is not valid. Please use another card.")
)

// codes is the one table from a fault's name to field 39.
var codes = map[string]string{
	merchant.ErrUnknown.Name:     "03",
	merchant.ErrSuspended.Name:   "03",
	terminal.ErrUnknown.Name:     "97",
	terminal.ErrSuspended.Name:   "58",
	terminal.ErrBatch.Name:       "77",
	payment.ErrAmount.Name:       "13",
	payment.ErrAmountDiffer.Name: "13",
	payment.ErrRefundOver.Name:   "13",
	payment.ErrCurrency.Name:     "A1",
	payment.ErrReused.Name:       "94",
	payment.ErrReversed.Name:     codeReversed,
	payment.ErrState.Name:        "12",
	payment.ErrBatchClosed.Name:  "12",
	payment.ErrNotFound.Name:     "25",
	payment.ErrCardDiffers.Name:  codeInvalidCard,
	payment.ErrUnreachable.Name:  "91",
	payment.ErrBatchAgain.Name:   "94",
	payment.ErrDetails.Name:      codeFormat,
	risk.ErrOverPayment.Name:     "61",
	risk.ErrOverDay.Name:         "61",
	risk.ErrOverMonth.Name:       "61",
	errFormat.Name:               codeFormat,
	errNotSupp.Name:              codeNotSupp,
	errInvalidCard.Name:          codeInvalidCard,
	keys.ErrMAC.Name:             codeMAC,
	keys.ErrNoKey.Name:           codeMAC, // signed off, or never signed on
	keys.ErrTrack.Name:           codeMAC,
	keys.ErrPINBlock.Name:        "99",
	keys.ErrLayout.Name:          codeNotSupp,
}

// kindCodes answers for faults without a row of their own.
var kindCodes = map[fault.Kind]string{
	fault.Invalid: codeFormat, fault.NotFound: "25", fault.Conflict: "12", fault.Declined: "05",
	fault.Unavailable: codeSystem, fault.Internal: codeSystem,
}

// codeOf maps an error to field 39; nil is approved.
func codeOf(err error) string {
	if err == nil {
		return codeApproved
	}
	f := fault.Of(err)
	if code, ok := codes[f.Name]; ok {
		return code
	}
	return kindCodes[f.Kind]
}

// codeOfAttempt maps how an attempt stands to field 39.
func codeOfAttempt(a payment.Attempt) string {
	switch a.State {
	case payment.Approved:
		return a.Code
	case payment.Declined:
		if a.Code != "" {
			return a.Code
		}
		if code, ok := codes[a.Reason]; ok {
			return code
		}
		return codeSystem
	case payment.Reversed:
		return codeReversed
	}
	return codeUnknown
}

// codeOfPayment maps an engine's answer to field 39. An error after the attempt
// left is no refusal: its end is unknown.
func codeOfPayment(a payment.Attempt, err error) string {
	if err != nil {
		if a.ID != 0 && fault.Of(err).Kind == fault.Internal {
			return codeUnknown
		}
		return codeOf(err)
	}
	return codeOfAttempt(a)
}

// signOnAgain are the codes after which the terminal must sign on.
var signOnAgain = map[string]bool{"77": true, "99": true, codeMAC: true}

// sentence is what the merchant reads on the terminal, in its language: the fault's
// own where there is one, else the code's, and what to do.
func sentence(lang, code string, err error) string {
	c, ok := iso8583.CodeText(code)
	if !ok {
		c = iso8583.UnknownCode(code)
	}
	zh, en := c.ZH+c.ActionZH, c.EN+" "+c.ActionEN
	if f := fault.Of(err); f != nil && codes[f.Name] != "" {
		zh, en = f.ZH, f.EN
	}
	var format *iso8583.FormatError
	if errors.As(err, &format) && format.Field > 0 {
		zh, en = fmt.Sprintf("第%d域格式错误。", format.Field), fmt.Sprintf("Field %d is malformed.", format.Field)
	}
	if lang == "en" {
		return en
	}
	return zh
}

// outcomeCode maps a balance inquiry's outcome to field 39.
func outcomeCode(o channel.Outcome) string {
	switch {
	case o.Code != "":
		return o.Code
	case o.Result == channel.Unsent:
		return codes[payment.ErrUnreachable.Name]
	}
	return codeUnknown
}
