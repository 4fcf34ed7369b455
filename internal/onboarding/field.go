package onboarding

import (
	"slices"

	"hawker/internal/advice"
	"hawker/internal/clock"
	"hawker/internal/papers"
)

// Text is a text in both languages.
type Text = advice.Text

func say(zh, en string) Text { return Text{ZH: zh, EN: en} }

// Purpose is what sensitive data are asked for; each is consented to by itself.
type Purpose string

// The purposes of sensitive data (PIPL, article 28).
const (
	Identity Purpose = "identity" // numbers and pictures of identity cards
	Face     Purpose = "face"
	Account  Purpose = "account"  // bank accounts
	Location Purpose = "location" // where exactly payments are taken
)

// Consent is the sentence that somebody agrees to, by itself.
type Consent struct {
	Purpose Purpose
	Wording int // grows with every change of the sentence
	Title   Text
	Say     Text
}

// Consents are those that are asked for, in their order.
var Consents = []Consent{
	{Identity, 1, say("身份证件信息", "Identity card"), say(
		"我同意为核实身份、履行反洗钱义务而处理我的身份证号码和证件照片。不同意就不能开通收款。我可以随时撤回；已开通的商户，法律要求保存的资料到期才能删除。",
		"I agree that my identity number and photos of the card are processed to verify who I am, as the law against money laundering requires. Without it no account can be opened. I can withdraw at any time; of a merchant, what the law requires is kept until its term ends.")},
	{Account, 1, say("银行账户信息", "Bank account"), say(
		"我同意为把货款结算给我而处理我的银行账号，并接收一笔小额验证款。我可以随时撤回，撤回后无法结算。",
		"I agree that my bank account is processed to pay out my takings, and that a small amount is sent to verify it. I can withdraw at any time; nothing can be paid out then.")},
	{Face, 1, say("本人照片", "Photo of myself"), say(
		"我同意为核对本人与证件一致而处理我的手持证件照。只有审核员要求时才需要；我可以随时撤回。",
		"I agree that a photo of me with my card is compared with the card. It is needed only when a reviewer asks; I can withdraw at any time.")},
	{Location, 1, say("经营位置", "Place of business"), say(
		"我同意为核对终端没有被移走而处理我的经营位置坐标。可以不给；我可以随时撤回。",
		"I agree that the coordinates of my place are processed to see that the terminal is not moved away. I need not give them; I can withdraw at any time.")},
}

// Step is a page of the application.
type Step string

// The steps, in their order.
const (
	StepPerson  Step = "person"
	StepShop    Step = "shop"
	StepLicence Step = "licence"
	StepAccount Step = "account"
	StepPhotos  Step = "photos"
)

// Steps are those that a kind of merchant meets.
func Steps(k advice.Kind) []Step {
	if k == advice.Micro {
		return []Step{StepPerson, StepShop, StepAccount, StepPhotos}
	}
	return []Step{StepPerson, StepShop, StepLicence, StepAccount, StepPhotos}
}

// Field is something that an applicant tells, or a photo that he gives.
type Field struct {
	Name    string
	Step    Step
	Label   Text
	Why     Text // what it is needed for, shown beside it
	Consent Purpose
	Must    []advice.Kind // who must give it
	May     []advice.Kind // who may
	Input   string        // text, digits, tel, until, area, select, place, photo
	Changes bool          // a merchant may ask to have it changed
	parse   func(v string, on clock.Day) (string, error)
}

// all are the kinds, traders those with a licence.
var (
	all     = advice.Kinds
	traders = []advice.Kind{advice.Sole, advice.Company}
	micro   = []advice.Kind{advice.Micro}
	company = []advice.Kind{advice.Company}
)

func only(parse func(string) (string, error)) func(string, clock.Day) (string, error) {
	return func(v string, _ clock.Day) (string, error) { return parse(v) }
}

func text(least, most int) func(string, clock.Day) (string, error) {
	return func(v string, _ clock.Day) (string, error) { return papers.ParseText(v, least, most) }
}

func id(v string, on clock.Day) (string, error) {
	got, err := papers.ParseID(v, on)
	return string(got), err
}

// Fields are everything that is ever asked. A kind of merchant is asked only what it must
// or may tell: nothing else is stored of it.
var Fields = []Field{
	{Name: "holder", Step: StepPerson, Label: say("经营者姓名", "Your name"), Why: say("与身份证核对，也是收款账户的户名", "Compared with the card, and the name of your bank account"), Must: micro, Input: "text", parse: only(papers.ParseName)},
	{Name: "holder", Step: StepPerson, Label: say("法定代表人或经营者姓名", "Name of the legal representative or operator"), Why: say("与身份证和执照核对", "Compared with the card and the licence"), Must: traders, Input: "text", Changes: true, parse: only(papers.ParseName)},
	{Name: "id_number", Step: StepPerson, Label: say("身份证号码", "ID number"), Why: say("法律要求核实身份；加密保存", "The law requires that we verify who you are; kept encrypted"), Consent: Identity, Must: all, Input: "text", parse: id},
	{Name: "id_until", Step: StepPerson, Label: say("身份证有效期至", "ID card valid until"), Why: say("过期的证件不能用", "An expired card cannot be used"), Consent: Identity, Must: all, Input: "until", Changes: true, parse: papers.ParseUntil},
	{Name: "phone", Step: StepPerson, Label: say("手机号", "Mobile number"), Why: say("联系您，通知审核结果", "To reach you about this application"), Must: all, Input: "tel", Changes: true, parse: only(papers.ParseMobile)},
	{Name: "owner", Step: StepPerson, Label: say("受益所有人姓名", "Name of the beneficial owner"), Why: say("反洗钱法要求登记最终受益的人", "The law requires us to know who owns the company in the end"), Must: company, Input: "text", Changes: true, parse: only(papers.ParseName)},
	{Name: "owner_id", Step: StepPerson, Label: say("受益所有人身份证号码", "ID number of the beneficial owner"), Why: say("反洗钱法要求登记最终受益的人", "The law requires us to know who owns the company in the end"), Consent: Identity, Must: company, Input: "text", Changes: true, parse: id},

	{Name: "shop", Step: StepShop, Label: say("店名", "Shop's name"), Why: say("印在小票上，客人看得到", "Printed on receipts; customers see it"), Must: all, Input: "text", Changes: true, parse: text(2, 30)},
	{Name: "mcc", Step: StepShop, Label: say("经营类别", "Category"), Why: say("决定商户号和适用的规则", "It decides your merchant number and the rules that apply"), Must: all, Input: "select", Changes: true, parse: func(v string, _ clock.Day) (string, error) {
		c, err := papers.ParseMCC(v)
		return c.MCC, err
	}},
	{Name: "sells", Step: StepShop, Label: say("卖什么、做什么", "What you sell or do"), Why: say("与经营类别核对", "Compared with the category"), Must: all, Input: "area", Changes: true, parse: text(2, 200)},
	{Name: "region", Step: StepShop, Label: say("所在地区", "Region"), Why: say("服务商备案的地区才能开通", "Only where the provider is filed can you be boarded"), Must: all, Input: "select", Changes: true, parse: func(v string, _ clock.Day) (string, error) {
		v = papers.Compact(v)
		_, err := papers.DivisionOf(v)
		return v, err
	}},
	{Name: "address", Step: StepShop, Label: say("经营地址", "Address"), Why: say("终端只能在登记的地方使用", "A terminal may be used only where it is registered"), Must: all, Input: "text", Changes: true, parse: text(5, 100)},
	{Name: "service_phone", Step: StepShop, Label: say("客服电话", "Customers' telephone"), Why: say("印在小票上，客人有问题好找您", "Printed on receipts, for customers with a question"), May: all, Input: "tel", Changes: true, parse: only(papers.ParsePhone)},
	{Name: "location", Step: StepShop, Label: say("位置坐标", "Coordinates"), Why: say("核对终端没有被移走；可以不填", "To see that the terminal is not moved away; you may leave it out"), Consent: Location, May: all, Input: "place", Changes: true, parse: only(parsePlace)},

	{Name: "licence", Step: StepLicence, Label: say("执照上的名称", "Name on the licence"), Why: say("与执照照片核对", "Compared with the licence"), Must: traders, Input: "text", Changes: true, parse: text(2, 60)},
	{Name: "uscc", Step: StepLicence, Label: say("统一社会信用代码", "Unified social credit code"), Why: say("法律要求与终端绑定", "The law ties terminals to it"), Must: traders, Input: "text", parse: only(papers.ParseUSCC)},
	{Name: "licence_until", Step: StepLicence, Label: say("执照有效期至", "Licence valid until"), Why: say("过期的执照不能用", "An expired licence cannot be used"), Must: traders, Input: "until", Changes: true, parse: papers.ParseUntil},

	{Name: "account_kind", Step: StepAccount, Label: say("账户类型", "Kind of account"), Why: say("决定户名怎样核对", "It decides how the holder is compared"), Must: all, Input: "select", Changes: true, parse: only(parseAccountKind)},
	{Name: "account_holder", Step: StepAccount, Label: say("户名", "Account holder"), Why: say("钱只能进您自己的账户", "Money goes to your own account only"), Consent: Account, Must: all, Input: "text", Changes: true, parse: text(2, 60)},
	{Name: "account", Step: StepAccount, Label: say("账号或卡号", "Account or card number"), Why: say("把货款结算给您；加密保存", "To pay out your takings; kept encrypted"), Consent: Account, Must: all, Input: "digits", Changes: true, parse: only(papers.ParseAccount)},
	{Name: "bank", Step: StepAccount, Label: say("开户行联行号", "Bank branch's code"), Why: say("12 位，银行转账要用", "12 digits, for the bank transfer"), Must: all, Input: "digits", Changes: true, parse: only(papers.ParseBank)},

	{Name: "id_front", Step: StepPhotos, Label: say("身份证人像面", "ID card, the side with the picture"), Why: say("核实身份；加密保存，查看带水印", "To verify who you are; kept encrypted, shown with a watermark"), Consent: Identity, Must: all, Input: "photo", Changes: true},
	{Name: "id_back", Step: StepPhotos, Label: say("身份证国徽面", "ID card, the side with the emblem"), Why: say("核对有效期", "For its term"), Consent: Identity, Must: all, Input: "photo", Changes: true},
	{Name: "front", Step: StepPhotos, Label: say("门头或摊位照片", "The shop's front or stall"), Why: say("确认真实经营", "To see that there is a business"), Must: all, Input: "photo", Changes: true},
	{Name: "inside", Step: StepPhotos, Label: say("店内或货品照片", "Inside, or the goods"), Why: say("确认经营内容", "To see what it sells"), Must: traders, May: micro, Input: "photo", Changes: true},
	{Name: "licence_photo", Step: StepPhotos, Label: say("营业执照", "Business licence"), Why: say("与填写的内容核对", "Compared with what you wrote"), Must: traders, Input: "photo", Changes: true},
	{Name: "face", Step: StepPhotos, Label: say("手持证件照", "Photo of yourself with the card"), Why: say("只有审核员要求时才需要", "Only when a reviewer asks for it"), Consent: Face, May: all, Input: "photo", Changes: true},
}

// FieldsOf are the fields that a kind of merchant must or may give, in their order.
func FieldsOf(k advice.Kind) (list []Field) {
	for _, f := range Fields {
		if f.Asks(k) {
			list = append(list, f)
		}
	}
	return list
}

// Asks reports whether a kind of merchant must or may give the field.
func (f Field) Asks(k advice.Kind) bool { return f.Needs(k) || slices.Contains(f.May, k) }

// Needs reports whether a kind of merchant must give the field.
func (f Field) Needs(k advice.Kind) bool { return slices.Contains(f.Must, k) }

// Photo reports whether the field is a photo.
func (f Field) Photo() bool { return f.Input == "photo" }

// fieldOf finds a kind's field by name.
func fieldOf(k advice.Kind, name string) (Field, bool) {
	i := slices.IndexFunc(Fields, func(f Field) bool { return f.Name == name && f.Asks(k) })
	if i < 0 {
		return Field{}, false
	}
	return Fields[i], true
}
