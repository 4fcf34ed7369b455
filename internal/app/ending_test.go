package app

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"hawker/internal/contract"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/web/webtest"
)

// TestAnOperatorEndsAContractInTheBrowser gives thirty days' notice, with a reason that the merchant reads.
func TestAnOperatorEndsAContractInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	m, err := merchant.ByID(t.Context(), w.s.DB.Read(), 1)
	w.must(err)
	list, err := contract.Of(t.Context(), w.s.DB.Read(), 1)
	if err != nil || len(list) != 1 {
		t.Fatalf("contracts: %+v, %v", list, err)
	}
	id := list[0].ID
	w.must(w.s.DB.Write(t.Context(), func(tx *store.Tx) error { // signing has tests of its own
		_, err := tx.Exec(t.Context(), `UPDATE contracts SET state = 'signed', signed_at = $1 WHERE merchant_id = 1 AND contract_id = $2`, store.At(w.now()), id)
		return err
	}))
	server := httptest.NewServer(w.s.http.Handler)
	t.Cleanup(server.Close)
	ctx := webtest.Browser(t)
	page, form := "/ops/contracts?mid="+m.MID, fmt.Sprintf("/ops/contracts/1/%d/end", id)
	webtest.Run(t, ctx, webtest.Screen(webtest.Desk), network.SetCookie("hawker-session", strings.TrimPrefix(w.cookies["admin"], "hawker-session=")).WithURL(server.URL))
	webtest.Look(t, ctx, server.URL, page, "ops-contracts")
	code := w.code(w.who["admin"])
	webtest.Run(t, ctx, webtest.Speaks("en"), chromedp.Navigate(server.URL+page), fill("why", "he sells what may not be sold"), send(form), webtest.Until(`document.querySelector("#e-proof")`),
		fill("why", "he sells what may not be sold", "proof_code", code), send(form), webtest.Until(`location.search.includes("mid=") && !document.querySelector("[name=why]")`))
	c, err := contract.ByID(t.Context(), w.s.DB.Read(), 1, id)
	if err != nil || c.State != contract.Ending || c.Ends.Sub(w.now()) < contract.TermNotice-time.Minute || c.Remark != "he sells what may not be sold" {
		t.Errorf("it is %s, ends %s because %q: %v", c.State, c.Ends, c.Remark, err)
	}
}
