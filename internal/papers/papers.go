// Package papers reads the numbers that stand on people's and businesses' papers: identity
// cards, business licences, bank cards, banks' codes, telephones, dates, merchant
// categories and regions. Each has its check digit and rule; each refusal is one sentence
// for the person who typed it. It refuses to know whose papers they are.
package papers

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"hawker/internal/clock"
	"hawker/internal/fault"
)

// Refusals, one sentence each.
var (
	ErrID       = fault.New(fault.Invalid, "id_number", "身份证号码不对：应是 18 位，最后一位可以是 X，请照证件再输一遍。", "This ID number is not right: 18 characters, the last may be X. Please copy it from the card again.")
	ErrIDDate   = fault.New(fault.Invalid, "id_birthday", "身份证号码里的出生日期不存在，请照证件再输一遍。", "The birthday within this ID number does not exist. Please copy it from the card again.")
	ErrYoung    = fault.New(fault.Invalid, "id_young", "未满 18 周岁不能申请。", "You must be 18 or older to apply.")
	ErrUSCC     = fault.New(fault.Invalid, "uscc", "统一社会信用代码不对：应是 18 位数字和大写字母，请照执照再输一遍。", "This unified social credit code is not right: 18 digits and capital letters. Please copy it from the licence again.")
	ErrUSCCKind = fault.New(fault.Invalid, "uscc_kind", "这个代码不属于您选的商户类型：个体工商户以 92 开头，企业以 91 开头。", "This code is not of your kind of business: sole traders begin with 92, companies with 91.")
	ErrCard     = fault.New(fault.Invalid, "card_number", "银行卡号不对，请照卡面再输一遍。", "This bank card number is not right. Please copy it from the card again.")
	ErrAccount  = fault.New(fault.Invalid, "account_number", "对公账号应是 8 到 32 位数字。", "A corporate account number has 8 to 32 digits.")
	ErrBank     = fault.New(fault.Invalid, "bank_code", "联行号不对：应是 12 位数字，可以向开户行查询。", "This bank code is not right: 12 digits. Your bank branch can tell it.")
	ErrMobile   = fault.New(fault.Invalid, "mobile", "手机号不对：应是 11 位数字，以 1 开头。", "This mobile number is not right: 11 digits that begin with 1.")
	ErrPhone    = fault.New(fault.Invalid, "phone", "电话号码不对：请写手机号，或者区号加号码，如 021-12345678。", "This telephone number is not right: a mobile number, or area code and number such as 021-12345678.")
	ErrDate     = fault.New(fault.Invalid, "date", "日期不对：请写成 2030-12-31，长期有效请选“长期”。", "This date is not right: write 2030-12-31, or choose “no end” if the paper has none.")
	ErrExpired  = fault.New(fault.Invalid, "paper_expired", "这份证件已经过期，请先换新证再申请。", "This paper has expired. Please have it renewed before you apply.")
	ErrName     = fault.New(fault.Invalid, "person_name", "姓名请照证件填写，只用文字和间隔点。", "Please write the name as on the paper, letters and the middle dot only.")
	ErrText     = fault.New(fault.Invalid, "text", "这里只能填写普通文字，不能有特殊符号，也不能太长或太短。", "Only plain text here, without special characters, neither too long nor too short.")
	ErrMCC      = fault.New(fault.Invalid, "mcc", "请从列表里选一个经营类别。", "Please choose a category from the list.")
	ErrMCCNo    = fault.New(fault.Declined, "mcc_refused", "这类经营不能在这里开通收款。", "This kind of business cannot be boarded here.")
	ErrRegion   = fault.New(fault.Invalid, "region", "请选择所在的省、市。", "Please choose your province and city.")
)

// Clean makes what people type comparable: full-width digits and letters become plain
// ones, and blanks around it go.
func Clean(s string) string { return strings.TrimSpace(norm.NFKC.String(s)) }

// Compact is Clean without blanks and hyphens within: for numbers that people group.
func Compact(s string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(Clean(s)))
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// idWeights are those of GB 11643-1999, a power of 2 modulo 11 each.
var idWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

// ID is a resident identity number, 18 characters, checked.
type ID string

// ParseID reads an identity number (GB 11643): its digits, check character and birthday,
// whose owner is 18 or older on a day.
func ParseID(s string, on clock.Day) (ID, error) {
	s = Compact(s)
	if len(s) != 18 || !digits(s[:17]) || s[17] != idCheck(s[:17]) {
		return "", ErrID
	}
	born, err := time.Parse("20060102", s[6:14])
	if err != nil || born.Year() < 1900 || clock.DayOf(born, time.UTC, 0) > on {
		return "", ErrIDDate
	}
	id := ID(s)
	if _, ok := provinces[s[:2]]; !ok {
		return "", ErrID
	}
	if id.Age(on) < 18 {
		return "", ErrYoung
	}
	return id, nil
}

func idCheck(first17 string) byte {
	sum := 0
	for i, w := range idWeights {
		sum += int(first17[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// Born is the birthday within the number.
func (id ID) Born() clock.Day {
	born, _ := time.Parse("20060102", string(id[6:14])) // ParseID has read it
	return clock.DayOf(born, time.UTC, 0)
}

// Age is the age in whole years on a day.
func (id ID) Age(on clock.Day) int { return (int(on) - int(id.Born())) / 10000 }

// Masked shows the first three and the last four characters.
func (id ID) Masked() string { return string(id[:3]) + "***********" + string(id[14:]) }

// usccAlphabet is that of GB 32100-2015: digits and letters without I, O, S, V and Z.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

var (
	usccWeights = [17]int{1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28}
	orgWeights  = [8]int{3, 7, 9, 10, 5, 8, 4, 2}
)

// ParseUSCC reads a unified social credit code (GB 32100) with both of its check
// characters: the code's own and that of the organisation code within (GB 11714).
func ParseUSCC(s string) (string, error) {
	s = Compact(s)
	if len(s) != 18 || strings.Trim(s, usccAlphabet) != "" || s[17] != usccCheck(s[:17]) || s[16] != orgCheck(s[8:16]) {
		return "", ErrUSCC
	}
	if _, ok := provinces[s[2:4]]; !ok && s[2:4] != "10" { // 10: registered with the state itself
		return "", ErrUSCC
	}
	return s, nil
}

func usccCheck(first17 string) byte {
	sum := 0
	for i, w := range usccWeights {
		sum += strings.IndexByte(usccAlphabet, first17[i]) * w
	}
	return usccAlphabet[(31-sum%31)%31]
}

// orgCheck is the check character of an organisation code's eight; letters count from 10.
func orgCheck(first8 string) byte {
	sum := 0
	for i, w := range orgWeights {
		v := int(first8[i] - '0')
		if first8[i] >= 'A' {
			v = int(first8[i]-'A') + 10
		}
		sum += v * w
	}
	return "0123456789X0"[(11-sum%11)%11]
}

// ParseCard reads a bank card's number: 13 to 19 digits with Luhn's check digit.
func ParseCard(s string) (string, error) {
	s = Compact(s)
	if len(s) < 13 || len(s) > 19 || !digits(s) || luhn(s[:len(s)-1]) != s[len(s)-1] {
		return "", ErrCard
	}
	return s, nil
}

func luhn(s string) byte {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// ParseAccount reads a corporate account's number: 8 to 32 digits; banks share no check digit.
func ParseAccount(s string) (string, error) {
	s = Compact(s)
	if len(s) < 8 || len(s) > 32 || !digits(s) {
		return "", ErrAccount
	}
	return s, nil
}

// ParseBank reads a bank branch's payment system number (联行号): 12 digits, the last by
// ISO 7064 MOD 11,10, which holds for the published numbers of ten banks.
func ParseBank(s string) (string, error) {
	s = Compact(s)
	if len(s) != 12 || !digits(s) || s[11] != bankCheck(s[:11]) {
		return "", ErrBank
	}
	return s, nil
}

func bankCheck(first11 string) byte {
	p := 10
	for _, c := range []byte(first11) {
		if p = (p + int(c-'0')) % 10; p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return byte('0' + (11-p)%10)
}

// ParseMobile reads a mobile number: 11 digits, with or without +86 before them.
func ParseMobile(s string) (string, error) {
	s = strings.TrimPrefix(Compact(s), "+86")
	if len(s) != 11 || !digits(s) || s[0] != '1' || s[1] < '3' {
		return "", ErrMobile
	}
	return s, nil
}

// ParsePhone reads a mobile number, a number with its area code, or one for the whole country (400, 800).
func ParsePhone(s string) (string, error) {
	if m, err := ParseMobile(s); err == nil {
		return m, nil
	}
	c := Compact(s)
	lawful := digits(c) && ((c[0] == '0' && len(c) >= 10 && len(c) <= 12) || (len(c) == 10 && (strings.HasPrefix(c, "400") || strings.HasPrefix(c, "800"))))
	if !lawful {
		return "", ErrPhone
	}
	return c, nil
}

// Forever is how a paper without an end is written.
const Forever = "forever"

// ParseUntil reads the last day of a paper, which must not be before a day. It is written
// back as 2030-12-31 or Forever.
func ParseUntil(s string, on clock.Day) (string, error) {
	s = Clean(s)
	if s == Forever || s == "长期" {
		return Forever, nil
	}
	t, err := time.Parse(time.DateOnly, strings.NewReplacer(".", "-", "/", "-").Replace(s))
	if err != nil || t.Year() < 1980 || t.Year() > 2199 {
		return "", ErrDate
	}
	if clock.DayOf(t, time.UTC, 0) < on {
		return "", ErrExpired
	}
	return t.Format(time.DateOnly), nil
}

// Left is how many days a paper with the last day until holds on a day; far when it has no end.
func Left(until string, on clock.Day) (days int, far bool) {
	t, err := time.Parse(time.DateOnly, until)
	if err != nil {
		return 0, true
	}
	return clock.DayOf(t, time.UTC, 0).Sub(on), false
}

// ParseName reads a person's name: 2 to 40 letters of any script, with the middle dot,
// blanks, hyphens and apostrophes within.
func ParseName(s string) (string, error) {
	s = strings.NewReplacer("•", "·", "・", "·", "．", "·").Replace(Clean(s))
	n := utf8.RuneCountInString(s)
	lawful := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || strings.ContainsRune("· -'", r)
	}
	if n < 2 || n > 40 || strings.ContainsFunc(s, func(r rune) bool { return !lawful(r) }) || !unicode.IsLetter([]rune(s)[0]) {
		return "", ErrName
	}
	return s, nil
}

// ParseText reads plain text of least to most characters. What moves the cursor, turns the
// direction of writing or hides is refused; so are the brackets of a tag, which no name or address has.
func ParseText(s string, least, most int) (string, error) {
	s = Clean(s)
	n := utf8.RuneCountInString(s)
	bad := func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || r == utf8.RuneError || r == '<' || r == '>'
	}
	if n < least || n > most || strings.ContainsFunc(s, bad) {
		return "", ErrText
	}
	return s, nil
}
