package iso8583

// PSP is the dialect of a payment service provider's terminals, as one published
// host speaks it (docs/host-profiles.md): a version of two bytes for a header, a
// MAC in raw bytes over the folded message, keys as tagged hexadecimal text, and
// QR codes as transactions of type 60.
var PSP = &Profile{
	Name:     "psp",
	TPDU:     true,
	Header:   2,
	MaxFrame: 2048,
	MAC:      MACSpec{Algorithm: "psp-fold-x9.19", Field: 64},
	Fields:   terminalFields,
	Terminal: Terminal{
		Version:      "0100",
		Protection:   WorkingKeys,
		KeyBlock:     KeysTagged,
		SignOn:       []Layout{LayoutTrack, LayoutDouble},
		Organisation: "CUP",
		Words: Words{
			"60.1": {"60": "QR code / 二维码"},
			"60.3": {"002": "WeChat / 微信", "003": "Alipay / 支付宝", "004": "UnionPay / 银联"},
			"3.1":  {"70": "QR code, scanned by the merchant / 被扫支付", "71": "QR code, shown / 主扫下单", "72": "void of a QR payment / 撤销", "73": "query of a QR payment / 查询"},
		},
	},
}
