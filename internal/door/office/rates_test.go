package office

import (
	"reflect"
	"testing"
	"time"

	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/web"
)

func TestADigestStatesTheRatesOfItsDayAndThoseBefore(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CST", 8*60*60)
	m := merchant.Merchant{Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour}
	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 0, 0, 0, zone)
	}
	version := func(method string, rate money.BasisPoints, from time.Time) feelock.Change {
		return feelock.Change{From: from, Rate: feelock.Rate{Line: feelock.Line{Method: method}, FeePlan: merchant.FeePlan{Rate: rate}}}
	}
	history := []feelock.Change{
		version("alipay", 40, at(1, 1, 0)),
		version("wechat", 30, at(12, 1, 0)), version("wechat", 38, at(11, 22, 9)), version("wechat", 60, at(1, 1, 0)),
		version("unionpay", 50, at(11, 23, 0)),
	}
	line := func(n int) string { _, en := history[n].Name(); return en }
	terms := func(n int) string { _, en := history[n].Words(); return en }
	day := func(n int) string { return web.Day(web.EN, history[n].From.In(zone)) }
	for _, c := range []struct {
		name string
		day  clock.Day
		want []rated
	}{
		{"before any", 20251231, nil},
		{"one version each", 20261121, []rated{{line(0), terms(0), day(0), nil}, {line(1), terms(3), day(3), nil}}},
		{"the day of a change", 20261122, []rated{{line(0), terms(0), day(0), nil}, {line(1), terms(2), day(2), []was{{terms(3), day(3)}}}}},
		{"a line that is new", 20261123, []rated{{line(0), terms(0), day(0), nil}, {line(1), terms(2), day(2), []was{{terms(3), day(3)}}}, {line(4), terms(4), day(4), nil}}},
	} {
		if got := rates(web.EN, m, c.day, history); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n%+v, want\n%+v", c.name, got, c.want)
		}
	}
}
