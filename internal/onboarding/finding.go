package onboarding

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hawker/internal/papers"
	"hawker/internal/store"
)

// Grade is how carefully an application is looked at.
type Grade string

// The grades.
const (
	Low    Grade = "low"
	Medium Grade = "medium"
	High   Grade = "high"
)

// grades in their order, with the points from which on they hold.
var grades = []struct {
	grade Grade
	from  int
}{{High, 50}, {Medium, 20}, {Low, 0}}

func gradeOf(score int) Grade {
	for _, g := range grades {
		if score >= g.from {
			return g.grade
		}
	}
	return Low
}

func (g Grade) atLeast(other Grade) bool {
	order := []Grade{Low, Medium, High}
	return slices.Index(order, g) >= slices.Index(order, other)
}

// Finding is something that a machine saw, for the reviewer to judge first.
type Finding struct {
	Code   string
	Points int    // towards a careful review
	Mule   bool   // a sign that somebody opens accounts for others
	Detail string // what was met, without personal data
	With   []Kin  // the applications that share it
}

// Kin is another application that shares something.
type Kin struct {
	ID     ID
	Number string
	Shop   string
	State  State
}

// Says are what each finding means, for reviewers.
var Says = map[string]Text{
	"blocked":          say("在名单上，不予开通", "It is on the list of those who are not boarded"),
	"person":           say("同一身份证另有申请或商户", "The same person has other applications or shops"),
	"licence":          say("同一执照另有申请或商户", "The same licence has other applications or shops"),
	"phone":            say("同一手机号被不同的人使用", "Other people use the same telephone"),
	"account":          say("同一银行账户被不同的人使用", "Other people use the same bank account"),
	"device":           say("同一台设备为不同的人提交申请", "The same device sent applications of other people"),
	"device_many":      say("很多人用同一台设备申请：如果是服务商的设备，请登记", "Very many people applied with one device: if it is a provider's, have it listed"),
	"burst":            say("同一台设备 24 小时内提交多份申请", "The same device sent several applications within 24 hours"),
	"look":             say("照片与别人的申请相同或几乎相同", "A photo is the same as another applicant's, or nearly so"),
	"address":          say("许多申请使用同一地址", "Many applications have the same address"),
	"ring":             say("与多份申请环环相扣，像是有人组织", "It is chained to several applications in different ways, as if organised"),
	"id_ending":        say("身份证 90 天内到期", "The ID card ends within 90 days"),
	"licence_ending":   say("执照 90 天内到期", "The licence ends within 90 days"),
	"category":         say("经营类别与所述不符", "The category does not fit the description"),
	"category_refused": say("描述像是不予开通的业务", "The description sounds like a business that is not boarded"),
	"category_risk":    say("该类别需要多看一眼", "This category asks for a closer look"),
	"age":              say("年龄较大或刚成年，确认是否本人经营", "Very young or old: see that the person runs the shop"),
	"bank_elsewhere":   say("开户行不在经营地所在省", "The bank's branch is in another province"),
	"volume":           say("预计流水超过该类商户的月限额", "The takings expected are over the monthly limit of this kind"),
}

// weights are the points of what applications share, by the number of other people who share it.
var weights = map[string][]int{
	MarkPhone:   {25, 40, 50},
	MarkAccount: {50, 60, 70},
	MarkDevice:  {0, 20, 25, 35},
	MarkAddress: {0, 0, 0, 5, 5, 5, 10},
	MarkTop:     {25, 30, 35},
	MarkBottom:  {25, 30, 35},
}

// crowd is from how many other people on a device it is rather a provider's or a public one
// than an organiser's.
const crowd = 15

func weigh(kind string, others int) int {
	w := weights[kind]
	if others == 0 || len(w) == 0 {
		return 0
	}
	return w[min(others, len(w))-1]
}

// known is what one application shares and with whom.
type known struct {
	marks  []Mark
	listed map[string]listed
	kin    map[string][]ID // by mark
	person map[ID][]byte   // whose each of them is
	about  map[ID]Kin
	when   map[ID]time.Time // submitted
}

// meet reads what an application shares with others that were submitted. What is listed as
// known, such as a provider's tablet, is not followed.
func (o *Office) meet(ctx context.Context, q *store.Reader, self ID, marks []Mark) (k known, err error) {
	k = known{marks: marks, person: map[ID][]byte{}, about: map[ID]Kin{}, when: map[ID]time.Time{}}
	if k.listed, err = listedOf(ctx, q, marks, o.Clock()); err != nil {
		return k, err
	}
	follow := slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return k.listed[key(m)].stance == Known })
	if k.kin, err = sharing(ctx, q, follow); err != nil {
		return k, err
	}
	var ids []ID
	for _, list := range k.kin {
		ids = append(ids, list...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{int64(id)}
	}
	if err = selectStates.Query(ctx, q, rows, func(scan func(...any) error) error {
		var one Kin
		var merchant int64
		var at store.Time
		err := scan(&one.ID, &one.Number, &one.State, &merchant, &at, &one.Shop)
		if one.State != Draft && one.State != Withdrawn {
			k.about[one.ID], k.when[one.ID] = one, at.Time()
		}
		return err
	}); err != nil {
		return k, fmt.Errorf("read who shares: %w", err)
	}
	all, err := marksOf(ctx, q, ids...)
	if err != nil {
		return k, err
	}
	for id, list := range all {
		for _, m := range list {
			if m.Kind == MarkPerson {
				k.person[id] = m.Sum
			}
		}
	}
	delete(k.about, self)
	return k, nil
}

// others are the applications of other people that share a mark, and how many people they are.
func (k known) others(m Mark, self []byte) (kin []Kin, people int) {
	seen := map[string]bool{}
	for _, id := range k.kin[key(m)] {
		one, there := k.about[id]
		if !there || (len(self) > 0 && bytes.Equal(k.person[id], self)) {
			continue
		}
		kin = append(kin, one)
		seen[string(k.person[id])] = true
	}
	return kin, len(seen)
}

// shared are the findings about what an application has in common with others.
func (o *Office) shared(ctx context.Context, q *store.Reader, a Application, marks []Mark) (list []Finding, err error) {
	k, err := o.meet(ctx, q, a.ID, marks)
	if err != nil {
		return nil, err
	}
	var self []byte
	for _, m := range marks {
		if m.Kind == MarkPerson {
			self = m.Sum
		}
	}
	links := map[string]bool{} // the kinds of ties to other people
	var near []ID
	for _, m := range marks {
		if l := k.listed[key(m)]; l.stance == Blocked {
			list = append(list, Finding{Code: "blocked", Points: 100, Mule: true, Detail: m.Kind + ": " + l.reason})
		}
		kin, people := k.others(m, self)
		switch m.Kind {
		case MarkPerson, MarkLicence:
			kin, _ = k.others(m, nil)
			if len(kin) > 0 {
				list = append(list, Finding{Code: m.Kind, Points: map[string]int{MarkPerson: 15 * min(len(kin), 4), MarkLicence: 30}[m.Kind], With: kin})
			}
			continue
		}
		if people == 0 {
			continue
		}
		code := m.Kind
		if strings.HasPrefix(code, "look/") {
			code = "look"
		}
		if points := weigh(m.Kind, people); points > 0 {
			list = append(list, Finding{Code: code, Points: points, Mule: m.Kind != MarkAddress, With: kin})
		}
		if m.Kind == MarkDevice && people > crowd {
			list[len(list)-1] = Finding{Code: "device_many", Points: 15, With: kin[:min(len(kin), 20)]}
			continue
		}
		if m.Kind == MarkDevice {
			if n := o.within(a, k, kin); n >= 3 {
				list = append(list, Finding{Code: "burst", Points: 30, Mule: true, Detail: fmt.Sprintf("%d + 1", n), With: kin})
			}
		}
		if m.Kind != MarkAddress || people >= 2 {
			links[code] = true
		}
		for _, one := range kin {
			near = append(near, one.ID)
		}
	}
	ring, err := o.ring(ctx, q, a, near, links, k)
	if err != nil {
		return nil, err
	}
	return merge(append(list, ring...)), nil
}

// within counts who of kin was submitted within 24 hours of the application.
func (o *Office) within(a Application, k known, kin []Kin) (n int) {
	at := a.Submitted
	if at.IsZero() {
		at = o.Clock()
	}
	for _, one := range kin {
		if d := k.when[one.ID].Sub(at); d > -24*time.Hour && d < 24*time.Hour {
			n++
		}
	}
	return n
}

// ring looks one step further: whoever is tied to those that this one is tied to. Four or
// more people, tied in two or more ways none of which is the address alone, are a ring.
func (o *Office) ring(ctx context.Context, q *store.Reader, a Application, near []ID, links map[string]bool, k known) ([]Finding, error) {
	if len(near) == 0 || len(near) > 60 {
		return nil, nil
	}
	slices.Sort(near)
	near = slices.Compact(near)
	all, err := marksOf(ctx, q, near...)
	if err != nil {
		return nil, err
	}
	var further []Mark
	for _, list := range all {
		for _, m := range list {
			if m.Kind == MarkPhone || m.Kind == MarkAccount || m.Kind == MarkDevice || m.Kind == MarkTop {
				further = append(further, m)
			}
		}
	}
	slices.SortFunc(further, func(a, b Mark) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Sum, b.Sum)) })
	further = slices.CompactFunc(further, func(a, b Mark) bool { return key(a) == key(b) })
	next, err := o.meet(ctx, q, a.ID, further)
	if err != nil {
		return nil, err
	}
	people, kin := map[string]bool{}, map[ID]Kin{}
	for _, m := range further {
		ids := next.kin[key(m)]
		if len(ids) < 2 {
			continue
		}
		for _, id := range ids {
			if one, there := next.about[id]; there {
				people[string(next.person[id])], kin[id] = true, one
				links[m.Kind] = true
			}
		}
	}
	for _, id := range near {
		people[string(k.person[id])], kin[id] = true, k.about[id]
	}
	delete(links, MarkAddress)
	if len(people) < 3 || len(links) < 2 {
		return nil, nil
	}
	f := Finding{Code: "ring", Points: 35, Mule: true, Detail: fmt.Sprintf("%d", len(people)+1)}
	for _, one := range kin {
		f.With = append(f.With, one)
	}
	return []Finding{f}, nil
}

// merge makes one finding of those with the same code, the weightiest first.
func merge(list []Finding) (out []Finding) {
	for _, f := range list {
		i := slices.IndexFunc(out, func(o Finding) bool { return o.Code == f.Code })
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Points += f.Points
		out[i].With = append(out[i].With, f.With...)
	}
	for i := range out {
		slices.SortFunc(out[i].With, func(a, b Kin) int { return cmp.Compare(a.ID, b.ID) })
		out[i].With = slices.CompactFunc(out[i].With, func(a, b Kin) bool { return a.ID == b.ID })
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return b.Points - a.Points })
	return out
}

// told are the findings about what an application says of itself.
func (o *Office) told(a Application, v Values) (list []Finding) {
	today := o.today()
	soon := func(code, until string) {
		if days, far := papers.Left(until, today); !far && days < 90 {
			list = append(list, Finding{Code: code, Points: 10, Detail: until})
		}
	}
	soon("id_ending", v["id_until"])
	if v["licence_until"] != "" {
		soon("licence_ending", v["licence_until"])
	}
	if c, err := papers.ParseMCC(v["mcc"]); err == nil {
		switch fits, rather := c.Describes(v["sells"] + " " + v["shop"]); {
		case rather.Refused:
			list = append(list, Finding{Code: "category_refused", Points: 60, Detail: rather.ZH + " / " + rather.EN})
		case !fits:
			list = append(list, Finding{Code: "category", Points: 20, Detail: rather.MCC + " " + rather.ZH + " / " + rather.EN})
		}
		if c.Risk > 0 {
			list = append(list, Finding{Code: "category_risk", Points: c.Risk, Detail: c.ZH + " / " + c.EN})
		}
	}
	if id, err := papers.ParseID(v["id_number"], today); err == nil {
		if age := id.Age(today); age < 20 || age > 68 {
			list = append(list, Finding{Code: "age", Points: 10, Mule: true, Detail: fmt.Sprint(age)})
		}
	}
	if !papers.SameProvince(v["bank"], v["region"]) {
		list = append(list, Finding{Code: "bank_elsewhere", Points: 5, Mule: true})
	}
	for _, l := range o.Offer.Limits[a.Kind] {
		if l.CardKind == "" && l.Monthly > 0 && a.Needs.Volume.Minor() > l.Monthly {
			list = append(list, Finding{Code: "volume", Points: 15, Detail: a.Needs.Volume.String()})
			break
		}
	}
	return list
}

// assess is everything that a machine sees in an application, and how careful that makes a reviewer.
func (o *Office) assess(ctx context.Context, q *store.Reader, a Application, v Values, marks []Mark) (list []Finding, score int, err error) {
	shared, err := o.shared(ctx, q, a, marks)
	if err != nil {
		return nil, 0, err
	}
	list = merge(append(shared, o.told(a, v)...))
	for _, f := range list {
		score += f.Points
	}
	return list, score, nil
}
