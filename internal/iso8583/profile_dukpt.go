package iso8583

// DUKPT is an international dialect whose readers derive a key for each
// transaction (ANSI X9.24-1, triple DES): every message but an echo has a MAC and
// the serial number of its key, and the track travels enciphered only. See
// docs/host-profiles.md.
var DUKPT = &Profile{
	Name:     "dukpt",
	MaxFrame: 2048,
	MAC:      MACSpec{Field: 64},
	Fields: with(derivedFields, map[int]Field{
		SerialNumber: {Name: "key serial number", NameZH: "密钥序列号", Type: B, Length: 10},
	}),
	Terminal: derivedTerminal(DerivedTDES),
}

// DUKPTAES is DUKPT with AES-128 readers (ANSI X9.24-3): serial numbers of twelve
// bytes, and PIN blocks of sixteen in format 4 of ISO 9564-1.
var DUKPTAES = &Profile{
	Name:     "dukpt-aes",
	MaxFrame: 2048,
	MAC:      MACSpec{Field: 64},
	Fields: with(derivedFields, map[int]Field{
		52:           {Name: "PIN block, format 4", NameZH: "个人标识码数据（格式4）", Type: B, Length: 16, Class: Secret},
		SerialNumber: {Name: "key serial number", NameZH: "密钥序列号", Type: B, Length: 12},
	}),
	Terminal: derivedTerminal(DerivedAES),
}

// derivedFields have no clear track and no Chinese.
var derivedFields = with(without(terminalFields, 35, 36), map[int]Field{
	EncipheredTrack: {Name: "track 2, enciphered", NameZH: "二磁道数据（加密）", Type: B, Length: 64, Var: 3, Class: Secret},
	63:              {Name: "operator; card organisation and host's sentence", NameZH: "操作员；卡组织与提示信息", Type: ANS, Length: 163, Var: 3},
})

func derivedTerminal(p Protection) Terminal {
	return Terminal{
		Protection:   p,
		SignOn:       []Layout{LayoutNone},
		MACAlways:    true,
		Requires:     []int{SerialNumber},
		Organisation: "   ",
		// ISO 8583:1987 has these where UnionPay has letters and numbers of its own.
		Codes: map[string]string{"A0": "63", "97": "89", "98": "68", "99": "81"},
		Words: Words{"60.3": {"005": "sign-on, keys derived / 签到（派生密钥）"}},
	}
}
