package iso8583

import "testing"

func TestATagOfField59IsFoundAmongOthers(t *testing.T) {
	t.Parallel()
	field := Build59("A2", "01002"+"04") + Build59(QRCode, "6212345678901234567") + Build59("A5", "")
	for tag, want := range map[string]string{QRCode: "6212345678901234567", QRVoucher: "", "A5": "", "A2": "0100204"} {
		if got, err := Find59([]byte(field), tag); err != nil || got != want {
			t.Errorf("%s is %q, %v", tag, got, err)
		}
	}
	for _, bad := range []string{"A3", "A3xyz", "A3005abc", "A3001aA"} {
		if got, err := Find59([]byte(bad), "A9"); err == nil {
			t.Errorf("%q gave %q", bad, got)
		}
	}
}
