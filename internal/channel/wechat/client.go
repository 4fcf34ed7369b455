package wechat

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"hawker/internal/clock"
)

// longest is how many bytes of an answer are read; longestBill, of a bill.
const (
	longest     = 1 << 20
	longestBill = 64 << 20
)

// newClient makes the SDK's client, which signs requests and has trust judge the answers.
func newClient(c Config, trust verifier) (*core.Client, error) {
	key, err := utils.LoadPrivateKey(string(c.PrivateKey.Reveal()))
	if err != nil {
		return nil, errors.New("the private key cannot be read") // the cause might repeat it
	}
	return core.NewClient(context.Background(),
		option.WithMerchantCredential(c.MchID, c.Serial, key), trusted{trust},
		option.WithHTTPClient(&http.Client{
			Transport:     bounded{c.Transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}))
}

// bounded ends an answer that is too long with an error, before it fills the memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		limit := int64(longest)
		if r.URL.Path == billPath {
			limit = longestBill
		}
		res.Body = http.MaxBytesReader(nil, res.Body, limit)
	}
	return res, err
}

// trusted sets who validates answers.
type trusted struct{ verifier }

func (t trusted) Apply(s *core.DialSettings) error {
	s.Validator = t.verifier
	return nil
}

// verifier judges signatures under WeChat's public keys, at a clock handed in.
type verifier struct {
	keys   map[string]*verifiers.SHA256WithRSAPubkeyVerifier
	asked  string
	clock  clock.Clock
	within time.Duration
}

func newVerifier(c Config) (verifier, error) {
	v := verifier{map[string]*verifiers.SHA256WithRSAPubkeyVerifier{}, c.PublicKeyID, c.Clock, 5 * time.Minute}
	for id, text := range c.PublicKeys {
		key, err := utils.LoadPublicKey(text)
		if err != nil {
			return v, fmt.Errorf("public key %s cannot be read", id)
		}
		v.keys[id] = verifiers.NewSHA256WithRSAPubkeyVerifier(id, rsa.PublicKey{N: key.N, E: key.E})
	}
	if v.keys[v.asked] == nil {
		return v, fmt.Errorf("there is no public key %q", v.asked)
	}
	return v, nil
}

// GetAcceptSerial names the key that answers are to be signed under.
func (v verifier) GetAcceptSerial(context.Context) (string, error) { return v.asked, nil }

// Validate judges an answer and leaves its body to be read again.
func (v verifier) Validate(ctx context.Context, res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return err
	}
	res.Body = reread(body)
	return v.verify(ctx, res.Header, body)
}

// verify judges what WeChat sent: known key, at most five minutes old or ahead, right signature.
func (v verifier) verify(ctx context.Context, h http.Header, body []byte) error {
	stamp, serial := h.Get(consts.WechatPayTimestamp), h.Get(consts.WechatPaySerial)
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("it has no time")
	}
	if off := v.clock().Sub(time.Unix(at, 0)).Abs(); off >= v.within {
		return fmt.Errorf("its time is %s away", off.Round(time.Second))
	}
	key := v.keys[serial]
	if key == nil {
		return fmt.Errorf("it is signed under the unknown key %.40q", serial)
	}
	if key.Verify(ctx, serial, stamp+"\n"+h.Get(consts.WechatPayNonce)+"\n"+string(body)+"\n", h.Get(consts.WechatPaySignature)) != nil {
		return errors.New("its signature is wrong")
	}
	return nil
}

// refused is an authentic refusal of WeChat's.
type refused struct {
	status        int
	code, message string
}

func (e refused) Error() string { return e.code + ": " + e.message }

// errUnsent says that nothing has left.
var errUnsent = errors.New("not connected")

// call asks once: out is filled, or the error is refused, errUnsent, or says why nothing is known.
func (w *Channel) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, w.Pace.Call)
	defer cancel()
	var res *core.APIResult
	var err error
	if method == http.MethodGet {
		res, err = w.client.Get(ctx, w.BaseURL+path)
	} else {
		res, err = w.client.Post(ctx, w.BaseURL+path, in)
	}
	if err != nil {
		return w.judge(ctx, res, err)
	}
	if out == nil || res.Response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := core.UnMarshalResponse(res.Response, out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// judge tells a refusal, once its signature is right, from what says nothing.
func (w *Channel) judge(ctx context.Context, res *core.APIResult, err error) error {
	var api *core.APIError
	if errors.As(err, &api) {
		if err := w.trust.Validate(ctx, res.Response); err != nil {
			return fmt.Errorf("status %d, and %w", api.StatusCode, err)
		}
		return refused{api.StatusCode, api.Code, api.Message}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w: %w", errUnsent, err)
	}
	return err
}
