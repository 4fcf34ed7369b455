package pos

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// listen serves the host on a loopback port until the test ends.
func (h *host) listen(config *tls.Config) string {
	h.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	address := l.Addr().String()
	if config != nil {
		l = tls.NewListener(l, config)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { h.serve(conn) })
		}
	})
	h.t.Cleanup(func() {
		_ = l.Close()
		served.Wait()
	})
	return address
}

// command runs hawker terminal as the program would.
func (h *host) command(address string, args ...string) (out, verbose string, status int) {
	h.t.Helper()
	var program struct {
		Terminal CLI `cmd:""`
	}
	var stdout, stderr bytes.Buffer
	parser, err := kong.New(&program, kong.Name("hawker"), kong.Writers(&stdout, &stderr))
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, err := parser.Parse(append([]string{"terminal", "--state", h.path, "--host", address}, args...))
	if err != nil {
		h.t.Fatal(err)
	}
	err = ctx.Run()
	coded := (interface{ ExitCode() int })(nil)
	if err != nil && !errors.As(err, &coded) {
		h.t.Fatalf("%v: an error without a status: %v", args, err)
	}
	if coded != nil {
		stderr.WriteString(err.Error())
		return stdout.String(), stderr.String(), coded.ExitCode()
	}
	return stdout.String(), stderr.String(), 0
}

func TestCLI(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	address := h.listen(nil)
	if err := Provision(h.path, h.device()); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args   string
		fault  fault
		mti    string
		status int
		shows  []string
	}{
		{"sale --amount 46.50 --card test-credit --pin 123456", fault{}, "", 0, []string{"收款成功  46.50 CNY", "终端已签到", "RMB 46.50", "已凭密码交易"}},
		{"sale --amount 1 --entry chip --lang en --verbose", fault{}, "", 0, []string{"Payment received  1.00 CNY", "Cardholder signature"}},
		{"sale --amount 2 --lang en", fault{code: "51"}, "0200", 2, []string{"Payment declined", "Not enough money · code 51", "Use another card"}},
		{"sale --amount 3", fault{cut: true}, "0200", 3, []string{"正在确认结果  3.00 CNY", "请勿重复收款，也先别交货", "→ terminal resolve"}},
		{"status", fault{}, "", 0, []string{"老王煎饼铺", "已签到", "消费 2  47.50 CNY", "待确认 000005 3.00 CNY"}},
		{"resolve --lang en", fault{}, "", 0, []string{"Nothing is pending any more", "Reversed, nothing charged  3.00 CNY"}},
		{"void --trace 3 --lang en", fault{}, "", 0, []string{"Voided  -1.00 CNY", "Orig. trace               000003"}},
		{"void --trace 3", fault{}, "", 1, []string{}},
		{"balance --card test-debit --pin 123456 --lang en", fault{}, "", 0, []string{"Balance  1234.56 CNY"}},
		{"echo", fault{}, "", 0, []string{"主机有应答"}},
		{"slip --trace 2 --copy customer --lang en", fault{}, "", 0, []string{"CUSTOMER COPY", "*** DUPLICATE ***", "RMB 46.50"}},
		{"slip --trace 99", fault{}, "", 1, nil},
		{"settle --lang en", fault{}, "", 0, []string{"Batch settled", "Balanced", "*** BALANCED ***", "Sales            2         47.50"}},
		{"refund --trace 2 --amount 6.50", fault{}, "", 0, []string{"已退款  -6.50 CNY", "原路退回"}},
		{"refund --rrn 998877665544 --batch 3 --date 1122 --amount 6.50", fault{}, "", 0, []string{"已退款"}},
		{"sign-on --lang en", fault{}, "", 0, []string{"Signed on"}},
		{"sign-off", fault{}, "", 0, []string{"签退成功"}},
		{"sale --amount 5 --card test-chip --chip --lang en", fault{}, "", 0, []string{"A000000333010102", "TC  "}},
		{"sale --amount 5 --card test-chip --swipe --lang en", fault{}, "", 1, nil},
		{"sale --amount 5 --card test-chip-debit --contactless", fault{}, "", 0, []string{"免密免签交易"}},
		{"preauth --amount 100 --lang en", fault{}, "", 0, []string{"Pre-authorized, nothing charged yet  100.00 CNY"}},
		{"complete --trace 18 --amount 90 --lang en", fault{}, "", 0, []string{"Payment received  90.00 CNY", "COMPLETION"}},
		{"completion-void --trace 19 --lang en", fault{}, "", 0, []string{"the pre-authorization stands"}},
		{"complete --trace 18 --amount 80 --notice", fault{}, "", 0, []string{"收款成功  80.00 CNY"}},
		{"complete --auth 12 --amount 80", fault{}, "", 1, nil},
		{"preauth --amount 7", fault{}, "", 0, nil},
		{"preauth-void --trace 22", fault{}, "", 0, []string{"预授权已撤销"}},
		{"preauth-void --auth 654321 --amount x", fault{}, "", 1, nil},
		{"sale --amount 100", fault{}, "", 0, nil},
		{"tip --trace 24 --amount 15 --lang en", fault{}, "", 0, []string{"Tip received  15.00 CNY", "TIP", "Orig. trace               000024"}},
		{"tip --trace 24 --amount x", fault{}, "", 1, nil},
		{"tip --trace 24 --amount 9", fault{code: "61"}, "0220", 2, []string{"没有收到小费，原交易不变"}},
		{"adjust --trace 24 --amount 110", fault{}, "", 0, []string{"已调整  -5.00 CNY", "结算调整"}},
		{"adjust --trace 24 --amount 200", fault{}, "", 1, nil},
		{"offline --amount 8 --lang en", fault{}, "", 0, []string{"Offline payment booked  8.00 CNY", "OFFLINE SALE"}},
		{"offline --amount 8 --card nobody", fault{}, "", 1, nil},
		{"offline --amount 8", fault{cut: true}, "0220", 3, []string{"离线收款处理中", "→ terminal resolve"}},
		{"resolve", fault{}, "", 0, []string{"离线收款已入账"}},
		{"sale --amount 1 --card nobody", fault{}, "", 1, nil},
		{"sale --amount 1.234", fault{}, "", 1, nil},
		{"sale --amount 1 --pin 12", fault{}, "", 1, nil},
		{"sale --amount 1 --host 127.0.0.1:1", fault{}, "", 1, nil},
	} {
		h.once(row.mti, row.fault)
		out, verbose, status := h.command(address, strings.Fields(row.args)...)
		if status != row.status || status == 1 && verbose == "" {
			t.Errorf("%s: status %d, want %d: %s", row.args, status, row.status, verbose)
		}
		for _, want := range row.shows {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", row.args, want, out)
			}
		}
		if strings.Contains(row.args, "--verbose") != strings.Contains(verbose, "> 0200 ") {
			t.Errorf("%s: standard error has %q", row.args, verbose)
		}
		for _, secret := range secrets() {
			if strings.Contains(out+verbose, secret) {
				t.Errorf("%s shows %s", row.args, secret)
			}
		}
	}
}

func TestCLIWritesJSON(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	address := h.listen(nil)
	if err := Provision(h.path, h.device()); err != nil {
		t.Fatal(err)
	}
	out, _, status := h.command(address, "sale", "--amount", "46.50", "--json")
	var r Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 {
		t.Fatalf("status %d, %v in %s", status, err, out)
	}
	if r.State != Approved || r.Amount != yuan("46.50") || r.Trace != 2 || r.Shop.MerchantID != testMerchant || r.Title.EN != "Payment received" {
		t.Errorf("got %+v", r)
	}
	for _, args := range []string{"status", "slip --trace 2", "settle"} {
		out, _, status := h.command(address, append(strings.Fields(args), "--json")...)
		if status != 0 || !json.Valid([]byte(out)) {
			t.Errorf("%s: status %d, %s", args, status, out)
		}
	}
}

func TestCLIWithoutATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	_, said, status := h.command("127.0.0.1:1", "status", "--lang", "en")
	if status != 1 || !strings.Contains(said, "not been provisioned") {
		t.Errorf("status %d, %s", status, said)
	}
	if left, _ := filepath.Glob(h.path + "*"); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	dir := t.TempDir()
	config, files := certificates(t, dir)
	address := h.listen(config)
	d := h.device()
	d.Host, d.TLS = address, files
	if err := Provision(h.path, d); err != nil {
		t.Fatal(err)
	}
	pos, err := Open(h.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pos.Close() }()
	h.expect(must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit"))), Approved, "00", "0800 0200")

	pos.options.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if _, err := pos.Echo(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a host that nobody vouches for: %v", err)
	}
}

// certificates are one self-signed certificate for host and device alike.
func certificates(t *testing.T, dir string) (*tls.Config, *TLSFiles) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := &TLSFiles{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "ca.pem"), Key: filepath.Join(dir, "key.pem")}
	for path, block := range map[string]*pem.Block{files.CA: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	}, files
}
