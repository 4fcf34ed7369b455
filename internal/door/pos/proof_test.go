package pos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/payment"
	"hawker/internal/web/webtest"
)

// guarded gives the stand a guard and an owner with an account of his own, who has no way to
// prove himself yet. Passkeys belong to names: the stand is found by its machine's.
func (s *stand) guarded(t *testing.T) (*auth.Guard, auth.Who) {
	t.Helper()
	s.server.URL = strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1)
	g, err := auth.Open(auth.Config{DB: s.db, Keys: s.keys, Clock: clock.System, Site: s.server.URL})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := g.FirstLink(t.Context(), auth.NewAccount{Merchant: 1, Login: "chenchen", Name: "陈晨", Role: auth.Owner})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := g.OpenLink(t.Context(), secret, auth.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	who, err := g.Find(t.Context(), e.Token, auth.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	s.screen.Guard = g
	s.is(who)
	return g, who
}

// passkey makes one in the browser, as the page of one's own proofs does.
func passkey(t *testing.T, ctx context.Context, g *auth.Guard, who auth.Who, lib string) {
	t.Helper()
	q, err := g.NewPasskey(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	webtest.Run(t, ctx, chromedp.Evaluate(fmt.Sprintf(`(async () => {
		await new Promise((done, failed) => document.head.append(Object.assign(document.createElement("script"), { src: %q, onload: done, onerror: failed })));
		window.made = await SimpleWebAuthnBrowser.startRegistration({ optionsJSON: %s });
		delete window.SimpleWebAuthnBrowser;
	})()`, lib, q.Options), nil), chromedp.Poll(`window.made`, nil))
	if err := g.AddPasskey(t.Context(), who, q.Ticket, "手机", webtest.Eval[json.RawMessage](t, ctx, `window.made`)); err != nil {
		t.Fatal(err)
	}
}

// TestABigRefundTakesAFingerAtTheTill refunds more than the merchant lets his people give back
// without a fresh proof: by a passkey, in every way it can go wrong first.
func TestABigRefundTakesAFingerAtTheTill(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	g, who := s.guarded(t)
	ctx := s.till(t)
	var finger webauthn.AuthenticatorID
	webtest.Run(t, ctx, webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		finger, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}).Do(ctx)
		return err
	}))
	refunded := func() int64 {
		t.Helper()
		page, err := payment.List(t.Context(), s.db.Read(), payment.Filter{Merchant: 1, Limit: 1})
		if err != nil || len(page.Payments) != 1 {
			t.Fatalf("%d payments, %v", len(page.Payments), err)
		}
		return page.Payments[0].Refunded.Minor()
	}
	dialog := func() {
		t.Helper()
		webtest.Axe(t, ctx)
		webtest.Wide(t, ctx)
		webtest.Small(t, ctx)
		if webtest.Shooting() {
			webtest.Shot(t, ctx, fmt.Sprintf("proof-%d", refunded()))
		}
	}
	refund := func(amount string) chromedp.Action {
		return chromedp.Tasks{webtest.Has("#panel", "单号"), chromedp.Evaluate(`[...document.querySelectorAll("#panel button")].find((b) => b.textContent === "退款").click()`, nil), chromedp.SetValue("#refund-amount", amount, chromedp.ByQuery), says("确认退款")}
	}
	webtest.Run(t, ctx, enter("300"), press(`[data-pay="cash"]`), at("cash"), says("正好"), says("确认收到现金"), at("approved"), says("下一笔"), gone(), press(`[data-go="sales"]`), webtest.Has("#sales", "¥300.00"), press(`#sales .row-button`))

	// Whoever has no way to prove himself is led to where he sets one up.
	webtest.Run(t, ctx, refund("250"), webtest.Has("#panel", "您还没有可用的验证方式"), chromedp.WaitVisible(`#panel a[href="/security"]`, chromedp.ByQuery))
	dialog()
	if left := webtest.Eval[string](t, ctx, `localStorage["pos.refunds"] || "[]"`); left != "[]" || refunded() != 0 {
		t.Fatalf("%s is left to be sent, %d refunded", left, refunded())
	}

	page, err := payment.List(t.Context(), s.db.Read(), payment.Filter{Merchant: 1, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, ways := s.json(t, "GET", "payments/"+payment.Ref(page.Payments[0].ID)+"/proof", "")
	if err := g.SetPIN(t.Context(), who, "802715"); err != nil {
		t.Fatal(err)
	}
	passkey(t, ctx, g, who, ways["lib"].(string))

	// A wrong PIN is told, and so many of them shut the PIN, but not the finger.
	again := chromedp.Tasks{chromedp.Evaluate(`document.querySelector("#panel").close()`, nil), press(`#sales .row-button`)}
	webtest.Run(t, ctx, again, refund("250"), webtest.Has("#panel", "用指纹、人脸或安全密钥确认"), chromedp.WaitVisible("#proof", chromedp.ByQuery))
	dialog()
	for i := range 5 {
		said := "PIN 不对"
		if i == 4 {
			said = "锁定"
		}
		webtest.Run(t, ctx, chromedp.Evaluate(`document.querySelector("#panel [role=alert]")?.remove()`, nil), chromedp.SetValue("#proof", fmt.Sprint(900117+i), chromedp.ByQuery), says("确认退款"),
			webtest.Has("#panel [role=alert]", said), chromedp.WaitVisible("#proof", chromedp.ByQuery))
	}
	dialog()

	// Whoever the device does not know may try again; a signature that is none is refused; his own gives back.
	webtest.Run(t, ctx, webauthn.SetUserVerified(finger, false), says("用指纹"), webtest.Has("#panel [role=alert]", "没有完成"),
		webauthn.SetUserVerified(finger, true), webauthn.SetResponseOverrideBits(finger).WithIsBogusSignature(true), says("用指纹"), webtest.Has("#panel [role=alert]", "没有通过验证"))
	if n := refunded(); n != 0 {
		t.Fatalf("%d refunded without a proof", n)
	}
	webtest.Run(t, ctx, webauthn.SetResponseOverrideBits(finger), says("用指纹"), webtest.Has("#panel", "把现金交给客人"), webtest.Has("#panel", "¥250.00"))
	if n := refunded(); n != 25000 {
		t.Errorf("%d refunded", n)
	}
	// A small one is given back at once.
	webtest.Run(t, ctx, says("好的"), press(`#sales .row-button`), refund("10"), webtest.Has("#panel", "把现金交给客人"))
	if n := refunded(); n != 26000 {
		t.Errorf("%d refunded", n)
	}
}

func TestAProofIsSpentOnOneRefundAndNotAskedForTwice(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	g, who := s.guarded(t)
	if err := g.SetPIN(t.Context(), who, "802715"); err != nil {
		t.Fatal(err)
	}
	_, p := s.json(t, "POST", "payments", strings.NewReplacer("4650", "90000", "5000", "90000").Replace(lunch))
	id := fmt.Sprint(p["id"])
	refund := func(key string, amount int, proof string) (int, map[string]any) {
		return s.json(t, "POST", "payments/"+id+"/refund", fmt.Sprintf(`{"key":%q,"id":%q,"amount":%d,"reason":"x"%s}`, key, id, amount, proof))
	}
	const pin = `,"proof":{"means":"pin","code":"802715"}`
	if status, v := refund("r1", 30000, ""); status != http.StatusForbidden || v["error"] != "step_up_needed" {
		t.Errorf("without a proof: %d %v", status, v)
	}
	if status, v := refund("r1", 30000, `,"proof":{"means":"password","code":"x"}`); status != http.StatusForbidden {
		t.Errorf("a password is no fresh proof: %d %v", status, v)
	}
	if status, v := refund("r1", 30000, pin); status != http.StatusOK || v["refund"] != "approved" || v["refunded"] != 30000.0 {
		t.Errorf("with a PIN: %d %v", status, v)
	}
	// Its answer was lost: the same refund again, whose proof is spent.
	if status, v := refund("r1", 30000, ""); status != http.StatusOK || v["refund"] != "approved" || v["refunded"] != 30000.0 {
		t.Errorf("the same again: %d %v", status, v)
	}
	if status, v := refund("r1", 40000, ""); status != http.StatusConflict {
		t.Errorf("another under the same key: %d %v", status, v)
	}
	if status, v := refund("r2", 30000, ""); status != http.StatusForbidden {
		t.Errorf("another key: %d %v", status, v)
	}
	if status, v := s.json(t, "GET", "payments/"+id+"/proof", ""); status != http.StatusOK || fmt.Sprint(v["means"]) != "[pin]" {
		t.Errorf("his ways: %d %v", status, v)
	}
	if status, v := s.json(t, "POST", "payments/"+id+"/proof", ""); status != 422 || v["error"] != "proof_missing" {
		t.Errorf("a question about a passkey that he has not: %d %v", status, v)
	}
}
