//go:build cgo && pkcs11

package pkcs11

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	p11 "github.com/miekg/pkcs11"

	"hawker/internal/keys"
	"hawker/internal/keys/keystest"
	"hawker/internal/store/storetest"
)

const pin = "739518"

// softHSM is where Debian, Fedora and Homebrew put the library of softhsm2.
func softHSM() (string, error) {
	for _, path := range []string{os.Getenv("HAWKER_TEST_PKCS11"), "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); path != "" && err == nil {
			return path, nil
		}
	}
	return "", errors.New("softhsm2 is missing: install it (make hsm does), or name its library in HAWKER_TEST_PKCS11")
}

// TestMain gives softhsm2 a directory of its own, before the library reads its configuration.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hawker-softhsm-")
	if err == nil {
		config := filepath.Join(dir, "softhsm2.conf")
		err = errors.Join(os.WriteFile(config, fmt.Appendf(nil, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", dir), 0o600),
			os.Setenv("SOFTHSM2_CONF", config))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	storetest.Main(cleaner{m, dir})
}

// cleaner removes the tokens when all tests have ended.
type cleaner struct {
	*testing.M
	dir string
}

func (c cleaner) Run() int {
	code := c.M.Run()
	if err := os.RemoveAll(c.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var initialising sync.Mutex

// newToken initialises a token and says how to open it.
func newToken(t testing.TB) Config {
	t.Helper()
	path, err := softHSM()
	if err != nil {
		t.Fatal(err)
	}
	initialising.Lock()
	defer initialising.Unlock()
	l, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.release(); err != nil {
			t.Error(err)
		}
	})
	slots, err := l.GetSlotList(true)
	if err != nil || len(slots) == 0 {
		t.Fatal(slots, err)
	}
	label := fmt.Sprintf("hawker-%d", len(slots))
	free := slots[len(slots)-1] // softhsm2 keeps one slot with a token that is not initialised
	if err := l.InitToken(free, "12345678", label); err != nil {
		t.Fatal(err)
	}
	slot, err := l.token(label)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.OpenSession(slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Login(s, p11.CKU_SO, "12345678"), l.InitPIN(s, pin), l.Logout(s), l.CloseSession(s)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(file, []byte(pin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Config{Library: path, Token: label, PINFile: file}
}

func open(t testing.TB, c Config) keys.Module {
	t.Helper()
	m, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestATokenIsAModule(t *testing.T) {
	keystest.Run(t, func(t testing.TB) keystest.Master {
		c := newToken(t)
		return func(t testing.TB) keys.Module { return open(t, c) }
	})
}

func TestTheMasterKeyIsMadeOnceAndStays(t *testing.T) {
	c := newToken(t)
	m, ok := open(t, c).(*module)
	if !ok {
		t.Fatal("another module")
	}
	open(t, c) // another user of the same token
	for label, handle := range map[string]p11.ObjectHandle{masterLabel: m.master, bindingLabel: m.binding} {
		err := m.do(func(s p11.SessionHandle) error {
			found, err := m.find(s, label)
			if err == nil && len(found) != 1 {
				t.Errorf("%d keys %s", len(found), label)
			}
			if _, err := m.library.GetAttributeValue(s, handle, []*p11.Attribute{p11.NewAttribute(p11.CKA_VALUE, nil)}); !is(err, p11.CKR_ATTRIBUTE_SENSITIVE) {
				t.Errorf("%s can be read: %v", label, err)
			}
			if _, err := m.library.WrapKey(s, keyWrap(), m.master, handle); !is(err, p11.CKR_KEY_UNEXTRACTABLE, p11.CKR_KEY_NOT_WRAPPABLE) {
				t.Errorf("%s can be wrapped: %v", label, err)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestAKeyInUseCannotBeRead(t *testing.T) {
	m := open(t, newToken(t)).(*module)
	wrapped, err := m.Wrap(keys.DES, []byte("sixteen letters."), nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.Open(keys.DES, wrapped, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	err = m.do(func(s p11.SessionHandle) error {
		_, err := m.library.GetAttributeValue(s, k.(*key).whole, []*p11.Attribute{p11.NewAttribute(p11.CKA_VALUE, nil)})
		return err
	})
	if !is(err, p11.CKR_ATTRIBUTE_SENSITIVE) {
		t.Fatal(err)
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	good := newToken(t)
	with := func(change func(*Config)) Config { c := good; change(&c); return c }
	file := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "pin")
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		config Config
		want   error
	}{
		"another PIN":                     {with(func(c *Config) { c.PINFile = file("000000", 0o600) }), keys.ErrMaster},
		"a PIN file that others may read": {with(func(c *Config) { c.PINFile = file(pin, 0o644) }), keys.ErrMaster},
		"no PIN file":                     {with(func(c *Config) { c.PINFile = "nowhere" }), os.ErrNotExist},
		"a token that is not there":       {with(func(c *Config) { c.Token = "another" }), keys.ErrMaster},
		"a library that is none":          {with(func(c *Config) { c.Library = os.Args[0] }), keys.ErrMaster},
		"a library that is not there":     {with(func(c *Config) { c.Library = "nowhere" }), keys.ErrMaster},
	} {
		if _, err := Open(c.config); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	open(t, good) // and is none the worse for it
}

func TestWrapRefusesWhatIsNoKey(t *testing.T) {
	m := open(t, newToken(t))
	for name, c := range map[string]struct {
		a keys.Algorithm
		n int
	}{"nothing": {keys.AES, 0}, "a DES key of nine bytes": {keys.DES, 9}, "nothing for DES": {keys.DES, 0}, "too much": {keys.Data, 256}, "no algorithm": {"", 16}} {
		if _, err := m.Wrap(c.a, make([]byte, c.n), nil); !errors.Is(err, keys.ErrPurpose) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	m := open(b, newToken(b))
	wrapped, err := m.Wrap(keys.DES, []byte("8 bytes."), nil)
	if err != nil {
		b.Fatal(err)
	}
	k, err := m.Open(keys.DES, wrapped, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Encrypt(make([]byte, 8)); err != nil {
			b.Fatal(err)
		}
	}
}
