package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sign writes the three headers of Standard Webhooks: who, when, and a signature by each secret that holds.
func sign(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) {
	when := strconv.FormatInt(at.Unix(), 10)
	list := make([]string, 0, len(secrets))
	for _, s := range secrets {
		m := hmac.New(sha256.New, s.raw)
		_, _ = m.Write([]byte(id + "." + when + "."))
		_, _ = m.Write(body)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", when)
	h.Set("Webhook-Signature", strings.Join(list, " "))
}
