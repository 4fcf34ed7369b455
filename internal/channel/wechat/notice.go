package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"hawker/internal/channel"
	"hawker/internal/fault"
)

// envelope is a notice before it is deciphered.
type envelope struct {
	ID        string `json:"id"`
	EventType string `json:"event_type"`
	Resource  struct {
		Algorithm      string `json:"algorithm"`
		Ciphertext     string `json:"ciphertext"`
		Nonce          string `json:"nonce"`
		AssociatedData string `json:"associated_data"`
		OriginalType   string `json:"original_type"`
	} `json:"resource"`
}

// Notices answers WeChat's notices: 204 once b has been told, else a refusal, after
// which WeChat sends the notice again on its schedule.
func (w *Channel) Notices(b channel.Book) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, 64<<10))
		if err == nil {
			err = w.hear(r.Context(), r.Header, body, b)
		}
		if err == nil {
			out.WriteHeader(http.StatusNoContent)
			return
		}
		w.Log.Warn("notice refused", "channel", w.Config.Name, "why", err)
		status := http.StatusInternalServerError
		if fault.Of(err).Kind == fault.Invalid {
			status = http.StatusBadRequest
		}
		out.Header().Set("Content-Type", "application/json; charset=utf-8")
		out.WriteHeader(status)
		_, _ = io.WriteString(out, `{"code":"FAIL","message":"refused"}`)
	})
}

// hear verifies a notice in this order: signature and time, cipher, then order, merchant and amount.
func (w *Channel) hear(ctx context.Context, h http.Header, body []byte, b channel.Book) error {
	if kind := h.Get("Wechatpay-Signature-Type"); kind != "" && kind != "WECHATPAY2-SHA256-RSA2048" {
		return channel.ErrNotice.With("signature type %.40q", kind)
	}
	if err := w.trust.verify(ctx, h, body); err != nil {
		return channel.ErrNotice.Wrap(err)
	}
	e, plain, err := w.open(body)
	if err != nil {
		return channel.ErrNotice.Wrap(err)
	}
	switch {
	case strings.HasPrefix(e.EventType, "TRANSACTION."):
		return w.heardPayment(ctx, plain, b)
	case strings.HasPrefix(e.EventType, "REFUND."):
		return w.heardRefund(ctx, plain, b)
	}
	return channel.ErrNotice.With("event type %.40q", e.EventType)
}

// open deciphers a notice's resource.
func (w *Channel) open(body []byte) (e envelope, plain []byte, err error) {
	if err := json.Unmarshal(body, &e); err != nil {
		return e, nil, err
	}
	r := e.Resource
	if r.Algorithm != "AEAD_AES_256_GCM" || len(r.Nonce) != 12 { // another length would be a panic in crypto/cipher
		return e, nil, fmt.Errorf("algorithm %.40q with a nonce of %d bytes", r.Algorithm, len(r.Nonce))
	}
	text, err := utils.DecryptAES256GCM(string(w.APIv3Key.Reveal()), r.AssociatedData, r.Nonce, r.Ciphertext)
	return e, []byte(text), err
}

func (w *Channel) heardPayment(ctx context.Context, plain []byte, b channel.Book) error {
	var t transaction
	if err := json.Unmarshal(plain, &t); err != nil {
		return channel.ErrNotice.Wrap(err)
	}
	r, err := w.find(ctx, b, t.OutTradeNo)
	if err != nil {
		return err
	}
	if err := w.about(t, t.OutTradeNo, r); err != nil {
		return errors.Join(channel.ErrNotice.Wrap(err), b.Doubt(ctx, r, err.Error()))
	}
	o := w.judged(t, t.OutTradeNo, r)
	if o.Result == channel.Silent {
		return channel.ErrNotice.With("%s", o.Detail)
	}
	return b.Tell(ctx, r, o)
}

func (w *Channel) heardRefund(ctx context.Context, plain []byte, b channel.Book) error {
	var t struct {
		returned
		party
	}
	if err := json.Unmarshal(plain, &t); err != nil {
		return channel.ErrNotice.Wrap(err)
	}
	r, err := w.find(ctx, b, t.OutRefundNo)
	if err != nil {
		return err
	}
	sale, no := original(r)
	want, err := w.partyOf(r)
	if sale == "" || err != nil || t.MchID != want.MchID || t.SpMchID != want.SpMchID || t.SubMchID != want.SubMchID {
		return channel.ErrNotice.With("it is about another merchant %s", no.Detail)
	}
	o := t.judged(sale, t.OutRefundNo, r)
	if o.Result == channel.Silent && o.Code == "" {
		return channel.ErrNotice.With("%s", o.Detail)
	}
	return b.Tell(ctx, r, o)
}

// find looks an order up, by a number that is one of ours.
func (w *Channel) find(ctx context.Context, b channel.Book, number string) (channel.Request, error) {
	if _, _, err := channel.ParseNumber(number); err != nil {
		return channel.Request{}, channel.ErrNotice.Wrap(err)
	}
	r, err := b.Order(ctx, number)
	if err != nil && fault.Of(err).Kind == fault.NotFound {
		return r, channel.ErrNotice.Wrap(err)
	} else if err != nil {
		return r, err
	}
	if r, err = w.named(ctx, r); errors.Is(err, errNoNumber) {
		return r, channel.ErrNotice.Wrap(err)
	}
	return r, err
}
