package iso

import (
	"context"
	"os"
	"strings"
	"testing"

	"hawker/internal/download"
	"hawker/internal/iso8583"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// stock imports the example for every merchant.
func (w *world) stock() {
	w.t.Helper()
	f, err := os.Open("../../../docs/params-example.json")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lists, err := download.Read(f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx *store.Tx) error {
		for k, rows := range lists {
			if _, _, err := download.Put(ctx, tx, download.Institution, k, rows, w.clock); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *device) fetch(mti, network, f62 string) message {
	m := d.request(mti, "00", network)
	if f62 != "" {
		m.set(62, f62)
	}
	return m
}

func TestATerminalIsToldWhatToFetchUntilItHasAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.stock()
		d := w.shop().device("en")
		asks := func(a answer, want int, after string) {
			t.Helper()
			if got := a.header.ProcessingRequest(); got != want {
				t.Errorf("after %s the header asks for %d, want %d", after, got, want)
			}
		}
		asks(d.signOn("004"), iso8583.AskTasks, "sign-on")
		if a := d.must(d.sale(1_00)); a.header.ProcessingRequest() != 0 {
			t.Error("a sale's answer asks for something")
		}
		a := d.must(d.fetch("0820", "364", ""))
		const task = "000000000000"
		if got := string(a.Bytes(62)); got != "360"+task+"372"+task+"382"+task+"394"+task+"390"+task+"396"+task+"398"+task {
			t.Errorf("the tasks are %q", got)
		}
		golden := func(network, mti, f62, want string) {
			t.Helper()
			got := string(d.must(d.fetch(mti, network, f62)).Bytes(62))
			if got != want {
				t.Errorf("%s: F62 is %q, want %q", network, got, want)
			}
		}
		thanks := string(iso8583.EncodeText("谢谢惠顾，欢迎再来", 40))
		service := string(iso8583.EncodeText("客服 400-000-0000", 40))
		golden("360", "0800", "", "1245201"+"233"+"60"+thanks+strings.Repeat(" ", 40-len(thanks))+"61"+service+strings.Repeat(" ", 40-len(service))+
			"62000005000000"+"63000000100000")
		d.must(d.fetch("0800", "361", ""))
		golden("372", "0820", "100", "1\x9f\x06\x05\xa0\x00\x00\x09\x99\x9f\x22\x01\x01\xdf\x05\x04\x20\x30\x12\x31")
		key := d.must(d.fetch("0800", "370", "\x9f\x06\x05\xa0\x00\x00\x09\x99\x9f\x22\x01\x01")).Bytes(62)
		if len(key) != 1+19+4+4+4+128+4+23 || key[0] != '1' {
			t.Errorf("the key's body has %d bytes", len(key))
		}
		golden("370", "0800", "\x9f\x06\x05\xa0\x00\x00\x09\x98", "0")
		d.must(d.fetch("0800", "371", ""))
		aids := "\x9f\x06\x07\xa0\x00\x00\x03\x33\x01\x01" + "\x9f\x06\x07\xa0\x00\x00\x03\x33\x01\x02"
		golden("382", "0820", "100", "1"+aids)
		golden("382", "0820", "101", "3"+aids[10:])
		golden("380", "0800", aids[10:], "1"+aids[10:]+"\x9f\x08\x02\x00\x30"+"\x9f\x1b\x04\x00\x00\x00\x00"+"\xdf\x01\x01\x00"+"\xdf\x18\x01\x01")
		d.must(d.fetch("0800", "381", ""))
		golden("390", "0800", "100", "1\x0d6214859999"+"00 ")
		d.must(d.fetch("0800", "391", ""))
		golden("396", "0800", "100", "1\x0d622848    19D"+"\x0d625965    16C")
		d.must(d.fetch("0800", "397", ""))
		golden("398", "0800", "100", "0")
		asks(d.must(d.fetch("0800", "399", "")), iso8583.FetchAIDs, "all but the contactless parameters")
		if page := d.must(d.fetch("0800", "394", "100")).Bytes(62); len(page) < 2 || page[0] != '1' {
			t.Errorf("the contactless parameters are %q", page)
		}
		asks(d.must(d.fetch("0800", "395", "")), iso8583.NothingToDo, "everything")
		asks(d.must(d.request("0820", "00", "301")), iso8583.NothingToDo, "an echo")
	})
}

func TestDownloadsThatCannotBeAnsweredAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("en")
	for _, row := range []struct{ name, code, mti, network, f62 string }{
		{"parameters where there are none", "25", "0800", "360", ""},
		{"an end that was not begun", "12", "0800", "361", ""},
		{"a later page that was not begun", "12", "0800", "390", "105"},
		{"a body that was not begun", "12", "0800", "380", "\x9f\x06\x01\x01"},
		{"a count that is none", "30", "0820", "382", "1xx"},
		{"no count", "30", "0820", "382", ""},
		{"a status that is none", "30", "0820", "362", "hello"},
	} {
		if a := d.ask(d.fetch(row.mti, row.network, row.f62)); a.code() != row.code {
			t.Errorf("%s is answered %s %s", row.name, a.code(), a.says())
		}
	}
	if a := d.must(d.fetch("0800", "390", "100")); string(a.Bytes(62)) != "0" {
		t.Errorf("a list where there is none is %q", a.Bytes(62))
	}
	if a := d.must(d.fetch("0820", "364", "")); a.Has(62) {
		t.Errorf("there are tasks: %q", a.Bytes(62))
	}
	d.must(d.fetch("0820", "365", ""))
	d.must(d.fetch("0820", "362", "01003"+"1.4                 "+"04078051"))
}
