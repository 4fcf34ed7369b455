package keys

import (
	"context"
	"time"

	"hawker/internal/store"
)

// Info is what may be shown of a key.
type Info struct {
	Ref           Ref
	KCV           string
	Exportability Exportability
	Made          time.Time // when it was injected, imported or generated
}

// lifetimes holds how long keys of a purpose serve before they are to be replaced:
// what a terminal gets at sign-on for a day; what people exchange for a year, and
// keys that wrap others for two, the longest that NIST SP 800-57 part 1 (5.3.6) allows a wrapping key.
var lifetimes = map[Purpose]time.Duration{
	PurposeTPK: day, PurposeTAK: day, PurposeTDK: day,
	PurposeZPK: year, PurposeZAK: year,
	PurposeTMK: 2 * year, PurposeZMK: 2 * year, PurposeBDK: 2 * year, PurposeKBPK: 2 * year, PurposeTDESKBPK: 2 * year,
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// Due is when the key is to be replaced. Nothing stops by itself then: a network's
// key that refused to work one morning would do more harm than an old one.
func (i Info) Due() time.Time { return i.Made.Add(lifetimes[i.Ref.Purpose()]) }

// List gives all keys that are injected, exchanged or generated for partners, by
// ref. Our own data keys are not among them.
func (ks *Keystore) List(ctx context.Context) (list []Info, err error) {
	rows, err := ks.db.Read().Query(ctx, `SELECT ref, kcv, exportability, created_at FROM keys ORDER BY ref`)
	if err != nil {
		return nil, unavailable(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var i Info
		var made store.Time
		if err := rows.Scan(&i.Ref, &i.KCV, &i.Exportability, &made); err != nil {
			return nil, unavailable(err)
		}
		i.Made = made.Time()
		if lifetimes[i.Ref.Purpose()] > 0 {
			list = append(list, i)
		}
	}
	return list, unavailable(rows.Err())
}
