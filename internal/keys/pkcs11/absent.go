//go:build !cgo || !pkcs11

package pkcs11

import "hawker/internal/keys"

// Open refuses: this build has no PKCS#11.
func Open(Config) (keys.Module, error) {
	return nil, keys.ErrMaster.With("this build has no PKCS#11: build with CGO_ENABLED=1 and -tags pkcs11")
}
