package iso

import (
	"errors"
	"fmt"

	"hawker/internal/channel"
	"hawker/internal/chips"
	"hawker/internal/download"
	"hawker/internal/fault"
	"hawker/internal/identity"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/qr"
	"hawker/internal/risk"
	"hawker/internal/signature"
	"hawker/internal/terminal"
)

// Response codes that the door itself decides about.
const (
	codeApproved    = "00"
	codeUnpaid      = "09"
	codeInvalidCard = "14"
	codeFormat      = "30"
	codeNotSupp     = "40"
	codeDiffers     = "64"
	codeUnreachable = "91"
	codeReversed    = "12"
	codeUseChip     = "45"
	codeSecurity    = "A7"
	codeSystem      = "96"
	codeUnknown     = "98"
	codeMAC         = "A0"
)

// Refusals that are born at the door.
var (
	errFormat      = fault.New(fault.Invalid, "format", "报文格式错误。", "The message is malformed.")
	errNotSupp     = fault.New(fault.Invalid, "not_supported", "不支持这种交易。", "This kind of transaction is not supported.")
	errDiffers     = fault.New(fault.Invalid, "reversal_differs", "冲正金额与原交易不一致。", "The reversal's amount differs from the original.")
	errUntold      = fault.New(fault.Unavailable, "balance_untold", "银行没有告知余额，请稍后再试。", "The bank did not tell the balance. Please try again later.")
	errUnpaid      = fault.New(fault.Declined, "code_unpaid", "客人还没有付款。请稍后再查。", "The customer has not paid yet. Ask again in a moment.")
	errUseChip     = fault.New(fault.Declined, "use_chip", "这张卡有芯片，请插卡。", "This card has a chip. Please insert it.")
	errChipDiffers = fault.New(fault.Invalid, "chip_differs", "芯片数据与交易不一致。", "The chip's data are not of this transaction.")
	errDialect     = fault.New(fault.Declined, "dialect", "终端的报文格式与登记的不符，请联系客服。", "This terminal is registered for another protocol. Please call support.")
	errInvalidCard = fault.New(fault.Invalid, "card_invalid", "卡号无效，请换一张卡。", "The card number is not valid. Please use another card.")
)

// codes is the one table from a fault to field 39.
var codes = map[*fault.Fault]string{
	merchant.ErrUnknown:     "03",
	merchant.ErrSuspended:   "03",
	terminal.ErrUnknown:     "97",
	terminal.ErrSuspended:   "58",
	terminal.ErrTampered:    "58",
	terminal.ErrReported:    "58",
	terminal.ErrRetired:     "58",
	terminal.ErrRenew:       codeMAC,
	identity.ErrOther:       "58",
	terminal.ErrBatch:       "77",
	payment.ErrAmount:       "13",
	payment.ErrAmountDiffer: "13",
	payment.ErrRefundOver:   "13",
	payment.ErrOverHold:     "61",
	payment.ErrCurrency:     "A1",
	payment.ErrReused:       "94",
	payment.ErrReversed:     codeReversed,
	payment.ErrState:        "12",
	payment.ErrBatchClosed:  "12",
	payment.ErrNotFound:     "25",
	payment.ErrCardDiffers:  codeInvalidCard,
	payment.ErrUnreachable:  codeUnreachable,
	payment.ErrBatchAgain:   "94",
	payment.ErrDetails:      codeFormat,

	payment.ErrDetailDiffers: "94",
	payment.ErrMethod:        codeNotSupp,
	payment.ErrCode:          codeInvalidCard,
	payment.ErrOver:          "54",
	errUnpaid:                codeUnpaid,
	qr.ErrUnknown:            codeInvalidCard,
	qr.ErrAmbiguous:          codeInvalidCard,
	qr.ErrLength:             codeInvalidCard,
	qr.ErrMerchantCode:       codeInvalidCard,
	payment.ErrOverTip:       "61",
	payment.ErrOverFloor:     "61",
	payment.ErrNothing:       "13",

	download.ErrNone:     "25",
	download.ErrNotOpen:  "12",
	signature.ErrRepeat:  "94",
	signature.ErrPicture: codeFormat,
	signature.ErrSegment: "12",
	risk.ErrOverPayment:  "61",
	risk.ErrOverDay:      "61",
	risk.ErrOverMonth:    "61",
	errFormat:            codeFormat,
	errNotSupp:           codeNotSupp,
	errDiffers:           codeDiffers,
	errUntold:            codeSystem,
	errDialect:           "58",
	errInvalidCard:       codeInvalidCard,
	errUseChip:           codeUseChip,
	errChipDiffers:       codeSecurity,
	chips.ErrCounter:     codeSecurity,
	keys.ErrMAC:          codeMAC,
	keys.ErrNoKey:        codeMAC, // signed off, or never signed on
	keys.ErrTrack:        codeMAC,
	keys.ErrPINBlock:     "99",
	keys.ErrSerial:       "A7",
	keys.ErrReader:       "A7",
	keys.ErrCounter:      "A7",
	keys.ErrLayout:       codeNotSupp,
}

// named finds a fault of the table by the name that an attempt keeps.
var named = func() map[string]*fault.Fault {
	m := make(map[string]*fault.Fault, len(codes))
	for f := range codes {
		m[f.Name] = f
	}
	return m
}()

// kindCodes answers for faults without a row of their own.
var kindCodes = map[fault.Kind]string{
	fault.Invalid: codeFormat, fault.NotFound: "25", fault.Conflict: "12", fault.Declined: "05",
	fault.Unavailable: codeSystem, fault.Internal: codeSystem, fault.Limited: codeSystem,
	fault.Anonymous: "58", fault.Forbidden: "58",
}

// codeOf maps an error to field 39; nil is approved.
func codeOf(err error) string {
	if err == nil {
		return codeApproved
	}
	f := fault.Of(err)
	if known, ok := named[f.Name]; ok {
		return codes[known]
	}
	return kindCodes[f.Kind]
}

// codeOfAttempt maps how an attempt stands to field 39.
func codeOfAttempt(a payment.Attempt) string {
	if len(a.Code) > 2 && (a.State == payment.Approved || a.State == payment.Declined) {
		return codeOfWord(a.State, a.Code)
	}
	switch a.State {
	case payment.Approved:
		return a.Code
	case payment.Declined:
		if a.Code != "" {
			return a.Code
		}
		return codeSystem
	case payment.Reversed:
		return codeReversed
	}
	return codeUnknown
}

// refusalOf is the rule of ours that declined an attempt; nil when none did.
func refusalOf(a payment.Attempt) error {
	if known, ok := named[a.Reason]; ok && a.State == payment.Declined && a.Code == "" {
		return known
	}
	return nil
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
	f := fault.Of(err)
	if f != nil && named[f.Name] != nil {
		zh, en = f.ZH, f.EN
	}
	var format *iso8583.FormatError
	if f != nil && f.Kind == fault.Invalid && errors.As(err, &format) && format.Field > 0 {
		zh, en = fmt.Sprintf("第%d域格式错误。", format.Field), fmt.Sprintf("Field %d is malformed.", format.Field)
	}
	if lang == "en" {
		return en
	}
	return zh
}

// outcomeCode maps the outcome of a balance inquiry that left to field 39.
func outcomeCode(o channel.Outcome) string {
	if o.Code == "" {
		return codeUnknown
	}
	return o.Code
}
