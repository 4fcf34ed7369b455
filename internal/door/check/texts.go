package check

import "hawker/internal/web"

var texts = web.Texts{
	"check.title":            {"查一查是否正规", "Is it regular?"},
	"check.text":             {"查支付机构、服务商、商户或机器。也可以用手机相机扫机身标签上的二维码。", "Look up an institution, a provider, a merchant or a terminal. Or scan the code on a terminal's label with your phone's camera."},
	"check.ask":              {"名称、许可证号、商户号或序列号", "Name, licence, merchant or serial number"},
	"check.hint":             {"至少两个字", "At least two characters"},
	"check.go":               {"查询", "Look up"},
	"check.none":             {"没有查到", "Nothing found"},
	"check.none.text":        {"登记里没有“%s”。名称请写全；如果是机器，请扫标签上的二维码。查不到的机构和机器不要用。", "There is no “%s” on record. Write the whole name; for a terminal, scan its label. Do not use what cannot be found."},
	"check.often":            {"查得太频繁了，请一分钟后再试。", "Too many questions. Please try again in a minute."},
	"check.facts":            {"登记的内容", "On record"},
	"check.said":             {"商户评价", "What merchants say"},
	"check.said.average":     {"%d 条评价，平均 %s 星（满分 5 星）", "%d reviews, %s of 5 stars on average"},
	"check.said.few":         {"%d 条评价，满 3 条才显示平均分", "%d reviews; an average is shown from three on"},
	"check.said.answer":      {"答复：", "Answer:"},
	"check.verified":         {"核实过的", "Verified"},
	"check.not":              {"没有核实的", "Not verified"},
	"check.do":               {"请这样做", "What to do"},
	"check.kind.institution": {"支付机构", "Institution"},
	"check.kind.provider":    {"服务商", "Provider"},
	"check.kind.merchant":    {"商户", "Merchant"},
	"check.kind.terminal":    {"终端", "Terminal"},
	"check.again":            {"再查一个", "Look up another"},
	"check.private":          {"本页不显示任何个人信息。", "This page shows nothing personal."},
}
