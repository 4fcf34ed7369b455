package password_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"hawker/internal/password"
)

func TestAPasswordIsJudgedByHowPeopleHereGuess(t *testing.T) {
	t.Parallel()
	about := []string{"王小满", "Xiaoman Noodles", "小满面馆", "xiaoman@example.cn", "13812345678"}
	for _, c := range []struct {
		name, secret string
		want         error
	}{
		{"eleven characters", "kX9#mQ2$vL7", password.ErrShort},
		{"twelve Chinese characters of a sentence", "窗外雨声盖住了锅里的油花", nil},
		{"more than 128 characters", strings.Repeat("ab3$", 33), password.ErrLong},
		{"a line break within", "correct horse\nbattery", password.ErrCharacters},
		{"the pinyin of who am I, and for ever", "woshishui1314", password.ErrPinyin},
		{"I love you five twenty", "woaini5201314!!", password.ErrLeaked},
		{"a name and a birthday", "zhangwei19900101", password.ErrDate},
		{"a birthday twice", "1990010119900101", password.ErrDate},
		{"a birthday with dots and a word", "1990.01.01mima", password.ErrDate},
		{"somebody's phone number", "13900001111", password.ErrShort},
		{"somebody's phone number and a bit", "13900001111!a", password.ErrPhone},
		{"an identity number", "310101199001011234", password.ErrPhone},
		{"his own phone number", "Hi13812345678Hi", password.ErrPersonal},
		{"the end of his phone number", "woaini345678..", password.ErrPersonal},
		{"his own name in pinyin", "WangXiaoMan2024", password.ErrPersonal},
		{"his own name in characters", "王小满王小满王小满王小满", password.ErrPersonal},
		{"his shop in pinyin", "xiaomanmianguan8", password.ErrPersonal},
		{"his account", "xiaoman@example", password.ErrPersonal},
		{"a row of keys", "qwertyuiop[]", password.ErrWalk},
		{"columns of keys", "1qaz2wsx3edc4rfv", password.ErrLeaked},
		{"a row of keys, capitals", "QWERTYUIOPasdfghjkl", password.ErrLeaked},
		{"one character", "aaaaaaaaaaaaaaaa", password.ErrRepeat},
		{"counting", "12345678901234567890", password.ErrLeaked},
		{"the alphabet", "abcdefghijklmnop", password.ErrRepeat},
		{"a short block again and again", "x7x7x7x7x7x7x7x7", password.ErrRepeat},
		{"a leaked password and a date", "password20240101", password.ErrLeaked},
		{"leaked, with the replacements that everybody knows", "P@ssw0rd123456", password.ErrLeaked},
		{"leaked twice", "a123456a123456", password.ErrLeaked},
		{"the bank card's code", "yinhangkamima1", password.ErrPinyin},
		{"congratulations on getting rich", "gongxifacai888888", password.ErrPinyin},
		{"two common words", "dragonmonkey12", password.ErrLeaked},
		{"four unrelated words", "correct horse battery staple", nil},
		{"seven syllables that are no phrase", "kuai-lunzhe-chuiniao-dengke", nil},
		{"twelve random characters", "kX9#mQ2$vL7t", nil},
		{"sixteen random small letters", "pvqkzmwyxjrtbghd", nil},
	} {
		if err := password.Check(c.secret, about...); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestEveryRefusalIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, f := range []error{password.ErrShort, password.ErrPinyin, password.ErrSimple} {
		if !strings.Contains(f.Error(), "password_") {
			t.Errorf("%v has no stable name", f)
		}
	}
}

func TestAHashIsMatchedByItsSecretOnly(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	h, err := password.Hash(ctx, "kX9#mQ2$vL7t")
	if err != nil || !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(h, "kX9") {
		t.Fatalf("got %s, %v", h, err)
	}
	other, err := password.Hash(ctx, "kX9#mQ2$vL7t")
	if err != nil || other == h {
		t.Errorf("the same secret hashes alike: %v", err)
	}
	if password.Stale(h) {
		t.Error("a fresh hash is stale")
	}
	weak := strings.Replace(h, "t=2", "t=1", 1)
	if !password.Stale(weak) || !password.Stale("") {
		t.Error("a hash of less cost is fresh")
	}
	for _, c := range []struct {
		name, stored, secret string
		want                 bool
	}{
		{"its secret", h, "kX9#mQ2$vL7t", true},
		{"another case", h, "kX9#mQ2$vL7T", false},
		{"one character less", h, "kX9#mQ2$vL7", false},
		{"nothing", h, "", false},
		{"other parameters", weak, "kX9#mQ2$vL7t", false},
		{"no hash stored", "", "", false},
		{"a stored hash that asks for a terabyte", strings.Replace(h, "m=19456", "m=1073741824", 1), "kX9#mQ2$vL7t", false},
		{"a hash of another kind", "$2a$10$N9qo8uLOickgx2ZMRZoMye", "kX9#mQ2$vL7t", false},
		{"a cut hash", h[:len(h)-4], "kX9#mQ2$vL7t", false},
		{"a stored hash of no bytes", h[:strings.LastIndex(h, "$")+1], "", false},
	} {
		if ok, err := password.Verify(ctx, c.stored, c.secret); err != nil || ok != c.want {
			t.Errorf("%s: got %v, %v", c.name, ok, err)
		}
	}
	wide, err := password.Hash(ctx, "ｋX9 and full width １２３")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := password.Verify(ctx, wide, "kX9 and full width 123"); !ok {
		t.Error("an input method's full-width letters are other letters")
	}
}

func TestNobodyWaitsForAHashWhenHeIsGone(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	failed := false
	for range 100 { // its turn may be free: then it does hash
		if _, err := password.Hash(gone, "x"); errors.Is(err, context.Canceled) {
			failed = true
			break
		}
	}
	if !failed {
		t.Error("it hashed for somebody who is gone, every time")
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"woshishui1314", "窗外雨声", "\xff\xfe\x00", "1990.01.01", strings.Repeat("1", 128)} {
		f.Add(s, "王小满")
	}
	f.Fuzz(func(t *testing.T, secret, about string) {
		if password.Check(secret, about) == nil && utf8.RuneCountInString(norm.NFKC.String(secret)) < 12 {
			t.Errorf("%q passed", secret)
		}
	})
}
