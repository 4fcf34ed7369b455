package signin

import (
	"testing"
	"time"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestEveryTemplateIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
	wrong := web.EmptyForm("code", "123456")
	for _, field := range []string{"", "login", "password", "proof", "proof_code", "new_password", "new_pin", "passkeys", "passkey_name", "totp", "code", "pin", "device_name", "name", "phone", "role", "days", "idle", "free"} {
		wrong.Refuse(field, web.ErrNeeded)
	}
	means := []auth.Means{auth.ByPasskey, auth.ByTOTP, auth.ByPIN}
	symbol, err := drawn("https://pay.example.cn/hello/x")
	if err != nil {
		t.Fatal(err)
	}
	p := &Pages{}
	doors := p.Doors()
	webtest.Templates(t, doors[0], map[string]any{
		"signin": asked{wrong, "/app", true}, "second": halved{wrong, "/app", "陈晨", true, true}, "link": linked{wrong, "x", "陈晨", "chenchen", auth.Owner, auth.Reset},
		"pair": paired{"123 456", 1}, "switch": switching{wrong, []auth.Account{{ID: 1, Name: "陈晨"}}, 1, "/pos", "李雷"},
	})
	person := auth.Account{ID: 1, Kind: auth.Staff, Login: "chenchen", Name: "陈晨", Phone: "13812345678", Role: auth.Owner, State: auth.Active, Password: true, TOTP: true, PIN: true, Passkeys: 1, Created: at, Seen: at, PasswordAt: at}
	var crewed []auth.Account
	for _, k := range []auth.Kind{auth.Staff, auth.Operator} {
		for _, r := range auth.Roles(k) {
			for _, s := range []auth.State{auth.Invited, auth.Active, auth.Suspended} {
				crewed = append(crewed, auth.Account{ID: 2, Name: "x", Role: r, State: s, Locked: at.Add(time.Hour)})
			}
		}
	}
	for _, do := range []string{"role", "link", "suspend", "resume"} {
		ask := asking{At: "/app/staff", Form: wrong, Means: means, Action: auth.StaffWrite, Object: "staff/1", Account: person, Do: do, Acts: []string{"role", "link", "suspend", "resume"}, Roles: []web.Option{{Value: "owner", Text: "x"}}, May: true}
		webtest.Templates(t, doors[1], map[string]any{
			"security": safety{Account: person, Form: wrong, Fresh: do == "role", Again: means[:2], Object: "staff/1", Passkeys: []keyLine{{"a", "x", at}}, Possible: do != "link", Sessions: []auth.Session{{ID: 1, Began: at, Seen: at}, {ID: 2, Began: at, Seen: at}},
				Recovery: 3, Ends: at, Remind: true, Welcome: true, Enrolling: do == "suspend", This: 1, Staff: true, Next: "/app"},
			"totp":   enrolling{auth.Enrolment{Secret: "ABCD", URL: "otpauth://x"}, wrong, "t", symbol},
			"codes":  []string{"AAAA-BBBB-CCCC-DDDD"},
			"people": crew{"/app/staff", crewed, true, true, at}, "invite": ask, "person": ask, "rules": ruled{ask, true},
			"invited": handed{"/app/staff", "https://pay.example.cn/hello/x", person, auth.Reset, symbol},
			"devices": fleet{Form: wrong, Devices: []auth.PairedDevice{{ID: 1, Name: "x", Locked: true, Seen: at}, {ID: 2, Name: "y"}}, May: true, This: map[bool]int64{true: 1}[do == "role"], Found: map[bool]*auth.Pairing{true: {Code: "123456"}}[do == "link"]},
			"audit":   trail{Rows: []act{{audit.Record{At: at, What: "staff.role", Who: audit.System}, "x", "y", []change{{"role", "cashier", "owner"}}}}, Older: "/audit?before=1", Export: "/audit/export?"},
		})
	}
}

func TestABrowserIsNamedInTwoWords(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari · iPhone",
		"Mozilla/5.0 (Linux; Android 14; x) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36 MicroMessenger/8.0":                              "WeChat · Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0":                                       "Edge · Windows",
		"curl/8.0": "curl/8.0", "": "?",
	} {
		if got := browser(agent); got != want {
			t.Errorf("%q is %q", agent, got)
		}
	}
}
