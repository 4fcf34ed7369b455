package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// tables holds every table with the one package whose SQL may name it. A routed
// table's keys begin with merchant_id, so that its rows can be distributed by
// merchant; a table that is not says why.
var tables = map[string]struct{ owner, notRouted string }{
	"merchants":        {"internal/merchant", "found by field 42 before the merchant is known"},
	"merchant_wallets": {"internal/merchant", ""},
	"fee_plans":        {"internal/feelock", ""},
	"fee_heads":        {"internal/feelock", ""},
	"fee_consents":     {"internal/feelock", ""},
	"fee_proposals":    {"internal/feelock", ""},
	"fee_notices":      {"internal/feelock", ""},
	"contracts":        {"internal/contract", ""},

	"contract_acknowledgements": {"internal/contract", ""},
	"contract_signatures":       {"internal/contract", ""},
	"training_attempts":         {"internal/training", ""},
	"training_certificates":     {"internal/training", ""},
	"reviews":                   {"internal/feedback", ""},
	"privacy_requests":          {"internal/privacy", ""},
	"privacy_looks":             {"internal/privacy", "a person may stand with several merchants, or with none"},
	"privacy_runs":              {"internal/privacy", "one run is about everybody"},

	"shop_items":       {"internal/shop", ""},
	"item_photos":      {"internal/shop", ""},
	"cash_shifts":      {"internal/cash", ""},
	"card_asks":        {"internal/ecr", ""},
	"handovers":        {"internal/handover", ""},
	"terminals":        {"internal/terminal", ""},
	"terminal_serials": {"internal/terminal", "a machine's serial is unique everywhere"},
	"nodes":            {"internal/nodes", "a process belongs to no merchant"},
	"node_places":      {"internal/nodes", "a process belongs to no merchant"},
	"limits":           {"internal/risk", ""},
	"limit_usage":      {"internal/risk", ""},
	"keys":             {"internal/keys", "a key belongs to the keystore"},
	"key_transcript":   {"internal/custody", "people who touch keys belong to no merchant"},
	"dukpt_readers":    {"internal/keys", "a reader's counter belongs to the keystore"},
	"cards":            {"internal/vault", "one card pays at many merchants"},
	"ledger_entries":   {"internal/ledger", ""},
	"ledger_postings":  {"internal/ledger", ""},
	"ledger_balances":  {"internal/ledger", ""},
	"payments":         {"internal/payment", ""},
	"payments_apart":   {"internal/payment", ""},
	"attempts":         {"internal/payment", ""},
	"orders":           {"internal/payment", ""},
	"order_numbers":    {"internal/payment", ""},
	"order_links":      {"internal/payment", ""},

	"wallet_bills":       {"internal/reconcile", "a wallet's bill is about all merchants"},
	"wallet_bill_breaks": {"internal/reconcile", "a wallet's bill is about all merchants"},
	"api_keys":           {"internal/apikey", ""},

	"webhook_endpoints":  {"internal/webhook", ""},
	"webhook_deliveries": {"internal/webhook", ""},
	"webhook_tries":      {"internal/webhook", ""},

	"batches":        {"internal/payment", ""},
	"batch_details":  {"internal/payment", ""},
	"chip_counters":  {"internal/chips", "one card pays at many merchants"},
	"holds":          {"internal/payment", ""},
	"chip_answers":   {"internal/payment", ""},
	"script_notices": {"internal/payment", ""},
	"jobs":           {"internal/jobs", ""},
	"cases":          {"internal/cases", ""},
	"events":         {"internal/events", ""},
	"event_heads":    {"internal/events", ""},

	"applications":         {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_fields":   {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_photos":   {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_marks":    {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_claims":   {"internal/onboarding", "people and companies apply before they are merchants"},
	"listed_marks":         {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_notes":    {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_steps":    {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_views":    {"internal/onboarding", "people and companies apply before they are merchants"},
	"application_consents": {"internal/onboarding", "people and companies apply before they are merchants"},
	"account_checks":       {"internal/onboarding", "people and companies apply before they are merchants"},
	"number_series":        {"internal/onboarding", "people and companies apply before they are merchants"},
	"boardings":            {"internal/onboarding", ""},
	"terminal_orders":      {"internal/onboarding", ""},
	"stores":               {"internal/merchant", ""},
	"register_imports":     {"internal/institution", "the register is everybody's"},
	"register_entries":     {"internal/institution", "the register is everybody's"},

	"device_authorities":  {"internal/identity", "one authority issues for every merchant"},
	"device_certificates": {"internal/identity", ""},

	"audit_trail": {"internal/audit", ""},
	"audit_heads": {"internal/audit", ""},

	"accounts":          {"internal/auth", ""},
	"account_logins":    {"internal/auth", "whoever signs in has not said yet whose he is"},
	"account_passwords": {"internal/auth", ""},
	"passkeys":          {"internal/auth", ""},
	"recovery_codes":    {"internal/auth", ""},
	"one_time_links":    {"internal/auth", "found by its token before anybody is known"},
	"challenges":        {"internal/auth", "found by its token before anybody is known"},
	"sign_in_policies":  {"internal/auth", ""},
	"sessions":          {"internal/auth", "found by its token before anybody is known"},
	"paired_devices":    {"internal/auth", ""},
	"pairings":          {"internal/auth", "a device that shows a code is nobody's yet"},

	"download_lists":    {"internal/download", ""},
	"download_rows":     {"internal/download", ""},
	"download_marks":    {"internal/download", ""},
	"terminal_statuses": {"internal/download", ""},

	"signatures":      {"internal/signature", ""},
	"signature_parts": {"internal/signature", ""},

	"subject_keys":  {"internal/subject", "a person may stand with several merchants, or with none"},
	"subject_holds": {"internal/subject", "a person may stand with several merchants, or with none"},
}

// migrated reads the tables that the migrations make.
func migrated(t *testing.T) []string {
	t.Helper()
	names, err := schema.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range names {
		text, err := schema.Files.ReadFile(name.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllSubmatch(text, -1) {
			found = append(found, string(m[1]))
		}
	}
	slices.Sort(found)
	return found
}

func TestEveryTableHasAnOwner(t *testing.T) {
	t.Parallel()
	found := migrated(t)
	if owned := slices.Sorted(maps.Keys(tables)); !slices.Equal(found, owned) {
		t.Fatalf("the migrations make %v,\nowners are known of %v", found, owned)
	}
}

// query recognises SQL in a string literal, word its words.
var (
	query = regexp.MustCompile(`\b(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\s|DELETE FROM\s|FROM\s+\w|JOIN\s+\w|(CREATE|ALTER|DROP) (TABLE|INDEX|VIEW))`)
	word  = regexp.MustCompile(`\w+`)
)

// sqlTexts finds the SQL of a file: string literals that read like it, and those handed to store's sets.
func sqlTexts(file *ast.File) []string {
	var texts []string
	add := func(n ast.Expr, sure bool) {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && (sure || query.MatchString(text)) {
				texts = append(texts, text)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			add(n, false)
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasSuffix(f.Sel.Name, "Set") {
				for _, arg := range n.Args {
					add(arg, true)
				}
			}
		}
		return true
	})
	return texts
}

func TestATableIsNamedByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range sqlTexts(parsed) {
				for _, w := range word.FindAllString(text, -1) {
					if table, ok := tables[w]; ok && table.owner != p.name() {
						t.Errorf("%s/%s: SQL names %s, which belongs to %s", p.name(), file, w, table.owner)
					}
					named[w] = true
				}
			}
		}
	}
	for name := range tables {
		if !named[name] {
			t.Errorf("no SQL names %s: is it in use?", name)
		}
	}
}

// firstColumns lists the first column of every primary and unique key, as the database itself tells.
var firstColumns = map[store.Dialect]string{
	store.SQLite: `SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk = 1
		UNION ALL SELECT m.name, c.name FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c
		WHERE m.type = 'table' AND i."unique" = 1 AND c.seqno = 0`,
	store.Postgres: `SELECT t.relname, a.attname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
		WHERE i.indisunique AND t.relnamespace = current_schema()::regnamespace`,
}

func TestEveryKeyOfMoneyBeginsWithItsMerchant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rows, err := db.Read().Query(t.Context(), firstColumns[db.Dialect()])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		keyed := map[string]bool{}
		for rows.Next() {
			var table, column string
			if err := rows.Scan(&table, &column); err != nil {
				t.Fatal(err)
			}
			keyed[table] = true
			if what, ok := tables[table]; ok && what.notRouted == "" && column != "merchant_id" {
				t.Errorf("a key of %s begins with %s", table, column)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for table := range tables {
			if !keyed[table] {
				t.Errorf("%s has no key", table)
			}
		}
	})
}
