//go:build cgo && pkcs11

package pkcs11

import (
	"errors"
	"strings"
	"sync"

	p11 "github.com/miekg/pkcs11"

	"hawker/internal/keys"
)

// libraries holds what is loaded. A PKCS#11 library is initialised and finalised
// for the whole process, whoever uses it, so this cannot belong to a module.
var libraries = struct {
	sync.Mutex
	loaded map[string]*library
}{loaded: map[string]*library{}}

type library struct {
	*p11.Ctx
	path  string
	users int
}

// load initialises the library at path, once for all its users.
func load(path string) (*library, error) {
	libraries.Lock()
	defer libraries.Unlock()
	l := libraries.loaded[path]
	if l == nil {
		ctx := p11.New(path)
		if ctx == nil {
			return nil, keys.ErrMaster.With("%s cannot be loaded as a PKCS#11 library", path)
		}
		if err := ctx.Initialize(); err != nil && !is(err, p11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
			ctx.Destroy()
			return nil, keys.ErrUnavailable.With("initialise %s: %w", path, err)
		}
		l = &library{Ctx: ctx, path: path}
		libraries.loaded[path] = l
	}
	l.users++
	return l, nil
}

// release finalises the library after its last user.
func (l *library) release() error {
	libraries.Lock()
	defer libraries.Unlock()
	if l.users--; l.users > 0 {
		return nil
	}
	delete(libraries.loaded, l.path)
	err := l.Finalize()
	l.Destroy()
	return err
}

// token finds the slot of the token with a label.
func (l *library) token(label string) (uint, error) {
	slots, err := l.GetSlotList(true)
	if err != nil {
		return 0, keys.ErrUnavailable.With("list slots: %w", err)
	}
	for _, slot := range slots {
		info, err := l.GetTokenInfo(slot)
		if err == nil && strings.TrimRight(info.Label, " \x00") == label {
			return slot, nil
		}
	}
	return 0, keys.ErrMaster.With("no token is labelled %q", label)
}

func is(err error, codes ...uint) bool {
	var code p11.Error
	if !errors.As(err, &code) {
		return false
	}
	for _, c := range codes {
		if uint(code) == c {
			return true
		}
	}
	return false
}

// fault gives a module's error its kind: what the module says of the data is
// ErrCorrupt, everything else says that the module cannot be used now.
func fault(what string, err error) error {
	if err == nil {
		return nil
	}
	if is(err, p11.CKR_ENCRYPTED_DATA_INVALID, p11.CKR_ENCRYPTED_DATA_LEN_RANGE, p11.CKR_DATA_INVALID, p11.CKR_DATA_LEN_RANGE,
		p11.CKR_WRAPPED_KEY_INVALID, p11.CKR_WRAPPED_KEY_LEN_RANGE) {
		return keys.ErrCorrupt.With("%s: %w", what, err)
	}
	return keys.ErrUnavailable.With("%s: %w", what, err)
}
