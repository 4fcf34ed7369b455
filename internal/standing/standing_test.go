package standing_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hawker/internal/advice"
	"hawker/internal/institution"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/standing"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

func open(t *testing.T, db *store.DB) *standing.Book {
	t.Helper()
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), now)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../docs/register-example.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := institution.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := institution.Import(t.Context(), tx, list, "test", noon); err != nil {
			return err
		}
		for i, name := range []string{"小满面馆", "停用小店", "来历不明店"} {
			m := merchant.Merchant{ID: merchant.ID(i + 1), MID: fmt.Sprintf("10029005812000%d", i+1), NameZH: name, NameEN: "Shop", Place: "Shanghai", MCC: "5812", Currency: money.CNY, Zone: shanghai, State: merchant.Active}
			if i == 1 {
				m.State = merchant.Suspended
			}
			if err := merchant.Add(t.Context(), tx, m, noon); err != nil {
				return err
			}
			if i < 2 {
				if err := onboarding.Record(t.Context(), tx, onboarding.Boarding{Merchant: m.ID, Kind: advice.Micro, Institution: "Z0000000000001", Provider: "F000000000001", At: noon}); err != nil {
					return err
				}
			}
		}
		for i, s := range []terminal.State{terminal.Active, terminal.Suspended, terminal.Tampered, terminal.Lost, terminal.Stolen, terminal.Retired} {
			if err := terminal.Add(t.Context(), tx, terminal.Terminal{Merchant: 1, ID: terminal.ID(fmt.Sprintf("T%07d", i)), Serial: "SN-" + string(s), Model: "H1", State: s, Batch: 1, BatchDay: 20261125}); err != nil {
				return err
			}
		}
		return terminal.Add(t.Context(), tx, terminal.Terminal{Merchant: 2, ID: "T0000001", Serial: "SN-of-suspended", Model: "H1", State: terminal.Active, Batch: 1, BatchDay: 20261125})
	})
	if err != nil {
		t.Fatal(err)
	}
	return &standing.Book{DB: db, Keys: ks, Clock: now}
}

func TestWhatIsAskedForIsAnsweredInPlainWords(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		for _, c := range []struct {
			ask     string
			verdict standing.Verdict
			says    string
		}{
			{"Z0000000000001", standing.Good, "正规"},
			{"示例支付", standing.Good, "支付业务许可证"},
			{"旧例支付", standing.Bad, "被注销"},
			{"到期服务", standing.Careful, "快到期"},
			{"F000000000001", standing.Good, "备案有效"},
			{"100290058120001", standing.Good, "经收单机构审核"},
			{"停用小店", standing.Bad, "已停用"},
			{"来历不明店", standing.Careful, "查不到是谁开通的"},
			{"SN-active", standing.Careful, "号码谁都能抄"},
			{"SN-stolen", standing.Bad, "被盗"},
		} {
			list, err := b.Ask(t.Context(), c.ask)
			if err != nil || len(list) != 1 || list[0].Verdict != c.verdict || !strings.Contains(list[0].Headline.ZH, c.says) || list[0].Headline.EN == "" {
				t.Errorf("%s: %+v, %v", c.ask, list, err)
			}
		}
		for _, ask := range []string{"", "a", "%", "' OR 1=1", strings.Repeat("长", 61), "没有这家"} {
			if list, err := b.Ask(t.Context(), ask); err != nil || len(list) != 0 {
				t.Errorf("%q: %+v, %v", ask, list, err)
			}
		}
	})
}

func TestALabelTellsWhatItsMachineIs(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.SQLite(t))
	for serial, c := range map[string]struct {
		verdict standing.Verdict
		says    string
	}{
		"SN-active": {standing.Good, "标签是真的"}, "SN-suspended": {standing.Bad, "已停用"}, "SN-tampered": {standing.Bad, "被拆动"}, "SN-lost": {standing.Bad, "报失"},
		"SN-stolen": {standing.Bad, "被盗"}, "SN-retired": {standing.Bad, "报废"}, "SN-new": {standing.Careful, "还没有登记"}, "SN-of-suspended": {standing.Bad, "商户已停用"},
	} {
		code, err := b.Code(t.Context(), serial)
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.Label(t.Context(), serial, code)
		if err != nil || a.Verdict != c.verdict || !strings.Contains(a.Headline.ZH, c.says) || a.Counterfeit() {
			t.Errorf("%s: %+v, %v", serial, a, err)
		}
		for _, wrong := range []string{"", "x", code[1:], code + "a", strings.Repeat("x", 100)} {
			if a, err := b.Label(t.Context(), serial, wrong); err != nil || !a.Counterfeit() || !strings.Contains(a.Headline.EN, "counterfeit") {
				t.Errorf("%s with the code %q: %+v, %v", serial, wrong, a, err)
			}
		}
	}
	if a, err := b.Label(t.Context(), "SN-stolen", must(b.Code(t.Context(), "SN-stolen"))); err != nil || strings.Contains(fmt.Sprint(a.Facts), "小满") {
		t.Errorf("a stolen terminal tells whose it was: %+v, %v", a.Facts, err)
	}
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}
