package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hawker/internal/app"
	"hawker/internal/iso8583"
)

// TestBuildAndExplain makes an echo in every profile and lays it open again.
func TestBuildAndExplain(t *testing.T) {
	t.Parallel()
	for _, p := range iso8583.Terminals() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			c := isoBuild{Profile: p.Name, Frame: true, TPDU: "00030000", Key: "0123456789ABCDEFFEDCBA9876543210",
				Fields: []string{"MTI=0820", "11=000001", "41=T0000001", "42=100290058120001", "60=00000001301"}}
			switch p.Protection {
			case iso8583.DerivedTDES:
				c.Fields = append(c.Fields, "53=FFFF9876543210E00001")
			case iso8583.DerivedAES:
				c.Fields = append(c.Fields, "53=123456789012345600000001")
			}
			raw, err := c.build()
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := (profileFlag{}).explain(&out, raw); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"profile " + p.Name + "\n", "echo / 回响", "message authentication code"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("not shown: %q\n%s", want, out.String())
				}
			}
		})
	}
}

// TestBuildReadsJSON takes a file, and over it what the command line says.
func TestBuildReadsJSON(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "echo.json")
	if err := os.WriteFile(file, []byte(`{"mti":"0820","11":"000009","60":"00000001301"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := isoBuild{Profile: "unionpay-pos", JSON: file, Fields: []string{"11=000001"}}.build()
	if want := "0820002000000000001000000100110000000130" + "10"; err != nil || !strings.EqualFold(hex.EncodeToString(raw), want) {
		t.Errorf("%X, %v", raw, err)
	}
}

func TestBuildRefusesClearly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(file, []byte(`{"2":6222008642097530120}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]isoBuild{
		"field 4 at offset 10: expected n12, got 3 digits": {Profile: "psp", Fields: []string{"mti=0200", "4=100"}},
		"no profile \"x\"":                                           {Profile: "x"},
		"neither mti nor a field's number":                           {Profile: "psp", Fields: []string{"pan=1"}},
		"a field is given as number=value":                           {Profile: "psp", Fields: []string{"6222008642097530120"}},
		"the JSON is not one object of texts":                        {Profile: "psp", JSON: file},
		"the key is not hexadecimal":                                 {Profile: "psp", Key: "xx", Fields: []string{"mti=0820"}},
		"not a usable key":                                           {Profile: "psp", Key: "00", Fields: []string{"mti=0820"}},
		"field 53: dukpt: not a key serial number":                   {Profile: "dukpt", Key: "0123456789ABCDEFFEDCBA9876543210", Fields: []string{"mti=0820"}},
		"field 53: dukpt: not a key serial number: 0 bytes, want 12": {Profile: "dukpt-aes", Key: "0123456789ABCDEFFEDCBA9876543210", Fields: []string{"mti=0820"}},
		"a TPDU has eight digits":                                    {Profile: "psp", Frame: true, TPDU: "1", Fields: []string{"mti=0820"}},
		"expected an MTI of four digits":                             {Profile: "psp"},
	} {
		if _, err := c.build(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "62220086") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestSendShowsTheAnswer has a host that turns every frame round.
func TestSendShowsTheAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			raw, err := iso8583.Terminals().ReadFrame(c)
			if err == nil {
				_, _ = c.Write(raw)
			}
			_ = c.Close()
		}
	}()
	raw, err := isoBuild{Profile: "psp", Frame: true, TPDU: "00030000", Fields: []string{"mti=0820", "11=000001"}}.build()
	if err != nil {
		t.Fatal(err)
	}
	c := isoSend{Addr: l.Addr().String(), Timeout: 10 * time.Second, Hex: fmt.Sprintf("%X", raw)}
	if answer, err := c.exchange(t.Context(), raw); err != nil || !bytes.Equal(answer, raw) {
		t.Errorf("%X, %v", answer, err)
	}
	if _, err := c.exchange(t.Context(), raw[4:]); err == nil || !strings.Contains(err.Error(), "no whole frame") {
		t.Error(err)
	}
	c.Profile = "nobody's"
	if _, err := c.exchange(t.Context(), raw); err == nil {
		t.Error("an unknown profile sends")
	}
	if _, err := unhex("62220086420975301x"); err == nil || strings.Contains(err.Error(), "6222") {
		t.Error(err)
	}
}

// TestSendSpeaksAsATerminalDoes sends to a terminal port that wants certificates.
func TestSendSpeaksAsATerminalDoes(t *testing.T) {
	t.Parallel()
	data, ctx := t.TempDir(), t.Context()
	server, err := app.Start(ctx, app.Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Run(running) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	device := filepath.Join(data, "T0000001")
	if err := (deviceRenew{certify{toolFlags: toolFlags{dataFlags: dataFlags{Data: data}}, Merchant: "100290058120001", Terminal: "T0000001", Out: device}}).Run(ctx); err != nil {
		t.Fatal(err)
	}
	raw, err := isoBuild{Profile: "unionpay-pos", Frame: true, TPDU: "00030000",
		Fields: []string{"mti=0820", "11=000001", "41=T0000001", "42=100290058120001", "60=00000001301"}}.build()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		send isoSend
		want string // of the error; "" for an answer
	}{
		"as the software terminal":        {isoSend{State: filepath.Join(data, "terminal.json")}, ""},
		"with a device's files":           {isoSend{Device: device}, ""},
		"without a certificate":           {isoSend{}, "wants TLS"},
		"with files that are not there":   {isoSend{Device: device + "x"}, "no such file"},
		"as a terminal that is not there": {isoSend{State: device}, "no such file"},
	} {
		c.send.Addr, c.send.Timeout = server.ISOAddr(), 10*time.Second
		answer, err := c.send.exchange(ctx, raw)
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) || c.want == "" && (err != nil || !bytes.Contains(answer, []byte("00T0000001"))) {
			t.Errorf("%s: %X, %v", name, answer, err)
		}
	}
}
