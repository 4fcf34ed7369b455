package keys_test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
	"hawker/internal/tr31"
)

const (
	kbpkClear = "89E88CF7931444F334BD7547FC3F380C"
	aesClear  = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"
)

// injectAES stores a known AES key in two random components.
func injectAES(t testing.TB, ks node, ref keys.Ref, clearKey string) {
	t.Helper()
	raw, err := hex.DecodeString(clearKey)
	if err != nil {
		t.Fatal(err)
	}
	mask := make([]byte, len(raw))
	_, _ = rand.Read(mask)
	rest, err := tdes.XOR(raw, mask)
	if err != nil {
		t.Fatal(err)
	}
	var parts []keys.Component
	for _, part := range [][]byte{mask, rest} {
		k, err := tr31.NewAES(part)
		if err != nil {
			t.Fatal(err)
		}
		kcv, err := tr31.CheckValue(k)
		if err != nil {
			t.Fatal(err)
		}
		c, err := keys.NewComponentOf(ref, hex.EncodeToString(part), hex.EncodeToString(kcv))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, c)
	}
	if _, err := ks.Inject(t.Context(), ref, keys.Keep, parts...); err != nil {
		t.Fatal(err)
	}
}

// block makes a key block as a partner would.
func block(t testing.TB, kbpk, key string, h tr31.Header) string {
	t.Helper()
	raw, err := hex.DecodeString(kbpk)
	if err != nil {
		t.Fatal(err)
	}
	clearKey, err := hex.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	open := tr31.NewTDES
	if h.Version == 'D' {
		open = tr31.NewAES
	}
	k, err := open(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := tr31.Wrap(k, h, clearKey, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func header(version byte, usage string, mode, exportability byte) tr31.Header {
	return tr31.Header{Version: version, Usage: usage, Algorithm: 'T', Mode: mode, KeyVersion: "00", Exportability: exportability}
}

func TestKeyBlocksAreImported(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		inject(t, ks, keys.TDESKBPK("cup"), kbpkClear)
		injectAES(t, ks, keys.KBPK("cup"), aesClear)
		single := zpkClear[:16]
		algorithm := func(a byte, h tr31.Header) tr31.Header { h.Algorithm = a; return h }
		for name, c := range map[string]struct {
			ref   keys.Ref
			kbpk  keys.Ref
			block string
			want  error
		}{
			"a PIN key of version B":              {keys.ZPK("cup"), keys.TDESKBPK("cup"), block(t, kbpkClear, zpkClear, header('B', "P0", 'E', 'E')), nil},
			"a PIN key of version D":              {keys.ZPK("cup"), keys.KBPK("cup"), block(t, aesClear, zpkClear, header('D', "P0", 'B', 'S')), nil},
			"with a line end behind it":           {keys.ZPK("cup"), keys.KBPK("cup"), block(t, aesClear, zpkClear, header('D', "P0", 'B', 'S')) + "\n", nil},
			"a single-length MAC key":             {keys.ZAK("cup"), keys.KBPK("cup"), block(t, aesClear, single, header('D', "M3", 'C', 'E')), nil},
			"a MAC key that is called DES":        {keys.ZAK("cup"), keys.KBPK("cup"), block(t, aesClear, single, algorithm('D', header('D', "M1", 'N', 'E'))), nil},
			"a terminal's master key":             {keys.TMK(terminal), keys.KBPK("cup"), block(t, aesClear, zpkClear, header('D', "K0", 'E', 'E')), nil},
			"a protection key":                    {keys.KBPK("next"), keys.KBPK("cup"), block(t, aesClear, aesClear, algorithm('A', header('D', "K1", 'B', 'E'))), nil},
			"the standard's A":                    {keys.TPK(terminal), keys.TDESKBPK("cup"), "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701", keys.ErrPurpose},
			"a PIN key as a MAC key":              {keys.ZAK("cup"), keys.KBPK("cup"), block(t, aesClear, zpkClear, header('D', "P0", 'B', 'E')), keys.ErrPurpose},
			"a PIN key that only deciphers":       {keys.ZPK("cup"), keys.KBPK("cup"), block(t, aesClear, zpkClear, header('D', "P0", 'D', 'E')), keys.ErrPurpose},
			"an AES key for triple DES":           {keys.ZPK("cup"), keys.KBPK("cup"), block(t, aesClear, zpkClear, algorithm('A', header('D', "P0", 'B', 'E'))), keys.ErrPurpose},
			"version B under an AES key":          {keys.ZPK("cup"), keys.KBPK("cup"), block(t, kbpkClear, zpkClear, header('B', "P0", 'E', 'E')), keys.ErrKeyBlock},
			"version D under triple DES":          {keys.ZPK("cup"), keys.TDESKBPK("cup"), block(t, aesClear, zpkClear, header('D', "P0", 'E', 'E')), keys.ErrKeyBlock},
			"under another protection key":        {keys.ZPK("cup"), keys.TDESKBPK("cup"), block(t, tmkClear, zpkClear, header('B', "P0", 'E', 'E')), keys.ErrKeyBlock},
			"a single-length PIN key":             {keys.ZPK("cup"), keys.KBPK("cup"), block(t, aesClear, single, header('D', "P0", 'B', 'E')), keys.ErrWeak},
			"a PIN key of two halves":             {keys.ZPK("cup"), keys.KBPK("cup"), block(t, aesClear, single+single, header('D', "P0", 'B', 'E')), keys.ErrWeak},
			"a semi-weak key":                     {keys.ZAK("cup"), keys.KBPK("cup"), block(t, aesClear, "01FE01FE01FE01FE", header('D', "M3", 'C', 'E')), keys.ErrWeak},
			"a key of zeros":                      {keys.KBPK("next"), keys.KBPK("cup"), block(t, aesClear, strings.Repeat("0", 64), algorithm('A', header('D', "K1", 'B', 'E'))), keys.ErrWeak},
			"no block":                            {keys.ZPK("cup"), keys.KBPK("cup"), "", keys.ErrKeyBlock},
			"our own data key":                    {"vault-seal/v1", keys.KBPK("cup"), "", keys.ErrPurpose},
			"a protection key that is a PIN key":  {keys.ZPK("cup"), keys.ZPK("cup"), "", keys.ErrPurpose},
			"a protection key that is not there":  {keys.ZPK("cup"), keys.KBPK("visa"), block(t, aesClear, zpkClear, header('D', "P0", 'B', 'E')), keys.ErrNoKey},
			"an old one that is not there either": {keys.ZPK("cup"), keys.TDESKBPK("visa"), "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701", keys.ErrNoKey},
		} {
			if _, err := ks.ImportBlock(t.Context(), c.ref, keys.Injection{Over: keys.Replace, KCV: ""}, c.kbpk, c.block); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		const old = "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701"
		if _, err := ks.ImportBlock(t.Context(), keys.ZPK("cup"), keys.Injection{Over: keys.Replace, KCV: "FFFFFF"}, keys.TDESKBPK("cup"), old); !errors.Is(err, keys.ErrComponent) {
			t.Error("another check value than the sender's:", err)
		}
		kcv, err := ks.ImportBlock(t.Context(), keys.ZPK("cup"), keys.Injection{Over: keys.Replace, KCV: ""}, keys.TDESKBPK("cup"), old)
		if err != nil {
			t.Fatal("the standard's A, which a network may still send:", err)
		}
		if _, err := ks.ImportBlock(t.Context(), keys.ZPK("cup"), keys.Injection{Over: keys.Keep, KCV: kcv[:6]}, keys.TDESKBPK("cup"), old); err != nil {
			t.Error("the same again:", err)
		}
	})
}

func TestKeyBlocksAreExported(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks, ctx := open(t, db, masterFile(t)), t.Context()
		inject(t, ks, keys.TDESKBPK("cup"), kbpkClear)
		injectAES(t, ks, keys.KBPK("cup"), aesClear)
		inject(t, ks, keys.TMK(terminal), tmkClear)
		for _, kbpk := range []keys.Ref{keys.KBPK("cup"), keys.TDESKBPK("cup")} {
			text, kcv, err := ks.ExportBlock(ctx, keys.TMK(terminal), kbpk, keys.Sealed)
			if err != nil {
				t.Fatal(err)
			}
			if h, err := tr31.ParseHeader(text); err != nil || h.Usage != "K0" || h.Mode != 'B' || h.Exportability != 'N' || (h.Version == 'D') != (kbpk == keys.KBPK("cup")) {
				t.Errorf("%+v %v", h, err)
			}
			copied := keys.TMK("copy/" + string(kbpk))
			if got, err := ks.ImportBlock(ctx, copied, keys.Injection{Over: keys.Keep, KCV: kcv}, kbpk, text); err != nil || got != kcv {
				t.Fatal(got, err)
			}
			if _, _, err := ks.ExportBlock(ctx, copied, kbpk, keys.Exportable); !errors.Is(err, keys.ErrSealed) {
				t.Error("what came not exportable left:", err)
			}
			if err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE keys SET exportability = 'E' WHERE ref = $1`, string(copied))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ks.ExportBlock(ctx, copied, kbpk, keys.Exportable); !errors.Is(err, keys.ErrCorrupt) {
				t.Error("a changed row lets it leave:", err)
			}
		}
		if _, err := ks.WorkingKeys(ctx, keys.TMK(terminal), keys.DoubleWithTrack); err != nil {
			t.Fatal(err)
		}
		injectAES(t, ks, keys.KBPK("small"), aesClear[:32])
		for name, c := range map[string]struct {
			ref, kbpk keys.Ref
			as        keys.Exportability
			want      error
		}{
			"a working key":                         {keys.TPK(terminal), keys.KBPK("cup"), keys.Sealed, keys.ErrSealed},
			"under a PIN key":                       {keys.TMK(terminal), keys.TPK(terminal), keys.Sealed, keys.ErrPurpose},
			"our own data key":                      {"vault-seal/v1", keys.KBPK("cup"), keys.Sealed, keys.ErrPurpose},
			"an exportability nobody knows":         {keys.TMK(terminal), keys.KBPK("cup"), "X", keys.ErrPurpose},
			"no exportability":                      {keys.TMK(terminal), keys.KBPK("cup"), "", keys.ErrPurpose},
			"a key that is not there":               {keys.TMK("x/y"), keys.KBPK("cup"), keys.Sealed, keys.ErrNoKey},
			"under a key that is not there":         {keys.TMK(terminal), keys.KBPK("visa"), keys.Sealed, keys.ErrNoKey},
			"a protection key under a weaker one":   {keys.KBPK("cup"), keys.KBPK("small"), keys.Sealed, keys.ErrKeyBlock},
			"an AES key under triple DES":           {keys.KBPK("cup"), keys.TDESKBPK("cup"), keys.Sealed, keys.ErrKeyBlock},
			"but a protection key under an equal":   {keys.KBPK("cup"), keys.KBPK("cup"), keys.Sealed, nil},
			"and under itself, which is no use now": {keys.TDESKBPK("cup"), keys.TDESKBPK("cup"), keys.Sealed, nil},
		} {
			if _, _, err := ks.ExportBlock(ctx, c.ref, c.kbpk, c.as); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestListShowsAgeAndNothingClear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks, ctx := open(t, db, masterFile(t)), t.Context()
		tmk := inject(t, ks, keys.TMK(terminal), tmkClear)
		injectAES(t, ks, keys.KBPK("cup"), aesClear)
		ks.ahead.Add(int64(time.Hour))
		if _, err := ks.WorkingKeys(ctx, keys.TMK(terminal), keys.Double); err != nil {
			t.Fatal(err)
		}
		if _, err := ks.Lookup(ctx, []byte("x")); err != nil { // makes one of our own
			t.Fatal(err)
		}
		list, err := ks.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		var got []string
		for _, i := range list {
			got = append(got, fmt.Sprintf("%s %s %s %s", i.Ref, i.Exportability, i.Made.Sub(start), i.Due().Sub(i.Made)))
		}
		want := []string{"kbpk/cup E 0s 17520h0m0s", "tak/48270000001/T0000001 N 1h0m0s 24h0m0s", "tmk/48270000001/T0000001 E 0s 17520h0m0s",
			"tpk/48270000001/T0000001 N 1h0m0s 24h0m0s"}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("listed\n%s", strings.Join(got, "\n"))
		}
		if kcv, err := ks.KCV(ctx, keys.KBPK("cup")); err != nil || len(kcv) != 10 || list[0].KCV != kcv || list[2].KCV != fmt.Sprintf("%X", tmk.KCV()) {
			t.Error(kcv, err, list)
		}
	})
}

func FuzzImportBlock(f *testing.F) {
	ks := open(f, storetest.SQLite(f), masterFile(f))
	inject(f, ks, keys.TDESKBPK("cup"), kbpkClear)
	f.Add("A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701")
	f.Add(block(f, kbpkClear, zpkClear, header('B', "P0", 'E', 'E')))
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ks.ImportBlock(t.Context(), keys.ZPK("cup"), keys.Injection{Over: keys.Replace, KCV: "FFFFFFFF"}, keys.TDESKBPK("cup"), text)
		if err == nil {
			t.Fatal("a check value of ones was right")
		}
		if errors.Is(err, keys.ErrUnavailable) {
			t.Fatal(err)
		}
	})
}
