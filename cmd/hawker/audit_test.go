package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hawker/internal/app"
	"hawker/internal/audit"
	"hawker/internal/store"
)

func TestTheAuditTrailIsVerifiedAndExported(t *testing.T) {
	t.Parallel()
	c := app.Config{Data: t.TempDir(), Clock: func() time.Time { return noon }}
	if _, err := app.Provision(t.Context(), c, 1, 1); err != nil {
		t.Fatal(err)
	}
	db, err := app.OpenStore(t.Context(), c.Data, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for i, what := range []string{"staff.invite", "staff.role"} {
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return audit.Append(t.Context(), tx, audit.Entry{Merchant: 5001, Who: audit.System, What: what, Object: "staff/6", At: noon.Add(time.Duration(i) * time.Hour)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	heads := filepath.Join(c.Data, "audit-heads.json")
	var out bytes.Buffer
	if err := verifyAudit(t.Context(), db, heads, &out); err != nil || !strings.Contains(out.String(), "merchant 5001: 2 records") {
		t.Fatalf("%s, %v", out.String(), err)
	}
	out.Reset()
	if err := verifyAudit(t.Context(), db, heads, &out); err != nil || strings.Contains(out.String(), " 0 ends known") {
		t.Fatalf("the second time it knows where the first ended: %s, %v", out.String(), err)
	}
	out.Reset()
	if n, err := (auditExport{Format: "csv", Merchant: 5001, From: noon.Add(time.Minute)}).export(t.Context(), db, &out); err != nil || n != 1 || !strings.Contains(out.String(), "staff.role") || strings.Contains(out.String(), "staff.invite") {
		t.Errorf("%d records, %v:\n%s", n, err, out.String())
	}
	out.Reset()
	if n, err := (auditExport{Format: "json", Merchant: -1, To: noon.Add(time.Minute)}).export(t.Context(), db, &out); err != nil || n < 1 || !strings.Contains(out.String(), `"what":"staff.invite"`) {
		t.Errorf("%d records, %v:\n%s", n, err, out.String())
	}
	before, err := os.ReadFile(heads)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE audit_trail SET body = REPLACE(body, 'role', 'rule') WHERE merchant_id = 5001`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := verifyAudit(t.Context(), db, heads, &out); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("a changed trail: %v", err)
	}
	if after, err := os.ReadFile(heads); err != nil || !bytes.Equal(before, after) {
		t.Error("a broken trail moved the heads that were kept")
	}
	if _, err := (auditExport{Format: "csv", Merchant: -1}).export(t.Context(), db, &out); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("a changed trail was exported without a word: %v", err)
	}
}
