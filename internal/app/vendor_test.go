package app

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/contract"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/payment"
	"hawker/internal/sandbox/wallet"
	"hawker/internal/training"
	"hawker/internal/web/webtest"
)

// vendor is the story of a person who becomes a merchant, in one language.
type vendor struct {
	t    *testing.T
	s    *Server
	lang string
	base string
	dir  string // of made pictures
	r    *rand.Rand
	shot int
}

func (v *vendor) say(zh, en string) string {
	if v.lang == "en" {
		return en
	}
	return zh
}

// open gives somebody a browser of his own.
func (v *vendor) open(size webtest.Size) context.Context {
	ctx := webtest.Browser(v.t)
	webtest.Run(v.t, ctx, webtest.Screen(size), webtest.Prefers(false), webtest.Speaks(v.lang))
	return ctx
}

// look holds the page against the rules of every page, and keeps its picture when pictures are asked for.
func (v *vendor) look(ctx context.Context, name string) {
	v.t.Helper()
	webtest.Wide(v.t, ctx)
	v.shot++
	if webtest.Shooting() {
		webtest.Shot(v.t, ctx, fmt.Sprintf("vendor-%s-%02d-%s", v.lang, v.shot, name))
	}
}

// go to a page that must say something.
func (v *vendor) visit(ctx context.Context, path, says string) {
	v.t.Helper()
	webtest.Run(v.t, ctx, chromedp.Navigate(v.base+path), webtest.Has("main", says))
}

// fill writes into a form's fields, by their names.
func fill(pairs ...string) chromedp.Action {
	var list chromedp.Tasks
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, chromedp.SetValue(`main [name="`+pairs[i]+`"]`, pairs[i+1], chromedp.ByQuery))
	}
	return list
}

// tick chooses among boxes and circles.
func tick(name string, values ...string) chromedp.Action {
	var list chromedp.Tasks
	for _, value := range values {
		list = append(list, chromedp.Evaluate(`document.querySelector('main [name="`+name+`"][value="`+value+`"]').click()`, nil))
	}
	return list
}

// send presses the button of the form that goes to a path.
func send(path string) chromedp.Action {
	return chromedp.Evaluate(`document.querySelector('main form[action="`+path+`"] button:not([type="button"])').click()`, nil)
}

// paper makes a file that looks like a photo of a paper, no two alike.
func (v *vendor) paper(name string) string {
	p := image.NewRGBA(image.Rect(0, 0, 640, 400))
	var fields [8][9]uint8
	for y := range fields {
		for x := range fields[y] {
			fields[y][x] = uint8(v.r.IntN(256)) //nolint:gosec // a byte
		}
	}
	for y := range 400 {
		for x := range 640 {
			g := fields[y*8/400][x*9/640]
			p.SetRGBA(x, y, color.RGBA{g, g, 255 - g, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		v.t.Fatal(err)
	}
	file := filepath.Join(v.dir, name+".jpg")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		v.t.Fatal(err)
	}
	return file
}

// finger is the fingerprint reader of the vendor's phone.
func finger() chromedp.Action {
	return chromedp.Tasks{webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}).Do(ctx)
		return err
	})}
}

// stroke draws on an element with the mouse or the pen.
func stroke(selector string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var box struct{ X, Y, W, H float64 }
		if err := chromedp.Evaluate(`(() => { const e = document.querySelector("`+selector+`"); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return {X: r.x, Y: r.y, W: r.width, H: r.height} })()`, &box).Do(ctx); err != nil {
			return err
		}
		at := func(kind input.MouseType, x, y float64) error {
			return input.DispatchMouseEvent(kind, box.X+x*box.W, box.Y+y*box.H).WithButton(input.Left).WithButtons(1).WithClickCount(1).Do(ctx)
		}
		if err := at(input.MousePressed, 0.2, 0.3); err != nil {
			return err
		}
		for i := 1; i <= 12; i++ {
			if err := at(input.MouseMoved, 0.2+0.05*float64(i), 0.3+0.4*float64(i%3)/2); err != nil {
				return err
			}
		}
		return at(input.MouseReleased, 0.8, 0.3)
	})
}

// reviewers are two people of the institution, each in a browser of his own.
func (v *vendor) reviewers() (list []context.Context) {
	v.t.Helper()
	ctx := v.t.Context()
	must := func(err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
	}
	token, admin := signIn(v.t, v.s, 1)
	enrolment, ticket, err := v.s.Guard.NewTOTP(ctx, admin)
	must(err)
	secret := strings.ReplaceAll(enrolment.Secret, " ", "")
	code := func(later time.Duration) string {
		c, err := totp.GenerateCode(secret, v.s.Config.Clock().Add(later))
		must(err)
		return c
	}
	_, err = v.s.Guard.ConfirmTOTP(ctx, admin, ticket, code(-30*time.Second))
	must(err)
	admin, err = v.s.Guard.Find(ctx, token, auth.Origin{Address: "127.0.0.1", Agent: "test"}) // now with a second means of proof
	must(err)
	for i, name := range []string{"安娜", "鲍里斯"} {
		proof, err := v.s.Guard.StepUp(ctx, admin, auth.OperatorWrite, auth.Person(auth.Operator, 0), auth.Proof{Means: auth.ByTOTP, Code: code(time.Duration(i) * 30 * time.Second)})
		must(err)
		_, link, err := v.s.Guard.Invite(ctx, admin, proof, auth.NewAccount{Login: fmt.Sprint("reviewer", i), Name: name, Role: auth.Reviewer})
		must(err)
		own := v.open(webtest.Desk)
		webtest.Run(v.t, own, finger(), chromedp.Navigate(v.base+"/hello/"+link), webtest.Has("h1", name), chromedp.Evaluate(`document.querySelector("main form button").click()`, nil),
			webtest.Until(`location.pathname === "/security"`), passkey(`form[action='/security/passkeys']`))
		list = append(list, own)
	}
	return list
}

// passkey adds one where a form asks for it.
func passkey(form string) chromedp.Action {
	return chromedp.Tasks{webtest.Until(`document.readyState === "complete" && document.querySelector("` + form + ` [data-passkey]")`), chromedp.Evaluate(`document.querySelector("`+form+` [data-passkey]").click()`, nil), webtest.Until(`document.querySelector(".rows form[action*='passkeys']")`)}
}

// TestAVendorBecomesAMerchantInTheBrowser walks the whole way, with nobody but the vendor
// and two reviewers at their screens: interview, plan, application, correction, two
// approvals, sign-in, contract, training, the ordered terminal, and a first payment.
func TestAVendorBecomesAMerchantInTheBrowser(t *testing.T) {
	t.Parallel()
	for i, lang := range []string{"zh-CN", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := running(t)
			v := &vendor{t: t, s: s, lang: lang, base: s.site(), dir: t.TempDir(), r: rand.New(rand.NewPCG(11, uint64(i)))} //nolint:gosec // a test
			she := v.open(webtest.Phone)
			v.applies(she)
			m := v.isReviewed(she)
			v.signs(she, m)
			v.learns(she, m)
			v.takesMoney(she, m)
		})
	}
}

// applies answers the interview, chooses a plan, and fills the application in.
func (v *vendor) applies(she context.Context) {
	v.t.Helper()
	v.visit(she, "/apply", v.say("您做什么生意", "What is your business"))
	v.look(she, "interview")
	for fact, answer := range map[string]string{"kind": "micro", "business": "food_stall", "place": "street", "mobility": "stays", "cards": "none", "network": "mobile", "paper": "no", "payout": "next_day"} {
		webtest.Run(v.t, she, tick(fact, answer))
	}
	webtest.Run(v.t, she, fill("ticket", "15", "volume", "20000"), send("/apply/plans"), webtest.Has("main", v.say("扫码音箱", "Sound box")))
	v.look(she, "plans")
	webtest.Run(v.t, she, send("/apply/start"), webtest.Has("main", v.say("还差", "to go")))

	id, name := string(papers.MakeID(v.r, 20261125)), "王小满"
	bank := papers.MakeBank(v.r, "2900")
	step := func(name string, actions ...chromedp.Action) {
		webtest.Run(v.t, she, append(append(chromedp.Tasks{chromedp.Navigate(v.base + "/apply/form/" + name), webtest.Until(`document.querySelector('main form')`)}, actions...), send("/apply/form/"+name))...)
	}
	// What is wrong is said beside the field, and nothing that was written is lost.
	step("person", fill("holder", name, "id_number", id[:17]+string("0123456789X"[(strings.IndexByte("0123456789X", id[17])+1)%11]), "id_until", "2036-05-01", "phone", papers.MakeMobile(v.r)), tick("consent", "identity"))
	webtest.Run(v.t, she, webtest.Until(`document.querySelector("#e-id_number")`))
	v.look(she, "check-digit")
	webtest.Run(v.t, she, fill("id_number", id), send("/apply/form/person"), webtest.Until(`location.pathname !== "/apply/form/person"`))
	step("shop", fill("shop", "小满面馆", "mcc", "5812", "sells", "牛肉面，代还信用卡", "region", "310000", "address", "测试路一号"))
	webtest.Run(v.t, she, webtest.Until(`location.pathname !== "/apply/form/shop"`))
	step("account", tick("consent", "account"), fill("account_kind", "personal", "account_holder", name, "account", papers.MakeCard(v.r), "bank", bank))
	webtest.Run(v.t, she, webtest.Until(`location.pathname !== "/apply/form/account"`))
	for _, photo := range []string{"id_front", "id_back", "front"} {
		webtest.Run(v.t, she, chromedp.Navigate(v.base+"/apply/form/photos"), chromedp.SetUploadFiles(`form[action="/apply/photo/`+photo+`"] input[type=file]`, []string{v.paper(photo)}, chromedp.ByQuery),
			webtest.Until(`document.querySelector('img[src="/apply/photo/`+photo+`"]')`))
	}
	v.look(she, "photos")
	v.visit(she, "/apply/form", v.say("打一笔验证款", "Send the small amount"))
	webtest.Run(v.t, she, send("/apply/account"), webtest.Has("main", v.say("模拟银行的到账记录", "simulated bank")))
	v.look(she, "account")
	webtest.Run(v.t, she, chromedp.Evaluate(`document.querySelector('[name="seen"]').value = [...document.querySelectorAll("p.number b")].map(b => b.textContent).find(x => /^0\.\d\d$/.test(x))`, nil), send("/apply/account/answer"), webtest.Has("main", v.say("账户已验证", "The account is verified")),
		send("/apply/submit"), webtest.Has("main", v.say("审核员正在看", "a reviewer is looking")))
}

// isReviewed has one reviewer ask for a correction, and two approve.
func (v *vendor) isReviewed(she context.Context) merchant.Merchant {
	v.t.Helper()
	people := v.reviewers()
	anna, boris := people[0], people[1]
	v.visit(anna, "/ops/review", "小满面馆")
	v.look(anna, "queue")
	webtest.Run(v.t, anna, chromedp.Evaluate(`[...document.querySelectorAll('main a[href*="/ops/review/"]')].find(a => a.textContent.includes("小满面馆")).click()`, nil), webtest.Has("main", v.say("不予开通的业务", "not boarded")))
	one := webtest.Eval[string](v.t, anna, "location.pathname")
	webtest.Run(v.t, anna, chromedp.Evaluate(`document.querySelector("#ask").open = true`, nil), fill("note.shop", "请写全称"), send(one+"/ask"), webtest.Has("main", v.say("待更正", "Correcting")))
	v.look(anna, "asked")

	v.visit(she, "/apply/form", "请写全称")
	v.look(she, "correct")
	webtest.Run(v.t, she, chromedp.Navigate(v.base+"/apply/form/shop"), webtest.Until(`document.querySelector('main form')`), fill("shop", "小满手工面馆"), send("/apply/form/shop"), webtest.Until(`location.pathname !== "/apply/form/shop"`))
	v.visit(she, "/apply/form", v.say("提交审核", "Submit for review"))
	webtest.Run(v.t, she, send("/apply/submit"), webtest.Has("main", v.say("审核员正在看", "a reviewer is looking")))

	var codes []string
	for _, c := range onboarding.ChecklistOf(advice.Micro, onboarding.High) {
		codes = append(codes, c.Code)
	}
	for i, reviewer := range []context.Context{anna, boris} {
		v.visit(reviewer, one, v.say("核对清单", "Checklist"))
		v.look(reviewer, "review")
		webtest.Run(v.t, reviewer, tick("item", codes...), send(one+"/approve"), webtest.Has("main", []string{v.say("待复核", "Second review"), v.say("商户 1000001", "Merchant 1000001")}[i]))
	}
	v.visit(she, "/apply/form", v.say("商户已开通", "you are a merchant"))
	v.look(she, "approved")
	m, err := merchant.ByID(v.t.Context(), v.s.DB.Read(), 1_000_001)
	if err != nil {
		v.t.Fatal(err)
	}
	return m
}

// signs makes the owner's sign-in, reads and signs the contract that was offered meanwhile.
func (v *vendor) signs(she context.Context, m merchant.Merchant) {
	v.t.Helper()
	webtest.Run(v.t, she, finger(), send("/apply/enter"), webtest.Has("h1", "王小满"), chromedp.Evaluate(`document.querySelector("main form button").click()`, nil),
		webtest.Until(`location.pathname === "/security"`), passkey(`form[action='/security/passkeys']`))
	v.look(she, "security")
	v.s.Jobs.RunDue(v.t.Context())
	v.visit(she, "/app/contract", v.say("逐条确认", "clauses are still"))
	v.look(she, "contract")
	webtest.Run(v.t, she, webtest.Until(`(() => { const f = document.querySelector('form[action$="/read"]'); if (!f) return document.readyState === "complete" && document.querySelector("#sign button.primary:not([disabled])"); if (!f.dataset.sent) { f.dataset.sent = 1; f.requestSubmit() } return false })()`))
	webtest.Run(v.t, she, stroke("canvas[data-pad]"), fill("name", "王小满"))
	v.look(she, "sign")
	webtest.Run(v.t, she, chromedp.Evaluate(`document.querySelector("#sign [data-passkey]").click()`, nil), webtest.Has("main", v.say("双方已签署", "Signed by both")))
	v.look(she, "signed")
	webtest.Run(v.t, she, webtest.Until(`document.querySelector('main a[href="/learn"]')`))
	list, err := contract.Of(v.t.Context(), v.s.DB.Read(), m.ID)
	if err != nil || len(list) != 1 || list[0].State != contract.Signed {
		v.t.Fatalf("contracts: %+v, %v", list, err)
	}
}

// learns is refused at the till, and passes the test.
func (v *vendor) learns(she context.Context, m merchant.Merchant) {
	v.t.Helper()
	webtest.Run(v.t, she, chromedp.Navigate(v.base+"/pos"), charging(), keypad("12.50"), tap(`[data-pay="scan"]`), sheet("scan"),
		chromedp.SendKeys("#gun", wallet.Draw(wallet.WeChat)+"\r", chromedp.ByQuery), webtest.Has("body", v.say("培训", "training")))
	v.look(she, "untaught")
	v.visit(she, "/learn", v.say("开始考试", "Begin the test"))
	v.look(she, "learn")
	webtest.Run(v.t, she, send("/learn/test"), webtest.Until(`document.querySelector("fieldset.question")`))
	for text, right := range v.answers() {
		webtest.Run(v.t, she, chromedp.Evaluate(fmt.Sprintf(`(() => { const q = [...document.querySelectorAll("fieldset.question")].find(f => f.querySelector("legend").textContent.includes(%q)); if (q) [...q.querySelectorAll("label")].find(l => l.textContent.trim() === %q).querySelector("input").click() })()`, text, right), nil))
	}
	v.look(she, "test")
	webtest.Run(v.t, she, chromedp.Evaluate(`document.querySelector('main form[action^="/learn/test/"] button').click()`, nil), webtest.Has("main", v.say("您可以收款了", "You may take payments")), webtest.Until(`document.querySelector('main a[href="/pos"]')`))
	v.look(she, "passed")
}

// answers are what is right, by the question, as the vendor reads them.
func (v *vendor) answers() map[string]string {
	v.t.Helper()
	course, err := training.Lessons()
	if err != nil {
		v.t.Fatal(err)
	}
	right := map[string]string{}
	for _, l := range course.Lessons {
		for _, q := range l.Questions {
			right[v.say(q.Text.ZH, q.Text.EN)] = v.say(q.Options[q.Right].ZH, q.Options[q.Right].EN)
		}
	}
	return right
}

// takesMoney takes a first payment by a customer's code, and finds terminal and money in the back office.
func (v *vendor) takesMoney(she context.Context, m merchant.Merchant) {
	v.t.Helper()
	webtest.Run(v.t, she, chromedp.Navigate(v.base+"/pos"), charging(), keypad("12.50"), tap(`[data-pay="scan"]`), sheet("scan"),
		chromedp.SendKeys("#gun", wallet.Draw(wallet.WeChat)+"\r", chromedp.ByQuery), sheet("approved"))
	v.look(she, "paid")
	webtest.Run(v.t, she, chromedp.Navigate(v.base+"/apply/form"), webtest.Has("main", v.say("已下单，等待发货", "ordered")))
	v.look(she, "ordered")
	v.visit(she, "/app", "12.50")
	v.look(she, "today")
	orders, err := onboarding.Orders(v.t.Context(), v.s.DB.Read(), m.ID)
	if err != nil || len(orders) != 1 || orders[0].State != "ordered" {
		v.t.Fatalf("orders: %+v, %v", orders, err)
	}
	page, err := payment.List(v.t.Context(), v.s.DB.Read(), payment.Filter{Merchant: m.ID, Limit: 10})
	if err != nil || len(page.Payments) == 0 || page.Payments[0].Amount.Minor() != 1250 {
		v.t.Fatalf("payments: %+v, %v", page, err)
	}
}
