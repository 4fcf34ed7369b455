// Package password hashes passwords and PINs with argon2id, and judges how easily a
// new password would be guessed by somebody who knows how people here choose them. It
// does not know whose password it is.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// cost is what one hashing takes: memory in KiB, passes and lanes. These are the
// parameters that OWASP recommends: about 25 ms on one core.
type cost struct{ memory, passes, lanes uint32 }

var current = cost{19456, 2, 1}

const (
	saltSize = 16
	hashSize = 32
	// mostMemory bounds what a stored hash may ask for, so that a changed row cannot exhaust the machine.
	mostMemory = 256 * 1024
)

// turns bounds how many hashings run at once: each takes 19 MiB and a core.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))

// Hash gives argon2id of a secret with a fresh salt, in the usual text form. It waits
// for its turn; ctx ends the waiting.
func Hash(ctx context.Context, secret string) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	sum, err := derive(ctx, secret, salt, current)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, current.memory, current.passes, current.lanes, b64(salt), b64(sum)), nil
}

// Verify reports whether a secret is the one that was hashed. A stored text that is no
// such hash matches nothing, after as long a time: "" serves for an account that does not exist.
func Verify(ctx context.Context, stored, secret string) (bool, error) {
	c, salt, want, ok := parse(stored)
	if !ok {
		c, salt, want = current, make([]byte, saltSize), nil
	}
	sum, err := derive(ctx, secret, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, want) == 1 && ok, nil
}

// Stale reports whether a stored hash was made with less than today's cost, so that
// it should be made anew while the secret is at hand.
func Stale(stored string) bool {
	c, _, _, ok := parse(stored)
	return !ok || c != current
}

func derive(ctx context.Context, secret string, salt []byte, c cost) ([]byte, error) {
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(norm.NFKC.String(secret)), salt, c.passes, c.memory, uint8(c.lanes), hashSize), nil //nolint:gosec // bounded by parse
}

func parse(stored string) (c cost, salt, sum []byte, ok bool) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return cost{}, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil || n != 3 {
		return cost{}, nil, nil, false
	}
	if c.memory < 8 || c.memory > mostMemory || c.passes < 1 || c.passes > 16 || c.lanes < 1 || c.lanes > 16 {
		return cost{}, nil, nil, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return cost{}, nil, nil, false
	}
	sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	return c, salt, sum, err == nil && len(sum) == hashSize
}
