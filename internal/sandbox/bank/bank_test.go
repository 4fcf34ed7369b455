package bank_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hawker/internal/money"
	"hawker/internal/sandbox/bank"
)

func clock() time.Time { return time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC) }

func TestATransferIsBookedOnceAndSurvives(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	b, err := bank.Open(file, clock)
	if err != nil {
		t.Fatal(err)
	}
	one := bank.Transfer{Ref: "check-1", Holder: "王小满", Account: "6299900000000000017", Amount: money.New(37, money.CNY), Memo: "HAWKER"}
	for range 3 {
		if err := b.Pay(one); err != nil {
			t.Fatal(err)
		}
	}
	other := one
	other.Amount = money.New(38, money.CNY)
	if err := b.Pay(other); !errors.Is(err, bank.ErrReused) {
		t.Errorf("another amount under one reference: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = bank.Open(file, clock); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if got := b.Statement(one.Account); len(got) != 1 || got[0].Amount != one.Amount || !got[0].At.Equal(clock()) {
		t.Errorf("statement %+v", got)
	}
	if err := b.Pay(one); err != nil || len(b.Statement(one.Account)) != 1 {
		t.Errorf("after a restart: %v", err)
	}
}

func TestAnAccountsNumberChoosesHowItEnds(t *testing.T) {
	t.Parallel()
	b, err := bank.Open("", clock)
	if err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]error{"62999000000000901": bank.ErrClosed, "62999000000000911": bank.ErrHolder, "62999000000000921": bank.ErrSilent, "62999000000000011": nil, "1": bank.ErrClosed} {
		transfer := bank.Transfer{Ref: account, Account: account, Amount: money.New(1, money.CNY)}
		if err := b.Pay(transfer); !errors.Is(err, want) {
			t.Errorf("%s: %v", account, err)
		}
		if errors.Is(want, bank.ErrSilent) {
			if err := b.Pay(transfer); err != nil || len(b.Statement(account)) != 1 {
				t.Errorf("asked again: %v", err)
			}
		}
	}
}
