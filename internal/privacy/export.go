package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/paper"
	"hawker/internal/subject"
)

// Field is one thing that is kept of a subject.
type Field struct {
	Name  Words  `json:"name"`
	Value string `json:"value"`
}

// Section is what one package keeps of a subject.
type Section struct {
	Key    string  `json:"key"`
	Title  Words   `json:"title"`
	Fields []Field `json:"fields"`
}

// Source tells what a package keeps of a subject; nothing is no error.
type Source func(ctx context.Context, m merchant.Merchant) ([]Section, error)

// Copy is everything that is kept of a subject, as he receives it.
type Copy struct {
	Subject  subject.ID `json:"subject"`
	Made     string     `json:"made"` // RFC 3339
	Sections []Section  `json:"sections"`
	Map      []Entry    `json:"map"`
	Looks    []Look     `json:"looks"`
}

// Copy gathers what is kept of a merchant.
func (o *Office) Copy(ctx context.Context, m merchant.Merchant) (c Copy, err error) {
	c = Copy{Subject: Of(m.ID), Made: o.now().Format(time.RFC3339)}
	for _, s := range o.Sources {
		sections, err := s(ctx, m)
		if err != nil {
			return c, fmt.Errorf("copy of %s: %w", c.Subject, err)
		}
		c.Sections = append(c.Sections, sections...)
	}
	if c.Looks, err = o.LooksOf(ctx, m.ID, 1000); err != nil {
		return c, err
	}
	c.Map, err = Map()
	return c, err
}

// JSON is the copy for a machine.
func (c Copy) JSON() ([]byte, error) { return json.MarshalIndent(c, "", "  ") }

// PDF is the copy for a person; times are the merchant's.
func (c Copy) PDF(m merchant.Merchant) ([]byte, error) {
	p, err := paper.New("个人信息副本 Copy of personal data", "个人信息副本 Copy of personal data · "+c.Made)
	if err != nil {
		return nil, err
	}
	p.Title("个人信息副本")
	p.Title("Copy of personal data")
	p.Small(m.NameZH + "  " + m.NameEN + " · " + m.MID)
	p.Gap(3)
	for _, s := range c.Sections {
		p.Heading(s.Title.ZH + "  " + s.Title.EN)
		rows := [][]string{{"项目 Item", "内容 Content"}}
		for _, f := range s.Fields {
			rows = append(rows, []string{f.Name.ZH + " " + f.Name.EN, f.Value})
		}
		p.Table([]float64{2, 4}, rows...)
	}
	p.Heading("谁查看过  Who looked at it")
	rows := [][]string{{"时间 Time", "谁 Who", "内容 What", "用途 What for"}}
	for _, l := range c.Looks {
		rows = append(rows, []string{l.At.In(m.Zone).Format("2006-01-02 15:04"), l.Actor, l.Named.ZH + " " + l.Named.EN, l.Purpose})
	}
	p.Table([]float64{2, 2, 2, 3}, rows...)
	p.Heading("保存什么、为什么、多久  What is kept, what for, how long")
	rows = [][]string{{"内容 What", "用途 What for", "期限 Term"}}
	for _, e := range c.Map {
		rows = append(rows, []string{e.What.ZH + " " + e.What.EN, e.Purpose.ZH + " " + e.Purpose.EN, fmt.Sprintf("%d 年 years", e.Keep.Years)})
	}
	p.Table([]float64{3, 4, 1.4}, rows...)
	return p.PDF()
}
