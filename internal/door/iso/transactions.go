package iso

import (
	"context"
	"slices"

	"hawker/internal/iso8583"
)

// rowsOf is the table as each dialect has it: every one shares the rows below, but
// knows sign-ons of its own, and may want a MAC and further fields everywhere.
func rowsOf(dialects iso8583.Dialects) map[*iso8583.Profile][]transaction {
	all := map[*iso8583.Profile][]transaction{}
	for _, p := range dialects {
		for _, row := range transactions {
			if row.name == signOn && !p.Knows(iso8583.Layout(row.network)) {
				continue
			}
			row.mac = row.mac || p.MACAlways && row.name != echo
			if row.mac {
				row.required = slices.Concat(row.required, p.Requires)
			}
			all[p] = append(all[p], row)
		}
	}
	return all
}

// The rows that a dialect changes.
const (
	signOn = "sign-on"
	echo   = "echo"
)

// transaction is one row of docs/terminal-protocol.md: what a message is, what it
// must carry, and who answers it.
type transaction struct {
	name       string
	mti        string
	processing string // field 3; "" when the message has none, "*" for any
	condition  string // field 25; "" when the message needs none, "*" for any
	msgType    string // 60.1; "*" for any
	network    string // 60.3
	required   []int
	mac        bool
	handle     func(*Server, context.Context, *call) error
}

// transactions are the page's rows, one for each network code.
var transactions = []transaction{
	{"sign-on", "0800", "", "", "00", "001", []int{11, 63}, false, (*Server).signOn},
	{"sign-on", "0800", "", "", "00", "003", []int{11, 63}, false, (*Server).signOn},
	{"sign-on", "0800", "", "", "00", "004", []int{11, 63}, false, (*Server).signOn},
	{"sign-on", "0800", "", "", "00", "005", []int{11, 63}, false, (*Server).begin},
	{"sign-off", "0820", "", "", "00", "002", []int{11}, false, (*Server).signOff},
	{"echo", "0820", "", "", "00", "301", []int{11}, false, (*Server).echo},
	{"status upload", "0820", "", "", "00", "362", []int{11, 62}, false, (*Server).status},
	{"balance inquiry", "0200", "310000", "00", "01", "000", []int{3, 11, 22, 25, 49}, true, (*Server).inquire},
	{"sale", "0200", "000000", "00", "22", "000", []int{3, 4, 11, 22, 25, 49}, true, (*Server).sale},
	{"payment by code", "0200", "700000", "00", "60", "000", []int{3, 4, 11, 22, 25, 49, 59}, true, (*Server).scan},
	{"payment by code", "0200", "700000", "00", "60", "002", []int{3, 4, 11, 22, 25, 49, 59}, true, (*Server).scan},
	{"payment by code", "0200", "700000", "00", "60", "003", []int{3, 4, 11, 22, 25, 49, 59}, true, (*Server).scan},
	{"payment by code", "0200", "700000", "00", "60", "004", []int{3, 4, 11, 22, 25, 49, 59}, true, (*Server).scan},
	{"code shown", "0200", "710000", "00", "60", "002", []int{3, 4, 11, 22, 25, 49}, true, (*Server).present},
	{"code shown", "0200", "710000", "00", "60", "003", []int{3, 4, 11, 22, 25, 49}, true, (*Server).present},
	{"code shown", "0200", "710000", "00", "60", "004", []int{3, 4, 11, 22, 25, 49}, true, (*Server).present},
	{"void by code", "0200", "720000", "00", "60", "000", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).voidCode},
	{"void by code", "0200", "720000", "00", "60", "002", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).voidCode},
	{"void by code", "0200", "720000", "00", "60", "003", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).voidCode},
	{"void by code", "0200", "720000", "00", "60", "004", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).voidCode},
	{"query by code", "0200", "730000", "00", "60", "000", []int{3, 11, 22, 25, 37, 49, 61}, true, (*Server).askCode},
	{"query by code", "0200", "730000", "00", "60", "002", []int{3, 11, 22, 25, 37, 49, 61}, true, (*Server).askCode},
	{"query by code", "0200", "730000", "00", "60", "003", []int{3, 11, 22, 25, 37, 49, 61}, true, (*Server).askCode},
	{"query by code", "0200", "730000", "00", "60", "004", []int{3, 11, 22, 25, 37, 49, 61}, true, (*Server).askCode},
	{"void", "0200", "200000", "00", "23", "000", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).void},
	{"refund", "0220", "200000", "00", "25", "000", []int{3, 4, 11, 22, 25, 37, 49, 61, 63}, true, (*Server).refund},
	{"refund of electronic cash", "0220", "200000", "00", "27", "000", []int{3, 4, 11, 22, 25, 37, 49, 61, 63}, true, (*Server).refund},
	{"pre-authorization", "0100", "030000", "06", "10", "000", []int{3, 4, 11, 22, 25, 49}, true, (*Server).preauth},
	{"pre-authorization void", "0100", "200000", "06", "11", "000", []int{3, 4, 11, 22, 25, 38, 49, 61}, true, (*Server).preauthVoid},
	{"completion, request", "0200", "000000", "06", "20", "000", []int{3, 4, 11, 22, 25, 38, 49, 61}, true, (*Server).complete},
	{"completion, notice", "0220", "000000", "06", "24", "000", []int{3, 4, 11, 22, 25, 38, 49, 61}, true, (*Server).completeNotice},
	{"completion void", "0200", "200000", "06", "21", "000", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).completionVoid},
	{"offline settlement", "0220", "000000", "00", "30", "000", []int{3, 4, 11, 22, 25, 49}, true, (*Server).offlineSale},
	{"electronic cash sale", "0200", "000000", "00", "36", "000", []int{3, 4, 11, 22, 25, 49, 55}, true, (*Server).cashSale},
	{"adjustment", "0220", "000000", "00", "32", "000", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).adjust},
	{"tip", "0220", "000000", "00", "34", "000", []int{3, 4, 11, 22, 25, 37, 49, 61}, true, (*Server).tip},
	{"reversal", "0400", "*", "*", "*", "000", []int{3, 4, 11, 22, 25, 39, 49}, true, (*Server).reverse},
	{"reversal of a code", "0400", "*", "*", "60", "002", []int{3, 4, 11, 22, 25, 39, 49}, true, (*Server).reverse},
	{"reversal of a code", "0400", "*", "*", "60", "003", []int{3, 4, 11, 22, 25, 39, 49}, true, (*Server).reverse},
	{"reversal of a code", "0400", "*", "*", "60", "004", []int{3, 4, 11, 22, 25, 39, 49}, true, (*Server).reverse},
	{"script result notice", "0620", "*", "*", "00", "951", []int{3, 4, 11, 22, 25, 37, 49, 55, 61}, true, (*Server).scriptNotice},
	{"batch settlement", "0500", "", "", "00", "201", []int{11, 48, 49, 63}, false, (*Server).settle},
	{"batch upload, magnetic detail", "0320", "", "", "00", "201", []int{11, 48}, false, (*Server).upload},
	{"batch upload, chip detail", "0320", "", "", "00", "203", []int{4, 11, 22, 49, 55}, false, (*Server).uploadChip},
	{"batch upload, chip detail", "0320", "", "", "00", "205", []int{4, 11, 22, 49, 55}, false, (*Server).uploadChip},
	{"batch upload, refused by the chip", "0320", "", "", "00", "204", []int{4, 11, 22, 49, 55}, false, (*Server).uploadRefused},
	{"batch upload, refused by the chip", "0320", "", "", "00", "206", []int{4, 11, 22, 49, 55}, false, (*Server).uploadRefused},
	{"batch upload, notice", "0320", "*", "*", "*", "000", []int{3, 4, 11, 22, 25, 49}, false, (*Server).uploadNotice},
	{"batch upload end", "0320", "", "", "00", "207", []int{11, 48}, false, (*Server).endUpload},
	{"batch upload end", "0320", "", "", "00", "202", []int{11, 48}, false, (*Server).endUpload},
	{"parameter download", "0800", "", "", "00", "360", []int{11}, false, (*Server).parameters},
	{"parameter download end", "0800", "", "", "00", "361", []int{11}, false, (*Server).endDownload},
	{"CA public key list", "0820", "", "", "00", "372", []int{11, 62}, false, (*Server).page},
	{"CA public key", "0800", "", "", "00", "370", []int{11, 62}, false, (*Server).body},
	{"CA public key end", "0800", "", "", "00", "371", []int{11}, false, (*Server).endDownload},
	{"AID list", "0820", "", "", "00", "382", []int{11, 62}, false, (*Server).page},
	{"AID", "0800", "", "", "00", "380", []int{11, 62}, false, (*Server).body},
	{"AID end", "0800", "", "", "00", "381", []int{11}, false, (*Server).endDownload},
	{"blacklist", "0800", "", "", "00", "390", []int{11, 62}, false, (*Server).page},
	{"blacklist end", "0800", "", "", "00", "391", []int{11}, false, (*Server).endDownload},
	{"contactless parameters", "0800", "", "", "00", "394", []int{11, 62}, false, (*Server).page},
	{"contactless parameters end", "0800", "", "", "00", "395", []int{11}, false, (*Server).endDownload},
	{"BIN table B", "0800", "", "", "00", "396", []int{11, 62}, false, (*Server).page},
	{"BIN table B end", "0800", "", "", "00", "397", []int{11}, false, (*Server).endDownload},
	{"BIN table C", "0800", "", "", "00", "398", []int{11, 62}, false, (*Server).page},
	{"BIN table C end", "0800", "", "", "00", "399", []int{11}, false, (*Server).endDownload},
	{"task inquiry", "0820", "", "", "00", "364", []int{11}, false, (*Server).tasks},
	{"signature upload", "0820", "*", "", "07", "800", []int{4, 11, 25, 37, 62}, true, (*Server).sign},
	{"signature upload, segment", "0820", "*", "", "08", "800", []int{4, 11, 25, 37, 62}, true, (*Server).sign},
	{"task inquiry end", "0820", "", "", "00", "365", []int{11}, false, (*Server).endTasks},
}

// find gives the row of rows that a message belongs to; nil when it belongs to none.
func find(rows []transaction, m *iso8583.Message, f60 iso8583.Field60) *transaction {
	for i := range rows {
		t := &rows[i]
		if t.mti == m.MTI && t.network == f60.Network && fits(t.processing, m.Text(3)) && fits(t.msgType, f60.Type) && t.conditioned(m) {
			return t
		}
	}
	return nil
}

// fits matches a value with a pattern, whose star stands for anything.
func fits(pattern, value string) bool { return pattern == "*" || pattern == value }

// conditioned reports whether field 25 does not speak of another transaction; that
// it must be there, required says.
func (t *transaction) conditioned(m *iso8583.Message) bool {
	return t.condition == "" || t.condition == "*" || !m.Has(25) || t.condition == m.Text(25)
}
