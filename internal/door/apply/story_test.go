package apply_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/door/apply"
	"hawker/internal/door/console"
	"hawker/internal/institution"
	"hawker/internal/keys"
	"hawker/internal/onboarding"
	"hawker/internal/onboarding/population"
	"hawker/internal/papers"
	"hawker/internal/sandbox/bank"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(webtest.Tests(m)) }

// stage is both doors, with whoever the test says at the console.
type stage struct {
	t      testing.TB
	url    string
	office *onboarding.Office
	bank   *bank.Bank
	r      *rand.Rand

	m   sync.Mutex
	who auth.Who
}

// Authenticate makes whoever the test says of every request.
func (s *stage) Authenticate(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
	s.m.Lock()
	defer s.m.Unlock()
	if s.who.Kind == "" || !strings.HasPrefix(r.URL.Path, "/ops") {
		return r.Context(), nil
	}
	return auth.With(r.Context(), s.who), nil
}

func (s *stage) is(who auth.Who) {
	s.m.Lock()
	defer s.m.Unlock()
	s.who = who
}

var (
	anna  = auth.Who{Kind: auth.Operator, ID: 3, Role: auth.Reviewer, Name: "安娜"}
	boris = auth.Who{Kind: auth.Operator, ID: 4, Role: auth.Reviewer, Name: "鲍里斯"}
)

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

type port struct{ *bank.Bank }

func (p port) Pay(_ context.Context, t onboarding.Transfer) error {
	return p.Bank.Pay(bank.Transfer{Ref: t.Ref, Holder: t.Holder, Account: t.Account, Bank: t.Bank, Amount: t.Amount, Memo: t.Memo})
}

func open(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, r: rand.New(rand.NewPCG(5, 6))} //nolint:gosec // a test
	db := storetest.SQLite(t)
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), now)
	if err != nil {
		t.Fatal(err)
	}
	list, err := institution.Example()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := institution.Import(t.Context(), tx, list, "test", noon)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	offer, err := advice.Standard()
	if err != nil {
		t.Fatal(err)
	}
	if s.bank, err = bank.Open("", now); err != nil {
		t.Fatal(err)
	}
	s.office = onboarding.New(onboarding.Config{DB: db, Keys: ks, Subjects: subject.NewRing(ks, now), Clock: now, Offer: offer, Bank: port{s.bank},
		Boarder: institution.Boarder{Institution: "Z0000000000001", Provider: "F000000000001"}})
	statement := func(account string) (lines []apply.Line) {
		for _, l := range s.bank.Statement(account) {
			lines = append(lines, apply.Line{At: l.At, Amount: l.Amount, Memo: l.Memo})
		}
		return lines
	}
	mux := http.NewServeMux()
	k, err := web.Mount(mux, web.Config{Auth: s, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}, apply.New(apply.Config{Office: s.office, Clock: now, Statement: statement}).Door(),
		console.New(console.Config{DB: db, Office: s.office, Clock: now}).Door())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(k.Guard(mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// client is a browser without pictures.
type client struct {
	*stage
	http *http.Client
	lang string
}

func (s *stage) client(lang string) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{s, &http.Client{Jar: jar}, lang}
}

func (c *client) do(method, path, kind string, body io.Reader) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", c.lang)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// see reads a page that must say something.
func (c *client) see(path, says string) string {
	c.t.Helper()
	status, body := c.do(http.MethodGet, path, "", nil)
	if status != http.StatusOK || !strings.Contains(body, says) {
		c.t.Fatalf("GET %s: %d, does not say %q:\n%s", path, status, says, body)
	}
	return body
}

// send posts a form, whose answer must have a status and say something.
func (c *client) send(path string, want int, says string, pairs ...string) string {
	c.t.Helper()
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	status, body := c.do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(f.Encode()))
	if status != want || !strings.Contains(body, says) {
		c.t.Fatalf("POST %s: %d, want %d that says %q:\n%s", path, status, want, says, body)
	}
	return body
}

func (c *client) photo(name string, want int, says string, content []byte) {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("photo", "photo.jpg")
	if err == nil {
		_, err = part.Write(content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		c.t.Fatal(err)
	}
	status, body := c.do(http.MethodPost, "/apply/photo/"+name, w.FormDataContentType(), &b)
	if status != want || !strings.Contains(body, says) {
		c.t.Fatalf("photo %s: %d, want %d that says %q:\n%s", name, status, want, says, body)
	}
}

// paper draws something like a paper.
func (s *stage) paper() []byte {
	p := image.NewRGBA(image.Rect(0, 0, 640, 400))
	var fields [8][9]uint8
	for y := range 8 {
		for x := range 9 {
			fields[y][x] = uint8(s.r.IntN(256)) //nolint:gosec // a byte
		}
	}
	for y := range 400 {
		for x := range 640 {
			v := fields[y*8/400][x*9/640]
			p.SetRGBA(x, y, color.RGBA{v, v, 255 - v, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		s.t.Fatal(err)
	}
	return b.Bytes()
}

const answers = "kind=micro&business=food_stall&place=street&mobility=stays&cards=none&network=mobile&paper=no&payout=next_day&ticket=15&volume=20000"

// person is made by the algorithms, and nobody.
func (s *stage) person(name string) map[string]string {
	return map[string]string{"holder": name, "id_number": string(papers.MakeID(s.r, 20261125)), "phone": papers.MakeMobile(s.r), "account": "6299900000000000007", "bank": papers.MakeBank(s.r, "2900")}
}

func TestFromTheInterviewToAMerchantInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"zh-CN", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			say := func(zh, en string) string {
				if lang == "en" {
					return en
				}
				return zh
			}
			s := open(t)
			c, p := s.client(lang), s.person("王小满")
			c.see("/apply", say("您做什么生意", "What is your business"))
			c.see("/apply/plans?"+answers, say("扫码音箱", "Sound box"))
			c.see("/apply/plans?"+answers+"&model=counter&fee_plan=simple", say("您自己选的", "Your own choice"))
			if status, body := c.do(http.MethodGet, "/apply/plans?"+strings.Replace(answers, "ticket=15", "ticket=x", 1), "", nil); status != http.StatusUnprocessableEntity || !strings.Contains(body, say("金额请写成", "write the amount")) {
				t.Errorf("an amount that is none: %d", status)
			}
			c.send("/apply/start", http.StatusOK, say("还差 4 项", "4 to go"), choice(t)...)
			c.send("/apply/form/person", http.StatusUnprocessableEntity, say("单独同意", "separate consent"), "holder", "王小满", "id_number", p["id_number"], "id_until", "2036-05-01", "phone", "123")
			c.send("/apply/form/person", http.StatusOK, say("店名", "Shop&#39;s name"), "consent", "identity", "holder", "王小满", "id_number", p["id_number"], "id_until", "2036-05-01", "phone", p["phone"])
			c.send("/apply/form/shop", http.StatusUnprocessableEntity, say("普通文字", "Only plain text"), "shop", "<b>面</b>", "mcc", "5812", "sells", "牛肉面", "region", "310000", "address", "测试路一号")
			c.send("/apply/form/shop", http.StatusOK, say("户名", "Account holder"), "shop", "小满面馆", "mcc", "5812", "sells", "代还信用卡", "region", "310000", "address", "测试路一号")
			c.send("/apply/form/account", http.StatusUnprocessableEntity, say("必须和经营者姓名一致", "The holder must be you"), "consent", "account", "account_kind", "personal", "account_holder", "别人", "account", p["account"], "bank", p["bank"])
			c.send("/apply/form/account", http.StatusOK, say("身份证人像面", "the side with the picture"), "account_kind", "personal", "account_holder", "王小满", "account", papers.MakeCard(s.r), "bank", p["bank"])
			c.photo("id_front", http.StatusUnprocessableEntity, "JPEG", []byte("%PDF-1.7"))
			for _, name := range []string{"id_front", "id_back", "front"} {
				c.photo(name, http.StatusOK, "/apply/photo/"+name, s.paper())
			}
			if status, body := c.do(http.MethodGet, "/apply/photo/id_front", "", nil); status != http.StatusOK || !strings.HasPrefix(body, "\xff\xd8\xff") {
				t.Errorf("her own photo: %d", status)
			}
			body := c.see("/apply/form", say("打一笔验证款", "Send the small amount"))
			link := regexp.MustCompile(`/apply/open/[a-z2-7]{32}`).FindString(body)
			c.send("/apply/account", http.StatusOK, say("模拟银行的到账记录", "simulated bank"))
			seen := regexp.MustCompile(`<b>(0\.\d\d)</b>`).FindStringSubmatch(c.see("/apply/form", ""))
			if seen == nil || link == "" {
				t.Fatalf("no amount or no link in\n%s", body)
			}
			c.send("/apply/account/answer", http.StatusOK, say("账户已验证", "The account is verified"), "seen", seen[1])
			c.send("/apply/submit", http.StatusOK, say("审核员正在看", "a reviewer is looking"))

			// At the console: what was found, a correction, and two reviewers.
			console := s.client(lang)
			if status, _ := console.do(http.MethodGet, "/ops/review", "", nil); status == http.StatusOK {
				t.Error("the queue is open to nobody in particular")
			}
			s.is(anna)
			id := regexp.MustCompile(`/ops/review/(\d+)"`).FindStringSubmatch(console.see("/ops/review", "小满面馆"))
			if id == nil {
				t.Fatal("the queue has no application")
			}
			one := "/ops/review/" + id[1]
			move := func() string {
				return regexp.MustCompile(`name="seen" value="(\d+)"`).FindStringSubmatch(console.see(one, say("不予开通的业务", "not boarded")))[1]
			}
			if status, b := console.do(http.MethodGet, one+"/photo/id_front", "", nil); status != http.StatusOK || !strings.HasPrefix(b, "\xff\xd8\xff") {
				t.Errorf("the photo at the console: %d", status)
			}
			console.send(one+"/approve", http.StatusUnprocessableEntity, say("还没有全部勾选", "checklist is not complete"), "seen", move())
			console.send(one+"/approve", http.StatusUnprocessableEntity, say("有变化", "has changed"), "seen", "1")
			console.send(one+"/ask", http.StatusOK, say("待更正", "Correcting"), "seen", move(), "note.shop", "请写全称")
			c.see("/apply/form", "请写全称")
			other := s.client(lang) // on another device
			other.see(link, "请写全称")
			other.send("/apply/form/shop", http.StatusOK, say("户名", "Account holder"), "shop", "小满手工面馆", "mcc", "5812", "sells", "代还信用卡", "region", "310000", "address", "测试路一号")
			other.send("/apply/submit", http.StatusOK, say("审核员正在看", "a reviewer is looking"))
			var ticked []string
			for _, i := range onboarding.ChecklistOf(advice.Micro, onboarding.High) {
				ticked = append(ticked, "item", i.Code)
			}
			console.send(one+"/approve", http.StatusOK, say("待复核", "Second review"), append(ticked, "seen", move(), "said", "")...)
			console.send(one+"/approve", http.StatusUnprocessableEntity, say("需要另一位同事", "a colleague must be the second"), append(ticked, "seen", move())...)
			s.is(boris)
			console.send(one+"/approve", http.StatusOK, say("商户 1000001", "Merchant 1000001"), append(ticked, "seen", move(), "said", "欢迎")...)
			c.see("/apply/form", say("商户已开通", "you are a merchant"))
			console.see("/ops/register", "到期服务")
			console.see("/ops/register/provider/F000000000001", "1000001")
		})
	}
}

// choice is the interview's answers with a plan, as the form sends them.
func choice(t *testing.T) (pairs []string) {
	t.Helper()
	q, err := url.ParseQuery(answers + "&model=soundbox&fee_plan=simple")
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range q {
		pairs = append(pairs, k, v[0])
	}
	return pairs
}

// look has axe judge a page on a phone and on a desk, in one language and light each; and in
// every one when pictures are kept.
func look(t *testing.T, ctx context.Context, base, path, name string) {
	t.Helper()
	if webtest.Shooting() {
		webtest.Look(t, ctx, base, path, name)
		return
	}
	for i, size := range []webtest.Size{webtest.Phone, webtest.Desk} {
		odd := (len(name)+i)%2 == 1
		webtest.Run(t, ctx, webtest.Screen(size), webtest.Prefers(odd), webtest.Speaks(map[bool]string{false: "zh-CN", true: "en"}[odd]), chromedp.Navigate(base+path))
		webtest.Axe(t, ctx)
		webtest.Wide(t, ctx)
		webtest.Small(t, ctx)
		if t.Failed() {
			t.Fatalf("%s, size %v", path, size)
		}
	}
}

func TestEveryPageCanBeUsedByApplicantsAndReviewers(t *testing.T) {
	t.Parallel()
	s := open(t)
	people := population.Make(7, 40, noon)
	list := make([]onboarding.Sample, len(people))
	for i, p := range people {
		list[i] = p.Sample
	}
	ids, err := s.office.Load(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	c := s.client("zh-CN")
	link := regexp.MustCompile(`/apply/open/[a-z2-7]{32}`).FindString(c.send("/apply/start", http.StatusOK, "还差 4 项", choice(t)...))

	ctx := webtest.Browser(t)
	look(t, ctx, s.url, "/apply", "apply-interview")
	look(t, ctx, s.url, "/apply/plans?"+answers, "apply-plans")
	webtest.Run(t, ctx, chromedp.Navigate(s.url+link))
	look(t, ctx, s.url, "/apply/form", "apply-form")
	s.is(anna)
	for name, path := range map[string]string{"overview": "/ops", "queue": "/ops/review", "one": fmt.Sprintf("/ops/review/%d", ids[0]), "register": "/ops/register", "entry": "/ops/register/provider/F000000000001"} {
		look(t, ctx, s.url, path, "console-"+name)
	}
	// A number is read, copied and told by telephone: on a phone it stands in one line.
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), chromedp.Navigate(s.url+"/ops/review"))
	if lines := webtest.Eval[[]int](t, ctx, `[...document.querySelectorAll("tbody tr small")].map((e) => { const r = document.createRange(); r.setStart(e.querySelector("span").firstChild, 0); r.setEnd(e.querySelector("span").firstChild, e.querySelector("span").textContent.length); return r.getClientRects().length; })`); len(lines) < 3 || slices.Max(lines) != 1 {
		t.Errorf("the numbers of applications stand in %v lines", lines)
	}
	webtest.Wide(t, ctx)
}

func TestAStrangersDeviceOpensNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.client("en")
	for _, path := range []string{"/apply/form", "/apply/form/person"} {
		c.see(path, "Apply to take payments") // sent back to the beginning
	}
	for path, want := range map[string]int{"/apply/photo/id_front": http.StatusNotFound, "/apply/open/" + strings.Repeat("a", 32): http.StatusNotFound} {
		if status, _ := c.do(http.MethodGet, path, "", nil); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/apply/submit", "/apply/withdraw", "/apply/account", "/apply/form/person"} {
		c.send(path, http.StatusNotFound, "no such application")
	}
	s.is(auth.Who{Kind: auth.Operator, ID: 9, Role: auth.Support, Name: "S"})
	for _, path := range []string{"/ops/review", "/ops/review/1", "/ops/review/1/photo/id_front"} {
		if status, _ := c.do(http.MethodGet, path, "", nil); status != http.StatusForbidden {
			t.Errorf("support reads %s: %d", path, status)
		}
	}
	s.is(anna)
	if status, _ := c.do(http.MethodGet, "/ops/review/"+fmt.Sprint(7), "", nil); status != http.StatusNotFound {
		t.Errorf("an application that is none: %d", status)
	}
}
