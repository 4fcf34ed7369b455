package custody_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hawker/internal/custody"
	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// noticed verifies a transcript, which must be refused.
func noticed(t *testing.T, k *custody.Keeper, what string) {
	t.Helper()
	if _, err := k.Transcript(t.Context(), nil, func(custody.Record) error { return nil }); !errors.Is(err, custody.ErrTranscript) {
		t.Errorf("%s goes unseen: %v", what, err)
	}
}

func TestChangesOfTheTranscriptAreSeen(t *testing.T) {
	for what, statement := range map[string]string{
		"another person":              `UPDATE key_transcript SET body = replace(body, 'Li Ming', 'Li Wang') WHERE seq = 2`,
		"a record cut out":            `DELETE FROM key_transcript WHERE seq = 2`,
		"the first cut off":           `DELETE FROM key_transcript WHERE seq = 1`,
		"the last cut off":            `DELETE FROM key_transcript WHERE seq = 3`,
		"all of them":                 `DELETE FROM key_transcript`,
		"another number":              `UPDATE key_transcript SET seq = 9 WHERE seq = 3`,
		"a hash":                      `UPDATE key_transcript SET hash = (SELECT hash FROM key_transcript WHERE seq = 1) WHERE seq = 2`,
		"a signature":                 `UPDATE key_transcript SET signature = (SELECT signature FROM key_transcript WHERE seq = 1) WHERE seq = 2`,
		"no text":                     `UPDATE key_transcript SET body = '' WHERE seq = 1`,
		"a record in another's place": `UPDATE key_transcript SET body = (SELECT t.body FROM key_transcript t WHERE t.seq = 1), hash = (SELECT t.hash FROM key_transcript t WHERE t.seq = 1), signature = (SELECT t.signature FROM key_transcript t WHERE t.seq = 1) WHERE seq = 2`,
	} {
		t.Run(what, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				k := world(t, db)
				for range 3 {
					load(t, k, zmk)
				}
				transcript(t, k)
				write(t, db, func(ctx context.Context, tx *store.Tx) error {
					n, err := tx.Exec(ctx, statement)
					if n == 0 {
						t.Error("nothing was changed")
					}
					return err
				})
				noticed(t, k, what)
				if strings.Contains(what, "cut off") || what == "all of them" {
					load(t, k, zmk) // what is written behind it does not heal it
					load(t, k, zmk)
					load(t, k, zmk)
					load(t, k, zmk)
					noticed(t, k, what+", and acts after it,")
				}
			})
		})
	}
}

func TestStrangersSignNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		master := filepath.Join(t.TempDir(), "master.key")
		here, there := newKeeper(t, db, master), newKeeper(t, db, master)
		load(t, here, zmk)
		load(t, there, zmk)
		noticed(t, here, "a record of another node")
		for _, k := range []*custody.Keeper{here, there} {
			if acts := transcript(t, k, here.Signer.Public(), there.Signer.Public()); len(acts) != 2 {
				t.Error(acts)
			}
		}
	})
}

func TestNodesAppendTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		master := filepath.Join(t.TempDir(), "master.key")
		var wg sync.WaitGroup
		var trusted []ed25519.PublicKey
		nodes := make([]*custody.Keeper, 3)
		for i := range nodes {
			nodes[i] = newKeeper(t, db, master)
			trusted = append(trusted, nodes[i].Signer.Public())
		}
		const each = 4
		for i, k := range nodes {
			wg.Go(func() {
				for j := range each {
					if err := k.Append(t.Context(), custody.Record{Act: "components", Ref: fmt.Sprintf("zmk/%d-%d", i, j)}); err != nil && !errors.Is(err, keys.ErrUnavailable) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if acts := transcript(t, nodes[0], trusted...); len(acts) < each {
			t.Errorf("%d records", len(acts))
		}
	})
}

func TestASignersFilesStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, err := custody.OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	two, err := custody.OpenSigner(dir)
	if err != nil || !one.Public().Equal(two.Public()) {
		t.Fatal("a directory has two hands", err)
	}
	public, err := custody.ReadPublic(filepath.Join(dir, "transcript.pub"))
	if err != nil || !one.Public().Equal(public) {
		t.Fatal(err)
	}
	secret, err := os.ReadFile(filepath.Join(dir, "transcript.key"))
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", one, one, one); strings.Contains(shown, string(secret[:16])) {
		t.Error("a signer shows its key")
	}
	if info, err := os.Stat(filepath.Join(dir, "transcript.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for what, text := range map[string]string{"nothing": "", "half a key": strings.Repeat("0", 32), "no digits": strings.Repeat("x", 64)} {
		file := filepath.Join(t.TempDir(), "pub")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := custody.ReadPublic(file); err == nil {
			t.Errorf("%s is a public key", what)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "transcript.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := custody.OpenSigner(dir); !errors.Is(err, keys.ErrMaster) {
		t.Error("a key that others may read signs:", err)
	}
}
