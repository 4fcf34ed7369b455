package pos

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
)

// state is all that a terminal remembers. A field may hold keys, never a PAN,
// track or PIN in the clear: the one place that needs card data seals it (memory.go).
type state struct {
	Version int `json:"version"`
	Device  `json:"device"`
	Secure  secure `json:"secure_memory"`

	Tampered bool          `json:"tampered,omitempty"` // its keys are erased
	SignedOn bool          `json:"signed_on"`
	Batch    int           `json:"batch"` // current, 1 to 999999
	Trace    int           `json:"trace"` // of the next message, 1 to 999999
	Rows     []Transaction `json:"transactions,omitempty"`

	Chips    map[string]cards.Memory `json:"chips,omitempty"` // what the test cards' chips remember, by card
	Mute     *mute                   `json:"mute,omitempty"`
	Notices  []notice                `json:"notices,omitempty"`
	Reversal *reversal               `json:"reversal,omitempty"`
	Refunds  []openRefund            `json:"refunds,omitempty"`
	Settling *settling               `json:"settling,omitempty"`
	Closed   []closedBatch           `json:"closed,omitempty"` // the last of them, oldest first
	Loads    loads                   `json:"downloads,omitzero"`
	Drawings []drawn                 `json:"signatures,omitempty"` // oldest first
}

// secure imitates the tamper-responding memory of a device: in a real one none
// of it can be read out, here it is a part of a file that only its owner may read.
type secure struct {
	TMK    hexBytes `json:"tmk"`           // master key, 16 bytes
	TPK    hexBytes `json:"tpk,omitempty"` // working keys, enciphered under the TMK as the host sent them
	TAK    hexBytes `json:"tak,omitempty"`
	TDK    hexBytes `json:"tdk,omitempty"`
	Memory hexBytes `json:"memory"` // seals the card data of an unanswered refund, 32 bytes

	// Of a terminal whose reader derives its keys, in the place of the others. A real
	// reader forgets the initial key and keeps what it derived of it.
	Initial hexBytes `json:"initial,omitempty"` // initial key, 16 bytes
	Reader  hexBytes `json:"reader,omitempty"`  // key serial number with a counter of zero
	Counter uint32   `json:"counter,omitempty"` // of the last message
}

// closedBatch is kept for refunds by trace and for reprints.
type closedBatch struct {
	Batch int           `json:"batch"`
	Rows  []Transaction `json:"transactions"`
	Lost  bool          `json:"lost,omitempty"` // the host opened another batch before this one was settled
}

const (
	stateVersion = 1
	maxNumber    = 999999 // of batches and traces
	maxRows      = 2000   // a batch is full then; approved ones are bounded by F48 before that
	maxState     = 16 << 20
	keptBatches  = 10
)

func parseState(b []byte) (*state, error) {
	if len(b) > maxState {
		return nil, errors.New("the state is too long")
	}
	s := &state{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, errors.New("the state is not what this program writes") // the decoder's words may quote a key
	}
	return s, s.validate()
}

// validate refuses what later code relies upon.
func (s *state) validate() error {
	if s.Version != stateVersion {
		return fmt.Errorf("version %d, want %d", s.Version, stateVersion)
	}
	if err := s.Device.validate(); err != nil {
		return err
	}
	if !number(s.Batch) || !number(s.Trace) || len(s.Rows) > maxRows {
		return errors.New("batch, trace or the number of transactions is out of range")
	}
	if err := s.Secure.validate(s.Device, s.SignedOn); err != nil {
		return err
	}
	for _, rows := range append(s.batches(), s.settlingRows()) {
		for _, tx := range rows {
			if !validRow(tx) {
				return errors.New("a transaction is out of range")
			}
		}
	}
	if !validDrawings(s.Drawings) {
		return errors.New("a signature is out of order")
	}
	if !s.Loads.valid() {
		return errors.New("a download is out of order")
	}
	if s.Settling != nil && !s.Settling.valid() {
		return errors.New("the settlement is out of range")
	}
	if len(s.Notices) > maxNotices || slices.ContainsFunc(s.Notices, func(n notice) bool { return !n.valid() }) {
		return errors.New("a script notice is out of range")
	}
	if s.Reversal != nil && !s.Reversal.valid() {
		return errors.New("the reversal is incomplete")
	}
	return nil
}

func (k secure) validate(d Device, signedOn bool) error {
	p, _ := iso8583.ByName(d.Profile) // validated
	if p.Protection.Derived() {
		if len(k.Initial) != 16 || len(k.Reader) != p.Fields[iso8583.SerialNumber].Length || len(k.Memory) != 32 {
			return errors.New("keys are missing")
		}
		return nil
	}
	if len(k.TMK) != 16 || len(k.Memory) != 32 {
		return errors.New("keys are missing")
	}
	tak, _ := p.KeyBlock.KeySizes()
	if signedOn && (len(k.TPK) != 16 || len(k.TAK) != tak || d.Layout == iso8583.LayoutTrack && len(k.TDK) != 16) {
		return errors.New("working keys are missing")
	}
	return nil
}

func validRow(tx Transaction) bool {
	return titles[tx.Kind][tx.State] != (Words{}) && number(tx.Batch) && number(tx.Trace) &&
		tx.Amount.Currency() == currency && tx.Amount.Sign() > 0 && tx.Amount.Minor() <= maxAmount
}

func number(n int) bool { return n >= 1 && n <= maxNumber }

// after is the next batch or trace: 999999 is followed by 1.
func after(n int) int { return n%maxNumber + 1 }

// clone shares nothing that a change could reach.
func (s *state) clone() *state {
	c := *s
	c.Chips, c.Notices = maps.Clone(s.Chips), slices.Clone(s.Notices)
	c.Loads, c.Drawings = s.Loads.clone(), slices.Clone(s.Drawings)
	c.Rows, c.Refunds, c.Closed = slices.Clone(s.Rows), slices.Clone(s.Refunds), slices.Clone(s.Closed)
	for i := range c.Closed {
		c.Closed[i].Rows = slices.Clone(c.Closed[i].Rows)
	}
	if s.Reversal != nil {
		r := *s.Reversal
		c.Reversal = &r
	}
	if s.Settling != nil {
		p := *s.Settling
		c.Settling = &p
	}
	return &c
}
