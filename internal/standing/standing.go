// Package standing answers what everybody asks before he trusts a machine: is this
// institution, this provider, this merchant, this terminal regular? It says what is
// verified, by which source and day, and what is not, in plain words, and shows nothing
// private. It decides nothing and changes nothing.
package standing

import (
	"context"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"hawker/internal/advice"
	"hawker/internal/clock"
	"hawker/internal/institution"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Verdict is the answer in one word.
type Verdict string

// The verdicts.
const (
	Good    Verdict = "good" // registered and valid
	Careful Verdict = "warn" // registered, but something is to be watched
	Bad     Verdict = "bad"  // do not use it
)

// Text is a text in both languages.
type Text = advice.Text

func say(zh, en string) Text { return Text{ZH: zh, EN: en} }

// Fact is something public about what was asked for.
type Fact struct {
	Name  Text
	Value Text
}

func fact(zh, en, value string) Fact { return Fact{say(zh, en), say(value, value)} }

// Answer is what is known of one institution, provider, merchant or terminal.
type Answer struct {
	Kind     string // institution, provider, merchant, terminal
	Number   string // in the register, of an institution or provider; else ""
	Verdict  Verdict
	Name     Text
	Headline Text
	Facts    []Fact
	Verified []Text // what was compared, by which source and day
	Not      []Text // what nobody has verified
	Do       []Text // what to do now
}

// Book answers. Any number of goroutines may use it.
type Book struct {
	DB    *store.DB
	Keys  *keys.Keystore
	Clock clock.Clock
	Terms institution.Terms
}

var zone = time.FixedZone("UTC+8", 8*60*60)

func (b *Book) today() clock.Day { return clock.DayOf(b.Clock(), zone, 0) }

// most bounds the answers to one question.
const most = 8

// Ask finds whatever has the text as its number, or in its name: at most eight. Text
// shorter than two characters finds nothing.
func (b *Book) Ask(ctx context.Context, text string) (list []Answer, err error) {
	text = papers.Clean(text)
	if n := len([]rune(text)); n < 2 || n > 60 {
		return nil, nil
	}
	records, err := institution.Search(ctx, b.DB.Read(), text, most)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		list = append(list, b.record(r))
	}
	merchants, err := merchant.Search(ctx, b.DB.Read(), text, most)
	if err != nil {
		return nil, err
	}
	for _, m := range merchants {
		a, err := b.merchant(ctx, m)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	if t, err := terminal.BySerial(ctx, b.DB.Read(), text); err == nil {
		a, err := b.terminal(ctx, t, false)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	} else if !errors.Is(err, terminal.ErrUnknown) {
		return nil, err
	}
	return list[:min(len(list), most)], nil
}

// record says what the register knows.
func (b *Book) record(r institution.Record) Answer {
	a := Answer{Kind: string(r.Kind), Number: r.Number, Name: say(r.NameZH, r.NameEN), Facts: []Fact{fact("许可证编号", "Licence number", r.Number)}}
	if a.Name.EN == "" {
		a.Name.EN = r.NameZH
	}
	paper := say("支付业务许可证", "payment business licence")
	if r.Kind == institution.Provider {
		a.Facts[0] = fact("备案编号", "Filing number", r.Number)
		a.Facts = append(a.Facts, fact("为谁服务（许可证编号）", "Works for (licence number)", r.WorksFor))
		paper = say("收单外包服务备案", "filing as an acquiring service provider")
	}
	for _, bz := range r.Business {
		zh, en := bz.Name()
		a.Facts = append(a.Facts, Fact{say("业务", "Business"), say(zh, en)})
	}
	if r.Expires != 0 {
		a.Facts = append(a.Facts, fact("有效期至", "Valid until", clock.Day(r.Expires).String()))
	}
	a.Facts = append(a.Facts, fact("发证或备案机关", "Authority", r.Authority))
	if r.Contact.Complaint != "" {
		a.Facts = append(a.Facts, fact("投诉电话", "Complaints", r.Contact.Complaint))
	}
	day := r.AsOf.String()
	a.Verified = []Text{say("与"+r.Source+"（"+day+"）核对", "Compared with "+r.Source+" of "+day)}
	a.Not = []Text{say("来找您的人是不是这家机构的员工，本页不能证明", "Whether the person in front of you works for it, this page cannot prove")}
	left, far := r.Left(b.today())
	switch {
	case r.State == institution.Absent:
		a.Verdict, a.Headline = Bad, say("名单上已经没有它了。不要和它签约。", "It is no longer on the list. Do not sign with it.")
	case r.State != institution.Valid && r.State != institution.Filed:
		word := map[institution.State]Text{institution.Suspended: say("被暂停", "suspended"), institution.Revoked: say("被注销", "revoked"), institution.Cancelled: say("已终止", "given up")}[r.State]
		a.Verdict, a.Headline = Bad, say("它的"+paper.ZH+word.ZH+"。不要和它签约。", "Its "+paper.EN+" is "+word.EN+". Do not sign with it.")
	case !far && left < 0:
		a.Verdict, a.Headline = Bad, say("它的"+paper.ZH+"已经过期。不要和它签约。", "Its "+paper.EN+" has expired. Do not sign with it.")
	case !far && left < 180:
		a.Verdict, a.Headline = Careful, say("它的"+paper.ZH+"现在有效，但快到期了。签约前问清续展。", "Its "+paper.EN+" is valid, but ends soon. Ask about the renewal before you sign.")
	default:
		a.Verdict, a.Headline = Good, say("正规：它的"+paper.ZH+"有效。", "Regular: its "+paper.EN+" is valid.")
	}
	if r.Note != "" {
		a.Facts = append(a.Facts, fact("说明", "Note", r.Note))
	}
	return a
}

// backers names who boarded a merchant, and the worst of their standings.
func (b *Book) backers(ctx context.Context, m merchant.ID) (facts []Fact, worst Verdict, err error) {
	bd, err := onboarding.BoardingOf(ctx, b.DB.Read(), m)
	if errors.Is(err, onboarding.ErrBoarded) {
		return nil, Careful, nil
	} else if err != nil {
		return nil, "", err
	}
	worst = Good
	for _, x := range []struct {
		kind   institution.Kind
		number string
		zh, en string
	}{{institution.Institution, bd.Institution, "收单机构", "Institution"}, {institution.Provider, bd.Provider, "服务商", "Provider"}} {
		if x.number == "" {
			continue
		}
		r, err := institution.ByNumber(ctx, b.DB.Read(), x.kind, x.number)
		if errors.Is(err, institution.ErrUnknown) {
			worst = Careful
			continue
		} else if err != nil {
			return nil, "", err
		}
		a := b.record(r)
		facts = append(facts, Fact{say(x.zh, x.en), a.Name})
		if a.Verdict == Bad || (a.Verdict == Careful && worst == Good) {
			worst = a.Verdict
		}
	}
	return facts, worst, nil
}

func (b *Book) merchant(ctx context.Context, m merchant.Merchant) (Answer, error) {
	a := Answer{Kind: "merchant", Name: say(m.NameZH, m.NameEN), Facts: []Fact{fact("商户号", "Merchant number", m.MID), fact("地区", "Place", m.Place)}}
	facts, backed, err := b.backers(ctx, m.ID)
	if err != nil {
		return a, err
	}
	a.Facts = append(a.Facts, facts...)
	a.Verified = []Text{say("这家商户在本平台登记过，身份和收款账户由收单机构审核", "This merchant is registered here; the institution reviewed identity and bank account")}
	a.Not = []Text{say("货品好坏、价格，本页不能证明", "The quality of the goods and the price, this page cannot prove")}
	switch {
	case m.MayTake() != nil:
		a.Verdict, a.Headline = Bad, say("这家商户已停用，现在不能收款。不要付款。", "This merchant is suspended and cannot take payments now. Do not pay.")
	case backed == Bad:
		a.Verdict, a.Headline = Careful, say("商户有登记，但它的收单机构或服务商状态异常，请谨慎。", "The merchant is registered, but its institution or provider is not in order. Be careful.")
	case len(facts) == 0:
		a.Verdict, a.Headline = Careful, say("商户有登记，但查不到是谁开通的，请问清楚。", "The merchant is registered, but who boarded it is not on record. Please ask.")
		a.Verified = []Text{say("这家商户在本平台登记过", "This merchant is registered here")}
	default:
		a.Verdict, a.Headline = Good, say("正规：这家商户经收单机构审核开通。", "Regular: this merchant was reviewed and boarded by an institution.")
	}
	return a, nil
}

// ends are what each state of a terminal means to whoever holds it.
var ends = map[terminal.State]Text{
	terminal.Suspended: say("这台机器已停用，现在不能收款。", "This terminal is suspended and cannot take payments."),
	terminal.Tampered:  say("这台机器被拆动过，密钥已销毁。不要刷卡，不要输密码。", "This terminal was tampered with and its keys are destroyed. Use no card, enter no PIN."),
	terminal.Lost:      say("这台机器已报失。请不要使用，并联系客服归还。", "This terminal was reported lost. Do not use it; please call support to return it."),
	terminal.Stolen:    say("这台机器已报被盗。不要使用，请联系客服或报警。", "This terminal was reported stolen. Do not use it; call support or the police."),
	terminal.Retired:   say("这台机器已报废，不能再收款。谁卖给您，就退给谁。", "This terminal is retired and takes no payments any more. If somebody sold it to you, give it back."),
}

func (b *Book) terminal(ctx context.Context, t terminal.Terminal, label bool) (Answer, error) {
	a := Answer{Kind: "terminal", Name: say(t.Model, t.Model), Facts: []Fact{fact("序列号", "Serial number", t.Serial)}}
	if end, ok := ends[t.State]; ok || t.State != terminal.Active {
		a.Verdict, a.Headline = Bad, end
		a.Do = []Text{say("不要用它刷卡或输密码", "Use no card on it and enter no PIN")}
		return a, nil
	}
	m, err := merchant.ByID(ctx, b.DB.Read(), t.Merchant)
	if err != nil {
		return a, err
	}
	facts, backed, err := b.backers(ctx, m.ID)
	if err != nil {
		return a, err
	}
	a.Facts = append(append(a.Facts, Fact{say("登记给", "Registered to"), say(m.NameZH, m.NameEN)}, fact("地区", "Place", m.Place)), facts...)
	a.Verified = []Text{say("序列号在登记册里，一机一户", "The serial number is registered, to one merchant only")}
	a.Not = []Text{say("外壳有没有被改装，要看封条和外观", "Whether its case was changed: look at the seal and the case")}
	a.Do = []Text{say("店名和摊位不一致，就不要刷卡", "If the shop's name is not that of the stall, use no card")}
	switch {
	case m.MayTake() != nil:
		a.Verdict, a.Headline = Bad, say("机器有登记，但商户已停用，不能收款。", "The terminal is registered, but its merchant is suspended.")
	case !label:
		a.Verdict, a.Headline = Careful, say("登记册里有这个号码。但号码谁都能抄：请扫机身标签上的二维码再确认。", "The number is registered. But anybody can copy a number: scan the code on the terminal's label to be sure.")
	case backed != Good:
		a.Verdict, a.Headline = Careful, say("标签是真的，机器有登记；它的收单机构或服务商请再核实。", "The label is genuine and the terminal registered; please check its institution or provider.")
		a.Verified = append(a.Verified, say("标签上的检查码正确", "The label's check code is right"))
	default:
		a.Verdict, a.Headline = Good, say("正规：标签是真的，这台机器登记给这家商户使用。", "Regular: the label is genuine, and this terminal is registered to this merchant.")
		a.Verified = append(a.Verified, say("标签上的检查码正确", "The label's check code is right"))
	}
	return a, nil
}

// labels is the use that a label's code is for.
const labels = "terminal label"

// Code is what a genuine label says beside the serial number: nobody without our key can make it.
func (b *Book) Code(ctx context.Context, serial string) (string, error) {
	sum, err := b.Keys.Vouch(ctx, labels, []byte(serial))
	if err != nil {
		return "", err
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10])), nil
}

// Label answers a scanned label: its serial number and check code.
func (b *Book) Label(ctx context.Context, serial, code string) (Answer, error) {
	if len(serial) > 64 || len(code) > 64 {
		return forged(serial[:min(len(serial), 64)]), nil
	}
	want, err := b.Code(ctx, serial)
	if err != nil {
		return Answer{}, err
	}
	if strings.ToLower(code) != want {
		return forged(serial), nil
	}
	t, err := terminal.BySerial(ctx, b.DB.Read(), serial)
	if errors.Is(err, terminal.ErrUnknown) {
		return Answer{Kind: "terminal", Verdict: Careful, Name: say(serial, serial), Facts: []Fact{fact("序列号", "Serial number", serial)},
			Headline: say("标签是真的，但这台机器还没有登记给任何商户。", "The label is genuine, but the terminal is not registered to any merchant yet."),
			Verified: []Text{say("标签上的检查码正确", "The label's check code is right")}, Do: []Text{say("登记之前不要用它收款", "Take no payments with it before it is registered")}}, nil
	} else if err != nil {
		return Answer{}, err
	}
	return b.terminal(ctx, t, true)
}

// forged is the answer to a label that we did not make.
func forged(serial string) Answer {
	return Answer{Kind: "terminal", Verdict: Bad, Name: say("未知机器", "Unknown terminal"), Facts: []Fact{fact("标签上的序列号", "Serial number on the label", serial)},
		Headline: say("这个标签不是我们的：可能是假机器或仿冒标签。不要刷卡，不要输密码。", "This label is not ours: the terminal or its label may be counterfeit. Use no card, enter no PIN."),
		Not:      []Text{say("标签的检查码不对，其他都无从核实", "The label's check code is wrong, so nothing else can be verified")},
		Do:       []Text{say("拍照留证，打客服电话举报", "Take a photo and report it to support")}}
}

// Counterfeit reports whether an answer is about a label that is not ours.
func (a Answer) Counterfeit() bool { return a.Verdict == Bad && len(a.Verified) == 0 && len(a.Not) > 0 }
