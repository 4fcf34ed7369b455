package iso8583

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
)

func TestFramesPassBothWays(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			raw := s.frame()
			read := must(s.profile.ReadFrame(iotest.OneByteReader(bytes.NewReader(raw))))
			parsed := must(s.profile.ParseFrame(raw))
			for _, f := range []Frame{read, parsed} {
				if again := must(s.profile.AppendFrame([]byte("before"), f)); string(again) != "before"+string(raw) {
					t.Errorf("written again: %x", again)
				}
			}
			clear(raw)
			if !bytes.Equal(parsed.Body, s.body()) {
				t.Error("ParseFrame keeps its input")
			}
		})
	}
}

func TestReadFrameTellsTheEndFromACut(t *testing.T) {
	t.Parallel()
	raw := terminalSamples()[0].frame()
	for n := range raw {
		_, err := UnionPayPOS.ReadFrame(bytes.NewReader(raw[:n]))
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if err != want {
			t.Errorf("cut at byte %d: %v, want %v", n, err, want)
		}
	}
	broken := errors.New("line broken")
	if _, err := UnionPayPOS.ReadFrame(iotest.ErrReader(broken)); err != broken {
		t.Errorf("the reader's own error: %v", err)
	}
}

func TestFrameErrorsAreExact(t *testing.T) {
	t.Parallel()
	message := "0800 0000000000000000"
	for _, c := range []struct {
		name    string
		profile *Profile
		in      string
		want    FormatError
	}{
		{"no length", UnionPayPOS, "00", FormatError{0, 0, "a length of 2 bytes", "1 byte"}},
		{"too short for a message", UnionPayPOS, "0014 6000030000 603100310000", FormatError{0, 0, "a length of 21 to 2048", "20"}},
		{"too short without a TPDU", CardNetwork, "0009", FormatError{0, 0, "a length of 10 to 2048", "9"}},
		{"longer than may be", UnionPayPOS, "0801", FormatError{0, 0, "a length of 21 to 2048", "2049"}},
		{"shorter than its length", CardNetwork, "000B" + message, FormatError{0, 2, "11 bytes", "10 bytes"}},
		{"longer than its length", CardNetwork, "000A" + message + "00", FormatError{0, 2, "10 bytes", "11 bytes"}},
		{"a TPDU that does not begin with 60", UnionPayPOS, "0015 6800030000 603100310000" + message,
			FormatError{0, 2, "a TPDU of 60, destination 4 digits, source 4 digits", "other bytes"}},
		{"a TPDU with a letter", UnionPayPOS, "0015 60000A0000 603100310000" + message,
			FormatError{0, 2, "a TPDU of 60, destination 4 digits, source 4 digits", "other bytes"}},
		{"a header with a letter", UnionPayPOS, "0015 6000030000 60310031000F" + message, FormatError{0, 7, "a header of 12 digits", "other bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.profile.ParseFrame(unhex(c.in))
			compareError(t, err, c.want)
		})
	}
}

func TestAppendFrameRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	body := unhex("0800 0000000000000000")
	tpdu := TPDU{Dest: "0003", Source: "0000"}
	for _, c := range []struct {
		name    string
		profile *Profile
		in      Frame
	}{
		{"no TPDU where one belongs", UnionPayPOS, Frame{Header: DefaultHeader, Body: body}},
		{"a short address", UnionPayPOS, Frame{TPDU: TPDU{Dest: "03", Source: "0000"}, Header: DefaultHeader, Body: body}},
		{"an address of letters", UnionPayPOS, Frame{TPDU: TPDU{Dest: "00AB", Source: "0000"}, Header: DefaultHeader, Body: body}},
		{"no header where one belongs", UnionPayPOS, Frame{TPDU: tpdu, Body: body}},
		{"a header of letters", UnionPayPOS, Frame{TPDU: tpdu, Header: "60310031000X", Body: body}},
		{"a TPDU where none belongs", CardNetwork, Frame{TPDU: tpdu, Body: body}},
		{"a header where none belongs", CardNetwork, Frame{Header: DefaultHeader, Body: body}},
		{"no message", CardNetwork, Frame{}},
		{"more than the peer reads", CardNetwork, Frame{Body: make([]byte, 2049)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := c.profile.AppendFrame([]byte("before"), c.in)
			var bad *FormatError
			if !errors.As(err, &bad) || string(out) != "before" {
				t.Errorf("got %q, %v", out, err)
			}
		})
	}
}

func TestHeaderAsksForProcessing(t *testing.T) {
	t.Parallel()
	h := DefaultHeader.WithProcessingRequest(SignOnAgain)
	if h != "603103310000" || h.ProcessingRequest() != SignOnAgain {
		t.Errorf("sign on again is %s, reads %d", string(h), h.ProcessingRequest())
	}
	if h := h.WithProcessingRequest(NothingToDo); h != DefaultHeader {
		t.Errorf("nothing to do is %s", string(h))
	}
	for _, odd := range []Header{"", "6031"} {
		if odd.WithProcessingRequest(3) != odd || odd.ProcessingRequest() != NothingToDo {
			t.Errorf("header %q asks for something", string(odd))
		}
	}
}

func TestTPDUSwapsForTheAnswer(t *testing.T) {
	t.Parallel()
	if got := (TPDU{Dest: "0003", Source: "0421"}).Swap(); got != (TPDU{Dest: "0421", Source: "0003"}) {
		t.Errorf("got %v", got)
	}
}

func TestFramePrintsNoMessage(t *testing.T) {
	t.Parallel()
	f := must(UnionPayPOS.ParseFrame(terminalSamples()[0].frame()))
	want := fmt.Sprintf("0000>0003 header 603100310000 [%d bytes]", len(f.Body))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, f); got != want {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
