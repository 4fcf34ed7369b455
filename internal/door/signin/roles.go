package signin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/web"
)

func escape(s string) string { return url.QueryEscape(s) }

// HomeOf is where somebody's work is: the till, the back office, or the operators' console.
func HomeOf(who auth.Who) string {
	switch {
	case who.Enrolling:
		return "/security"
	case who.Kind == auth.Operator:
		return "/ops"
	case who.Kind == auth.Device, who.Role == auth.Cashier, who.Device != 0:
		return "/pos"
	}
	return "/app"
}

// The names by which a browser's own description tells what it is, the more special first.
var (
	programs = [][2]string{{"MicroMessenger", "WeChat"}, {"AlipayClient", "Alipay"}, {"Edg", "Edge"}, {"Firefox", "Firefox"}, {"HeadlessChrome", "Chrome"}, {"Chrome", "Chrome"}, {"Safari", "Safari"}}
	machines = [][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"HarmonyOS", "HarmonyOS"}, {"Windows", "Windows"}, {"Mac OS", "Mac"}, {"Linux", "Linux"}}
)

// browser says what a browser is in two words, or as it says when we do not know it.
func browser(agent string) string {
	find := func(names [][2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	program, machine := find(programs), find(machines)
	switch {
	case program != "" && machine != "":
		return program + " · " + machine
	case program+machine != "":
		return program + machine
	case agent == "":
		return "?"
	}
	if r := []rune(agent); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return agent
}

// errPIN tells the screen of a device that nobody works at it any more.
var errPIN = fault.New(fault.Anonymous, "pin_needed", "请先输入 PIN。", "Please enter your PIN first.")

// Refused answers in its own way whoever may not yet: an operator without a second factor
// is led to where he sets one up, a device that waits for a cashier to where he shows his
// PIN. Anything else is left to the kit.
func Refused(r *web.Request, err error) web.Response {
	if r.Signed && r.Who.Role == auth.Locked && errors.Is(err, auth.ErrForbidden) {
		switch {
		case strings.Contains(r.Header.Get("Accept"), "application/json"): // a till whose cashier was away too long
			said := map[string]string{"error": errPIN.Name, "message": errPIN.EN}
			if r.Lang == web.ZH {
				said["message"] = errPIN.ZH
			}
			return web.JSON(http.StatusUnauthorized, said)
		case r.Method == http.MethodGet:
			return web.Redirect("/switch?next=" + escape(r.URL.RequestURI()))
		}
	}
	if r.Signed && r.Who.Enrolling && errors.Is(err, auth.ErrForbidden) && r.Method == http.MethodGet {
		return web.Redirect("/security")
	}
	return nil
}
