package app

import (
	"context"
	"time"

	"hawker/internal/download"
	"hawker/internal/payment"
	"hawker/internal/signature"
	"hawker/internal/store"
)

// Unsigned lists the approved sales since an instant that no PIN proves and whose signature
// is missing, where the terminal's parameters want one on the screen.
func Unsigned(ctx context.Context, q store.Querier, since time.Time) (list []payment.Unproven, err error) {
	sales, err := payment.WithoutPIN(ctx, q, 0, "", since)
	if err != nil {
		return nil, err
	}
	policies := map[download.Terminal]download.Policy{}
	for _, s := range sales {
		t := download.Terminal{Merchant: s.Merchant, ID: s.Terminal}
		policy, known := policies[t]
		if !known {
			if policy, err = download.PolicyOf(ctx, q, t); err != nil {
				return nil, err
			}
			policies[t] = policy
		}
		if !policy.Wants(s.Amount, s.BIN, s.Entry) {
			continue
		}
		there, err := signature.Has(ctx, q, s.Merchant, s.ID)
		if err != nil {
			return nil, err
		}
		if !there {
			list = append(list, s)
		}
	}
	return list, nil
}
