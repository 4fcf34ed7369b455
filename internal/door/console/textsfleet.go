package console

import (
	"maps"

	"hawker/internal/advice"
	"hawker/internal/fleet"
	"hawker/internal/terminal"
	"hawker/internal/web"
)

// fleetTexts are the texts of terminals, their orders and the list.
var fleetTexts = web.Texts{
	"console.terminals":           {"终端", "Terminals"},
	"console.terminals.text":      {"查一台机器，挂失、停用、恢复；把订购的机器登记给商户", "Find a terminal, block it or let it work again; register what merchants ordered"},
	"console.terminals.find":      {"序列号、商户号或店名", "Serial number, merchant number or shop"},
	"console.terminals.search":    {"查找", "Find"},
	"console.terminals.none":      {"没有找到", "Nothing found"},
	"console.terminals.none.text": {"序列号要写全，和机身标签一样。", "Write the whole serial number, as on the label."},
	"console.terminal":            {"这台终端", "This terminal"},
	"console.serial":              {"序列号", "Serial number"},
	"console.serial.hint":         {"照机身标签填写。", "As on the machine's label."},
	"console.profile":             {"报文规范", "Host profile"},
	"console.lang":                {"屏幕语言", "Language of its screen"},
	"console.label":               {"标签上的网址", "Address on its label"},
	"console.label.copy":          {"复制", "Copy"},
	"console.fresh":               {"已登记。下一步：由两名保管人为它装入主密钥，再签发设备证书；装好密钥之前它收不了款。", "Registered. Next, two custodians load its master key, and it is given its certificate. Before that it can take no payment."},
	"console.history.none":        {"还没有人处理过。", "Nobody has done anything with it yet."},
	"console.acts":                {"处理", "What to do"},
	"console.acts.none":           {"已退役，不能再处理。", "It is retired. Nothing can be done with it any more."},
	"console.why":                 {"原因", "Reason"},
	"console.back":                {"返回", "Back"},
	"console.orders":              {"等待登记的订单", "Orders that wait for a terminal"},
	"console.orders.register":     {"登记机器", "Register"},
	"console.orders.title":        {"登记订购的终端", "Register an ordered terminal"},
	"console.orders.none":         {"没有等待登记的订单", "No orders wait"},
	"console.orders.none.text":    {"商户签约后订购的机器会出现在这里。", "What merchants order with their contract appears here."},
	"console.list":                {"名单", "The list"},
	"console.list.text":           {"谁的申请不通过，谁已经核实过。号码只留指纹，不留原文。", "Whose applications are refused, and who has been checked. Numbers are kept as fingerprints only."},
	"console.list.entry":          {"内容", "Entry"},
	"console.list.kind":           {"类别", "Kind"},
	"console.list.value":          {"号码", "Number"},
	"console.list.value.hint":     {"保存后只能比对，看不到原文。", "Once saved it can be compared, never read."},
	"console.list.stance":         {"处理", "Verdict"},
	"console.list.blocked":        {"拒绝", "Refused"},
	"console.list.known":          {"已核实", "Checked"},
	"console.list.reason":         {"依据", "Ground"},
	"console.list.reason.hint":    {"不要写号码本身。", "Without the number itself."},
	"console.list.since":          {"列入时间", "Listed"},
	"console.list.until":          {"截止日期", "Last day"},
	"console.list.always":         {"长期", "No end"},
	"console.list.past":           {"已过期", "Ended"},
	"console.list.add":            {"列入名单", "Put on the list"},
	"console.list.off":            {"移出名单", "Take off the list"},
	"console.list.off.why":        {"移出的依据", "Ground for taking it off"},
	"console.list.none":           {"名单是空的", "The list is empty"},
	"console.list.none.text":      {"被列入的证件、手机号、账号和设备会显示在这里。", "Listed papers, telephones, accounts and devices appear here."},
}

// all is every text of the door.
func all() web.Texts {
	list := maps.Clone(texts)
	maps.Copy(list, fleetTexts)
	return list
}

// badge is how a state looks.
type badge struct{ Tone, Name string }

var standings = map[terminal.State]struct {
	tone string
	say  advice.Text
}{
	terminal.Active:    {"good", advice.Text{ZH: "使用中", EN: "In use"}},
	terminal.Suspended: {"warn", advice.Text{ZH: "已停用", EN: "Suspended"}},
	terminal.Lost:      {"bad", advice.Text{ZH: "已挂失", EN: "Lost"}},
	terminal.Stolen:    {"bad", advice.Text{ZH: "被盗", EN: "Stolen"}},
	terminal.Tampered:  {"bad", advice.Text{ZH: "被拆动过", EN: "Tampered with"}},
	terminal.Retired:   {"quiet", advice.Text{ZH: "已退役", EN: "Retired"}},
}

// Standing is a terminal's state in words.
func (w words) Standing(s terminal.State) badge {
	one := standings[s]
	return badge{one.tone, w.Say(one.say)}
}

// deeds name the acts, and say what follows from each.
var deeds = map[fleet.Act]struct{ name, then advice.Text }{
	fleet.Lose:    {advice.Text{ZH: "挂失", EN: "Report lost"}, advice.Text{ZH: "马上停止收款。找到后可以恢复。", EN: "It stops taking payments at once. Once found it can work again."}},
	fleet.Steal:   {advice.Text{ZH: "报告被盗", EN: "Report stolen"}, advice.Text{ZH: "马上停止收款，设备证书作废；查询页会提示这台机器被盗。", EN: "It stops taking payments at once, its certificates are revoked, and the check page warns of it."}},
	fleet.Find:    {advice.Text{ZH: "已找回", EN: "It was found"}, advice.Text{ZH: "挂失的恢复收款；被盗的先停用，检查过再恢复。都要重新签到。", EN: "A lost one works again; a stolen one stays suspended until somebody has looked at it. Both sign on anew."}},
	fleet.Suspend: {advice.Text{ZH: "停用", EN: "Suspend"}, advice.Text{ZH: "暂停收款，可以恢复。", EN: "It takes no payments until it is resumed."}},
	fleet.Resume:  {advice.Text{ZH: "恢复", EN: "Resume"}, advice.Text{ZH: "恢复收款，先重新签到。", EN: "It works again, after a new sign-on."}},
	fleet.Retire:  {advice.Text{ZH: "退役", EN: "Retire"}, advice.Text{ZH: "永久停止，证书作废，不能恢复。", EN: "It ends for good: its certificates are revoked, and this cannot be undone."}},
}

// Act is what an act is called.
func (w words) Act(a fleet.Act) string { return w.Say(deeds[a].name) }

// Then is what follows from an act.
func (w words) Then(a fleet.Act) string { return w.Say(deeds[a].then) }
