package pos

import (
	"strconv"
	"time"

	"hawker/internal/money"
)

// Kind is what an operation wants.
type Kind string

// The operations. Reversal, ScriptNotice and the uploads happen inside others.
const (
	SignOn  Kind = "sign-on"
	SignOff Kind = "sign-off"
	Echo    Kind = "echo"
	Balance Kind = "balance"
	Sale    Kind = "sale"
	Void    Kind = "void"
	Refund  Kind = "refund"

	Preauth          Kind = "pre-authorization"
	PreauthVoid      Kind = "pre-authorization-void"
	Completion       Kind = "completion"
	CompletionNotice Kind = "completion-notice" // of what the terminal has concluded: repeated, never reversed
	CompletionVoid   Kind = "completion-void"

	// Of what the terminal has concluded: repeated, never reversed.
	OfflineSale Kind = "offline-sale"
	CashSale    Kind = "electronic-cash-sale"
	CashRefund  Kind = "electronic-cash-refund"
	Tip         Kind = "tip"
	Adjustment  Kind = "adjustment"

	// By a wallet's code that the terminal shows.
	CodeShown Kind = "code"
	CodeVoid  Kind = "code-void" // of a code, or of a payment by the customer's code: repeated, never reversed
	CodeQuery Kind = "code-query"

	Reversal     Kind = "reversal"
	Settlement   Kind = "settlement"
	ScriptNotice Kind = "script-notice"
	Upload       Kind = "upload"
	UploadEnd    Kind = "upload-end"

	UploadChip    Kind = "upload-chip"
	UploadRefusal Kind = "upload-refusal" // what the host approved and the chip did not
	UploadNotice  Kind = "upload-notice"

	Purse   Kind = "purse" // what the chip's purse holds
	Resolve Kind = "resolve"

	Tamper Kind = "tamper"

	Fetch        Kind = "fetch"
	Sign         Kind = "sign"
	StatusReport Kind = "status"
)

// State is how an operation ended.
type State string

// The states. Unknown is not Declined: the money may have moved.
const (
	Approved State = "approved"
	Accepted State = "accepted" // management: no money moved
	Declined State = "declined"
	Unknown  State = "unknown"
	Reversed State = "reversed" // unknown once, taken back since
	Waiting  State = "waiting"  // a code is shown, and nobody has paid it yet
)

// Transaction is one row of a batch, as a slip shows it. It never holds card
// data beyond the masked number.
type Transaction struct {
	Kind        Kind         `json:"kind"`
	State       State        `json:"state"`
	Batch       int          `json:"batch"`
	Trace       int          `json:"trace"`
	Amount      money.Amount `json:"amount,omitzero"`
	Code        string       `json:"code,omitempty"` // F39; "" when no answer came
	RRN         string       `json:"rrn,omitempty"`
	AuthCode    string       `json:"auth_code,omitempty"`
	MaskedPAN   string       `json:"masked_pan,omitempty"`
	Entry       Entry        `json:"entry,omitempty"`
	PINEntered  bool         `json:"pin_entered,omitempty"`
	CardKind    CardKind     `json:"card_kind,omitempty"`      // as the BIN table tells
	NoProof     bool         `json:"no_proof,omitempty"`       // neither PIN nor signature is asked for
	Original    int          `json:"original_trace,omitempty"` // of a void, refund or completion: the trace of what it is about
	OriginalRRN string       `json:"original_rrn,omitempty"`
	Issuer      string       `json:"issuer,omitempty"`       // F44
	HostText    string       `json:"host_text,omitempty"`    // the host's sentence in F63
	Undone      string       `json:"undone,omitempty"`       // F39 of the answer that ended its reversal
	Chip        ChipFacts    `json:"chip,omitzero"`          // of a chip or contactless payment
	ICC         string       `json:"icc,omitempty"`          // its last cryptogram and what that covers, BER-TLV in hexadecimal, for the batch upload
	Refused     bool         `json:"card_refused,omitempty"` // the host approved and the card's chip did not
	Wallet      Wallet       `json:"wallet,omitempty"`       // whose code is shown
	Link        string       `json:"link,omitempty"`         // what the symbol of the code shows
	Voucher     string       `json:"voucher,omitempty"`      // the wallet's own number of what was paid, or given back, by code
	Left        money.Amount `json:"purse_left,omitzero"`    // in the chip's purse, after a sale out of it
	Time        time.Time    `json:"time"`                   // the host's where it answered, Beijing time
}

// Result is what the terminal shows and prints after an operation.
type Result struct {
	Transaction
	Title  Words   `json:"title"`
	Text   Words   `json:"text,omitzero"`   // the reason
	Action Words   `json:"action,omitzero"` // what to do now
	Notes  []Words `json:"notes,omitempty"` // what else the terminal did: signed on again, took a payment back

	Shop       Shop              `json:"shop"`
	Available  money.Amount      `json:"available,omitzero"`   // of a balance inquiry, or in a chip's purse
	Settlement *SettlementReport `json:"settlement,omitempty"` // of a settlement
	Items      []Result          `json:"items,omitempty"`      // of Resolve: each transaction it asked about
	Reprint    bool              `json:"reprint,omitempty"`
	Foot       []string          `json:"foot,omitempty"`      // the lines under every slip
	Signature  Picture           `json:"signature,omitempty"` // what the cardholder drew
	ToSign     bool              `json:"to_sign,omitempty"`   // the cardholder is to sign on the screen
}

// Shop is what stands at the head of every slip.
type Shop struct {
	Name       Words  `json:"name"`
	MerchantID string `json:"merchant"` // F42
	TerminalID string `json:"terminal"` // F41
	Operator   string `json:"operator"` // three digits of F63
}

// SettlementReport compares the terminal's totals with the host's.
type SettlementReport struct {
	Own      Totals `json:"own"`
	Host     Totals `json:"host"`
	Balanced bool   `json:"balanced"`
	Uploaded int    `json:"uploaded"` // details sent because the totals differed
}

// report is a transaction with its words.
func (s *state) report(tx Transaction) Result {
	r := Result{Transaction: tx, Title: titles[tx.Kind][tx.State], Shop: s.shop(), Foot: s.Loads.receipt()}
	if d := s.drawing(tx.Batch, tx.Trace); d != nil && signable(tx) {
		r.Signature = d.Picture
	}
	r.ToSign = s.wantsSignature(tx) && r.Signature == nil
	switch {
	case tx.Refused:
		r.Text, r.Action = Words{"卡片没有认可银行的应答", "The card did not accept the bank's answer"}, actCard
	case tx.State == Unknown:
		w := warnings[tx.Kind]
		r.Text, r.Action = w.text, w.action
	case tx.State == Approved && tx.Kind == Preauth:
		r.Text = Words{"银行已为您保留这笔额度，还没有扣款", "The bank keeps the amount ready; nothing is charged yet"}
	case tx.State == Waiting:
		r.Text = Words{"请客人用" + walletNames[tx.Wallet].ZH + "扫码，付完再查一次", "Have the customer scan it with " + walletNames[tx.Wallet].EN + ", then ask"}
	case tx.State == Approved && tx.Kind == CodeVoid && tx.Voucher == "":
		r.Text = Words{"没有人付过款，收款码已作废", "Nobody had paid: the code is void, and nothing was given back"}
	case tx.State == Declined && tx.Kind == CodeShown && codeEnds[tx.Code] != (Words{}):
		r.Text = codeEnds[tx.Code]
	case tx.State == Declined && tx.Kind == CashSale: // the purse has paid
		r.Text, r.Action = meaningOf(tx.Code).text, actAcquire
	case tx.State == Approved && tx.Kind.refunds():
		r.Text = Words{"原路退回 1–3 个工作日", "Back to the card in 1–3 working days"}
	case tx.State == Approved || tx.State == Declined:
		meaning := meaningOf(tx.Code)
		r.Text, r.Action = meaning.text, meaning.action
	}
	return r
}

// manage is the result of an operation that moves no money.
func (s *state) manage(k Kind, a *answer, now time.Time) Result {
	tx := Transaction{Kind: k, State: Declined, Batch: s.Batch, Code: a.code(), HostText: a.sentence(), Time: a.time(now)}
	tx.Trace, _ = strconv.Atoi(a.Text(11)) // ours, echoed
	if a.code() == approvedCode {
		tx.State = Accepted
	}
	return s.report(tx)
}
