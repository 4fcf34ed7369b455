package keys

// Algorithm says what a key computes with.
type Algorithm string

// The algorithms of kept keys.
const (
	DES  Algorithm = "des"  // single, double or triple length: 8, 16 or 24 bytes
	AES  Algorithm = "aes"  // 16, 24 or 32 bytes
	Data Algorithm = "data" // our own data: 32 bytes, for AES-256-GCM or HMAC-SHA-256
)

// Module is where the master key is, and every other key while it is used: this
// process (Software), or a hardware security module behind PKCS#11. Between uses a
// key lies in the database, wrapped by the module. Any number of goroutines may
// use a Module. What it cannot do now is ErrUnavailable.
type Module interface {
	// Wrap seals a clear key for the database. bound names what it is and whose:
	// only this master key opens it, and only for the same bound.
	Wrap(a Algorithm, raw, bound []byte) ([]byte, error)
	// Open readies a wrapped DES or AES key for use; the caller wipes it. What Wrap
	// did not make for bound is ErrCorrupt, as for the next two.
	Open(a Algorithm, wrapped, bound []byte) (Key, error)
	// OpenData readies a wrapped Data key.
	OpenData(wrapped, bound []byte) (DataKey, error)
	// Reveal gives the clear key, which the caller wipes: to export it in a key
	// block, or to make what no module can of it (a variant), and for nothing else.
	Reveal(a Algorithm, wrapped, bound []byte) ([]byte, error)
	// Close ends the use of the module.
	Close() error
}

// Key is a key in use within a module. It prints without its bytes. Any number of
// goroutines may use a Key, but none beside a Wipe.
type Key interface {
	Size() int                              // bytes
	Encrypt(blocks []byte) ([]byte, error)  // each block by itself (ECB)
	Decrypt(blocks []byte) ([]byte, error)  // undoes Encrypt
	Chain(data []byte) ([]byte, error)      // the last block of CBC from a zero vector
	ChainFirst(data []byte) ([]byte, error) // Chain under the first eight bytes alone; DES only
	Wipe()                                  // ends the key's use in the module
}

// DataKey is a key of our own data in use within a module.
type DataKey interface {
	// Seal is AES-256-GCM with a fresh nonce in front; bound is authenticated beside plain.
	Seal(plain, bound []byte) ([]byte, error)
	// Unseal undoes Seal; anything else is ErrCorrupt.
	Unseal(sealed, bound []byte) ([]byte, error)
	// Sum is HMAC-SHA-256.
	Sum(data []byte) ([]byte, error)
}
