package custody

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hawker/internal/keys"
	"hawker/internal/store"
)

// Signer is a data directory's hand: an Ed25519 key that signs the transcript, and
// where the transcript ended when it last wrote, so that a database set back is noticed. The zero Signer
// signs nothing.
type Signer struct {
	dir     string
	public  ed25519.PublicKey
	private func() ed25519.PrivateKey // so that printing what holds it shows no key

	mu sync.Mutex // guards the head's file
}

// The files of a data directory.
const (
	secretFile = "transcript.key"
	publicFile = "transcript.pub"
	headFile   = "transcript.head"
)

// OpenSigner reads a directory's key, or makes it: transcript.key, mode 0600, and
// transcript.pub, which other nodes and auditors are given.
func OpenSigner(dir string) (*Signer, error) {
	secret := filepath.Join(dir, secretFile)
	if _, err := keys.MakeSecret(secret); err != nil {
		return nil, fmt.Errorf("make %s: %w", secretFile, err)
	}
	seed, err := keys.ReadSecret(secret)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", secretFile, err)
	}
	defer clear(seed)
	private := ed25519.NewKeyFromSeed(seed)
	s := &Signer{dir: dir, private: func() ed25519.PrivateKey { return private }}
	s.public = append(s.public, private[ed25519.SeedSize:]...)
	if _, err := os.Stat(filepath.Join(dir, publicFile)); errors.Is(err, fs.ErrNotExist) {
		return s, replaceFile(filepath.Join(dir, publicFile), []byte(hex.EncodeToString(s.public)+"\n"))
	}
	return s, nil
}

// ReadPublic reads a transcript.pub of another node.
func ReadPublic(path string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s is not one line of %d hexadecimal digits", path, 2*ed25519.PublicKeySize)
	}
	return b, nil
}

// Public is the signer's public key.
func (s *Signer) Public() ed25519.PublicKey { return s.public }

func (s *Signer) sign(hash []byte) []byte { return ed25519.Sign(s.private(), hash) }

// keepHead writes down where the transcript ends. It follows a commit: after a crash
// between the two the file is behind, never ahead. A head that the transcript lost
// stays, so that Transcript tells.
func (s *Signer) keepHead(ctx context.Context, q store.Querier) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, err := s.head()
	if err != nil {
		return err
	}
	var hash []byte
	err = q.QueryRow(ctx, `SELECT hash FROM key_transcript WHERE seq = $1`, known.Seq).Scan(&hash)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if known.Seq > 0 {
			return nil
		}
	case err != nil:
		return fmt.Errorf("read the transcript: %w", err)
	case hex.EncodeToString(hash) != known.Hash:
		return nil
	}
	now, err := last(ctx, q)
	if err != nil || now.Seq <= known.Seq {
		return err
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(s.dir, headFile), append(text, '\n'))
}

// head is the last record that was written down; the zero Head when there is none.
func (s *Signer) head() (h Head, err error) {
	text, err := os.ReadFile(filepath.Join(s.dir, headFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil {
		return Head{}, ErrTranscript.With("%s cannot be read: %w", headFile, err)
	}
	return h, nil
}

// replaceFile puts text at path, whole or not at all.
func replaceFile(path string, text []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".transcript-*")
	if err != nil {
		return err
	}
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	return nil
}
