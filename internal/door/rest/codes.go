package rest

import (
	"context"
	"net/http"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/paylink"
	"hawker/internal/payment"
	"hawker/internal/plate"
	"hawker/internal/qr"
)

// errNoCodes says that this server signs no static codes.
var errNoCodes = fault.New(fault.Unavailable, "codes_unavailable", "这里没有配置收款码。", "Codes are not set up here.")

// StaticCode is the code of a plate.
type StaticCode struct {
	Plate int64  `json:"plate" example:"1" doc:"The merchant's number of the plate."`
	Link  string `json:"link" format:"uri" doc:"What the symbol holds: the customer enters the amount there."`
	Image string `json:"image" example:"/v1/codes/static/1/code.svg" doc:"The symbol as SVG."`
	Print string `json:"print" example:"/v1/codes/static/1/plate.svg" doc:"The plate with the merchant's name, A6, ready to print."`
}

// PlatePath names a plate.
type PlatePath struct {
	Plate int64 `path:"plate" minimum:"1" maximum:"999999" example:"1" doc:"The merchant's number of the plate."`
}

type staticOutput struct{ Body StaticCode }

type svgOutput struct {
	Type string `header:"Content-Type"`
	Body []byte
}

func (d *Door) codes() {
	none := []*fault.Fault{errNoCodes}
	register(d, op{id: "getPaymentCode", method: http.MethodGet, path: "/v1/payments/{id}/code.svg", action: auth.PaymentRead, tag: "Codes", gives: svgType,
		summary: "Draw a presented payment's code", refuses: []*fault.Fault{payment.ErrNotFound, payment.ErrState}}, d.paymentCode)
	register(d, op{id: "getStaticCode", method: http.MethodGet, path: "/v1/codes/static/{plate}", action: auth.PaymentRead, tag: "Codes",
		summary: "Read the code of a plate", refuses: none, about: "A plate stands on the counter: the customer scans it and enters the amount, within the daily limit of static codes."}, d.staticCode)
	register(d, op{id: "getStaticSymbol", method: http.MethodGet, path: "/v1/codes/static/{plate}/code.svg", action: auth.PaymentRead, tag: "Codes", gives: svgType,
		summary: "Draw the code of a plate", refuses: none}, d.staticSymbol)
	register(d, op{id: "getPlate", method: http.MethodGet, path: "/v1/codes/static/{plate}/plate.svg", action: auth.PaymentRead, tag: "Codes", gives: svgType,
		summary: "Draw a plate, ready to print", refuses: none}, d.printedPlate)
}

const svgType = "image/svg+xml"

func drawn(text string, level qr.Level) (*svgOutput, error) {
	symbol, err := qr.Draw(text, level)
	if err != nil {
		return nil, err
	}
	return &svgOutput{svgType, []byte(symbol.SVG())}, nil
}

func (d *Door) paymentCode(ctx context.Context, who caller, in *struct{ PaymentPath }) (*svgOutput, error) {
	p, err := d.find(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	link, _, err := d.Engine.Link(ctx, who.merchant, p.ID)
	if err != nil {
		return nil, err
	}
	return drawn(link, qr.Screen)
}

func (d *Door) plateLink(ctx context.Context, who caller, number int64) (string, error) {
	if d.Voucher == nil {
		return "", errNoCodes
	}
	return paylink.Make(ctx, d.Voucher, d.Base, paylink.Code{Kind: paylink.Static, Merchant: who.merchant.ID, Payee: who.merchant.NameZH, Plate: number})
}

func (d *Door) staticCode(ctx context.Context, who caller, in *struct{ PlatePath }) (*staticOutput, error) {
	link, err := d.plateLink(ctx, who, in.Plate)
	if err != nil {
		return nil, err
	}
	path := "/v1/codes/static/" + itoa(in.Plate)
	return &staticOutput{StaticCode{Plate: in.Plate, Link: link, Image: path + "/code.svg", Print: path + "/plate.svg"}}, nil
}

func (d *Door) staticSymbol(ctx context.Context, who caller, in *struct{ PlatePath }) (*svgOutput, error) {
	link, err := d.plateLink(ctx, who, in.Plate)
	if err != nil {
		return nil, err
	}
	return drawn(link, qr.Plate)
}

func (d *Door) printedPlate(ctx context.Context, who caller, in *struct{ PlatePath }) (*svgOutput, error) {
	link, err := d.plateLink(ctx, who, in.Plate)
	if err != nil {
		return nil, err
	}
	m := who.merchant
	text, err := plate.Plate{Code: link, NameZH: m.NameZH, NameEN: m.NameEN, MID: m.MID, Number: in.Plate,
		Schemes: []qr.Scheme{qr.WeChat, qr.Alipay, qr.UnionPay}}.SVG(plate.A6)
	if err != nil {
		return nil, err
	}
	return &svgOutput{svgType, []byte(text)}, nil
}
