package check_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/door/check"
	"hawker/internal/feedback"
	"hawker/internal/institution"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/standing"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(webtest.Tests(m)) }

type stage struct {
	url  string
	book *standing.Book
	said *feedback.Board
	at   atomic.Int64 // minutes
}

func open(t *testing.T, each int) *stage {
	t.Helper()
	s := &stage{}
	now := func() time.Time { return time.Date(2026, 11, 25, 4, int(s.at.Load()), 0, 0, time.UTC) }
	db := storetest.SQLite(t)
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), now)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../../docs/register-example.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := institution.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := institution.Import(t.Context(), tx, list, "test", now()); err != nil {
			return err
		}
		m := merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812", Currency: money.CNY, Zone: time.UTC, State: merchant.Active}
		if err := merchant.Add(t.Context(), tx, m, now()); err != nil {
			return err
		}
		if err := onboarding.Record(t.Context(), tx, onboarding.Boarding{Merchant: 1, Kind: advice.Micro, Institution: "Z0000000000001", Provider: "F000000000001", At: now()}); err != nil {
			return err
		}
		return terminal.Add(t.Context(), tx, terminal.Terminal{Merchant: 1, ID: "T0000001", Serial: "SN-1001", Model: "H1", State: terminal.Active, Batch: 1, BatchDay: 20261125})
	}); err != nil {
		t.Fatal(err)
	}
	s.book = &standing.Book{DB: db, Keys: ks, Clock: now}
	s.said = feedback.Open(db, now, func(_ context.Context, m merchant.ID, _ string) (feedback.Target, error) {
		return feedback.Target{Kind: feedback.Provider, Number: "F000000000001", Name: "示例服务"}, nil
	})
	mux := http.NewServeMux()
	k, err := web.Mount(mux, web.Config{}, check.New(check.Config{Book: s.book, Clock: now, Each: each, Reviews: s.said}).Door())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(k.Guard(mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *stage) get(t *testing.T, path, lang string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Language", lang)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func TestAnybodySeesWhetherItIsRegular(t *testing.T) {
	t.Parallel()
	s := open(t, 1000)
	code, err := s.book.Code(t.Context(), "SN-1001")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, lang, says string }{
		{"/check", "zh-CN", "查一查是否正规"},
		{"/check?q=Z0000000000001", "zh-CN", "支付业务许可证有效"},
		{"/check?q=xiaoman", "en", "filing as an acquiring service provider is valid"},
		{"/check?q=nobody", "en", "Nothing found"},
		{"/check?q=%3Cscript%3Ealert(1)%3C/script%3E", "en", "&lt;script&gt;"},
		{"/check/t/SN-1001/" + code, "zh-CN", "登记给这家商户"},
		{"/check/t/SN-1001/" + code, "en", "Xiaoman Noodles"},
		{"/check/t/SN-1001/aaaa", "en", "counterfeit"},
		{"/check/t/SN-9999/aaaa", "zh-CN", "假机器"},
	} {
		if status, body := s.get(t, c.path, c.lang); status != http.StatusOK || !strings.Contains(body, c.says) || strings.Contains(body, "<script>alert") {
			t.Errorf("%s (%s): %d, does not say %q", c.path, c.lang, status, c.says)
		}
	}
}

func TestWhoAsksTooOftenWaitsAMinute(t *testing.T) {
	t.Parallel()
	s := open(t, 3)
	for i := range 5 {
		want := http.StatusOK
		if i >= 3 {
			want = http.StatusTooManyRequests
		}
		if status, _ := s.get(t, fmt.Sprintf("/check?q=number%d", i), "en"); status != want {
			t.Errorf("question %d: %d", i, status)
		}
	}
	if status, _ := s.get(t, "/check", "en"); status != http.StatusOK {
		t.Errorf("the page without a question: %d", status)
	}
	if status, body := s.get(t, "/check/t/SN-1001/aaaa", "en"); status != http.StatusTooManyRequests || strings.Contains(body, "counterfeit") {
		t.Errorf("a label: %d", status)
	}
	s.at.Add(1)
	if status, _ := s.get(t, "/check?q=again", "en"); status != http.StatusOK {
		t.Errorf("a minute later: %d", status)
	}
}

func TestThePageLooksRight(t *testing.T) {
	t.Parallel()
	s := open(t, 1000)
	code, err := s.book.Code(t.Context(), "SN-1001")
	if err != nil {
		t.Fatal(err)
	}
	ctx := webtest.Browser(t)
	webtest.Look(t, ctx, s.url, "/check?q=%E6%9C%8D%E5%8A%A1", "check-providers")
	webtest.Look(t, ctx, s.url, "/check/t/SN-1001/"+code, "check-label")
	if webtest.Shooting() {
		webtest.Look(t, ctx, s.url, "/check/t/SN-1001/x", "check-forged")
	}
}

// What merchants said of a provider is beside what the register says of it, once somebody has
// looked at it; an average is stated from three reviews on.
func TestTheProvidersReviewsAreShown(t *testing.T) {
	t.Parallel()
	s := open(t, 1000)
	moderator := auth.Who{Kind: auth.Operator, ID: 3, Role: auth.Support, Name: "Mo"}
	for n, stars := range []int{5, 4, 4} {
		owner := auth.Who{Kind: auth.Staff, ID: 5, Merchant: merchant.ID(n + 1), Role: auth.Owner, Name: "Wang"}
		text := fmt.Sprintf("讲解清楚，第 %d 天就能收款了，很满意。", n+1)
		if _, err := s.said.Write(t.Context(), owner, "provider/F000000000001", stars, text); err != nil {
			t.Fatal(err)
		}
		if _, body := s.get(t, "/check?q=F000000000001", "zh-CN"); strings.Contains(body, text) {
			t.Error("public before it was looked at")
		}
		if _, err := s.said.Moderate(t.Context(), moderator, merchant.ID(n+1), "provider/F000000000001", true, ""); err != nil {
			t.Fatal(err)
		}
		says := map[string][]string{"zh-CN": {text, "满 3 条才显示平均分"}, "en": {text, "an average is shown from three on"}}
		if n == 2 {
			if _, err := s.said.Answer(t.Context(), moderator, 3, "provider/F000000000001", "谢谢您的评价"); err != nil {
				t.Fatal(err)
			}
			says = map[string][]string{"zh-CN": {text, "3 条评价，平均 4.3 星", "谢谢您的评价"}, "en": {text, "3 reviews, 4.3 of 5 stars"}}
		}
		for lang, parts := range says {
			_, body := s.get(t, "/check?q=F000000000001", lang)
			for _, part := range parts {
				if !strings.Contains(body, part) {
					t.Errorf("%d reviews, %s: the page does not say %q", n+1, lang, part)
				}
			}
		}
	}
	if _, body := s.get(t, "/check?q=Z0000000000001", "zh-CN"); strings.Contains(body, "商户评价") {
		t.Error("the institution has the provider's reviews")
	}
	ctx := webtest.Browser(t)
	for _, size := range []webtest.Size{webtest.Phone, webtest.Desk} {
		webtest.Run(t, ctx, webtest.Screen(size), webtest.Speaks("zh-CN"), chromedp.Navigate(s.url+"/check?q=F000000000001"), webtest.Has("main", "平均 4.3 星"))
		webtest.Axe(t, ctx)
		webtest.Wide(t, ctx)
		if webtest.Shooting() {
			webtest.Shot(t, ctx, fmt.Sprint("check-said-", size.Width))
		}
	}
}
