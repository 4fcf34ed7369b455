package keys

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"

	"hawker/internal/dukpt"
	"hawker/internal/fault"
	"hawker/internal/store"
	"hawker/internal/tdes"
)

// What a keystore refuses of readers.
var (
	// ErrSerial: bytes are no key serial number that a reader sends.
	ErrSerial = fault.New(fault.Invalid, "serial_invalid", "密钥序列号无效。", "The key serial number is not valid.")
	// ErrReader: the reader is not the one of this terminal.
	ErrReader = fault.New(fault.Declined, "reader_differs", "读卡设备与终端不符，请联系客服。", "The card reader is not this terminal's. Please call support.")
	// ErrCounter: the counter did not go forward. The message was sent before, or the reader is a copy.
	ErrCounter = fault.New(fault.Conflict, "counter_spent", "安全计数已用过，没有扣款，请重新操作一次。", "This security counter was used before. Nothing was charged; please try once more.")
)

// InjectBDK stores a base derivation key of 16 bytes, the XOR of two or more parts,
// under a Ref of BDK or AESBDK, and returns its check value for the people to
// compare. Parts that make a weak key, or none, are ErrWeak or ErrComponent.
func (ks *Keystore) InjectBDK(ctx context.Context, ref Ref, over Overwrite, parts ...[]byte) (string, error) {
	if err := ref.must(PurposeBDK, PurposeAESBDK); err != nil {
		return "", err
	}
	raw, err := tdes.XOR(parts...)
	if err != nil {
		return "", ErrComponent.Wrap(err)
	}
	defer clear(raw)
	return ks.keep(ctx, ref, Injection{Over: over}, raw)
}

// BindReader makes the reader of a serial number, whatever its counter, the one of
// a terminal, in the place of any other. A reader that ever was bound is ErrExists:
// its counter would begin anew, and old messages would pass again.
func (ks *Keystore) BindReader(ctx context.Context, terminal string, ksn []byte) error {
	var reader string
	switch len(ksn) {
	case len(dukpt.KSN{}):
		reader = dukpt.KSN(ksn).Reader()
	case len(dukpt.AESKSN{}):
		reader = dukpt.AESKSN(ksn).Reader()
	default:
		return ErrSerial.With("%d bytes", len(ksn))
	}
	return ks.write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE dukpt_readers SET terminal = '' WHERE terminal = $1`, terminal); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO dukpt_readers (reader, terminal, counter, digest) VALUES ($1, $2, 0, $3) ON CONFLICT (reader) DO NOTHING`,
			reader, terminal, []byte{})
		if err == nil && n == 0 {
			err = ErrExists.With("reader %s", reader)
		}
		return err
	})
}

// spend moves a terminal's counter forward to n's, by comparison: of two messages
// with one counter only one passes, whichever process has it. The last message may come again.
func (ks *Keystore) spend(ctx context.Context, terminal string, n serial, data, mac []byte) error {
	h := sha256.New()
	h.Write(data)
	h.Write(mac)
	digest := h.Sum(nil)
	return ks.write(ctx, func(tx *store.Tx) error {
		moved, err := tx.Exec(ctx, `UPDATE dukpt_readers SET counter = $1, digest = $2
			WHERE terminal = $3 AND reader = $4 AND counter < $5`, int64(n.counter), digest, terminal, n.reader, int64(n.counter))
		if err != nil || moved == 1 {
			return err
		}
		return refuseCounter(ctx, tx, terminal, n, digest)
	})
}

// refuseCounter says why a counter did not move; nil when it is the last message again.
func refuseCounter(ctx context.Context, tx *store.Tx, terminal string, n serial, digest []byte) error {
	var owner string
	var counter int64
	var last []byte
	err := tx.QueryRow(ctx, `SELECT terminal, counter, digest FROM dukpt_readers WHERE reader = $1`, n.reader).Scan(&owner, &counter, &last)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && owner != terminal:
		return ErrReader.With("%s with reader %s", terminal, n.reader)
	case err != nil:
		return err
	case counter == int64(n.counter) && bytes.Equal(last, digest):
		return nil
	}
	return ErrCounter.With("%s sent %d, after %d", terminal, n.counter, counter)
}
