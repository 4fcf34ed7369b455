package web

import (
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	texttemplate "text/template/parse"

	"hawker/internal/auth"
)

// View is the dot of every page and part: what the kit knows, and the door's Data.
type View struct {
	Lang   Lang
	Theme  Theme
	URL    *url.URL
	Who    auth.Who
	Signed bool
	Face   Face
	Door   string
	Place  string // the merchant or institution
	Nav    []Line
	Data   any
}

// Line is an entry of the navigation as one person sees it.
type Line struct {
	Entry
	Here    bool // the page is below it
	Waiting int
}

// English reports whether the page is in English, for the few things that no text can say.
func (v View) English() bool { return v.Lang == EN }

// Other is the language that the switch leads to.
func (v View) Other() Lang {
	if v.Lang == ZH {
		return EN
	}
	return ZH
}

// Set is the address of this page with a parameter changed; "" takes it away.
func (v View) Set(name, value string) string {
	q := v.URL.Query()
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	u := url.URL{Path: v.URL.Path, RawQuery: q.Encode()}
	return localPath(u.String())
}

// page is a parsed page in one language.
type page struct {
	*template.Template
	blocks []string // that the page's file defines and no template names: answers of their own
	policy string   // "" for everybody's
}

// layouts are the frames by face.
var layouts = map[Face]string{Shell: "shell", Light: "light", Bare: "bare"}

// parse reads a door's templates: each page with the kit's parts and the door's own, in both languages.
func (k *Kit) parse(d Door) error {
	if d.Templates == nil {
		return nil
	}
	names, err := fs.Glob(d.Templates, "*.html")
	if err != nil {
		return err
	}
	for _, l := range []Lang{ZH, EN} {
		base := template.New("").Funcs(k.funcs(l))
		if _, err := base.ParseFS(embedded, "templates/_*.html"); err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasPrefix(name, "_") && d.Name != "web" {
				if _, err := base.ParseFS(d.Templates, name); err != nil {
					return err
				}
			}
		}
		for _, name := range names {
			if strings.HasPrefix(name, "_") {
				continue
			}
			t, err := base.Clone()
			if err != nil {
				return err
			}
			before := defined(t)
			if _, err := t.ParseFS(d.Templates, name); err != nil {
				return err
			}
			p := &page{Template: t}
			used := named(t)
			for _, block := range defined(t) {
				if !slices.Contains(before, block) && block != name && !used[block] {
					p.blocks = append(p.blocks, block)
				}
			}
			if err := k.check(t); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			p.policy = k.files.policy(t)
			key := d.Name + "/" + strings.TrimSuffix(path.Base(name), ".html")
			if k.pages[key] == nil {
				k.pages[key] = map[Lang]*page{}
			}
			k.pages[key][l] = p
		}
	}
	return nil
}

func defined(t *template.Template) (names []string) {
	for _, t := range t.Templates() {
		if t.Name() != "" {
			names = append(names, t.Name())
		}
	}
	return names
}

// named are the templates that others call.
func named(t *template.Template) map[string]bool {
	used := map[string]bool{}
	for _, t := range t.Templates() {
		if t.Tree != nil && t.Tree.Root != nil {
			walk(t.Tree.Root, func(fn, arg string) {
				if fn == "template" {
					used[arg] = true
				}
			}, func(string) {})
		}
	}
	return used
}

// check finds texts, icons and files that a template names and nobody has, in branches
// that no test comes through too.
func (k *Kit) check(t *template.Template) (err error) {
	for _, t := range t.Templates() {
		if t.Tree == nil || t.Tree.Root == nil {
			continue
		}
		walk(t.Tree.Root, func(fn, arg string) {
			switch {
			case err != nil:
			case fn == "t":
				if _, ok := k.texts[arg]; !ok {
					err = fmt.Errorf("%s: no text %q", t.Name(), arg)
				}
			case fn == "asset", fn == "inline":
				if k.files.byName[arg] == nil {
					err = fmt.Errorf("%s: no asset %q", t.Name(), arg)
				}
			case fn == "icon":
				if !Icon(arg) {
					err = fmt.Errorf("%s: no icon %q in icons.txt", t.Name(), arg)
				}
			}
		}, func(text string) {
			if err == nil && han.MatchString(text) {
				err = fmt.Errorf("%s: words outside the catalogue: %.40q", t.Name(), strings.TrimSpace(text))
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// walk visits every call with a constant first argument, every {{template}}, and every text.
func walk(n texttemplate.Node, call func(fn, arg string), text func(string)) {
	switch n := n.(type) {
	case *texttemplate.ListNode:
		if n != nil {
			for _, c := range n.Nodes {
				walk(c, call, text)
			}
		}
	case *texttemplate.TextNode:
		text(string(n.Text))
	case *texttemplate.ActionNode:
		walk(n.Pipe, call, text)
	case *texttemplate.TemplateNode:
		call("template", n.Name)
		walk(n.Pipe, call, text)
	case *texttemplate.IfNode:
		walkBranch(n.BranchNode, call, text)
	case *texttemplate.RangeNode:
		walkBranch(n.BranchNode, call, text)
	case *texttemplate.WithNode:
		walkBranch(n.BranchNode, call, text)
	case *texttemplate.PipeNode:
		if n != nil {
			for _, c := range n.Cmds {
				walk(c, call, text)
			}
		}
	case *texttemplate.CommandNode:
		if len(n.Args) > 1 {
			fn, isFn := n.Args[0].(*texttemplate.IdentifierNode)
			arg, isText := n.Args[1].(*texttemplate.StringNode)
			if isFn && isText {
				call(fn.Ident, arg.Text)
			}
		}
		for _, a := range n.Args {
			walk(a, call, text)
		}
	}
}

func walkBranch(b texttemplate.BranchNode, call func(fn, arg string), text func(string)) {
	walk(b.Pipe, call, text)
	walk(b.List, call, text)
	walk(b.ElseList, call, text)
}

// render writes a page in its layout, or one of its blocks.
func (k *Kit) render(w io.Writer, r *Request, name, block string, data any) error {
	p := k.pages[r.door.Name+"/"+name][r.Lang]
	if p == nil {
		return fmt.Errorf("no page %s/%s", r.door.Name, name)
	}
	v := View{Lang: r.Lang, Theme: r.Theme, URL: r.URL, Who: r.Who, Signed: r.Signed, Face: r.door.Face, Door: r.door.Name, Data: data}
	if block == "" {
		block = layouts[r.door.Face]
		if v.Face == Shell {
			if err := k.surround(r, &v); err != nil {
				return err
			}
		}
	}
	if err := p.ExecuteTemplate(w, block, v); err != nil {
		return fmt.Errorf("page %s/%s: %w", r.door.Name, name, err)
	}
	return nil
}

// surround fills in what the shell shows around a page.
func (k *Kit) surround(r *Request, v *View) error {
	if k.config.Place != nil && r.Signed {
		v.Place = k.config.Place(r.Context(), r.Who)
	}
	best := -1
	for _, e := range k.nav {
		if !r.Signed || !auth.Allows(r.Who, e.Action) {
			continue
		}
		l := Line{Entry: e}
		if e.Count != nil {
			var err error
			if l.Waiting, err = e.Count(r.Context(), r.Who); err != nil {
				return fmt.Errorf("count of %s: %w", e.Path, err)
			}
		}
		v.Nav = append(v.Nav, l)
		if (r.URL.Path == e.Path || strings.HasPrefix(r.URL.Path, e.Path+"/")) && (best < 0 || len(e.Path) > len(v.Nav[best].Path)) {
			best = len(v.Nav) - 1
		}
	}
	if best >= 0 {
		v.Nav[best].Here = true
	}
	return nil
}
