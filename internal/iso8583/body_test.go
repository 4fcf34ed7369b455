package iso8583

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestBodiesPassBothWays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		parse      func(string) (any, error)
		want       any
	}{
		{"field 60 of management", "00000007201", any60, Field60{Type: "00", Batch: "000007", Network: "201"}},
		{"field 60 with a capability", "220000070006", any60, Field60{Type: "22", Batch: "000007", Network: "000", Capability: "6"}},
		{"field 60 after a failed chip", "2200000700062", any60, Field60{Type: "22", Batch: "000007", Network: "000", Capability: "6", ChipCondition: "2"}},
		{"field 60 with more than we read", "22000007000621001", any60, Field60{"22", "000007", "000", "6", "2", "1001"}},
		{"field 61", "0000070001010000", any61, Field61{Batch: "000007", Trace: "000101", Date: "0000"}},
		{"field 61 with more than we read", "000007000101110701", any61, Field61{"000007", "000101", "1107", "01"}},
		{"totals", "000001234500012000000012300001" + "1" + "000000000000000000000000000000" + "2", any48,
			Totals48{Domestic: Totals{1234500, 12, 12300, 1, Balanced}, Foreign: Totals{Result: NotBalanced}}},
		{"details", "02" + "00000101" + "0" + "6222000000000000129" + "000000012300" + "00000102" + strings.Repeat("0", 20) + "000000000001", anyDetails,
			Details48{{"00", "000101", "6222000000000000129", 12300}, {"00", "000102", "", 1}}},
		{"a balance", "0002156C000000012300", anyBalance, Balance54{{"00", "02", "156", 12300}}},
		{"two balances, one in debit", "0001156D000000012300" + "0002156C000000000000", anyBalance, Balance54{{"00", "01", "156", -12300}, {"00", "02", "156", 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if text := must(got.(interface{ Build() (string, error) }).Build()); text != c.text {
				t.Errorf("built %q, want %q", text, c.text)
			}
		})
	}
}

func any60(s string) (any, error)      { return ParseField60(s) }
func any61(s string) (any, error)      { return ParseField61(s) }
func any48(s string) (any, error)      { return ParseTotals48(s) }
func anyDetails(s string) (any, error) { return ParseDetails48(s) }
func anyBalance(s string) (any, error) { return ParseBalance54(s) }
func anyCount(s string) (any, error)   { return ParseUploadCount48(s) }

func TestBodyErrorsAreExact(t *testing.T) {
	t.Parallel()
	detail := "00000101" + "06222000000000000129" + "000000012300"
	for _, c := range []struct {
		name, text string
		parse      func(string) (any, error)
		want       FormatError
	}{
		{"an empty field 60", "", any60, FormatError{60, 0, "2 characters", "0 characters"}},
		{"field 60 cut in its batch", "2200000", any60, FormatError{60, 2, "6 characters", "5 characters"}},
		{"a letter in the batch", "22000A07000", any60, FormatError{60, 5, "6 digits", "a bad character at position 4"}},
		{"a letter in the capability", "22000007000X", any60, FormatError{60, 11, "1 digit", "a bad character at position 1"}},
		{"field 60 too long", "220000070006210012", any60, FormatError{60, 17, "the end of the field", "more: 1 character"}},
		{"field 61 without its date", "000007000101", any61, FormatError{61, 12, "4 characters", "0 characters"}},
		{"field 61 too long", strings.Repeat("0", 30), any61, FormatError{61, 29, "the end of the field", "more: 1 character"}},
		{"totals of one group", strings.Repeat("0", 31), any48, FormatError{48, 31, "12 characters", "0 characters"}},
		{"totals with an unknown result", strings.Repeat("0", 30) + "4" + strings.Repeat("0", 31), any48, FormatError{48, 30, "a result of 0 to 3", "another digit"}},
		{"totals too long", strings.Repeat("0", 63), any48, FormatError{48, 62, "the end of the field", "more: 1 character"}},
		{"no details", "00", anyDetails, FormatError{48, 0, "a count of 1 to 8", "0"}},
		{"nine details", "09" + strings.Repeat(detail, 9), anyDetails, FormatError{48, 0, "a count of 1 to 8", "9"}},
		{"fewer details than counted", "02" + detail, anyDetails, FormatError{48, 42, "2 characters", "0 characters"}},
		{"more details than counted", "01" + detail + detail, anyDetails, FormatError{48, 42, "the end of the field", "more: 40 characters"}},
		{"a PAN too short", "01" + "00000101" + "00000000062220000001" + "000000012300", anyDetails, FormatError{48, 10, "12 to 19 digits or zeros", "11 digits"}},
		{"a PAN too long", "01" + "00000101" + "62220000000000000011" + "000000012300", anyDetails, FormatError{48, 10, "12 to 19 digits or zeros", "20 digits"}},
		{"a PAN with a letter", "01" + "00000101" + "0622200000000000012A" + "000000012300", anyDetails, FormatError{48, 29, "20 digits", "a bad character at position 20"}},
		{"an upload count of three digits", "002", anyCount, FormatError{48, 0, "4 characters", "3 characters"}},
		{"no balance", "", anyBalance, FormatError{54, 0, "2 characters", "0 characters"}},
		{"a balance neither C nor D", "0002156X000000012300", anyBalance, FormatError{54, 7, "C or D", "another character"}},
		{"three balances", strings.Repeat("0002156C000000012300", 3), anyBalance, FormatError{54, 40, "the end of the field", "more: 20 characters"}},
		{"half a second balance", "0002156C000000012300" + "0001", anyBalance, FormatError{54, 24, "3 characters", "0 characters"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.parse(c.text)
			compareError(t, err, c.want)
		})
	}
}

func TestBodiesRefuseToBuildNonsense(t *testing.T) {
	t.Parallel()
	type builder interface{ Build() (string, error) }
	detail := Detail{CardType: "00", Trace: "000101"}
	for _, c := range []struct {
		name string
		in   builder
		want FormatError
	}{
		{"field 60 without a type", Field60{Batch: "000007", Network: "000"}, FormatError{60, 0, "2 digits", "0 characters"}},
		{"field 60 with a short batch", Field60{Type: "22", Batch: "7", Network: "000"}, FormatError{60, 2, "6 digits", "1 character"}},
		{"a chip condition without a capability", Field60{Type: "22", Batch: "000007", Network: "000", ChipCondition: "2"}, FormatError{60, 11, "1 digit", "0 characters"}},
		{"field 61 with letters", Field61{Batch: "000007", Trace: "00010A", Date: "0000"}, FormatError{61, 6, "6 digits", "6 characters"}},
		{"field 61 with too much behind", Field61{"000007", "000101", "0000", strings.Repeat("1", 14)}, FormatError{61, 16, "13 digits", "14 characters"}},
		{"a total too large", Totals48{Domestic: Totals{DebitAmount: 1e12}}, FormatError{48, 0, "a number of at most 12 digits", "1000000000000"}},
		{"a count too large", Totals48{Foreign: Totals{CreditCount: 1000}}, FormatError{48, 58, "a number of at most 3 digits", "1000"}},
		{"a negative total", Totals48{Domestic: Totals{CreditAmount: -1}}, FormatError{48, 15, "a number of at most 12 digits", "-1"}},
		{"an unknown result", Totals48{Domestic: Totals{Result: 4}}, FormatError{48, 30, "a result of 0 to 3", "another number"}},
		{"no details", Details48{}, FormatError{48, 0, "1 to 8 details", "0"}},
		{"nine details", Details48{detail, detail, detail, detail, detail, detail, detail, detail, detail}, FormatError{48, 0, "1 to 8 details", "9"}},
		{"a PAN that begins with 0", Details48{{"00", "000101", "0222000000000000129", 1}}, FormatError{48, 10, "a PAN of 12 to 19 digits, or none", "19 characters"}},
		{"a PAN of letters", Details48{{"00", "000101", "62220000000000001AB", 1}}, FormatError{48, 10, "20 digits", "20 characters"}},
		{"no balance", Balance54{}, FormatError{54, 0, "1 or 2 balances", "0 balances"}},
		{"a balance too large", Balance54{{"00", "02", "156", 1e12}}, FormatError{54, 8, "a number of at most 12 digits", "1000000000000"}},
		{"the most negative balance", Balance54{{"00", "02", "156", -1 << 63}}, FormatError{54, 8, "a number of at most 12 digits", "-9223372036854775808"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.in.Build()
			compareError(t, err, c.want)
		})
	}
	_, err := BuildUploadCount48(10000)
	compareError(t, err, FormatError{48, 0, "a number of at most 4 digits", "10000"})
}

func TestKeyBlocksPassBothWays(t *testing.T) {
	t.Parallel()
	double, track := testKeys(false), testKeys(true)
	single := double
	single.TPK.Cipher = single.TPK.Cipher[:8]
	for _, c := range []struct {
		layout Layout
		keys   KeyBlock
		size   int
	}{{LayoutSingle, single, 24}, {LayoutDouble, double, 40}, {LayoutTrack, track, 60}} {
		t.Run("layout "+string(c.layout), func(t *testing.T) {
			t.Parallel()
			b := must(c.keys.Build(c.layout))
			if len(b) != c.size {
				t.Errorf("%d bytes, want %d", len(b), c.size)
			}
			got := must(ParseKeyBlock(c.layout, b))
			if !reflect.DeepEqual(got, c.keys) {
				t.Errorf("got %v, want %v", got, c.keys)
			}
			clear(b)
			if bytes.Equal(got.TPK.Cipher, b[:len(got.TPK.Cipher)]) {
				t.Error("keeps its input")
			}
		})
	}
}

func TestKeyBlockErrorsAreExact(t *testing.T) {
	t.Parallel()
	filled := must(testKeys(false).Build(LayoutDouble))
	filled[28] = 1
	for _, c := range []struct {
		name   string
		layout Layout
		in     []byte
		want   FormatError
	}{
		{"an unknown layout", "002", make([]byte, 24), FormatError{62, 0, "key block layout 001, 003 or 004", `"002"`}},
		{"a byte short", LayoutDouble, make([]byte, 39), FormatError{62, 0, "40 bytes", "39 bytes"}},
		{"another layout's length", LayoutTrack, make([]byte, 40), FormatError{62, 0, "60 bytes", "40 bytes"}},
		{"a filler that is not zero", LayoutDouble, filled, FormatError{62, 28, "8 zero bytes after the TAK", "other bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseKeyBlock(c.layout, c.in)
			compareError(t, err, c.want)
		})
	}
	_, err := testKeys(true).Build(LayoutDouble)
	compareError(t, err, FormatError{62, 40, "no TDK in layout 003", "one"})
	_, err = testKeys(false).Build(LayoutTrack)
	compareError(t, err, FormatError{62, 40, "TDK of 16 bytes and KCV of 4", "0 and 0"})
	_, err = testKeys(false).Build("000")
	compareError(t, err, FormatError{62, 0, "key block layout 001, 003 or 004", `"000"`})
}
