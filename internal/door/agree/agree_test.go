package agree_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"hawker/internal/auth"
	"hawker/internal/contract"
	"hawker/internal/door/agree"
	"hawker/internal/feedback"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/privacy"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
	"hawker/internal/training"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(webtest.Tests(m)) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

// world is a merchant, his owner with one-time codes, and everything that is agreed with him.
type world struct {
	t       *testing.T
	m       sync.Mutex
	now     time.Time
	who     auth.Who
	db      *store.DB
	shop    merchant.Merchant
	guard   *auth.Guard
	owner   auth.Who
	secret  string
	fees    *feelock.Book
	desk    *contract.Desk
	school  *training.School
	privacy *privacy.Office
	jobs    *jobs.Runner
	url     string
}

func (w *world) clock() time.Time {
	w.m.Lock()
	defer w.m.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.m.Lock()
	defer w.m.Unlock()
	w.now = w.now.Add(d)
}

// as makes whoever opens a page somebody else.
func (w *world) as(who auth.Who) {
	w.m.Lock()
	defer w.m.Unlock()
	w.who = who
}

// Authenticate is the world's, for the kit.
func (w *world) Authenticate(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
	w.m.Lock()
	defer w.m.Unlock()
	if w.who.Kind == "" {
		return r.Context(), nil
	}
	return auth.With(r.Context(), w.who), nil
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// code is the owner's next one-time code.
func (w *world) code() string {
	w.t.Helper()
	w.pass(30 * time.Second)
	return must[string](w.t)(totp.GenerateCode(w.secret, w.clock()))
}

var (
	one = auth.Who{Kind: auth.Operator, ID: 1, Role: auth.Finance, Name: "Fei"}
	two = auth.Who{Kind: auth.Operator, ID: 2, Role: auth.Finance, Name: "Min"}
	adm = auth.Who{Kind: auth.Operator, ID: 3, Role: auth.Admin, Name: "Ad"}
)

func open(t *testing.T) *world {
	t.Helper()
	db, ctx := storetest.SQLite(t), t.Context()
	w := &world{t: t, now: noon, db: db}
	zone := must[*time.Location](t)(time.LoadLocation("Asia/Shanghai"))
	w.shop = merchant.Merchant{ID: 7, MID: "100290058120007", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812",
		Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}
	ks := must[*keys.Keystore](t)(keys.Open(ctx, db, filepath.Join(t.TempDir(), "master.key"), w.clock))
	if err := db.Write(ctx, func(tx *store.Tx) error { return merchant.Add(ctx, tx, w.shop, noon) }); err != nil {
		t.Fatal(err)
	}
	w.guard = must[*auth.Guard](t)(auth.Open(auth.Config{DB: db, Keys: ks, Clock: w.clock, Site: "http://localhost:8080"}))
	from := auth.Origin{Address: "192.0.2.7", Agent: "a browser"}
	link := must[string](t)(w.guard.FirstLink(ctx, auth.NewAccount{Merchant: 7, Login: "owner.7", Name: "王小明", Role: auth.Owner}))
	e, _, err := w.guard.OpenLink(ctx, link, from)
	if err != nil {
		t.Fatal(err)
	}
	w.owner = must[auth.Who](t)(w.guard.Find(ctx, e.Token, from))
	enrolment, ticket, err := w.guard.NewTOTP(ctx, w.owner)
	if err != nil {
		t.Fatal(err)
	}
	w.secret = strings.ReplaceAll(enrolment.Secret, " ", "")
	must[[]string](t)(w.guard.ConfirmTOTP(ctx, w.owner, ticket, must[string](t)(totp.GenerateCode(w.secret, w.clock()))))
	w.jobs = jobs.NewRunner(db, w.clock, slog.New(slog.DiscardHandler))
	w.fees = feelock.Open(feelock.Config{DB: db, Seal: ks, Clock: w.clock, Jobs: w.jobs})
	t.Cleanup(w.fees.Close)
	ring := subject.NewRing(ks, w.clock)
	w.desk = must[*contract.Desk](t)(contract.Open(contract.Config{DB: db, Keys: ks, Ring: ring, Fees: w.fees, Jobs: w.jobs, Clock: w.clock,
		Institution: func(context.Context, merchant.Merchant) (contract.Party, error) {
			return contract.Party{NameZH: "样例支付有限公司", NameEN: "Sample Payments Ltd", Licence: "Z0000000000000"}, nil
		}}))
	w.school = must[*training.School](t)(training.Open(db, ks, w.clock))
	w.privacy = privacy.Open(privacy.Config{DB: db, Ring: ring, Clock: w.clock})
	door := agree.Door(agree.Config{DB: db, Clock: w.clock, Guard: w.guard, Fees: w.fees, Contracts: w.desk, School: w.school, Privacy: w.privacy,
		Reviews: feedback.Open(db, w.clock, func(context.Context, merchant.ID, string) (feedback.Target, error) {
			return sample, nil
		}), Served: func(ctx context.Context, m merchant.ID) (list []feedback.Service, err error) {
			signed, err := contract.Of(ctx, db.Read(), m)
			for _, c := range signed {
				if !c.Signed.IsZero() {
					list = append(list, feedback.Service{Relation: c.Object(), Target: sample, Done: c.Signed})
				}
			}
			return list, err
		}})
	mux := http.NewServeMux()
	k := must[*web.Kit](t)(web.Mount(mux, web.Config{Auth: w, Place: func(context.Context, auth.Who) string { return w.shop.NameZH }}, door))
	server := httptest.NewServer(k.Guard(mux))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.as(w.owner)
	return w
}

// sample is who serves the world's merchant.
var sample = feedback.Target{Kind: feedback.Institution, Number: "Z0000000000000", Name: "样例支付有限公司"}

func rate(kind string, bp money.BasisPoints, limit int64) feelock.Rate {
	return feelock.Rate{Line: feelock.Line{Method: "card", CardKind: kind}, FeePlan: merchant.FeePlan{Rate: bp, Cap: money.New(limit, money.CNY)}}
}

func (w *world) offer() (c contract.Contract) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) (err error) {
		c, err = w.desk.Offer(w.t.Context(), tx, "operator/3", w.shop, "merchant", rate("debit", 50, 2000), rate("credit", 60, 0))
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// send posts a form as whoever is signed in and follows to where it leads.
func (w *world) send(path string, pairs ...string) (int, string) {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return w.do(http.MethodPost, path, form)
}

func (w *world) get(path string) (int, string) { return w.do(http.MethodGet, path, nil) }

func (w *world) do(method, path string, form url.Values) (int, string) {
	w.t.Helper()
	r := must[*http.Request](w.t)(http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	resp := must[*http.Response](w.t)(http.DefaultClient.Do(r))
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, string(must[[]byte](w.t)(io.ReadAll(resp.Body)))
}

// signHere reads, acknowledges and signs in the browser, as a person does.
func (w *world) signHere(ctx context.Context) {
	w.t.Helper()
	webtest.Run(w.t, ctx, webtest.Screen(webtest.Phone), webtest.Speaks("en"), chromedp.Navigate(w.url+"/app/contract"))
	for range 20 {
		if webtest.Eval[int](w.t, ctx, `document.querySelectorAll(".clause form").length`) == 0 {
			break
		}
		before := webtest.Eval[int](w.t, ctx, `document.querySelectorAll(".clause form").length`)
		said := strconv.Itoa(before-1) + " highlighted clauses"
		if before == 1 {
			said = "All highlighted clauses are acknowledged"
		}
		webtest.Run(w.t, ctx, chromedp.Click(".clause form button", chromedp.ByQuery), webtest.Has("main", said))
	}
	webtest.Run(w.t, ctx, chromedp.ScrollIntoView("canvas[data-pad]", chromedp.ByQuery), chromedp.ActionFunc(func(ctx context.Context) error {
		var box struct{ X, Y, W, H float64 }
		if err := chromedp.Evaluate(`(() => { const b = document.querySelector("canvas[data-pad]").getBoundingClientRect(); return {X: b.x, Y: b.y, W: b.width, H: b.height}; })()`, &box).Do(ctx); err != nil {
			return err
		}
		at := func(kind input.MouseType, x, y float64) error {
			return input.DispatchMouseEvent(kind, box.X+x*box.W, box.Y+y*box.H).WithButton(input.Left).WithButtons(1).WithClickCount(1).Do(ctx)
		}
		if err := at(input.MousePressed, .15, .5); err != nil {
			return err
		}
		for i := range 30 {
			y := []float64{.25, .75}[i%2]
			if err := at(input.MouseMoved, .15+float64(i)*.022, y); err != nil {
				return err
			}
		}
		return at(input.MouseReleased, .8, .5)
	}))
	webtest.Run(w.t, ctx, chromedp.SendKeys("#f-name", "王小明", chromedp.ByQuery), chromedp.SendKeys("#f-proof", w.code(), chromedp.ByQuery))
}

func TestAnOwnerReadsSignsAndHasHisFees(t *testing.T) {
	t.Parallel()
	w := open(t)
	c := w.offer()
	ctx := webtest.Browser(t)
	w.signHere(ctx)
	webtest.Run(t, ctx, chromedp.Click("form[data-signing] button.primary", chromedp.ByQuery), webtest.Has("main", "Signed by both"))
	c = must[contract.Contract](t)(contract.ByID(t.Context(), w.db.Read(), 7, c.ID))
	signatures := must[[]contract.Signature](t)(w.desk.Signatures(t.Context(), c))
	if c.State != contract.Signed || len(signatures) != 2 || len(signatures[0].Drawing) < 500 {
		t.Fatalf("%s, %d signatures", c.State, len(signatures))
	}
	webtest.Run(t, ctx, chromedp.Navigate(w.url+"/app/fees"), webtest.Has("main", "0.50%, at most 20.00 CNY"), webtest.Has("main", "By contract"))
	if code, body := w.get("/app/contract/" + strconv.FormatInt(c.ID, 10) + "/pdf"); code != 200 || !strings.HasPrefix(body, "%PDF-1.") {
		t.Error(code, body[:min(200, len(body))])
	}
	// A cashier sees none of it, another merchant's owner nothing of this one.
	cashier := w.owner
	cashier.Role = auth.Cashier
	w.as(cashier)
	if code, _ := w.get("/app/contract"); code != http.StatusForbidden {
		t.Error("a cashier reads the contract:", code)
	}
	stranger := w.owner
	stranger.Merchant = 8
	w.as(stranger)
	if code, _ := w.get("/app/contract/" + strconv.FormatInt(c.ID, 10) + "/pdf"); code != http.StatusNotFound {
		t.Error("a stranger has a copy:", code)
	}
	w.as(auth.Who{})
	if code, _ := w.get("/learn/check"); code != 200 {
		t.Error("checking a certificate asks for an account:", code)
	}
}

func TestASignatureThatIsNotWholeIsRefusedBeforeTheProofIsSpent(t *testing.T) {
	t.Parallel()
	w := open(t)
	c := w.offer()
	at, code := "/app/contract/"+strconv.FormatInt(c.ID, 10), w.code()
	if status, body := w.send(at+"/sign", "digest", strings.Repeat("0", 64), "name", "王小明", "proof_means", "totp", "proof_code", code); status != 422 || !strings.Contains(body, "not the contract to be signed") {
		t.Error(status)
	}
	digest := "x"
	if _, body := w.get("/app/contract"); true {
		_, rest, _ := strings.Cut(body, `name="digest" value="`)
		digest, _, _ = strings.Cut(rest, `"`)
	}
	if status, body := w.send(at+"/sign", "digest", digest, "name", "王小明", "proof_means", "totp", "proof_code", code); status != 422 || !strings.Contains(body, "draw your whole signature") {
		t.Error("without a drawing:", status)
	}
	if status, body := w.send(at+"/read", "clause", "nothing"); status != 422 || !strings.Contains(body, "no such clause") {
		t.Error("a clause that is not there:", status)
	}
	for _, bad := range []string{"/app/contract/0/sign", "/app/contract/x/sign", "/app/contract/9223372036854775808/read"} {
		if status, _ := w.send(bad); status != http.StatusNotFound {
			t.Error(bad, status)
		}
	}
	// The code was not spent: it still proves who he is.
	if _, err := w.guard.StepUp(t.Context(), w.owner, auth.FeeConsent, "fee/1", auth.Proof{Means: auth.ByTOTP, Code: code}); err != nil {
		t.Error(err)
	}
}

func TestAFeeIsProposedByOneApprovedByAnotherAndAgreedToByTheOwner(t *testing.T) {
	t.Parallel()
	w := open(t)
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		return w.fees.Board(t.Context(), tx, w.shop, feelock.Seeded("a test"), noon.Add(-time.Hour), rate("debit", 50, 2000))
	}); err != nil {
		t.Fatal(err)
	}
	w.as(one)
	draft := []string{"mid", w.shop.MID, "line", "card/debit", "points", "0.55", "cap", "20.00", "from", "2026-12-31", "otherwise", "keep", "reason", "The network costs more."}
	if code, body := w.send("/ops/fees", append(slices.Clone(draft), "from", "2026-11-30")...); code != 422 || !strings.Contains(body, "thirty days") {
		t.Error("too soon:", code)
	}
	if code, body := w.send("/ops/fees", append(slices.Clone(draft), "points", "abc")...); code != 422 || !strings.Contains(body, "This is no fee") {
		t.Error("no rate:", code)
	}
	if code, body := w.send("/ops/fees", draft...); code != 200 || !strings.Contains(body, "Waits for a second person") {
		t.Fatal(code, body)
	}
	list := must[[]feelock.Proposal](t)(feelock.InState(t.Context(), w.db.Read(), feelock.Proposed, 9))
	at := "/ops/fees/7/" + strconv.FormatInt(list[0].ID, 10)
	if code, body := w.send(at + "/approve"); code != 422 || !strings.Contains(body, "another person must") {
		t.Error("approved by its proposer:", code)
	}
	w.as(two)
	if code, _ := w.send(at + "/approve"); code != 200 {
		t.Fatal(code)
	}
	w.jobs.RunDue(t.Context())
	w.as(w.owner)
	if code, _ := w.get("/ops/fees"); code != http.StatusForbidden {
		t.Error("an owner sees operators' pages:", code)
	}
	ctx := webtest.Browser(t)
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), webtest.Speaks("en"), chromedp.Navigate(w.url+"/app/fees"), webtest.Has("main", "would be 0.55 CNY"), webtest.Has("nav", "1"))
	webtest.Run(t, ctx, chromedp.SendKeys("#f-proof", "000000", chromedp.ByQuery), chromedp.Click("form[action$=agree] button.primary", chromedp.ByQuery), webtest.Has("main", "That was not right"))
	webtest.Run(t, ctx, chromedp.SendKeys("#f-proof", w.code(), chromedp.ByQuery), chromedp.Click("form[action$=agree] button.primary", chromedp.ByQuery), webtest.Has("main", "You agreed"))
	changes := must[[]feelock.Change](t)(w.fees.History(t.Context(), 7, w.shop.Currency))
	if len(changes) != 2 || changes[0].Rate.Rate != 55 || changes[0].Kind != feelock.Agreed || changes[0].By != "王小明" {
		t.Errorf("%+v", changes)
	}
}

func TestACashierLearnsAndIsCertified(t *testing.T) {
	t.Parallel()
	w := open(t)
	ctx := webtest.Browser(t)
	webtest.Run(t, ctx, webtest.Screen(webtest.Phone), webtest.Speaks("en"), chromedp.Navigate(w.url+"/learn"), webtest.Has("main", "before you first take a payment"))
	webtest.Run(t, ctx, chromedp.Click(".lessons a", chromedp.ByQuery), webtest.Has("h1", "customer's card"))
	webtest.Run(t, ctx, chromedp.Navigate(w.url+"/learn"), chromedp.Click("form[action='/learn/test'] button", chromedp.ByQuery), webtest.Has("h1", "Test"))
	id := must[int64](t)(strconv.ParseInt(webtest.Eval[string](t, ctx, `location.pathname.split("/").pop()`), 10, 64))
	_, list, err := w.school.Paper(t.Context(), w.owner, id)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range list {
		webtest.Run(t, ctx, chromedp.Click(`input[name=q`+strconv.Itoa(i)+`][value="`+strconv.Itoa(slices.Index(q.Order, q.Right))+`"]`, chromedp.ByQuery))
	}
	webtest.Run(t, ctx, chromedp.Click("form[action^='/learn/test/'] button", chromedp.ByQuery), webtest.Has("main", "12 of 12 right"))
	if err := w.school.May(t.Context(), w.owner); err != nil {
		t.Error(err)
	}
	c, ok, err := w.school.Latest(t.Context(), 7, w.owner.ID)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	webtest.Run(t, ctx, chromedp.Navigate(w.url+"/learn/check?number="+c.Number()), webtest.Has("main", "Genuine and valid"), webtest.Has("main", "王**"))
	if code, body := w.get("/learn/certificate?number=" + c.Number()); code != 200 || !strings.HasPrefix(body, "%PDF-1.") {
		t.Error(code)
	}
	if code, body := w.get("/learn/check?number=HT-7-ABC"); code != 422 || !strings.Contains(body, "no certificate of that number") {
		t.Error(code)
	}
}

func TestDataIsCopiedAskedForAndReviewsAreModerated(t *testing.T) {
	t.Parallel()
	w := open(t)
	if code, body := w.get("/app/privacy/copy.json"); code != 200 || !strings.Contains(body, `"map"`) {
		t.Error(code)
	}
	if code, body := w.get("/app/privacy/copy.pdf"); code != 200 || !strings.HasPrefix(body, "%PDF-1.") {
		t.Error(code)
	}
	if code, _ := w.send("/app/privacy", "kind", "correction", "body", "x"); code != 422 {
		t.Error("a correction without words:", code)
	}
	if code, body := w.send("/app/privacy", "kind", "correction", "body", "The English name is Xiaoman Noodle House."); code != 200 || !strings.Contains(body, "In progress") {
		t.Error(code)
	}
	if code, body := w.send("/app/feedback", "relation", "contract/1", "stars", "5", "body", "Call me: 138 0000 1234"); code != 422 || strings.Contains(body, "138 0000") {
		t.Error(code)
	}
	if code, body := w.send("/app/feedback", "relation", "contract/1", "stars", "4", "body", "Quick, clear, and what was promised."); code != 200 || !strings.Contains(body, "Being looked at") {
		t.Error(code)
	}
	w.as(adm)
	if code, body := w.get("/ops/reviews"); code != 200 || !strings.Contains(body, "what was promised") {
		t.Error(code)
	}
	if code, _ := w.send("/ops/reviews", "merchant", "7", "relation", "contract/1", "do", "publish"); code != 200 {
		t.Error(code)
	}
	if code, body := w.send("/ops/reviews", "merchant", "7", "relation", "contract/1", "do", "answer", "text", "Thank you very much."); code != 200 || strings.Contains(body, "what was promised") {
		t.Error(code)
	}
	queue := must[[]privacy.Request](t)(w.privacy.Queue(t.Context(), 9))
	if code, _ := w.send("/ops/privacy", "merchant", "7", "id", strconv.FormatInt(queue[0].ID, 10), "do", "grant", "text", "Corrected today."); code != 200 {
		t.Error(code)
	}
	// An operator offers a contract; that he opens it, and what for, the merchant sees.
	if code, body := w.send("/ops/contracts", "mid", w.shop.MID, "rate.card.debit", "0.50", "cap.card.debit", "20.00"); code != 200 || !strings.Contains(body, "Waits for your signature") {
		t.Fatal(code, body)
	}
	c := must[[]contract.Contract](t)(contract.Of(t.Context(), w.db.Read(), 7))[0]
	at := "/ops/contracts/7/" + strconv.FormatInt(c.ID, 10) + "/pdf"
	if code, _ := w.get(at); code != 422 {
		t.Error("opened for nothing:", code)
	}
	if code, _ := w.get(at + "?for=complaint+12"); code != 200 {
		t.Error(code)
	}
	w.as(w.owner)
	if code, body := w.get("/app/privacy"); code != 200 || !strings.Contains(body, "complaint 12") || !strings.Contains(body, "Corrected today.") {
		t.Error(code)
	}
}
