package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hawker/internal/money"
	"hawker/internal/nodes"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/pos"
	"hawker/internal/store/storetest"
	"hawker/internal/web/webtest"
)

// childEnv makes the test binary serve from a data directory instead of testing, so
// that a test can kill a real process.
const childEnv = "HAWKER_TEST_SERVE"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		serveChild(spec)
		return
	}
	storetest.Main(webtest.Tests(m))
}

// serveChild runs a server until it is killed. spec is data|database|network|iso|master.
func serveChild(spec string) {
	part := strings.Split(spec, "|")
	s, err := Start(context.Background(), Config{Data: part[0], Database: part[1], ISO: Listen{Addr: part[3]}, Master: part[4], Dead: 2 * time.Second,
		Network: Network{Addr: part[2], Timeout: 3 * time.Second}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("ready", s.ISOAddr())
	_ = s.Run(context.Background())
}

// child is a serving process.
type child struct {
	cmd *exec.Cmd
	iso string
	log *syncBuffer
}

func startChild(t *testing.T, data, database, network, iso string) *child {
	t.Helper()
	return startNode(t, data, database, network, iso, "")
}

// startNode is startChild with the master key file of another data directory.
func startNode(t *testing.T, data, database, network, iso, master string) *child {
	t.Helper()
	if iso == "127.0.0.1:0" {
		iso = lastingAddr(t)
	}
	c := &child{cmd: exec.Command(os.Args[0]), log: &syncBuffer{}}
	c.cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{data, database, network, iso, master}, "|"))
	c.cmd.Stderr = c.log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanned := fmt.Sscanf(line, "ready %s", &c.iso); scanned != nil {
		t.Fatalf("server did not start: %q, %v\n%s", line, err, c.log)
	}
	return c
}

// lastingAddr is an address below the range from which the kernel takes others' ports, so
// that it is free again for a server that comes back.
func lastingAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 16000+(os.Getpid()*31+int(lasting.Add(1)))%4000))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// lasting counts what lastingAddr has looked at, so that none comes twice.
var lasting atomic.Int64

func (c *child) kill() {
	_ = c.cmd.Process.Signal(syscall.SIGKILL)
	_ = c.cmd.Wait()
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestTheDemoEndsWithBooksThatAgree(t *testing.T) {
	t.Parallel()
	stories := map[string][]string{
		"main":     {"收款成功", "余额不足", "正在确认结果", "已撤回", "已撤销", "账平", "They agree"},
		"terminal": {"已下载终端参数", "Fetched CA public keys", "黑名单", "电子签名", "谢谢惠顾，欢迎再来", "预授权成功", "PRE-AUTH", "免密免签", "No PIN or signature", "E-CASH SALE", "卡内余额", "等客人扫码付款", "QR PAYMENT", "小费", "TIP", "已调整", "账平", "BALANCED", "密钥已销毁", "They agree"},
	}
	play := func(story, profile string) {
		t.Run(story+" "+profile, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := Demo(t.Context(), &out, Config{ISO: Listen{Profile: profile}}, story); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			for _, want := range stories[story] {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the demo does not show %q", want)
				}
			}
		})
	}
	for _, profile := range HostProfiles() {
		play("main", profile)
		play("terminal", profile)
	}
	if err := Demo(t.Context(), io.Discard, Config{}, "none"); err == nil {
		t.Error("a story that does not exist is played")
	}
}

func TestAPortOfAnUnknownProfileIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"nobody's", "card-network"} {
		if _, err := Start(t.Context(), Config{Data: t.TempDir(), ISO: Listen{Profile: name}}); err == nil || !strings.Contains(err.Error(), "there are unionpay-pos, psp, dukpt, dukpt-aes") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAServerKilledDuringASaleResolvesItWithinTenSeconds(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			data, target := t.TempDir(), ""
			if database == "postgres" {
				target = storetest.PostgresURL(t)
			}
			network, sold, release := heldNetwork(t, data)
			first := startChild(t, data, target, network.Addr(), "127.0.0.1:0")
			device, err := pos.Open(filepath.Join(data, "terminal.json"), pos.Options{Host: first.iso, Timeout: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = device.Close() })
			if r, err := device.SignOn(t.Context()); err != nil || r.State != pos.Accepted {
				t.Fatalf("%s, %v", r.State, err)
			}
			p, err := present("test-credit", "123456")
			if err != nil {
				t.Fatal(err)
			}
			answered := make(chan pos.Result, 1)
			go func() {
				r, err := device.Sale(context.Background(), money.New(4650, money.CNY), p)
				if err != nil {
					t.Error(err)
				}
				answered <- r
			}()
			<-sold // the sale is at the bank
			first.kill()
			close(release) // the bank books it; nobody hears
			if r := <-answered; r.State != pos.Unknown {
				t.Fatalf("the terminal shows %s", r.State)
			}
			began := time.Now()
			startChild(t, data, target, network.Addr(), first.iso)
			waitAtRest(t, Config{Data: data, Database: target}, network, 10*time.Second)
			t.Logf("resolved after %s", time.Since(began).Round(time.Millisecond))
			if r, err := device.ResolvePending(t.Context()); err != nil || r.State != pos.Accepted {
				t.Fatalf("the terminal's own reversal: %s, %v", r.State, err)
			}
			if net := network.Books(); len(net) != 1 || net[0].Net.Minor() != 0 || net[0].Sales.Count != 1 {
				t.Fatalf("the bank's books: %+v", net)
			}
		})
	}
}

func TestTwoNodesShareADatabaseAndOneTakesOverFromTheOther(t *testing.T) {
	t.Parallel()
	one, two, target := t.TempDir(), t.TempDir(), storetest.PostgresURL(t)
	network, sold, release := heldNetwork(t, one)
	first := startNode(t, one, target, network.Addr(), "127.0.0.1:0", "")
	second := startNode(t, two, target, network.Addr(), "127.0.0.1:0", filepath.Join(one, "master.key"))
	at := func(host string, do func(*pos.Terminal) (pos.Result, error)) pos.Result {
		t.Helper()
		device, err := pos.Open(filepath.Join(one, "terminal.json"), pos.Options{Host: host, Timeout: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = device.Close() }()
		r, err := do(device)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	p, err := present("test-credit", "123456")
	if err != nil {
		t.Fatal(err)
	}
	sale := func(d *pos.Terminal) (pos.Result, error) {
		return d.Sale(context.Background(), money.New(1000, money.CNY), p)
	}
	signOn := func(d *pos.Terminal) (pos.Result, error) { return d.SignOn(context.Background()) }
	at(first.iso, signOn)
	answered := make(chan pos.Result, 1)
	go func() { answered <- at(first.iso, sale) }()
	<-sold
	first.kill()
	close(release)
	if r := <-answered; r.State != pos.Unknown {
		t.Fatalf("the terminal shows %s", r.State)
	}
	waitAtRest(t, Config{Data: two, Database: target}, network, 15*time.Second) // the second node found and reversed it
	for i, want := range []pos.State{pos.Approved, pos.Approved} {
		if r := at(second.iso, sale); r.State != want {
			t.Fatalf("sale %d through the second node: %s", i, r.State)
		}
	}
	first = startNode(t, one, target, network.Addr(), "127.0.0.1:0", "")
	at(first.iso, signOn) // new keys from one node count at the other
	if r := at(second.iso, sale); r.State != pos.Approved {
		t.Fatalf("after a sign-on at the first node: %s", r.State)
	}
	if r := at(first.iso, func(d *pos.Terminal) (pos.Result, error) { return d.SettleBatch(context.Background()) }); r.Settlement == nil || !r.Settlement.Balanced {
		t.Fatalf("settlement: %+v", r)
	}
	waitAtRest(t, Config{Data: two, Database: target}, network, 5*time.Second)

	// In one second the two may not name two requests alike: each draws from a range of its own.
	ranges := map[string]bool{}
	for _, e := range network.Journal()[:2] { // the sale by the first, its reversal by the second
		stan, err := strconv.Atoi(e.Ref.STAN)
		if err != nil {
			t.Fatal(err)
		}
		ranges[fmt.Sprint((stan-1)/(999999/nodes.Places))] = true
	}
	if len(ranges) != 2 {
		t.Errorf("two nodes draw trace numbers from %d range", len(ranges))
	}
}

func TestASecondServerIsKeptFromADataDirectory(t *testing.T) {
	t.Parallel()
	s, stop := start(t, Config{})
	defer stop()
	if again, err := Start(t.Context(), Config{Data: s.Config.Data}); err == nil {
		_ = again.Close()
		t.Fatal("it started")
	}
}

// heldNetwork is a simulated network that announces a sale and holds it until released.
func heldNetwork(t *testing.T, data string) (n *cardnet.Network, sold, release chan struct{}) {
	t.Helper()
	sold, release = make(chan struct{}), make(chan struct{})
	k, err := writeSimKeys(filepath.Join(data, "sandbox", "network.json"))
	if err != nil {
		t.Fatal(err)
	}
	shared, err := k.keys()
	if err != nil {
		t.Fatal(err)
	}
	n, err = cardnet.New(cardnet.Config{ZPK: shared[0], ZAK: shared[1]})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	n.SetFault(func(i cardnet.Info) cardnet.Behaviour {
		if i.Kind == cardnet.Sale {
			once.Do(func() { close(sold) })
			<-release
		}
		return cardnet.Behaviour{}
	})
	if err := n.Listen(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n, sold, release
}

// waitAtRest waits until nothing is under way and both sides' books agree.
func waitAtRest(t *testing.T, c Config, network *cardnet.Network, within time.Duration) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		db, err := OpenStore(t.Context(), c.Data, c.Database)
		if err != nil {
			t.Fatal(err)
		}
		a, err := (&Server{DB: db, Sandbox: network}).Audit(t.Context())
		if cerr := db.Close(); err != nil || cerr != nil {
			t.Fatal(err, cerr)
		}
		if err = a.Err(); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not resolved within %s: %v", within, err)
		}
	}
}

func TestHoldTermsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for name, terms := range map[string]payment.HoldTerms{
		"a negative share": {Share: -1}, "more than ten times": {Share: 100001}, "over before it began": {Last: -time.Hour},
	} {
		c := Config{Data: t.TempDir(), Hold: terms}
		if err := c.complete(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestHealthAndMetricsAnswer(t *testing.T) {
	t.Parallel()
	s, stop := start(t, Config{})
	defer stop()
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready\njobs waiting: ", "/metrics": "hawker_cases_open 0"} {
		if code, body := get(t, s, path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	if code, _ := get(t, s, "/nothing"); code != http.StatusNotFound {
		t.Errorf("unknown path: %d", code)
	}
}

func TestStartingAgainSeedsNothingTwice(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var terminal []byte
	for range 3 {
		_, stop := start(t, Config{Data: data})
		stop()
		b, err := os.ReadFile(filepath.Join(data, "terminal.json"))
		if err != nil || (terminal != nil && !bytes.Equal(terminal, b)) {
			t.Fatal("the terminal was provisioned again", err)
		}
		terminal = b
	}
}

func TestAServerThatStopsAnswersWhatIsInHand(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	network, sold, release := heldNetwork(t, data)
	s, stop := start(t, Config{Data: data, Network: Network{Addr: network.Addr()}})
	device, err := pos.Open(s.Config.TerminalFile(), pos.Options{Host: s.ISOAddr()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	if _, err := device.SignOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := present("test-credit", "123456")
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan pos.State, 1)
	go func() {
		r, err := device.Sale(context.Background(), money.New(4650, money.CNY), p)
		if err != nil {
			t.Error(err)
		}
		answered <- r.State
	}()
	<-sold
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	close(release)
	if got := <-answered; got != pos.Approved {
		t.Fatalf("the sale in hand ended %s", got)
	}
	<-stopped
}

// start runs a server in this process; stop drains it and fails the test on an error.
func start(t *testing.T, c Config) (s *Server, stop func()) {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()
	return s, sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func get(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	r, err := http.Get("http://" + s.HTTPAddr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}
