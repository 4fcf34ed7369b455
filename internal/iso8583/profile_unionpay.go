package iso8583

// UnionPayPOS is the dialect of UnionPay's terminals: docs/terminal-protocol.md.
var UnionPayPOS = &Profile{
	Name:     "unionpay-pos",
	TPDU:     true,
	Header:   6,
	MaxFrame: 2048,
	MAC:      MACSpec{Algorithm: "unionpay-ecb", Field: 64, Text: true},
	Fields:   terminalFields,
	Terminal: Terminal{
		Version:      DefaultHeader,
		Protection:   WorkingKeys,
		KeyBlock:     KeysBinary,
		SignOn:       []Layout{LayoutTrack, LayoutDouble, LayoutSingle},
		Organisation: "CUP",
	},
}

// terminalFields are written alike by UnionPay's terminals and by the payment service provider's.
var terminalFields = with(commonFields, map[int]Field{
	22: {Name: "point of service entry mode", NameZH: "服务点输入方式码", Type: N, Length: 3},
	64: {Name: "message authentication code", NameZH: "报文鉴别码", Type: B, Length: 8},
})
