package contract

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strconv"
	"strings"
	"time"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/events"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// Acknowledge notes that a person has read a highlighted clause. Only who may sign may; again, it changes nothing.
func (d *Desk) Acknowledge(ctx context.Context, w auth.Who, m merchant.ID, id int64, clause string) error {
	if err := signer(w, m); err != nil {
		return err
	}
	c, err := ByID(ctx, d.db.Read(), m, id)
	if err != nil {
		return err
	}
	doc, err := d.Document(ctx, c)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(doc.Clauses, func(c Clause) bool { return c.Key == clause && c.Must }) {
		return ErrClause.With("%.40q", clause)
	}
	return d.db.Write(ctx, func(tx *store.Tx) error {
		if c, err = one(ctx, tx, m, id, ` FOR UPDATE`); err != nil {
			return err
		}
		if c.State != Offered {
			return ErrState.With("contract %d is %s", id, c.State)
		}
		_, err := tx.Exec(ctx, `INSERT INTO contract_acknowledgements (merchant_id, contract_id, clause, actor, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (merchant_id, contract_id, clause, actor) DO NOTHING`, m, id, clause, actor(w), store.At(d.now()))
		return err
	})
}

func signer(w auth.Who, m merchant.ID) error {
	if err := w.Must(m); err != nil {
		return err
	}
	if w.Kind != auth.Staff || !auth.Allows(w, auth.ContractSign) {
		return auth.ErrForbidden.With("%s %d signs", w.Kind, w.ID)
	}
	return nil
}

func actor(w auth.Who) string { return fmt.Sprintf("%s/%d", w.Kind, w.ID) }

// Acknowledged are the clauses that a person has acknowledged, and when.
func Acknowledged(ctx context.Context, q store.Querier, m merchant.ID, id int64, by string) (map[string]time.Time, error) {
	rows, err := q.Query(ctx, `SELECT clause, at FROM contract_acknowledgements WHERE merchant_id = $1 AND contract_id = $2 AND actor = $3`, m, id, by)
	if err != nil {
		return nil, fmt.Errorf("acknowledgements: %w", err)
	}
	defer func() { _ = rows.Close() }()
	list := map[string]time.Time{}
	for rows.Next() {
		var clause string
		var at store.Time
		if err := rows.Scan(&clause, &at); err != nil {
			return nil, fmt.Errorf("acknowledgements: %w", err)
		}
		list[clause] = at.Time()
	}
	return list, rows.Err()
}

// Signing is what the person who signs sends.
type Signing struct {
	Seen    [sha256.Size]byte // the hash of the text that was shown
	Name    string            // typed
	Drawing []byte            // PNG
}

// Party names whose a signature is.
const (
	PartyMerchant    = "merchant"
	PartyInstitution = "institution"
)

// useSignature is the use of the keystore's seal over a signature.
const useSignature = "contract signature"

// Sign signs an offered contract: a drawing, the typed name, and a fresh proof that it is he,
// over the hash of the text that he saw. In the same transaction the institution signs, the
// rates begin to hold, and a contract before it is replaced.
func (d *Desk) Sign(ctx context.Context, w auth.Who, proof auth.StepUp, m merchant.Merchant, id int64, s Signing) (Contract, error) {
	return d.sign(ctx, w, m, id, s, func(c Contract) (feelock.Consent, error) {
		return d.fees.Witness(w, proof, auth.ContractSign, c.Object(), c.Digest)
	})
}

// Ready looks at everything that can be judged without the proof: nil means that Sign asks for nothing else.
func (d *Desk) Ready(ctx context.Context, w auth.Who, m merchant.Merchant, id int64, s Signing) error {
	_, _, _, err := d.ready(ctx, w, m, id, s)
	return err
}

func (d *Desk) ready(ctx context.Context, w auth.Who, m merchant.Merchant, id int64, s Signing) (c Contract, doc Document, drawing []byte, err error) {
	if err = signer(w, m.ID); err != nil {
		return c, doc, nil, err
	}
	if c, err = ByID(ctx, d.db.Read(), m.ID, id); err != nil {
		return c, doc, nil, err
	}
	if doc, err = d.Document(ctx, c); err != nil {
		return c, doc, nil, err
	}
	switch {
	case s.Seen != c.Digest:
		return c, doc, nil, ErrOtherText
	case c.State != Offered:
		return c, doc, nil, ErrState.With("contract %d is %s", id, c.State)
	case plain(s.Name) == "" || plain(s.Name) != plain(w.Name):
		return c, doc, nil, ErrName
	}
	if drawing, err = redraw(s.Drawing); err != nil {
		return c, doc, nil, err
	}
	read, err := Acknowledged(ctx, d.db.Read(), m.ID, id, actor(w))
	if err != nil {
		return c, doc, nil, err
	}
	for _, clause := range doc.Clauses {
		if _, ok := read[clause.Key]; clause.Must && !ok {
			return c, doc, nil, ErrUnread.With("%s", clause.Key)
		}
	}
	return c, doc, drawing, nil
}

// sign looks at everything before witness spends the proof.
func (d *Desk) sign(ctx context.Context, w auth.Who, m merchant.Merchant, id int64, s Signing, witness func(Contract) (feelock.Consent, error)) (c Contract, err error) {
	c, doc, drawing, err := d.ready(ctx, w, m, id, s)
	if err != nil {
		return c, err
	}
	consent, err := witness(c)
	if err != nil {
		return c, err
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		if c, err = one(ctx, tx, m.ID, id, ` FOR UPDATE`); err != nil {
			return err
		}
		c.Signed = consent.At()
		if err := d.replace(ctx, tx, c); err != nil {
			return err
		}
		if err := d.move(ctx, tx, &c, Sign); err != nil {
			return err
		}
		for _, one := range []Signature{
			{Party: PartyMerchant, Actor: actor(w), Name: strings.TrimSpace(s.Name), Address: w.From, Drawing: drawing, Signed: c.Signed},
			{Party: PartyInstitution, Actor: c.OfferedBy, Name: doc.Institution.ZH, Signed: c.Signed},
		} {
			if err := d.put(ctx, tx, c, one); err != nil {
				return err
			}
		}
		if err := d.each(ctx, tx, m.ID, func(id subject.ID) error { return d.ring.PlaceHold(ctx, tx, id, HoldRelation, time.Time{}) }); err != nil {
			return err
		}
		if err := d.board(ctx, tx, m, doc, consent, c.Signed); err != nil {
			return err
		}
		if err := audit.Append(ctx, tx, audit.Entry{Merchant: int64(m.ID), Who: auditor(w), What: "contract.sign", Object: c.Object(),
			After: map[string]any{"digest": hex.EncodeToString(c.Digest[:]), "template": c.Template, "version": c.Version}, From: w.From, At: d.now()}); err != nil {
			return err
		}
		return events.Append(ctx, tx, events.Event{Merchant: int64(m.ID), Kind: "contract.signed", Ref: c.Object(), At: d.now(),
			Body: map[string]any{"contract": c.ID, "digest": hex.EncodeToString(c.Digest[:]), "template": c.Template, "version": c.Version}})
	})
	return c, err
}

func auditor(w auth.Who) audit.Actor {
	return audit.Actor{Kind: string(w.Kind), ID: w.ID, Name: w.Name, Role: string(w.Role), Device: w.Device}
}

// plain is a name without blanks, in one case.
func plain(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), "")) }

// replace ends the contract that the new one stands in for.
func (d *Desk) replace(ctx context.Context, tx *store.Tx, by Contract) error {
	list, err := Of(ctx, tx, by.Merchant)
	if err != nil {
		return err
	}
	for _, old := range list {
		if old.State == Signed || old.State == Ending {
			old.EndedBy, old.Remark = by.Object(), ""
			if err := d.move(ctx, tx, &old, Replace); err != nil {
				return err
			}
		}
	}
	return nil
}

// board lets the signed rates begin that are not in force yet.
func (d *Desk) board(ctx context.Context, tx *store.Tx, m merchant.Merchant, doc Document, consent feelock.Consent, from time.Time) error {
	var rates []feelock.Rate
	for _, r := range doc.Rates {
		line := feelock.Line{Method: r.Method, CardKind: r.CardKind}
		plans, err := d.fees.Plans(ctx, m.ID, m.Currency, line)
		if err != nil {
			return err
		}
		if len(plans) > 0 {
			continue
		}
		rates = append(rates, feelock.Rate{Line: line, FeePlan: merchant.FeePlan{Rate: money.BasisPoints(r.Points), //nolint:gosec // checked when it was offered
			Min: money.New(r.Min, m.Currency), Cap: money.New(r.Cap, m.Currency)}})
	}
	if len(rates) == 0 {
		return nil
	}
	return d.fees.Board(ctx, tx, m, consent, from, rates...)
}

// Signature is one party's.
type Signature struct {
	Party   string
	Actor   string
	Name    string
	Address string
	Drawing []byte // PNG; nil of the institution
	Signed  time.Time
	Seal    string
}

// bytes is what the keystore's seal covers.
func (s Signature) bytes(c Contract) []byte {
	return fmt.Appendf(nil, "%d|%d|%x|%s|%q|%q|%q|%x|%d", c.Merchant, c.ID, c.Digest, s.Party, s.Actor, s.Name, s.Address, sha256.Sum256(s.Drawing), store.At(s.Signed))
}

func (d *Desk) put(ctx context.Context, tx *store.Tx, c Contract, s Signature) error {
	key, err := d.ring.Key(ctx, tx, who(c.Merchant))
	if err != nil {
		return err
	}
	sealed := []byte{}
	if s.Drawing != nil {
		if sealed, err = key.Seal(place("drawing", c.ID), s.Drawing); err != nil {
			return err
		}
	}
	seal, err := d.keys.Vouch(ctx, useSignature, s.bytes(c))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO contract_signatures (merchant_id, contract_id, party, actor, name, address, picture, digest, signed_at, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, c.Merchant, c.ID, s.Party, s.Actor, s.Name, s.Address, sealed,
		fmt.Sprintf("%x", sha256.Sum256(s.Drawing)), store.At(s.Signed), hex.EncodeToString(seal)); err != nil {
		return fmt.Errorf("keep signature: %w", err)
	}
	return nil
}

// Signatures opens and verifies a contract's signatures: document, person, drawing and time are
// those that were sealed. ErrBroken says which is not. An unsigned contract has none.
func (d *Desk) Signatures(ctx context.Context, c Contract) (list []Signature, err error) {
	if _, err := d.Document(ctx, c); err != nil {
		return nil, err
	}
	key, err := d.ring.Key(ctx, d.db.Read(), who(c.Merchant))
	if err != nil {
		return nil, err
	}
	rows, err := d.db.Read().Query(ctx, `SELECT party, actor, name, address, picture, signed_at, seal FROM contract_signatures
		WHERE merchant_id = $1 AND contract_id = $2 ORDER BY party DESC`, c.Merchant, c.ID)
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s Signature
		var sealed []byte
		var at store.Time
		if err := rows.Scan(&s.Party, &s.Actor, &s.Name, &s.Address, &sealed, &at, &s.Seal); err != nil {
			return nil, fmt.Errorf("signatures: %w", err)
		}
		s.Signed = at.Time()
		if len(sealed) > 0 {
			if s.Drawing, err = key.Open(place("drawing", c.ID), sealed); err != nil {
				return nil, ErrBroken.Wrap(err)
			}
		}
		seal, err := d.keys.Vouch(ctx, useSignature, s.bytes(c))
		if err != nil {
			return nil, err
		}
		if !hmac.Equal([]byte(hex.EncodeToString(seal)), []byte(s.Seal)) {
			return nil, ErrBroken.With("the signature of the %s is not as it was given", s.Party)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	signed := c.State != Offered && c.State != Withdrawn
	if signed != (len(list) == 2) {
		return nil, ErrBroken.With("contract %d is %s and has %d signatures", c.ID, c.State, len(list))
	}
	return list, nil
}

// Bounds of a drawing.
const (
	maxDrawing = 400 << 10 // bytes
	maxSide    = 2400      // pixels
	minInk     = 60        // dark pixels, fewer are no signature
)

// redraw reads a drawing and writes it anew in black on white: nothing else of what was sent is kept.
func redraw(b []byte) ([]byte, error) {
	if len(b) == 0 || len(b) > maxDrawing {
		return nil, ErrDrawing.With("%d bytes", len(b))
	}
	config, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil || config.Width > maxSide || config.Height > maxSide || config.Width < 40 || config.Height < 20 {
		return nil, ErrDrawing.With("%d × %d: %v", config.Width, config.Height, err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, ErrDrawing.Wrap(err)
	}
	r := img.Bounds()
	out := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
	dark := 0
	for y := range r.Dy() {
		for x := range r.Dx() {
			cr, cg, cb, ca := img.At(r.Min.X+x, r.Min.Y+y).RGBA() // premultiplied
			light := 0xFFFF - ca + (299*cr+587*cg+114*cb)/1000
			out.SetGray(x, y, color.Gray{uint8(min(light, 0xFFFF) >> 8)}) //nolint:gosec // a byte
			if light < 0x8000 {
				dark++
			}
		}
	}
	if dark < minInk || dark > r.Dx()*r.Dy()/3 {
		return nil, ErrDrawing.With("%d dark pixels", dark)
	}
	var w bytes.Buffer
	err = png.Encode(&w, out)
	return w.Bytes(), err
}

// PurgeSignatures destroys the names and addresses of those who signed, of a subject whose key is shredded: the
// drawing cannot be opened any more, and the signature not be verified.
func PurgeSignatures(ctx context.Context, tx *store.Tx, id subject.ID) (int64, error) {
	text, ok := strings.CutPrefix(string(id), "merchant/")
	m, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return 0, nil //nolint:nilerr // a subject of another kind has signed nothing
	}
	return tx.Exec(ctx, `UPDATE contract_signatures SET name = '', address = '' WHERE merchant_id = $1 AND (name <> '' OR address <> '')`, m)
}
