package wallet

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

type behaviourKey struct{}

func withBehaviour(ctx context.Context, b Behaviour) context.Context {
	return context.WithValue(ctx, behaviourKey{}, b)
}

func behaviourOf(ctx context.Context) Behaviour {
	b, _ := ctx.Value(behaviourKey{}).(Behaviour)
	return b
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

const weChatScheme = "WECHATPAY2-SHA256-RSA2048"

var authField = regexp.MustCompile(`(\w+)="([^"]*)"`)

// authorization reads the fields of the Authorization header; nil when it is of another scheme.
func authorization(header string) map[string]string {
	if len(header) <= len(weChatScheme) || header[:len(weChatScheme)] != weChatScheme {
		return nil
	}
	fields := map[string]string{}
	for _, m := range authField.FindAllStringSubmatch(header, -1) {
		fields[m[1]] = m[2]
	}
	return fields
}

// weChatSigned verifies a merchant's request: METHOD, path with query, time, nonce, body.
func (s *Simulator) weChatSigned(r *http.Request, body []byte) bool {
	f, a := authorization(r.Header.Get("Authorization")), &s.cfg.Accounts.WeChat
	at, err := strconv.ParseInt(f["timestamp"], 10, 64)
	if err != nil || s.cfg.Clock().Sub(time.Unix(at, 0)).Abs() > fresh || f["mchid"] != a.MchID || f["serial_no"] != a.Serial {
		return false
	}
	return verified(s.keys.weChatMerchant, lines(r.Method, r.URL.RequestURI(), f["timestamp"], f["nonce_str"], string(body)), f["signature"])
}

// lines ends every part with a line feed, as the scheme signs them.
func lines(parts ...string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString(p)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func verified(key *rsa.PublicKey, message []byte, signature string) bool {
	sig, err := base64.StdEncoding.DecodeString(signature)
	hash := sha256.Sum256(message)
	return err == nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], sig) == nil
}

func sign(key *rsa.PrivateKey, message []byte) (string, error) {
	hash := sha256.Sum256(message)
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash[:])
	return base64.StdEncoding.EncodeToString(sig), err
}

// weChatHeader signs a body that WeChat sends.
func (s *Simulator) weChatHeader(serial string, at time.Time, body []byte, forged bool) http.Header {
	stamp, nonce := strconv.FormatInt(at.Unix(), 10), rand.Text()
	message := lines(stamp, nonce, string(body))
	if forged {
		message = append(message, '\n')
	}
	sig, err := sign(s.keys.weChat, message)
	if err != nil {
		s.cfg.Log.Error("signature", "err", err)
	}
	return http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Request-Id": {rand.Text()},
		"Wechatpay-Timestamp": {stamp}, "Wechatpay-Nonce": {nonce}, "Wechatpay-Serial": {serial}, "Wechatpay-Signature": {sig},
	}
}

// weChatErrors are WeChat's words for the refusals.
var weChatErrors = map[refusal]struct {
	status int
	code   string
}{
	badRequest: {400, "PARAM_ERROR"}, badSignature: {401, "SIGN_ERROR"}, notYours: {403, "NO_AUTH"}, noBill: {400, "NO_STATEMENT_EXIST"},
	noOrder: {404, "ORDER_NOT_EXIST"}, noRefund: {404, "RESOURCE_NOT_EXISTS"}, used: {403, "OUT_TRADE_NO_USED"},
	badCode: {400, "AUTH_CODE_INVALID"}, oldCode: {400, "AUTH_CODE_EXPIRED"}, noFunds: {403, "NOT_ENOUGH"}, overLimit: {403, "RULE_LIMIT"},
	paid: {400, "ORDER_PAID"}, notPaid: {400, "INVALID_REQUEST"}, closed: {400, "ORDER_CLOSED"}, paying: {400, "USERPAYING"},
	cancelled: {400, "TRADE_ERROR"}, tooMuch: {400, "INVALID_REQUEST"}, differs: {400, "PARAM_ERROR"}, tooSoon: {429, "FREQUENCY_LIMITED"},
	tooMany: {400, "INVALID_REQUEST"}, tooOld: {400, "INVALID_REQUEST"}, badAmount: {400, "PARAM_ERROR"}, broken: {500, "SYSTEM_ERROR"},
}

// weChatAnswer signs what is answered: a value, nothing (204), or a refusal. A
// merchant who names the public key's id is answered under it, others under the certificate.
func (s *Simulator) weChatAnswer(r *http.Request, d Delivery, value any, no refusal) answer {
	status, body := http.StatusNoContent, []byte(nil)
	if raw, ok := value.(rawBody); ok && no == "" {
		return answer{http.StatusOK, raw, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}}
	}
	if no != "" {
		e, ok := weChatErrors[no]
		if !ok {
			e = weChatErrors[broken]
		}
		status = e.status
		value = map[string]string{"code": e.code, "message": string(no)}
	} else if value != nil {
		status = http.StatusOK
	}
	if value != nil {
		var err error
		if body, err = json.Marshal(value); err != nil {
			s.cfg.Log.Error("answer", "err", err)
		}
	}
	serial := s.keys.serial
	if id := s.cfg.Accounts.WeChat.PublicKeyID; r.Header.Get("Wechatpay-Serial") == id {
		serial = id
	}
	return answer{status, body, s.weChatHeader(serial, s.cfg.Clock(), body, d == Forged)}
}

// rawBody is answered as it is, without a signature: a bill.
type rawBody []byte

// encipher makes the resource of a notice or certificate: AES-256-GCM under the API v3 key.
func (s *Simulator) encipher(plain []byte, about string) (map[string]string, error) {
	block, err := aes.NewCipher(s.cfg.Accounts.WeChat.APIv3Key.Reveal())
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonce := rand.Text()[:aead.NonceSize()]
	return map[string]string{
		"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": about,
		"ciphertext": base64.StdEncoding.EncodeToString(aead.Seal(nil, []byte(nonce), plain, []byte(about))),
	}, nil
}

// weChatNotice tells of a payment.
func (s *Simulator) weChatNotice(o Order) (*http.Request, error) {
	o, at := s.falsified(o)
	plain, err := json.Marshal(s.weChatOrder(o))
	if err != nil {
		return nil, err
	}
	resource, err := s.encipher(plain, "transaction")
	if err != nil {
		return nil, err
	}
	resource["original_type"] = "transaction"
	body, err := json.Marshal(map[string]any{
		"id": "EV-" + hashOf(o.key()), "create_time": chinese(at), "event_type": "TRANSACTION.SUCCESS",
		"resource_type": "encrypt-resource", "summary": "支付成功", "resource": resource,
	})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, o.Notify, bytes.NewReader(body)) //nolint:noctx // deliver gives it one
	if err != nil {
		return nil, err
	}
	r.Header = s.weChatHeader(s.cfg.Accounts.WeChat.PublicKeyID, at, body, o.Behaves == NoticeForged)
	return r, nil
}
