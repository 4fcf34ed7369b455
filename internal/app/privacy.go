package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hawker/internal/contract"
	"hawker/internal/feedback"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
	"hawker/internal/privacy"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/subject"
	"hawker/internal/training"
)

// asApplicant are the subjects that a merchant's person has besides the merchant: the application that he came from.
func asApplicant(ctx context.Context, q store.Querier, m merchant.ID) ([]subject.ID, error) {
	a, err := onboarding.ByMerchant(ctx, q, m)
	if errors.Is(err, onboarding.ErrUnknown) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return []subject.ID{a.ID.Subject()}, nil
}

// looksAtApplication are the looks of reviewers at what a merchant told when he applied.
func (s *Server) looksAtApplication(ctx context.Context, m merchant.ID, limit int) (list []privacy.Look, err error) {
	a, err := onboarding.ByMerchant(ctx, s.DB.Read(), m)
	if errors.Is(err, onboarding.ErrUnknown) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	views, err := onboarding.Views(ctx, s.DB.Read(), a.ID, limit)
	for _, v := range views {
		look := privacy.Look{Actor: v.Who, What: v.What, Named: privacy.Words{ZH: "申请资料", EN: "Application"}, Purpose: v.Purpose, At: v.At}
		if photo, ok := strings.CutPrefix(v.What, "photo/"); ok {
			for _, f := range onboarding.FieldsOf(a.Kind) {
				if f.Name == photo {
					look.Named = privacy.Words{ZH: "申请资料：" + f.Label.ZH, EN: "Application: " + f.Label.EN}
				}
			}
		}
		if v.What == "account" {
			look.Named = privacy.Words{ZH: "结算账户", EN: "Bank account"}
		}
		if v.Purpose == onboarding.ForReview {
			look.Purpose = "审核 review"
		}
		list = append(list, look)
	}
	return list, err
}

// knownApplication is what a merchant told when he applied, for the copy of his data; numbers of papers and
// accounts show their ends only, because a copy is a file that is passed on.
func (s *Server) knownApplication(ctx context.Context, m merchant.Merchant) ([]privacy.Section, error) {
	a, err := onboarding.ByMerchant(ctx, s.DB.Read(), m.ID)
	if errors.Is(err, onboarding.ErrUnknown) {
		return nil, nil // he did not come through an application
	} else if err != nil {
		return nil, err
	}
	section := privacy.Section{Key: "application", Title: privacy.Words{ZH: "开通申请", EN: "Application"}}
	add := func(zh, en, value string) {
		section.Fields = append(section.Fields, privacy.Field{Name: privacy.Words{ZH: zh, EN: en}, Value: value})
	}
	add("申请编号", "Number", a.Number)
	add("提交时间", "Submitted", a.Submitted.In(m.Zone).Format("2006-01-02 15:04"))
	v, err := s.boarding.office.Values(ctx, s.DB.Read(), a)
	switch {
	case errors.Is(err, subject.ErrShredded):
		add("资料", "What was told", "已按规定删除 erased")
		return []privacy.Section{section}, nil
	case err != nil:
		return nil, err
	}
	photos, err := onboarding.Photos(ctx, s.DB.Read(), a)
	if err != nil {
		return nil, err
	}
	for _, f := range onboarding.FieldsOf(a.Kind) {
		switch value := v[f.Name]; {
		case f.Photo() && slices.ContainsFunc(photos, func(p onboarding.Photo) bool { return p.Name == f.Name }):
			add(f.Label.ZH, f.Label.EN, "已保存照片 photo kept")
		case f.Photo() || value == "":
		default:
			add(f.Label.ZH, f.Label.EN, told(f.Name, value))
		}
	}
	agreed, err := s.boarding.office.Agreed(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, c := range onboarding.Consents {
		if agreed[c.Purpose] {
			add("单独同意", "Consent", c.Title.ZH+" "+c.Title.EN)
		}
	}
	return []privacy.Section{section}, nil
}

// told is a value as people read it, masked for a file.
func told(field, value string) string {
	switch field {
	case "region":
		if d, err := papers.DivisionOf(value); err == nil {
			return d.ZH + " " + d.EN
		}
	case "account_kind":
		return map[string]string{onboarding.Personal: "个人账户 personal", onboarding.Corporate: "对公账户 corporate"}[value]
	}
	return onboarding.Masked(field, value)
}

// purges are what the retention destroys when the term that the data map states is over.
func purges() (list []privacy.Purge, err error) {
	type (
		older = func(ctx context.Context, tx *store.Tx, before time.Time) (int64, error)
		whose = func(ctx context.Context, tx *store.Tx, id subject.ID) (int64, error)
	)
	do := map[string]older{"privacy_looks": privacy.PurgeLooks, "privacy_requests": privacy.PurgeRequests, "training_attempts": training.PurgeAttempts,
		"training_certificates": training.PurgeCertificates, "reviews": feedback.Purge, "signatures": signature.Purge}
	of := map[string]whose{"application_views": onboarding.PurgeViews, "application_marks": onboarding.PurgeMarks, "contract_signatures": contract.PurgeSignatures,
		"merchants": forgetMerchant}
	table, err := privacy.Map()
	if err != nil {
		return nil, err
	}
	for _, e := range table {
		p := privacy.Purge{Table: e.Table, Keep: e.Keep, Do: do[e.Table], Of: of[e.Table]}
		if p.Do == nil && p.Of == nil {
			continue
		}
		if (p.Do != nil) != (e.Keep.From == "creation") {
			return nil, fmt.Errorf("the term of %s is from its %s, and its purge is not", e.Table, e.Keep.From)
		}
		list = append(list, p)
		delete(do, e.Table)
		delete(of, e.Table)
	}
	if len(do)+len(of) > 0 {
		return nil, fmt.Errorf("the data map states no term for %v %v", slices.Sorted(maps.Keys(do)), slices.Sorted(maps.Keys(of)))
	}
	return list, nil
}

// forgetMerchant takes a merchant's names away.
func forgetMerchant(ctx context.Context, tx *store.Tx, id subject.ID) (int64, error) {
	var m int64
	if _, err := fmt.Sscanf(string(id), "merchant/%d", &m); err != nil {
		return 0, nil //nolint:nilerr // an application
	}
	return merchant.Forget(ctx, tx, merchant.ID(m))
}
