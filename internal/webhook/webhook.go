// Package webhook tells merchants' programs what became true: each event of the outbox is
// sent to the addresses that want it, signed the Standard Webhooks way, again and again for
// three days, and written down. It never calls an address within our own networks, and it
// knows no kind of event.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrURL     = fault.New(fault.Invalid, "webhook_url", "地址必须是 https，且不能指向内部网络。", "The address must be https, and not within a private network.")
	ErrTypes   = fault.New(fault.Invalid, "webhook_types", "事件类型写法不对，例：payment.approved 或 payment.*。", "Event types are written like payment.approved or payment.*.")
	ErrUnknown = fault.New(fault.NotFound, "webhook_unknown", "没有这个通知地址或通知记录。", "There is no such endpoint or delivery.")
	ErrMany    = fault.New(fault.Conflict, "webhooks_too_many", "通知地址太多，请先删除不用的。", "There are too many endpoints. Remove those that are not used.")
	ErrState   = fault.New(fault.Conflict, "webhook_state", "这个通知地址已停用或已删除，不能重发。", "This endpoint is disabled or removed. Nothing can be sent to it.")
	ErrCursor  = fault.New(fault.Invalid, "webhook_cursor", "翻页标记无效，请从第一页重新开始。", "This cursor does not belong to this list. Start again from the first page.")
)

// State is whether an endpoint is told anything.
type State string

// The states of endpoints.
const (
	Enabled  State = "enabled"
	Disabled State = "disabled"
	removed  State = "removed"
)

// Endpoint is an address that wants events.
type Endpoint struct {
	Merchant merchant.ID
	ID       int64
	URL      string
	Types    []string // "payment.approved", "payment.*"; empty for all
	State    State
	Reason   string    // why it is disabled
	Failing  time.Time // since when nothing was taken; zero: it works
	Created  time.Time

	heard  int64
	secret []byte // sealed
	former []byte // sealed
	until  time.Time
}

// wants reports whether an endpoint is told events of a kind.
func (e Endpoint) wants(kind string) bool {
	for _, t := range e.Types {
		if t == kind || strings.HasSuffix(t, ".*") && strings.HasPrefix(kind, strings.TrimSuffix(t, "*")) {
			return true
		}
	}
	return len(e.Types) == 0
}

// Ref is how programs name an endpoint or a delivery.
func Ref(prefix string, id int64) string { return prefix + "_" + strconv.FormatInt(id, 36) }

// ParseRef reads what Ref wrote; ErrUnknown for anything else.
func ParseRef(prefix, s string) (int64, error) {
	text, ok := strings.CutPrefix(s, prefix+"_")
	id, err := strconv.ParseInt(text, 36, 64)
	if !ok || err != nil || id <= 0 {
		return 0, ErrUnknown
	}
	return id, nil
}

// Sealer keeps secrets, as the keystore does.
type Sealer interface {
	Seal(ctx context.Context, plain, bound []byte) ([]byte, error)
	OpenSealed(ctx context.Context, sealed, bound []byte) ([]byte, error)
}

// Config is what a Desk needs.
type Config struct {
	DB       *store.DB
	Jobs     *jobs.Runner
	Seal     Sealer
	Clock    clock.Clock
	Log      *slog.Logger
	Loopback bool          // http addresses of this machine may be told: for the sandbox
	Timeout  time.Duration // of one try; 15 s when 0
	Poll     time.Duration // how often to look for events of other processes; 2 s when 0
}

// kind is the kind of our jobs.
const kind = "webhook"

// Desk keeps endpoints and sends deliveries. Run must be running.
type Desk struct {
	db       *store.DB
	seal     Sealer
	now      clock.Clock
	log      *slog.Logger
	loopback bool
	poll     time.Duration
	client   *http.Client
	runner   *jobs.Runner

	mu    sync.Mutex
	dirty map[int64]bool // merchants with new events
	bell  chan struct{}
	deaf  func()
}

// secretSize is how many random bytes sign; the standard allows 24 to 64.
const secretSize = 32

// secretPrefix begins a secret as its program gets it.
const secretPrefix = "whsec_"

// Secret is what signs an endpoint's deliveries. It prints as nothing of it.
type Secret struct{ raw []byte }

func newSecret() Secret {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return Secret{b}
}

// Reveal writes the secret as receivers' libraries read it; it is shown once.
func (s Secret) Reveal() string { return secretPrefix + base64.StdEncoding.EncodeToString(s.raw) }

// String hides it.
func (Secret) String() string { return secretPrefix + "…" }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
