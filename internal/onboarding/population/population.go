// Package population makes applicants that nobody is: honest ones who share what honest
// people share, and rings that somebody organised, each in its own way. It measures how
// many of the rings the findings see, and how many honest people they suspect.
package population

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"hawker/internal/advice"
	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/onboarding"
	"hawker/internal/papers"
)

// Applicant is one of the population, with the truth about him.
type Applicant struct {
	onboarding.Sample
	Ring string // "" honest; else how the ring was made
	With string // of honest ones: what they share with others
}

// maker makes one population.
type maker struct {
	r     *rand.Rand
	from  time.Time
	today clock.Day
	list  []Applicant
}

// Make makes n applicants of the sixty days before an instant. The same seed makes the same ones.
func Make(seed uint64, n int, until time.Time) []Applicant {
	m := &maker{r: rand.New(rand.NewPCG(seed, 50)), from: until.AddDate(0, 0, -60), today: clock.DayOf(until, time.UTC, 0)} //nolint:gosec // reproducible, and no secret
	rings := max(6, n/400)
	for i := range rings {
		m.ring([]string{"telephone and device", "account", "photos", "burst", "chain", "careful"}[i%6])
	}
	halls := make([]string, max(1, n/800))
	for i := range halls {
		halls[i] = fmt.Sprintf("第%d农贸市场", i+1)
	}
	kiosks := max(1, n/1500)
	for len(m.list) < n {
		m.honest(halls, kiosks)
	}
	m.list = m.list[:n]
	m.r.Shuffle(len(m.list), func(i, j int) { m.list[i], m.list[j] = m.list[j], m.list[i] })
	return m.list
}

// look is that of a photo of a paper or a shop: such pictures resemble each other, so half
// of it has 26 bits that differ and not 32.
func (m *maker) look() uint64 { return m.r.Uint64() & 0x03ffffff_03ffffff }

var names = []rune("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤")

// person is somebody who shares nothing with anybody.
func (m *maker) person() onboarding.Sample {
	c := papers.Categories()[m.r.IntN(len(papers.Categories()))]
	d := []string{"310000", "320000", "330000", "440300"}[m.r.IntN(4)]
	area, _ := papers.DivisionOf(d) // it is one of ours
	name := string(names[m.r.IntN(len(names))]) + string(names[m.r.IntN(len(names))]) + string(names[m.r.IntN(len(names))])
	s := onboarding.Sample{Kind: advice.Micro, Model: "soundbox", FeePlan: "simple", Device: fmt.Sprintf("device-%d", m.r.Uint64()), Looks: []uint64{m.look(), m.look(), m.look()},
		Submitted: m.from.Add(time.Duration(m.r.Int64N(int64(60 * 24 * time.Hour)))).Truncate(time.Second),
		Needs:     advice.Needs{Kind: advice.Micro, Business: "other", Ticket: money.New(2500, money.CNY), Volume: money.New(1_500_000, money.CNY), Mobility: "stays", Cards: "none", Place: "street", Network: "mobile", Paper: "no", Payout: "next_day"}}
	s.Values = onboarding.Values{"holder": name, "id_number": string(papers.MakeID(m.r, m.today)), "id_until": papers.MakeUntil(m.r, m.today), "phone": papers.MakeMobile(m.r),
		"shop": name + c.ZH[:min(len(c.ZH), 6)], "mcc": c.MCC, "sells": "卖" + c.Words[0], "region": d, "address": fmt.Sprintf("人民路%d号%d室", m.r.IntN(3000), m.r.IntN(900)),
		"account_kind": onboarding.Personal, "account_holder": name, "account": papers.MakeCard(m.r), "bank": papers.MakeBank(m.r, area.Area)}
	if m.r.IntN(20) == 0 { // some choose the wrong category
		s.Values["sells"] = "卖" + papers.Categories()[m.r.IntN(len(papers.Categories()))].Words[0]
	}
	return s
}

// near is a time within days of another.
func (m *maker) near(at time.Time, days int) time.Time {
	return at.Add(time.Duration(m.r.Int64N(int64(days)*24*3600)) * time.Second)
}

// honest adds one or two honest applicants.
func (m *maker) honest(halls []string, kiosks int) {
	one := m.person()
	add := func(s onboarding.Sample, with string) { m.list = append(m.list, Applicant{Sample: s, With: with}) }
	switch roll := m.r.IntN(100); {
	case roll < 4: // a family with one telephone and one address
		two := m.person()
		two.Values["phone"], two.Values["address"], two.Values["region"] = one.Values["phone"], one.Values["address"], one.Values["region"]
		two.Submitted = m.near(one.Submitted, 20)
		add(two, "family")
		add(one, "family")
	case roll < 8: // a couple with one phone to apply with
		two := m.person()
		two.Device, two.Submitted = one.Device, m.near(one.Submitted, 2)
		add(two, "couple's device")
		add(one, "couple's device")
	case roll < 11: // one person with a second shop
		two := m.person()
		for _, f := range []string{"holder", "id_number", "id_until", "phone", "account", "account_holder", "bank"} {
			two.Values[f] = one.Values[f]
		}
		two.Device, two.Submitted = one.Device, m.near(one.Submitted, 30)
		add(two, "second shop")
		add(one, "second shop")
	case roll < 21: // a stall in a market hall
		one.Values["address"], one.Values["region"] = halls[m.r.IntN(len(halls))], "310000"
		add(one, "market hall")
	case roll < 26: // helped by a provider's technician, whose tablet the institution knows
		one.Device = fmt.Sprintf("known-tablet-%d", m.r.IntN(20))
		add(one, "provider's tablet")
	case roll < 28: // at a kiosk that nobody registered
		one.Device = fmt.Sprintf("kiosk-%d", m.r.IntN(kiosks))
		add(one, "unregistered kiosk")
	default:
		add(one, "")
	}
}

// KnownDevices are the tablets that an institution has listed as its providers'.
func KnownDevices() (list []string) {
	for i := range 20 {
		list = append(list, fmt.Sprintf("known-tablet-%d", i))
	}
	return list
}

// ring adds an organised ring of 4 to 12 people.
func (m *maker) ring(how string) {
	n := 4 + m.r.IntN(9)
	lead := m.person()
	for i := range n {
		s := m.person()
		s.Submitted = m.near(lead.Submitted, 10)
		switch how {
		case "telephone and device": // the organiser's own, for everybody
			s.Values["phone"], s.Device = lead.Values["phone"], lead.Device
		case "account": // everybody's money goes to one card
			s.Values["account"], s.Values["bank"] = lead.Values["account"], lead.Values["bank"]
		case "photos": // one shop's photo for all, telephones of their own
			s.Looks[2] = lead.Looks[2]
			if i%3 == 0 { // saved again: one half differs a little
				s.Looks[2] ^= 1
			}
		case "burst": // one evening, one device, everything else fresh
			s.Device, s.Submitted = lead.Device, lead.Submitted.Add(time.Duration(i)*20*time.Minute)
		case "chain": // each shares something with the one before, never the same thing twice in a row
			if i > 0 {
				before := m.list[len(m.list)-1]
				switch i % 3 {
				case 0:
					s.Values["phone"] = before.Values["phone"]
				case 1:
					s.Device = before.Device
				case 2:
					s.Looks[1] = before.Looks[1]
				}
			}
		case "careful": // a device for every three, weeks apart, nothing else
			s.Device, s.Submitted = fmt.Sprintf("%s-%d", lead.Device, i/3), m.near(m.from, 55)
		}
		m.list = append(m.list, Applicant{Sample: s, Ring: how})
	}
}

// Figure is how many of a group the findings took for mules.
type Figure struct {
	Group string
	All   int
	Found int
}

// Report is how well the findings tell rings from honest people.
type Report struct {
	Applicants int
	Rings      []Figure // of those that were planted: found is right
	Honest     []Figure // found is wrong
	Recall     float64  // of the planted, how many were found
	Precision  float64  // of those found, how many were planted
	Loading    time.Duration
	Searching  time.Duration // for all applicants together
}

// Measure loads a population into an office and has every applicant's findings looked at.
// timer tells real time.
func Measure(ctx context.Context, o *onboarding.Office, list []Applicant, timer func() time.Time) (rep Report, ids []onboarding.ID, err error) {
	begun := timer()
	for _, d := range KnownDevices() {
		if err := o.List(ctx, onboarding.MarkDevice, d, onboarding.Known, "a provider's tablet", "system", time.Time{}); err != nil {
			return rep, nil, err
		}
	}
	const batch = 500
	for part := range slices.Chunk(list, batch) {
		samples := make([]onboarding.Sample, len(part))
		for i, a := range part {
			samples[i] = a.Sample
		}
		made, err := o.Load(ctx, samples)
		if err != nil {
			return rep, nil, err
		}
		ids = append(ids, made...)
	}
	rep.Applicants, rep.Loading = len(list), timer().Sub(begun)
	begun = timer()
	rings, honest := map[string]*Figure{}, map[string]*Figure{}
	var right, wrong, planted int
	for i, a := range list {
		found, err := o.Findings(ctx, ids[i])
		if err != nil {
			return rep, nil, err
		}
		group, in := honest, a.With
		if a.Ring != "" {
			group, in = rings, a.Ring
			planted++
		}
		if group[in] == nil {
			group[in] = &Figure{Group: in}
		}
		group[in].All++
		if !onboarding.Mule(found) {
			continue
		}
		group[in].Found++
		if a.Ring != "" {
			right++
		} else {
			wrong++
		}
	}
	rep.Searching = timer().Sub(begun)
	for _, k := range slices.Sorted(maps.Keys(rings)) {
		rep.Rings = append(rep.Rings, *rings[k])
	}
	for _, k := range slices.Sorted(maps.Keys(honest)) {
		rep.Honest = append(rep.Honest, *honest[k])
	}
	rep.Recall, rep.Precision = float64(right)/float64(max(planted, 1)), float64(right)/float64(max(right+wrong, 1))
	return rep, ids, nil
}

// Print writes the report as people read it.
func (r Report) Print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%d applicants, loaded in %s, findings of all in %s (%s each)\n", r.Applicants, r.Loading.Round(time.Millisecond), r.Searching.Round(time.Millisecond),
		(r.Searching / time.Duration(max(r.Applicants, 1))).Round(time.Microsecond))
	_, _ = fmt.Fprintf(w, "recall %.3f, precision %.3f\n", r.Recall, r.Precision)
	for _, f := range r.Rings {
		_, _ = fmt.Fprintf(w, "  ring, %-22s %5d of %5d found\n", f.Group, f.Found, f.All)
	}
	for _, f := range r.Honest {
		name := f.Group
		if name == "" {
			name = "nothing shared"
		}
		_, _ = fmt.Fprintf(w, "  honest, %-20s %5d of %5d suspected\n", name, f.Found, f.All)
	}
}
