package onboarding

import (
	"strconv"
	"strings"

	"hawker/internal/advice"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/papers"
)

// Refusals of fields.
var (
	ErrMissing       = fault.New(fault.Invalid, "field_missing", "请填写这一项。", "Please fill this in.")
	ErrPhotoMissing  = fault.New(fault.Invalid, "photo_missing", "请上传这张照片。", "Please upload this photo.")
	ErrConsent       = fault.New(fault.Invalid, "consent_missing", "请先在上面勾选对应的单独同意，这一项才能保存。", "Please give the separate consent above first; only then can this be kept.")
	ErrPlace         = fault.New(fault.Invalid, "place", "坐标请写成 31.2304,121.4737，或者留空。", "Please write coordinates as 31.2304,121.4737, or leave this empty.")
	ErrAccountKind   = fault.New(fault.Invalid, "account_kind", "请选择账户类型。", "Please choose the kind of account.")
	ErrPersonal      = fault.New(fault.Invalid, "account_personal", "小微商户只能用经营者本人的银行卡。", "A micro merchant uses the person's own bank card.")
	ErrCorporate     = fault.New(fault.Invalid, "account_corporate", "企业请用对公账户。", "A company uses its corporate account.")
	ErrHolder        = fault.New(fault.Invalid, "account_holder", "户名必须和经营者姓名一致：钱只能进您自己的账户。", "The holder must be you: money goes to your own account only.")
	ErrHolderLicence = fault.New(fault.Invalid, "account_licence", "对公账户的户名必须和执照上的名称一致。", "A corporate account is held in the name on the licence.")
)

func parsePlace(v string) (string, error) {
	v = strings.ReplaceAll(papers.Clean(v), " ", "")
	lat, lng, ok := strings.Cut(v, ",")
	a, errA := strconv.ParseFloat(lat, 64)
	b, errB := strconv.ParseFloat(lng, 64)
	if !ok || errA != nil || errB != nil || !(a >= -90 && a <= 90) || !(b >= -180 && b <= 180) || len(v) > 40 {
		return "", ErrPlace
	}
	return strconv.FormatFloat(a, 'f', 5, 64) + "," + strconv.FormatFloat(b, 'f', 5, 64), nil
}

// The kinds of accounts.
const (
	Personal  = "personal"
	Corporate = "corporate"
)

func parseAccountKind(v string) (string, error) {
	if v != Personal && v != Corporate {
		return "", ErrAccountKind
	}
	return v, nil
}

// Values are what an applicant told, by field.
type Values map[string]string

// Check holds everything that was told against the rules of its field, and against each
// other: one error a field, each one sentence. photos are those that are there.
func Check(k advice.Kind, v Values, photos map[string]bool, on clock.Day) map[string]error {
	wrong := map[string]error{}
	for _, f := range FieldsOf(k) {
		switch given := v[f.Name]; {
		case f.Photo():
			if f.Needs(k) && !photos[f.Name] {
				wrong[f.Name] = ErrPhotoMissing
			}
		case given == "":
			if f.Needs(k) {
				wrong[f.Name] = ErrMissing
			}
		default:
			if _, err := f.parse(given, on); err != nil {
				wrong[f.Name] = err
			}
		}
	}
	refuse := func(field string, when bool, err error) {
		if when && wrong[field] == nil {
			wrong[field] = err
		}
	}
	prefix := map[advice.Kind]string{advice.Sole: "92", advice.Company: "91"}[k]
	refuse("uscc", prefix != "" && !strings.HasPrefix(v["uscc"], prefix), papers.ErrUSCCKind)
	personal := v["account_kind"] == Personal
	refuse("account_kind", k == advice.Micro && !personal, ErrPersonal)
	refuse("account_kind", k == advice.Company && personal, ErrCorporate)
	if wrong["account_kind"] != nil { // nothing can be said of the account before its kind is right
		delete(wrong, "account")
		return wrong
	}
	refuse("account_holder", personal && v["account_holder"] != v["holder"], ErrHolder)
	refuse("account_holder", !personal && v["account_holder"] != v["licence"], ErrHolderLicence)
	if _, err := papers.ParseCard(v["account"]); personal {
		refuse("account", err != nil, err)
	}
	return wrong
}
